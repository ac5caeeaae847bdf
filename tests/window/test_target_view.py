"""The translation pane: grows without flicker, and leaves selection, caret and scroll position alone."""

import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QColor, QHelpEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from s2s_gui.messages import Partial
from s2s_gui.window.target_view import TargetView
from tests.window.fakes import PATIENCE_MS


@pytest.fixture
def view(qtbot: QtBot) -> TargetView:
    made = TargetView()
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.set_colours(QColor("black"), QColor("blue"), QColor("grey"))
    made.show()
    # The highlighter looks at a new document from the event loop, and at nothing before that.
    QApplication.processEvents()
    return made


def partial(line: int, stable: str, tentative: str = "", is_final: bool = False) -> Partial:
    return Partial(1, line, 9, stable, tentative, is_final)


def test_a_line_grows(view: TargetView) -> None:
    view.begin(["x", "y"])
    view.show_partial(partial(0, "Hel", "lo"))
    assert view.toPlainText() == "Hello"
    view.show_partial(partial(0, "Hello wor", "ld"))
    view.show_partial(partial(1, "Bye", is_final=True))
    assert view.toPlainText() == "Hello world\nBye"
    view.show_partial(partial(0, "Hello world", is_final=True))
    view.show_result(["Hello world", "Bye"])
    assert view.toPlainText() == view.translation() == "Hello world\nBye"


def test_old_text_stays_until_the_new_replaces_it(view: TargetView) -> None:
    view.restore("The old line is long", ["a"])
    view.begin(["b"])
    view.show_partial(partial(0, "The new"))
    assert view.toPlainText() == "The new line is long"
    assert view.translation() == "The new"
    view.show_partial(partial(0, "The new text", is_final=True))
    assert view.toPlainText() == "The new text"


def test_a_stopped_run_keeps_what_was_translated(view: TargetView) -> None:
    view.restore("The old line is long", ["a"])
    view.begin(["b"])
    view.show_partial(partial(0, "The new"))
    view.end()
    assert view.toPlainText() == view.translation() == "The new"


def test_a_stopped_run_is_marked_where_it_stopped_without_a_change_of_the_text(view: TargetView) -> None:
    view.begin(["a", "b", "c"])
    view.show_partial(partial(0, "One", is_final=True))
    view.show_partial(partial(1, "Two"))
    unmarked = view.grab().toImage()
    view.end()
    assert view.stopped_line == 1
    assert view.grab().toImage() != unmarked
    assert view.toPlainText() == view.translation() == "One\nTwo"
    view.begin(["a", "b", "c"])
    assert view.stopped_line is None


def test_a_run_that_showed_nothing_leaves_no_mark(view: TargetView) -> None:
    view.restore("old", ["a"])
    view.begin(["b"])
    view.end()
    assert view.stopped_line is None


def test_a_new_line_is_one_edit(view: TargetView) -> None:
    view.begin(["a", "b"])
    view.show_partial(partial(0, "One", is_final=True))
    changes: list[None] = []
    view.document().contentsChange.connect(lambda *_: changes.append(None))
    view.show_partial(partial(1, "Two", is_final=True))
    assert len(changes) == 1
    assert view.toPlainText() == "One\nTwo"


def test_lines_keep_their_place_when_one_is_inserted_or_taken_out(view: TargetView) -> None:
    view.restore("A\nB\nC", ["a", "b", "c"])
    view.begin(["a", "x", "b", "c"])
    assert view.toPlainText() == "A\n\nB\nC"
    view.show_result(["A", "X", "B", "C"])
    view.begin(["b", "c"])
    assert view.toPlainText() == "B\nC"
    view.begin(["b"])
    view.show_result(["B"])
    assert view.toPlainText() == "B"


def test_a_result_repairs_lines_that_had_no_partial_text(view: TargetView) -> None:
    view.begin(["a", "b", "c"])
    view.show_result(["A", "", "C"])
    assert view.toPlainText() == "A\n\nC"


def test_a_long_result_comes_in_portions_and_completely(view: TargetView, qtbot: QtBot) -> None:
    lines = [f"line {number}" for number in range(5000)]
    view.begin(lines)
    view.show_result(lines)
    qtbot.waitUntil(lambda: view.document().blockCount() == 5000, timeout=PATIENCE_MS)
    assert view.toPlainText() == "\n".join(lines)


def test_selection_and_scroll_survive(view: TargetView) -> None:
    view.restore("\n".join(f"line {number}" for number in range(50)), ["s"] * 50)
    view.begin(["s"] * 50)
    cursor = view.textCursor()
    cursor.setPosition(0)
    cursor.setPosition(6, QTextCursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
    view.verticalScrollBar().setValue(10)
    for end in range(1, 20):
        view.show_partial(partial(20, "x" * end))
        view.show_partial(partial(0, "line 0" + "y" * end))
    assert view.textCursor().selectedText() == "line 0"
    assert view.verticalScrollBar().value() == 10


def test_the_caret_is_not_dragged_and_nothing_gets_selected(view: TargetView) -> None:
    view.begin(["a"])
    for text in ("One", "One two", "One two three"):
        view.show_partial(partial(0, text))
    assert view.textCursor().position() == view.textCursor().anchor() == 0


def test_the_end_is_followed_only_from_the_end(view: TargetView) -> None:
    view.restore("\n".join(["line"] * 50), ["s"] * 50)
    view.begin(["s"] * 51)
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum())
    view.show_partial(partial(50, "more"))
    assert bar.value() == bar.maximum()
    bar.setValue(3)
    view.show_partial(partial(50, "more and more"))
    assert bar.value() == 3


def test_the_same_text_changes_nothing(view: TargetView) -> None:
    view.begin(["a"])
    view.show_partial(partial(0, "One"))
    changes: list[None] = []
    view.document().contentsChange.connect(lambda *_: changes.append(None))
    view.show_partial(partial(0, "One"))
    assert changes == []


def test_characters_outside_the_basic_plane_keep_their_place(view: TargetView) -> None:
    view.begin(["a"])
    for text in ("😀", "😀 ok 😀", "😀 ok 😁 𠮷"):
        view.show_partial(partial(0, text[:-1], text[-1]))
    assert view.toPlainText() == "😀 ok 😁 𠮷"


def test_line_ends_inside_a_line_do_not_make_new_lines(view: TargetView) -> None:
    view.begin(["a", "b"])
    view.show_result(["one\rtwo\u2029three", "B"])
    assert view.document().blockCount() == 2


def test_tentative_text_has_another_colour(view: TargetView) -> None:
    view.begin(["a"])
    view.show_partial(partial(0, "sure ", "maybe"))
    formats = view.document().firstBlock().layout().formats()
    assert [(each.start, each.length) for each in formats] == [(0, 5), (5, 5)]
    assert formats[0].format.foreground() != formats[1].format.foreground()
    view.show_partial(partial(0, "sure maybe", is_final=True))
    assert view.document().firstBlock().layout().formats() == []


def underlined(view: TargetView, line: int) -> list[tuple[int, int]]:
    layout = view.document().findBlockByNumber(line).layout()
    return [
        (one.start, one.length)
        for one in layout.formats()
        if one.format.underlineStyle() is QTextCharFormat.UnderlineStyle.SingleUnderline
    ]


def test_doubtful_words_are_underlined_when_all_is_there(view: TargetView) -> None:
    view.begin(["a", "b"])
    view.show_partial(partial(0, "He saw 😀 a whale", is_final=True))
    assert underlined(view, 0) == []
    view.show_result(["He saw 😀 a whale", "sure"], [((3, 6), (11, 16)), ()])
    assert underlined(view, 0) == [(3, 3), (12, 5)]
    assert underlined(view, 1) == []
    view.begin(["a", "c"])
    view.show_partial(partial(1, "other", is_final=True))
    assert underlined(view, 0) == [(3, 3), (12, 5)]
    view.show_partial(partial(0, "He saw 😀 a ship", is_final=True))
    assert underlined(view, 0) == []


def test_marks_stay_readable_in_lines_that_were_grey(view: TargetView) -> None:
    view.restore("old", ["a"])
    view.set_stale(True)
    view.begin(["b"])
    view.show_partial(partial(0, "new word", is_final=True))
    view.show_result(["new word"], [((4, 8),)])
    assert underlined(view, 0) == [(4, 4)]
    (marked,) = [one for one in view.document().firstBlock().layout().formats() if one.start == 4]
    assert marked.format.foreground().color() == QColor("black")


def test_marks_can_be_turned_off_and_on(view: TargetView) -> None:
    view.show_result(["new word"], [((4, 8),)])
    view.mark_doubtful(False)
    assert underlined(view, 0) == []
    view.mark_doubtful(True)
    assert underlined(view, 0) == [(4, 4)]


@pytest.mark.qt_log_ignore("does not support raise")
def test_a_mark_says_what_it_means(view: TargetView, qtbot: QtBot) -> None:
    view.show_result(["a certain wwwwwwwwww"], [((10, 20),)])

    def point_at(column: int) -> None:
        cursor = view.textCursor()
        cursor.setPosition(column)
        place = view.cursorRect(cursor).center() + QPoint(3, 0)
        event = QHelpEvent(QEvent.Type.ToolTip, place, view.viewport().mapToGlobal(place))
        QApplication.sendEvent(view.viewport(), event)

    for is_marking in (True, False):
        view.mark_doubtful(is_marking)
        point_at(14)
        assert QToolTip.isVisible() == is_marking
        assert not is_marking or "not sure" in QToolTip.text()
        point_at(3)
        qtbot.waitUntil(lambda: not QToolTip.isVisible(), timeout=PATIENCE_MS)
