"""Settings: typed, whole, and never lost."""

from pathlib import Path

import pytest

from s2s_gui.storage import settings
from s2s_gui.storage.settings import Settings


def test_nothing_kept_gives_the_defaults_and_creates_nothing(home: Path) -> None:
    assert settings.read() == Settings()
    assert not home.exists()


def test_what_is_written_comes_back() -> None:
    kept = Settings(
        theme="dark",
        interface_language="zh_CN",
        text_size=150,
        while_typing=False,
        pace="calm",
        beam_size=4,
        idle_minutes=0,
    )
    settings.write(kept)
    assert settings.read() == kept


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"theme": "pink"}', b'{"text_size": 9000}', b'{"version": 2}'],
)
def test_a_file_that_cannot_be_used_is_set_aside(content: bytes) -> None:
    path = settings.path()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert settings.read() == Settings()
    (kept,) = path.parent.iterdir()
    assert kept.name.startswith("settings.unreadable-")
    assert kept.read_bytes() == content


def test_two_broken_files_in_one_second_are_both_kept() -> None:
    path = settings.path()
    path.parent.mkdir(parents=True)
    for content in (b"one", b"two"):
        path.write_bytes(content)
        settings.read()
    assert sorted(kept.read_bytes() for kept in path.parent.iterdir()) == [b"one", b"two"]


def test_unknown_fields_of_a_newer_program_do_no_harm() -> None:
    path = settings.path()
    path.parent.mkdir(parents=True)
    path.write_text('{"theme": "light", "something_new": 1}')
    assert settings.read() == Settings(theme="light")


def test_a_failed_write_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.write(Settings(theme="dark"))

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        settings.write(Settings(theme="light"))
    assert settings.read() == Settings(theme="dark")
    assert [each.name for each in settings.path().parent.iterdir()] == ["settings.json"]
