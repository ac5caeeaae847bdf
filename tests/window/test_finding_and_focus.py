"""Finding in a pane, going round the window by F6, the notice about fonts, and the direction to begin with."""

from unittest.mock import Mock

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from s2s_gui.description import Direction, Language
from s2s_gui.storage.settings import Settings
from s2s_gui.window import font_notice, languages
from s2s_gui.window.font_notice import FontNotice
from s2s_gui.window.live import State
from s2s_gui.window.main_window import MainWindow
from s2s_gui.window.strip import Strip
from tests.window.conftest import OpenWindow, is_done
from tests.window.fakes import PATIENCE_MS, FakeTasks

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

ENGLISH, CHINESE, GERMAN = Language("en"), Language("zh", "Hans"), Language("de")


def press(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the keyboard is."""
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, key, modifier)


def is_in(part: QWidget) -> bool:
    """Tell whether ``part`` or something in it has the keyboard."""
    focused = QApplication.focusWidget()
    return focused is not None and (part is focused or part.isAncestorOf(focused))


def test_find_goes_forth_and_back_and_begins_anew(window: MainWindow) -> None:
    window.source.insertPlainText("one two one\ntwo one")
    press(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    bar = window.workspace.find_source
    assert bar.isVisible()
    assert bar.field.hasFocus()
    QTest.keyClicks(bar.field, "one")
    places = []
    for key, modifier in (
        (Qt.Key.Key_F3, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier),
    ):
        places.append(window.source.textCursor().selectionStart())
        press(key, modifier)
    places.append(window.source.textCursor().selectionStart())
    assert places == [0, 8, 16, 8]
    press(Qt.Key.Key_F3)
    press(Qt.Key.Key_F3)
    assert window.source.textCursor().selectionStart() == 0
    assert window.source.source_text() == "one two one\ntwo one"


def test_find_says_when_there_is_nothing(window: MainWindow) -> None:
    window.source.insertPlainText("text")
    bar = window.workspace.find_source
    window.commands["find"].trigger()
    QTest.keyClicks(bar.field, "x")
    assert bar._note.text() == ""
    QTest.keyClicks(bar.field, "q")
    assert bar._note.text() == "Not found"


def test_find_looks_in_the_focused_pane(window: MainWindow, qtbot: QtBot) -> None:
    window.source.insertPlainText("hello")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    window.target.setFocus()
    window.commands["find"].trigger()
    assert window.workspace.find_target.isVisible()
    assert not window.workspace.find_source.isVisible()
    QTest.keyClicks(window.workspace.find_target.field, "hello")
    assert window.target.textCursor().selectedText() == "HELLO"


def test_escape_closes_the_find_bar_before_it_stops_anything(
    window: MainWindow, tasks: FakeTasks, qtbot: QtBot
) -> None:
    tasks.gate.clear()
    window.source.insertPlainText("one two three")
    qtbot.waitUntil(lambda: window.live.state is State.TRANSLATING, timeout=PATIENCE_MS)
    window.commands["find"].trigger()
    press(Qt.Key.Key_Escape)
    assert not window.workspace.find_source.isVisible()
    assert window.source.hasFocus()
    assert window.live.state.value == "translating"
    press(Qt.Key.Key_Escape)
    assert window.live.state.value == "stopped"
    tasks.gate.set()


def test_f6_goes_round_the_window(window: MainWindow) -> None:
    parts = (window.bar, window.source, window.target)

    def round_by(modifier: Qt.KeyboardModifier) -> list[int]:
        visited = []
        for _ in range(3):
            press(Qt.Key.Key_F6, modifier)
            visited += [at for at, part in enumerate(parts) if is_in(part)]
        return visited

    assert window.source.hasFocus()
    assert round_by(Qt.KeyboardModifier.NoModifier) == [2, 0, 1]
    assert round_by(Qt.KeyboardModifier.ShiftModifier) == [0, 2, 1]
    window.strip.show_message(lambda: "A message.")
    press(Qt.Key.Key_F6)
    assert is_in(window.strip)


def test_a_missing_font_is_told_once(qtbot: QtBot) -> None:
    strip = Strip()
    qtbot.addWidget(strip)
    has_font = Mock(return_value=False)
    notice = FontNotice(strip, has_font)
    notice.look((Direction(ENGLISH, GERMAN, ""),), "no need")
    assert strip.message() == ""
    notice.look((), "你好")
    assert "fonts-noto-cjk" in strip.message()
    strip.dismiss()
    notice.look((Direction(ENGLISH, CHINESE, ""),), "")
    assert strip.message() == ""
    has_font.assert_called_once_with()


def test_the_window_asks_for_a_font(open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_notice, "has_chinese_font", lambda: False)
    window = open_window()
    assert "Chinese characters cannot be shown" in window.strip.message()
    window._on_settings(Settings(interface_language="zh_CN"))
    QApplication.processEvents()
    assert "中文" in window.strip.message()


@pytest.mark.parametrize(
    ("kept", "spoken", "first"),
    [(("", ""), "zh", 0), (("", ""), "en", 1), (("", ""), "fr", 0), (("zh-Hans", "en"), "en", 0)],
)
def test_the_first_direction_is_the_last_one_used_or_the_users_own(
    kept: tuple[str, str], spoken: str, first: int
) -> None:
    directions = (Direction(CHINESE, ENGLISH, ""), Direction(ENGLISH, CHINESE, ""))
    assert languages.first_direction(directions, kept, spoken) is directions[first]


def test_a_chinese_interface_speaks_chinese() -> None:
    assert languages.spoken("zh_CN") == "zh"
