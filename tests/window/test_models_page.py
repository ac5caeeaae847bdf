"""The page of models over fake tasks: what it lists and finds, and what its buttons do; models on the disk are real."""

from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog, QPushButton
from pytestqt.qtbot import QtBot

from s2s_gui import paths
from s2s_gui.cards import read_card, write_card
from s2s_gui.description import Direction, Language, Tongue
from s2s_gui.storage import library, usage
from s2s_gui.storage.library import Installed
from s2s_gui.storage.usage import Usage
from s2s_gui.window import languages
from s2s_gui.window.main_window import MainWindow
from s2s_gui.window.model_rows import NOTE_ROLE
from s2s_gui.window.models_page import KEY_ROLE, ModelsPage
from tests.window.conftest import OpenWindow, is_done
from tests.window.fakes import PATIENCE_MS, FakeFiles, card

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

SPANISH = Language("es")


def own(name: str, *ways: Direction) -> Path:
    """Put a card into the user's library and return its folder."""
    folder = paths.user_models() / name
    folder.mkdir(parents=True)
    write_card(msgspec.structs.replace(card(name, ways), id=name), folder)
    return folder


@pytest.fixture
def window(open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, files: FakeFiles) -> MainWindow:
    """Return a window with the shipped model "fake" and the user's own "mine", its page of models open."""
    own("mine")
    made = open_window()
    fakes = made.models.shelf._list_models
    made.models.shelf._list_models = lambda: fakes() + [each for each in library.installed() if each.is_own]
    made.models.shelf.refresh(made.models.show_page)
    return made


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot) -> ModelsPage:
    qtbot.waitUntil(lambda: window.models.page.isVisible() and window.models.page.list.count() == 2)
    return window.models.page


def choose(page: ModelsPage, name: str) -> None:
    item = next(item for item in page.list.findItems(name, Qt.MatchFlag.MatchStartsWith) if not item.isHidden())
    page.list.setCurrentItem(item)


def names(page: ModelsPage) -> list[str]:
    items = [page.list.item(row) for row in range(page.list.count())]
    return [item.text() for item in items if not item.isHidden()]


def test_it_says_what_is_known(page: ModelsPage, window: MainWindow) -> None:
    assert names(page) == ["fake", "mine"]
    shipped, mine = (page.list.item(row).data(NOTE_ROLE) for row in range(2))
    assert "in use" in shipped
    assert "came with the program" in shipped
    assert "English → Chinese" in mine
    assert "kB" in mine or "bytes" in mine
    assert page.list.item(1).data(Qt.ItemDataRole.AccessibleTextRole).startswith("mine. English")


def test_search_finds_names_and_languages(page: ModelsPage) -> None:
    page.search.setText("min")
    assert names(page) == ["mine"]
    assert page.selected() is not None
    page.search.setText("简体中文 fake")
    assert names(page) == ["fake"]
    page.search.setText("klingon")
    assert names(page) == []
    assert not page.buttons["use"].isEnabled()
    page.search.clear()
    assert names(page) == ["fake", "mine"]


def test_shipped_models_cannot_be_changed(page: ModelsPage) -> None:
    choose(page, "fake")
    for name in ("rename", "remove"):
        assert not page.buttons[name].isEnabled()
        assert "came with the program" in page.buttons[name].toolTip()
    choose(page, "mine")
    assert page.buttons["rename"].isEnabled()
    assert page.buttons["remove"].toolTip() == ""


def test_use_loads_and_shows_the_panes(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    choose(page, "mine")
    QTest.keyClick(page.list, Qt.Key.Key_Return)
    assert window.source.isVisible()
    qtbot.waitUntil(lambda: window.live.folder.endswith("mine"), timeout=PATIENCE_MS)


def test_escape_and_the_key_close_the_page(page: ModelsPage, window: MainWindow) -> None:
    QTest.keyClick(page.list, Qt.Key.Key_Escape)
    assert not page.isVisible()
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window.source, Qt.Key.Key_M, modifiers)
    assert page.isVisible()
    assert page.list.hasFocus()
    page.buttons["close"].click()
    assert window.source.hasFocus()


def test_renaming(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    choose(page, "mine")
    page.buttons["rename"].click()
    dialog = page.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue("Another name")
    dialog.accept()
    qtbot.waitUntil(lambda: names(page) == ["fake", "Another name"], timeout=PATIENCE_MS)
    found, _ = read_card(paths.user_models() / "mine")
    assert found is not None
    assert (found.id, found.name) == ("mine", "Another name")
    assert window.bar.model_box.itemText(1) == "Another name"


def test_removing_and_undoing_it(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    choose(page, "mine")
    QTest.keyClick(page.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: names(page) == ["fake"], timeout=PATIENCE_MS)
    assert window.strip.message().startswith("mine was removed.")
    assert window.strip.isVisible()
    assert not (paths.user_models() / "mine").exists()
    undo = window.strip.findChild(QPushButton, "messageAction")
    assert undo is not None
    assert undo.text() == "Undo"
    undo.click()
    qtbot.waitUntil(lambda: names(page) == ["fake", "mine"], timeout=PATIENCE_MS)
    assert (paths.user_models() / "mine").is_dir()


def test_a_removed_model_that_was_in_use_is_replaced(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    choose(page, "mine")
    page.buttons["use"].click()
    qtbot.waitUntil(lambda: window.live.folder.endswith("mine"), timeout=PATIENCE_MS)
    window.models.show_page()
    choose(page, "mine")
    page.buttons["remove"].click()
    qtbot.waitUntil(lambda: window.live.folder == "/models/fake", timeout=PATIENCE_MS)
    window.source.insertPlainText("hello")
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)


def test_what_was_removed_goes_at_the_next_start(page: ModelsPage, window: MainWindow, qtbot: QtBot) -> None:
    place = library.remove(library.own("mine"))
    assert place.is_dir()
    window.models.begin(window._session, "en")
    qtbot.waitUntil(lambda: not place.exists(), timeout=PATIENCE_MS)


def test_verifying(page: ModelsPage, window: MainWindow, files: FakeFiles, qtbot: QtBot) -> None:
    choose(page, "mine")
    page.buttons["verify"].click()
    qtbot.waitUntil(lambda: "mine works." in window.strip.message(), timeout=PATIENCE_MS)
    files.faults = ("weights.bin has changed since it was imported.",)
    page.buttons["verify"].click()
    qtbot.waitUntil(lambda: "mine is damaged: weights.bin has changed" in window.strip.message(), timeout=PATIENCE_MS)


def test_the_folder_is_opened(page: ModelsPage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    choose(page, "mine")
    page.buttons["open_folder"].click()
    assert opened == [QUrl.fromLocalFile(str(paths.user_models() / "mine"))]


def test_chains_are_listed_and_chosen_for_a_pair_that_no_model_has(
    page: ModelsPage, window: MainWindow, files: FakeFiles, qtbot: QtBot
) -> None:
    files.added.append(Installed(Path("/models/spanish"), card("spanish", (Direction(Language("en"), SPANISH),)), ""))
    window.models.shelf.refresh()
    qtbot.waitUntil(lambda: page.list.count() == 4, timeout=PATIENCE_MS)
    name = "Chinese → Spanish by way of English"
    assert names(page)[-1] == window.bar.model_box.itemText(3) == name
    choose(page, name)
    assert not page.buttons["remove"].isEnabled()
    assert "two models" in page.buttons["remove"].toolTip()
    key = page.list.currentItem().data(KEY_ROLE)
    chosen = window.models.shelf.choose("/models/gone", ("zh-Hans", "es"))
    assert chosen is not None
    assert chosen.key == key == "/models/fake\n/models/spanish"
    page.buttons["use"].click()
    qtbot.waitUntil(lambda: window.live.folder == key, timeout=PATIENCE_MS)
    assert window.bar.model_box.currentText() == name
    assert name in window.status_line.accessibleName()


def test_use_and_speed_are_noted(window: MainWindow, qtbot: QtBot) -> None:
    window.source.insertPlainText("word " * 30)
    qtbot.waitUntil(lambda: is_done(window), timeout=PATIENCE_MS)
    window.memory.save()
    qtbot.waitUntil(lambda: "/models/fake" in usage.read().models, timeout=PATIENCE_MS)
    use = usage.read().models["/models/fake"]
    assert use.speed > 0
    assert len(use.date) == len("2026-01-01")
    window.models.show_page()
    window.models.show_page()
    assert "tokens/s here" in window.models.page.list.item(0).data(NOTE_ROLE)


def test_the_speed_is_a_moving_mean() -> None:
    notes = usage.used(Usage(), "m", "2026-01-01", 100.0)
    notes = usage.used(notes, "m", "2026-01-02", 200.0)
    assert notes.models["m"].speed == pytest.approx(120.0)
    assert usage.used(notes, "m", "2026-01-03").models["m"] == usage.Use("2026-01-03", 120.0)


def test_it_fits_into_the_narrowest_window(page: ModelsPage, window: MainWindow) -> None:
    window.resize(window.minimumSize())
    assert window.width() == 480
    for button in page.buttons.values():
        assert button.mapTo(window, button.rect().bottomRight()).x() < 480
        assert button.isVisible()
    assert page.list.height() > 40


def test_models_are_named_in_the_users_words() -> None:
    english, unknown = Language("en"), Language("und")
    assert languages.full_name(english) == "English"
    assert languages.full_name(Language("zh", "Hant")) == "Traditional Chinese (繁體中文)"
    assert languages.name(unknown) == "an unknown language"
    many = msgspec.structs.replace(card("many"), directions=(), languages=(Tongue(english, "a"), Tongue(SPANISH, "b")))
    assert languages.short_offer(many) == "from any of 2 languages to any other"
    assert languages.offer(many).splitlines()[1] == "English, Spanish"
