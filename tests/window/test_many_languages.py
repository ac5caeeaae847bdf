"""A model of 202 languages goes 40,602 ways: they are chosen from in two lists."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from s2s_gui.description import ModelCard, Tongue
from s2s_gui.formats.huggingface.m2m_languages import NLLB
from s2s_gui.formats.naming import language
from s2s_gui.messages import LoadModel, ModelReady, Update
from s2s_gui.storage.library import Installed
from s2s_gui.window import languages
from s2s_gui.window.main_window import MainWindow
from tests.window.conftest import OpenWindow, is_done
from tests.window.fakes import PATIENCE_MS, FakeFiles, FakeTasks, card

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def many() -> ModelCard:
    found = {language(tag): tag for tag in NLLB}
    tongues = tuple(Tongue(each, tag) for each, tag in found.items() if each is not None)
    assert len(tongues) == 202
    return msgspec.structs.replace(card("many"), directions=(), languages=tongues)


@pytest.fixture
def window(
    many: ModelCard, open_window: OpenWindow, tasks: FakeTasks, files: FakeFiles, monkeypatch: pytest.MonkeyPatch
) -> MainWindow:
    def load(request: LoadModel) -> Iterator[Update]:
        found = many if request.folder.endswith("many") else card()
        assert found.ways()
        yield ModelReady(request.number, request.folder, found, 0.1, 1000)

    monkeypatch.setattr(tasks, "_load", load)
    files.added.append(Installed(Path("/models/many"), many, ""))
    return open_window()


def test_a_model_of_many_languages_is_chosen_from_in_two_lists(
    window: MainWindow, many: ModelCard, qtbot: QtBot
) -> None:
    window.models.shelf.use("/models/many")
    qtbot.waitUntil(lambda: window.live.folder == "/models/many", timeout=PATIENCE_MS)
    boxes, bar = window.bar.language_boxes, window.bar
    assert boxes.isVisible()
    assert not bar.direction_box.isVisible()
    assert (boxes.source_box.currentText(), boxes.target_box.currentText()) == ("English", "Chinese")
    assert boxes.source_box.count() == 202
    assert boxes.target_box.count() == 201
    # The list of directions would have 40,602 rows: it stays empty, which is what keeps every step quick.
    assert bar.direction_box.count() <= 24
    boxes.source_box.setCurrentIndex(100)
    boxes.target_box.setCurrentIndex(50)
    QTest.keyClicks(boxes.source_box, "Germ")
    window.commands["swap"].trigger()
    assert boxes.target_box.currentText() == "German"
    window.source.insertPlainText("hello")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)


def test_a_chosen_source_keeps_the_target_or_turns_the_pair(window: MainWindow, qtbot: QtBot) -> None:
    window.models.shelf.use("/models/many")
    qtbot.waitUntil(lambda: window.live.folder == "/models/many", timeout=PATIENCE_MS)
    boxes = window.bar.language_boxes
    boxes.source_box.setCurrentIndex(boxes.source_box.findText("French"))
    assert str(window.live.direction) == "fr > zh-Hans"
    boxes.source_box.setCurrentIndex(boxes.source_box.findText("Chinese"))
    assert str(window.live.direction) == "zh-Hans > fr"
    boxes.target_box.setCurrentIndex(boxes.target_box.findText("Traditional Chinese"))
    assert str(window.live.direction) == "zh-Hans > zh-Hant"
    window.models.shelf.use("/models/fake")
    qtbot.waitUntil(lambda: window.live.folder == "/models/fake", timeout=PATIENCE_MS)
    assert window.bar.direction_box.isVisible()
    assert not boxes.isVisible()


def test_every_language_has_a_name_of_its_own(many: ModelCard) -> None:
    names = [languages.name(tongue.language) for tongue in many.languages]
    assert len(set(names)) == len(names)


def test_the_boxes_can_be_reached_and_opened_by_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    window.models.shelf.use("/models/many")
    qtbot.waitUntil(lambda: window.live.folder == "/models/many", timeout=PATIENCE_MS)
    boxes = window.bar.language_boxes
    window.commands["choose_direction"].trigger()
    assert boxes.source_box.view().isVisible()
    boxes.source_box.hidePopup()
    window.commands["choose_target"].trigger()
    assert boxes.target_box.view().isVisible()
    boxes.target_box.hidePopup()
    for box in (boxes.source_box, boxes.target_box):
        assert box.accessibleName()
        assert box.focusPolicy() is Qt.FocusPolicy.StrongFocus
