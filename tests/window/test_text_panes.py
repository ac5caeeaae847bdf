"""The source pane: tells why the text changed, keeps every character, and leaves a composition alone."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s2s_gui.window.pacing import Cause
from s2s_gui.window.text_panes import SourceEdit
from tests.window.fakes import PATIENCE_MS


@pytest.fixture
def pane(qtbot: QtBot) -> SourceEdit:
    made = SourceEdit()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def edits(pane: SourceEdit) -> list[tuple[str, Cause]]:
    heard: list[tuple[str, Cause]] = []
    pane.edited.connect(lambda text, cause: heard.append((text, cause)))
    return heard


def compose(pane: SourceEdit, preedit: str, commit: str = "") -> None:
    event = QInputMethodEvent(preedit, [])
    event.setCommitString(commit)
    QApplication.sendEvent(pane, event)


def test_keys_and_sentence_ends_are_told_apart(pane: SourceEdit, edits: list[tuple[str, Cause]], qtbot: QtBot) -> None:
    QTest.keyClicks(pane, "Hi.")
    assert edits == [("H", Cause.TYPED), ("Hi", Cause.TYPED), ("Hi.", Cause.SENTENCE_END)]
    QTest.keyClick(pane, Qt.Key.Key_Return)
    assert edits[-1] == ("Hi.\n", Cause.SENTENCE_END)


def test_pasted_text_is_one_change_and_keeps_every_character(pane: SourceEdit, edits: list[tuple[str, Cause]]) -> None:
    data = QMimeData()
    data.setText("a\u00a0b\t c \n\n  d\u2028e")
    pane.insertFromMimeData(data)
    assert edits == [("a\u00a0b\t c \n\n  d\u2028e", Cause.PASTED)]


def test_a_composition_reports_nothing_before_its_commit(pane: SourceEdit, edits: list[tuple[str, Cause]]) -> None:
    states: list[bool] = []
    pane.composing_changed.connect(states.append)
    for preedit in ("n", "ni", "ni'h", "ni'hao"):
        compose(pane, preedit)
        assert pane.is_composing
    assert edits == []
    compose(pane, "", "你好")
    assert edits == [("你好", Cause.COMMITTED)]
    assert states == [True, False]
    pane.undo()
    assert pane.source_text() == ""


def test_a_given_up_composition_reports_nothing(pane: SourceEdit, edits: list[tuple[str, Cause]]) -> None:
    compose(pane, "ni")
    compose(pane, "")
    assert not pane.is_composing
    assert edits == []


def test_a_composition_that_nobody_commits_ends_with_the_focus(
    pane: SourceEdit, edits: list[tuple[str, Cause]], qtbot: QtBot
) -> None:
    pane.setFocus()
    qtbot.waitUntil(pane.hasFocus, timeout=PATIENCE_MS)
    states: list[bool] = []
    pane.composing_changed.connect(states.append)
    compose(pane, "ni")
    pane.clearFocus()
    assert not pane.is_composing
    assert states == [True, False]
    assert edits == []
    QTest.keyClicks(pane, "a")
    assert edits == [("a", Cause.TYPED)]


def test_text_from_elsewhere_waits_for_the_end_of_a_composition(
    pane: SourceEdit, edits: list[tuple[str, Cause]]
) -> None:
    compose(pane, "ni")
    pane.replace_text("from a file", Cause.PASTED)
    assert pane.is_composing
    compose(pane, "", "你")
    assert edits == [("你", Cause.COMMITTED), ("from a file", Cause.PASTED)]


def test_replaced_text_can_be_undone_in_one_step(pane: SourceEdit, edits: list[tuple[str, Cause]]) -> None:
    pane.replace_text("one\ntwo", Cause.PASTED)
    pane.replace_text("three", Cause.PASTED)
    pane.undo()
    assert pane.source_text() == "one\ntwo"


def test_restored_text_is_no_edit_and_cannot_be_undone(pane: SourceEdit, edits: list[tuple[str, Cause]]) -> None:
    pane.restore_text("from last time")
    assert edits == []
    assert not pane.document().isUndoAvailable()


def test_a_dropped_file_is_opened_not_inserted(pane: SourceEdit, qtbot: QtBot, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.txt"))])
    with qtbot.waitSignal(pane.files_dropped) as dropped:
        pane.insertFromMimeData(data)
    assert dropped.args == [[str(tmp_path / "a.txt")]]
