"""The whole window over fake tasks: typing, stopping, failing, swapping, coming back, names and languages."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from s2s_gui.messages import Finished, LoadModel, Partial, Stopped, Update
from s2s_gui.storage import session, settings
from s2s_gui.storage.settings import Settings
from s2s_gui.window import worker_texts
from s2s_gui.window.live import State
from s2s_gui.window.main_window import MainWindow
from s2s_gui.worker import FAULT, NO_END, NO_ENGINE, NO_MEMORY
from tests.window.conftest import OpenWindow, is_done
from tests.window.fakes import PATIENCE_MS, FakeTasks, translated

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

SIXTY = "It was the best of times, it was the worst of times, it was."


def shown(window: MainWindow) -> str:
    return window.target.toPlainText()


def type_and_wait(window: MainWindow, text: str, qtbot: QtBot) -> None:
    QTest.keyClicks(window.source, text)
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)


def commit(window: MainWindow, preedit: str, text: str = "") -> None:
    event = QInputMethodEvent(preedit, [])
    event.setCommitString(text)
    QApplication.sendEvent(window.source, event)


def test_importing_the_window_brings_no_torch() -> None:
    code = "import sys, s2s_gui.window.main_window, s2s_gui.app; print({'torch', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_the_widgets_have_the_agreed_names(window: MainWindow) -> None:
    for name in (
        "sourceEdit",
        "targetView",
        "directionBox",
        "swapButton",
        "modelBox",
        "stopButton",
        "copyButton",
        "statusLine",
    ):
        assert window.findChild(QWidget, name) is not None, name


def test_typed_text_is_translated(window: MainWindow, qtbot: QtBot) -> None:
    type_and_wait(window, "hello world", qtbot)
    assert shown(window) == "[zh-Hans] HELLO WORLD"
    assert window.status_line.text().startswith("Done in")
    assert "fake" in window.status_line.text()
    assert "Offline" in window.status_line.text()


def test_typing_drops_and_reorders_nothing(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    assert len(SIXTY) == 60
    for character in SIXTY:
        QTest.keyClicks(window.source, character)
        QApplication.processEvents()
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    typed = shown(window)
    assert window.source.source_text() == SIXTY
    window.source.clear()
    QGuiApplication.clipboard().setText(SIXTY)
    window.source.paste()
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == typed == translated(SIXTY, "zh-Hans")
    assert tasks.texts()[-1] == SIXTY


def test_blank_lines_and_outer_blanks_survive(window: MainWindow, qtbot: QtBot) -> None:
    window.source.insertPlainText("  a b\n\n \nc")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert window.target.translation() == "[zh-Hans]   A B\n\n \n[zh-Hans] C"


def test_stop_keeps_what_is_there_and_continue_finishes_it(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    tasks.gate.clear()
    window.source.insertPlainText("one two three")
    qtbot.waitUntil(lambda: len(tasks.texts()) == 1, timeout=PATIENCE_MS)
    assert window.bar.stop_button.text() == "Stop"
    QTest.keyClick(window.source, Qt.Key.Key_Escape)
    assert window.live.state is State.STOPPED
    tasks.gate.set()
    qtbot.waitUntil(lambda: len(tasks.closed) == 1, timeout=PATIENCE_MS)
    assert window.bar.stop_button.text() == "Continue"
    assert window.status_line.text().startswith("Stopped.")
    QTest.mouseClick(window.bar.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[zh-Hans] ONE TWO THREE"


def test_the_button_keeps_its_width(window: MainWindow) -> None:
    widths = set()
    for state in State:
        window.bar.show_state(state, True)
        widths.add(window.bar.stop_button.width())
    assert len(widths) == 1


def test_newer_text_replaces_a_running_translation(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    tasks.gate.clear()
    window.source.insertPlainText("one two three")
    qtbot.waitUntil(lambda: len(tasks.texts()) == 1, timeout=PATIENCE_MS)
    window.source.insertPlainText(" four")
    tasks.gate.set()
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[zh-Hans] ONE TWO THREE FOUR"


def test_emptied_text_empties_the_translation(window: MainWindow, qtbot: QtBot) -> None:
    type_and_wait(window, "hello", qtbot)
    window.commands["clear"].trigger()
    assert shown(window) == ""
    assert window.live.state is State.EMPTY
    window.commands["undo"].trigger()
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)


def test_a_fault_is_shown_and_the_next_text_works(window: MainWindow, qtbot: QtBot) -> None:
    window.source.insertPlainText("boom boom")
    qtbot.waitUntil(lambda: window.live.state is State.ERROR, timeout=PATIENCE_MS)
    assert window.strip.message() == FAULT
    assert window.bar.stop_button.text() == "Try again"
    window.source.selectAll()
    type_and_wait(window, "fine", qtbot)
    assert shown(window) == "[zh-Hans] FINE"
    assert window.strip.message() == ""


def test_a_failed_load_keeps_the_old_model_and_says_why(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("good", "broken")
    type_and_wait(window, "hello", qtbot)
    window.bar.model_box.setCurrentIndex(1)
    qtbot.waitUntil(lambda: window.strip.message() != "", timeout=PATIENCE_MS)
    assert "weights.safetensors is missing" in window.strip.message()
    assert window.bar.model_box.currentText() == "good"
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    window.source.clear()
    type_and_wait(window, "again", qtbot)
    assert shown(window) == "[zh-Hans] AGAIN"
    assert "broken" in window.strip.message()


def test_another_model_translates_the_text_again(open_window: OpenWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    window = open_window("one", "two")
    type_and_wait(window, "hello", qtbot)
    count = len(tasks.texts())
    window.bar.model_box.setCurrentIndex(1)
    qtbot.waitUntil(lambda: window.live.folder.endswith("two") and is_done(window), timeout=PATIENCE_MS)
    assert len(tasks.texts()) == count + 1


def test_without_a_model_the_window_says_so(qtbot: QtBot, open_window: OpenWindow, tasks: FakeTasks) -> None:
    window = open_window()
    window.live.card, window.live.folder = None, ""
    window.bar.set_models([])
    window.live._set_state(State.NO_MODEL)
    assert window.status_line.text().startswith("No model yet.")
    QTest.keyClicks(window.source, "typing is possible")
    assert tasks.texts() == []


def test_swap_moves_the_texts_and_one_undo_brings_all_back(window: MainWindow, qtbot: QtBot) -> None:
    type_and_wait(window, "hello", qtbot)
    QTest.mouseClick(window.bar.swap_button, Qt.MouseButton.LeftButton)
    assert window.source.source_text() == "[zh-Hans] HELLO"
    assert shown(window) == "hello"
    assert window.bar.direction_box.currentText() == "Chinese → English"
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[en] [ZH-HANS] HELLO"
    window.commands["undo"].trigger()
    assert window.source.source_text() == "hello"
    assert window.bar.direction_box.currentText() == "English → Chinese"
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    window.commands["redo"].trigger()
    assert window.bar.direction_box.currentText() == "Chinese → English"
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[en] [ZH-HANS] HELLO"


def test_swap_of_an_unfinished_translation_leaves_the_texts(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    tasks.gate.clear()
    QTest.keyClicks(window.source, "hello there")
    window.commands["swap"].trigger()
    tasks.gate.set()
    assert window.source.source_text() == "hello there"
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[en] HELLO THERE"


def test_a_chosen_direction_is_used(window: MainWindow, qtbot: QtBot) -> None:
    type_and_wait(window, "hello", qtbot)
    window.bar.direction_box.setCurrentIndex(1)
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[en] HELLO"


def test_nothing_happens_while_composing(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    type_and_wait(window, "hello ", qtbot)
    count = len(tasks.texts())
    commit(window, "shi")
    for name in ("translate", "swap", "swap_languages", "clear", "stop", "paste", "undo"):
        window.commands[name].trigger()
    window.bar.swap_button.click()
    window.bar.stop_button.click()
    assert not window.live._timer.isActive()
    assert window.source.is_composing
    assert window.bar.direction_box.currentText() == "English → Chinese"
    assert len(tasks.texts()) == count
    commit(window, "", "世界")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert tasks.texts()[count:] == ["hello 世界"]


def test_a_waiting_start_is_held_back_by_a_composition(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    QTest.keyClicks(window.source, "a")
    commit(window, "x")
    QApplication.processEvents()
    assert tasks.texts() == []
    commit(window, "")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)


def test_with_typing_off_only_a_command_translates(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    window._on_settings(Settings(while_typing=False))
    QTest.keyClicks(window.source, "hello")
    assert window.live.state is State.STALE
    assert not window.live._timer.isActive()
    assert window.bar.stop_button.text() == "Translate"
    QTest.keyClick(window.source, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert tasks.texts() == ["hello"]


def test_copy_takes_the_translation(window: MainWindow, qtbot: QtBot) -> None:
    type_and_wait(window, "hello", qtbot)
    window.commands["copy_translation"].trigger()
    assert QGuiApplication.clipboard().text() == "[zh-Hans] HELLO"


def test_close_joins_the_worker_in_the_middle_of_a_translation(
    window: MainWindow, tasks: FakeTasks, qtbot: QtBot
) -> None:
    tasks.seconds = 0.01
    window.source.insertPlainText("word " * 2000)
    qtbot.waitUntil(lambda: shown(window) != "", timeout=PATIENCE_MS)
    window.close()
    assert window.worker_ended
    assert tasks.closed == [2]


def test_another_precision_loads_the_model_again(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    type_and_wait(window, "hello", qtbot)
    assert "int8" in window.status_line.accessibleName()
    window._on_settings(Settings(precision="fp32"))
    qtbot.waitUntil(lambda: window.live.precision_used == "fp32", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "fp32" in window.status_line.accessibleName(), timeout=PATIENCE_MS)
    loads = [request for request in tasks.requests if isinstance(request, LoadModel)]
    assert [request.precision for request in loads] == ["auto", "fp32"]
    assert shown(window) == "[zh-Hans] HELLO"
    assert window.source.source_text() == "hello"


def test_an_idle_model_leaves_memory_and_the_next_key_brings_it_back(
    window: MainWindow, tasks: FakeTasks, qtbot: QtBot
) -> None:
    idle = window.live._idle
    assert idle.interval() == 30 * 60_000
    type_and_wait(window, "hello", qtbot)
    assert idle.isActive()
    idle.timeout.emit()
    qtbot.waitUntil(lambda: "not in memory" in window.status_line.accessibleName(), timeout=PATIENCE_MS)
    assert is_done(window)
    tasks.gate.clear()
    QTest.keyClicks(window.source, " world")
    qtbot.waitUntil(lambda: window.status_line.state_text() == "Loading fake…", timeout=PATIENCE_MS)
    tasks.gate.set()
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[zh-Hans] HELLO WORLD"
    assert "not in memory" not in window.status_line.accessibleName()
    window._on_settings(Settings(idle_minutes=0))
    assert not idle.isActive()


def test_other_threads_and_no_shortlist_load_the_model_again(
    window: MainWindow, tasks: FakeTasks, qtbot: QtBot
) -> None:
    window._on_settings(Settings(shortlist=False, threads=3))
    qtbot.waitUntil(lambda: window.live.state is State.EMPTY, timeout=PATIENCE_MS)
    loads = [request for request in tasks.requests if isinstance(request, LoadModel)]
    assert [(request.shortlist, request.threads) for request in loads] == [(True, 0), (False, 3)]


def test_everything_comes_back(open_window: OpenWindow, qtbot: QtBot) -> None:
    first = open_window("one", "two")
    first.resize(760, 600)
    first.bar.model_box.setCurrentIndex(1)
    qtbot.waitUntil(lambda: first.live.folder.endswith("two"), timeout=PATIENCE_MS)
    first.bar.direction_box.setCurrentIndex(1)
    first.workspace.splitter.setSizes([240, 480])
    sizes = first.workspace.splitter.sizes()
    first._on_settings(Settings(theme="dark", text_size=130, pace="calm", beam_size=3))
    type_and_wait(first, "hello  world", qtbot)
    first.close()
    second = open_window("one", "two")
    assert second.source.source_text() == "hello  world"
    assert shown(second) == "[en] HELLO  WORLD"
    assert second.settings == Settings(theme="dark", text_size=130, pace="calm", beam_size=3)
    assert second.live.folder.endswith("two")
    assert second.bar.direction_box.currentText() == "Chinese → English"
    assert second.workspace.splitter.sizes() == sizes
    assert (second.width(), second.height()) == (760, 600)


def test_the_text_is_saved_while_the_window_is_open(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClicks(window.source, "kept")
    assert window.memory._timer.isActive()
    window.memory.save()
    qtbot.waitUntil(lambda: session.read().text == "kept", timeout=PATIENCE_MS)


def test_zoom_changes_both_panes_and_is_kept(window: MainWindow, qtbot: QtBot) -> None:
    size = window.source.font().pointSizeF()
    window.commands["larger"].trigger()
    assert window.source.font().pointSizeF() == window.target.font().pointSizeF() > size
    qtbot.waitUntil(lambda: settings.read().text_size == 110, timeout=PATIENCE_MS)
    window.commands["normal_size"].trigger()
    assert window.source.font().pointSizeF() == size


def test_a_narrow_window_stacks_the_panes(window: MainWindow) -> None:
    assert window.workspace.splitter.orientation() is Qt.Orientation.Horizontal
    window.resize(500, 600)
    assert window.workspace.splitter.orientation() is Qt.Orientation.Vertical
    assert window.width() == 500


def test_every_control_has_a_name(window: MainWindow) -> None:
    window.pages.show_settings(window.settings)
    window.pages.show_help()
    window.strip.show_message(lambda: "A message.", "with details")
    for box in window.findChildren(QComboBox):
        box.showPopup()
        box.hidePopup()
    controls = [each for each in window.findChildren(QWidget) if each.focusPolicy() is not Qt.FocusPolicy.NoFocus]
    assert len(controls) > 15
    for control in controls:
        assert control.accessibleName(), (control, control.objectName(), control.parent())


def test_tab_leaves_the_source_pane(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window.source, Qt.Key.Key_Tab)
    assert window.source.source_text() == ""


def texts_of(window: MainWindow) -> dict[str, str]:
    found = {}
    for number, widget in enumerate(window.findChildren(QWidget)):
        if isinstance(widget, (QLabel, QAbstractButton)):
            found[f"text {number}"] = widget.text()
        if isinstance(widget, QComboBox):
            found.update({f"item {number} {each}": widget.itemText(each) for each in range(widget.count())})
        found[f"name {number}"] = widget.accessibleName()
        found[f"tip {number}"] = widget.toolTip()
    found.update({f"action {number}": action.text() for number, action in enumerate(window.actions())})
    found["title"] = window.windowTitle()
    return {place: text for place, text in found.items() if any(letter.isalpha() for letter in text)}


SAME_IN_BOTH = {"fake", "English", "简体中文"}


def test_the_language_is_switched_live_everywhere(window: MainWindow, qtbot: QtBot) -> None:
    window.pages.show_settings(window.settings)
    window.pages.show_help()
    type_and_wait(window, "hello", qtbot)
    before = texts_of(window)
    window._on_settings(Settings(interface_language="zh_CN"))
    QApplication.processEvents()
    after = texts_of(window)
    unchanged = {text for place, text in before.items() if after.get(place) == text}
    unchanged = {text for text in unchanged if text not in SAME_IN_BOTH and "→" not in text}
    assert unchanged == set()
    assert window.bar.direction_box.currentText() == "英语 → 中文"
    window._on_settings(Settings(interface_language="en"))
    QApplication.processEvents()
    assert texts_of(window) == before


def test_the_workers_sentences_are_translated() -> None:
    assert {str(sentence) for sentence in worker_texts.SENTENCES} == {FAULT, NO_ENGINE, NO_END, NO_MEMORY}


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_a_theme_is_applied(window: MainWindow, theme: str) -> None:
    window._on_settings(Settings(theme=theme))  # type: ignore[arg-type]
    QApplication.processEvents()
    is_dark = window.palette().window().color().lightness() < 128
    assert is_dark == (theme == "dark")


def test_a_minimised_window_is_updated_once_at_the_end(window: MainWindow, qtbot: QtBot) -> None:
    window.bridge.set_quiet(True)
    heard: list[object] = []
    window.live.partial.connect(heard.append)
    window.source.insertPlainText("one two three four")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert len(heard) == 1


def test_language_change_reaches_an_unshown_strip(window: MainWindow) -> None:
    window.strip.show_message(lambda: window.strip.tr("Details"))
    window._on_settings(Settings(interface_language="zh_CN"))
    QApplication.sendPostedEvents(None, QEvent.Type.LanguageChange)
    assert window.strip.message() == "详细信息"


def test_a_file_can_be_dropped_anywhere_in_the_window(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("from a file", encoding="utf-8")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.txt"))])
    nothing, place = Qt.KeyboardModifier.NoModifier, QPoint(5, 5)
    enter = QDragEnterEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
    QApplication.sendEvent(window.workspace, enter)
    assert enter.isAccepted()
    drop = QDropEvent(place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, nothing)
    QApplication.sendEvent(window.workspace, drop)
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window) == "[zh-Hans] FROM A FILE"


def test_twenty_edits_at_once_end_with_the_last(window: MainWindow, tasks: FakeTasks, qtbot: QtBot) -> None:
    closing: list[Update] = []
    window.bridge.arrived.connect(lambda update: None if isinstance(update, Partial) else closing.append(update))
    tasks.gate.clear()
    for number in range(20):
        window.source.insertPlainText(f"word{number} ")
        window.live.translate_now()
        window.live._send()
    tasks.gate.set()
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    assert shown(window).endswith("WORD19 ")
    assert [type(update) for update in closing] == [Stopped] * 19 + [Finished]
    numbers = [update.number for update in closing]
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + 20))
