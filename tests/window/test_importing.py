"""Models on their way in: dropped, chosen, named at the start; the card; progress, failure and cancel."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from s2s_gui.messages import ImportModel
from s2s_gui.window.importing import is_text
from s2s_gui.window.live import State
from s2s_gui.window.main_window import MainWindow
from s2s_gui.window.model_card import CardDialog
from tests.window.conftest import OpenWindow, is_done
from tests.window.fakes import PATIENCE_MS, FakeFiles, FakeTasks

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def drop(window: MainWindow, *paths: str) -> None:
    """Drag files over the source pane, and drop them where the drop area appears."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    nothing, place = Qt.KeyboardModifier.NoModifier, QPoint(5, 5)
    enter = QDragEnterEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
    QApplication.sendEvent(window.source.viewport(), enter)
    area = window.findChild(QWidget, "dropArea")
    assert area is not None
    assert area.isVisible()
    event = QDropEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
    QApplication.sendEvent(area, event)
    assert not area.isVisible()


def card_of(window: MainWindow, qtbot: QtBot) -> CardDialog:
    """Return the card when it can be decided on."""
    importing = window.models.importing
    qtbot.waitUntil(
        lambda: importing.card is not None and importing.card._about is not None and importing.card.isVisible(),
        timeout=PATIENCE_MS,
    )
    assert importing.card is not None
    return importing.card


def add(window: MainWindow, path: str, qtbot: QtBot) -> None:
    window.models.importing.take([path])
    card_of(window, qtbot).add_button.click()


def test_a_dropped_model_is_shown_added_and_loaded_while_the_old_one_translates(
    window: MainWindow, tasks: FakeTasks, files: FakeFiles, qtbot: QtBot
) -> None:
    window.source.insertPlainText("hello")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    drop(window, "/downloads/new.argosmodel")
    card = card_of(window, qtbot)
    text = "\n".join(label.text() for label in card.findChildren(QLabel))
    for piece in (
        "new",
        "English → Chinese (简体中文)",
        "Fake",
        "int8",
        "10 tokens",
        "3.0 MB",
        "80.0 MB",
        "4.0 GB",
        "MIT",
    ):
        assert piece in text, piece
    assert "ab" * 32 in [line.text() for line in card.findChildren(QLineEdit)]
    for control in card.findChildren(QWidget):
        assert control.focusPolicy() is Qt.FocusPolicy.NoFocus or control.accessibleName(), control
    assert window.live.folder == "/models/fake"
    files.gate.clear()
    QTest.mouseClick(card.add_button, Qt.MouseButton.LeftButton)
    assert not card.add_button.isEnabled()
    window.source.insertPlainText(" there")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert window.target.translation() == "[zh-Hans] HELLO THERE"
    assert window.live.folder == "/models/fake"
    files.gate.set()
    qtbot.waitUntil(lambda: window.live.folder == "/models/new" and is_done(window), timeout=PATIENCE_MS)
    assert window.bar.model_box.currentText() == "new"
    assert window.models.importing.card is None
    assert window.source.source_text() == "hello there"


def test_the_drop_area_comes_and_goes_with_the_drag(window: MainWindow) -> None:
    area = window.findChild(QWidget, "dropArea")
    assert area is not None
    nothing, place = Qt.KeyboardModifier.NoModifier, QPoint(5, 5)
    for widget in (window.statusBar(), window.bar, window.source.viewport(), window.target.viewport()):
        data = QMimeData()
        data.setText("only text")
        QApplication.sendEvent(
            widget, QDragEnterEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
        )
        assert not area.isVisible()
        data.setUrls([QUrl.fromLocalFile("/downloads/new.npz")])
        QApplication.sendEvent(
            widget, QDragEnterEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
        )
        assert area.isVisible()
        assert area.rect() == window.workspace.rect()
        QApplication.sendEvent(area, QDragLeaveEvent())
        assert not area.isVisible()


def test_a_file_that_is_no_model_is_refused_and_the_model_stays(window: MainWindow, qtbot: QtBot) -> None:
    drop(window, "/downloads/broken.png")
    qtbot.waitUntil(lambda: "It is a picture" in window.strip.message(), timeout=PATIENCE_MS)
    assert window.models.importing.card is None
    assert window.live.folder == "/models/fake"
    window.source.insertPlainText("still")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)


def test_a_failed_import_keeps_the_old_model_and_says_why(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "/downloads/unlucky.npz", qtbot)
    qtbot.waitUntil(lambda: "The trial sentence failed." in window.strip.message(), timeout=PATIENCE_MS)
    assert window.live.folder == "/models/fake"
    assert window.bar.model_box.count() == 1
    window.source.insertPlainText("still")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)


def test_a_faulty_model_cannot_be_added(window: MainWindow, qtbot: QtBot) -> None:
    window.models.importing.take(["/downloads/faulty.npz"])
    card = card_of(window, qtbot)
    assert "The vocabulary does not fit." in card.faults.text()
    assert not card.add_button.isEnabled()
    assert not card.link_button.isEnabled()
    card.cancel_button.click()
    assert window.models.importing.card is None


def test_an_import_can_be_cancelled(window: MainWindow, files: FakeFiles, qtbot: QtBot) -> None:
    files.gate.clear()
    add(window, "/downloads/new.npz", qtbot)
    card = window.models.importing.card
    assert card is not None
    qtbot.waitUntil(lambda: len(files.requests) == 2, timeout=PATIENCE_MS)
    QTest.keyClick(card, Qt.Key.Key_Escape)
    assert window.models.importing.card is None
    files.gate.set()
    qtbot.waitUntil(lambda: len(files.closed) == 1 and window.models.importing._job is None, timeout=PATIENCE_MS)
    assert files.added == []
    add(window, "/downloads/other.npz", qtbot)
    qtbot.waitUntil(lambda: window.live.folder == "/models/other", timeout=PATIENCE_MS)


def test_several_models_come_one_after_the_other(window: MainWindow, files: FakeFiles, qtbot: QtBot) -> None:
    drop(window, "/downloads/one.npz", "/downloads/broken.npz", "/downloads/two.npz")
    assert "one" in card_of(window, qtbot).title.text()
    card_of(window, qtbot).add_button.click()
    qtbot.waitUntil(
        lambda: window.models.importing.card is not None and window.models.importing.card._path.endswith("two.npz"),
        timeout=PATIENCE_MS,
    )
    card_of(window, qtbot).link_button.click()
    qtbot.waitUntil(lambda: window.live.folder == "/models/two", timeout=PATIENCE_MS)
    imports = [request for request in files.requests if isinstance(request, ImportModel)]
    assert [(request.path, request.link) for request in imports] == [
        ("/downloads/one.npz", False),
        ("/downloads/two.npz", True),
    ]


def test_a_model_that_is_there_is_named_and_used(window: MainWindow, qtbot: QtBot) -> None:
    add(window, "/downloads/new.npz", qtbot)
    qtbot.waitUntil(lambda: window.live.folder == "/models/new", timeout=PATIENCE_MS)
    assert window.strip.message() == ""
    add(window, "/downloads/new.npz", qtbot)
    qtbot.waitUntil(lambda: window.strip.message() == "new is already here.", timeout=PATIENCE_MS)
    assert window.bar.model_box.count() == 2


def test_a_dropped_text_is_opened(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("from a file", encoding="utf-8")
    window.models.show_page()
    drop_on_page = [str(tmp_path / "a.txt")]
    window.workspace.files_dropped.emit(drop_on_page)
    qtbot.waitUntil(lambda: window.live.state is State.DONE, timeout=PATIENCE_MS)
    assert window.source.source_text() == "from a file"
    assert window.source.isVisible()


def test_what_is_a_text_is_told_by_name_then_content(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("words", encoding="utf-8")
    (tmp_path / "model").write_bytes(b"\0\1\2")
    (tmp_path / "folder.txt").mkdir()
    for name in ("a.txt", "a.md", "a.csv", "a.srt", "README"):
        assert is_text(str(tmp_path / name)), name
    for name in (
        "card.json",
        "decoder.yml",
        "a.npz",
        "a.argosmodel",
        "a.s2smodel",
        "a.bin",
        "a.zip",
        "model",
        "folder.txt",
    ):
        assert not is_text(str(tmp_path / name)), name


def test_the_menu_asks_for_files_and_folders(
    open_window: OpenWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/downloads/one.npz", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/downloads/two")
    window.commands["import_file"].trigger()
    assert "one" in card_of(window, qtbot).title.text()
    card_of(window, qtbot).cancel_button.click()
    window.commands["import_folder"].trigger()
    assert "two" in card_of(window, qtbot).title.text()
