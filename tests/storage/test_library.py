from pathlib import Path

import msgspec
import pytest

from s2s_gui import paths
from s2s_gui.cards import write_card
from s2s_gui.description import Direction, Language
from s2s_gui.errors import RequestError
from s2s_gui.storage import library
from tests.engine import small


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "shipped"
    monkeypatch.setattr(paths, "shipped", lambda name: place / name)
    return place / "models"


def put(place: Path, name: str) -> Path:
    folder = place / name
    folder.mkdir(parents=True)
    write_card(small.card(300), folder)
    return folder


def test_nothing_installed(shipped: Path) -> None:
    assert library.installed() == []
    with pytest.raises(RequestError, match="no model 'x'"):
        library.find("x")


def test_shipped_then_own_and_faults_by_name(shipped: Path) -> None:
    put(shipped, "b")
    put(shipped, "a")
    put(paths.user_models(), "own")
    broken = put(paths.user_models(), "broken") / "card.json"
    broken.write_text("{}")
    put(shipped, ".hidden")
    (shipped / "no-card").mkdir()
    found = library.installed()
    assert [one.folder.name for one in found] == ["a", "b", "broken", "own"]
    assert [one.card is None for one in found] == [False, False, True, False]
    assert "lacks the field" in found[2].fault


def test_find_by_folder_id_or_path(shipped: Path, tmp_path: Path) -> None:
    folder = put(shipped, "a")
    assert library.find("a") == folder
    assert library.find("small") == folder
    own = put(paths.user_models(), "own")
    assert library.find("small") == own
    other = put(tmp_path, "elsewhere")
    assert library.find(str(other)) == other


def between(place: Path, name: str, source: str, target: str) -> Path:
    folder = place / name
    folder.mkdir(parents=True)
    way = Direction(Language(source), Language(target))
    write_card(msgspec.structs.replace(small.card(300), id=name, name=name, directions=(way,)), folder)
    return folder


def test_chains_by_way_of_english(shipped: Path) -> None:
    first = between(shipped, "zh-en", "zh", "en")
    second = between(shipped, "en-fr", "en", "fr")
    between(shipped, "en-zh", "en", "zh")
    (chain,) = library.chains(library.installed())
    assert str(chain.direction) == "zh > fr"
    assert chain.key.split(library.CHAIN) == [str(first), str(second)]
    between(shipped, "direct", "zh", "fr")
    assert library.chains(library.installed()) == []


def test_unknown_languages_make_no_chain(shipped: Path) -> None:
    between(shipped, "a", "und", "en")
    between(shipped, "b", "en", "und")
    between(shipped, "c", "en", "de")
    assert library.chains(library.installed()) == []


def test_the_systems_folders_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shipped: Path) -> None:
    monkeypatch.setattr(paths, "system_models", lambda: [tmp_path / "usr"])
    put(tmp_path / "usr", "a")
    (one,) = library.installed()
    assert not one.is_own
    with pytest.raises(RequestError, match="cannot be changed"):
        library.own("a")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1", b'{"version": 9}', b"\xff", b"{" * 5_000_000])
def test_a_damaged_note_is_a_fault_of_that_model_alone(shipped: Path, content: bytes) -> None:
    folder = paths.user_models() / "x"
    folder.mkdir(parents=True)
    (folder / "imported.json").write_bytes(content)
    put(paths.user_models(), "y")
    found = {one.folder.name: one for one in library.installed()}
    assert "imported.json" in found["x"].fault
    assert found["y"].fault == ""
