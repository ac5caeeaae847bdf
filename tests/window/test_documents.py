"""Opening and saving text files: characters and line ends are kept, and what is no text is refused plainly."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from pytestqt.qtbot import QtBot

from s2s_gui.window import text_files
from s2s_gui.window.main_window import MainWindow
from tests.window.conftest import is_done
from tests.window.fakes import PATIENCE_MS


@pytest.mark.parametrize(
    ("content", "text", "newline"),
    [
        ("今天\n\n b \n".encode(), "今天\n\n b \n", "\n"),
        (b"a\r\nb\r\n", "a\nb\n", "\r\n"),
        ("\ufeffa".encode(), "a", "\n"),
        ("今天".encode("utf-16"), "今天", "\n"),
        (b"", "", "\n"),
    ],
)
def test_text_is_read(tmp_path: Path, content: bytes, text: str, newline: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert text_files.read(tmp_path / "a.txt") == text_files.TextFile(text, newline)


@pytest.mark.parametrize("content", ["今天".encode("gb18030"), b"\x89PNG\r\n\x1a\n", b"a\0b", b"\xff\xfea"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(text_files.NotText):
        text_files.read(tmp_path / "a.bin")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "LARGEST_BYTES", 3)
    (tmp_path / "a.txt").write_bytes(b"abcd")
    with pytest.raises(text_files.TooLarge):
        text_files.read(tmp_path / "a.txt")


def test_a_dropped_file_is_translated_and_saved_with_its_line_ends(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_bytes(b"one\r\n\r\ntwo")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "in.txt"))])
    window.source.insertFromMimeData(data)
    qtbot.waitUntil(lambda: window.source.source_text() == "one\n\ntwo" and is_done(window), timeout=PATIENCE_MS)
    window.documents.save(str(tmp_path / "out.txt"))
    qtbot.waitUntil((tmp_path / "out.txt").exists, timeout=PATIENCE_MS)
    assert (tmp_path / "out.txt").read_bytes() == b"[zh-Hans] ONE\r\n\r\n[zh-Hans] TWO"


def test_a_refused_file_leaves_the_text_and_is_named(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    window.source.insertPlainText("mine")
    window.documents.open(str(tmp_path / "picture.png"))
    qtbot.waitUntil(lambda: window.strip.message() != "", timeout=PATIENCE_MS)
    assert "picture.png is not a text file" in window.strip.message()
    window.documents.open(str(tmp_path / "missing.txt"))
    qtbot.waitUntil(lambda: "missing.txt could not be read" in window.strip.message(), timeout=PATIENCE_MS)
    assert window.source.source_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.documents.save(str(tmp_path / "no" / "such" / "folder.txt"))
    qtbot.waitUntil(lambda: "folder.txt could not be saved" in window.strip.message(), timeout=PATIENCE_MS)
