"""Where models can be had, and what happens when their files arrive in the watched folder."""

import hashlib
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from s2s_gui.storage import catalogue
from s2s_gui.storage.catalogue import Download, FirefoxModel
from s2s_gui.window.arrivals import Arrival, whole_models
from s2s_gui.window.folder_watch import FolderWatch
from s2s_gui.window.get_models_page import GetModelsPage
from s2s_gui.window.main_window import MainWindow
from tests.window.fakes import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

STILL_MS = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "downloads"
    made.mkdir()
    return made


@pytest.fixture
def watch(qtbot: QtBot, folder: Path) -> FolderWatch:
    made = FolderWatch()
    made.timer.setInterval(STILL_MS)
    assert made.start(folder)
    return made


@pytest.fixture
def page(window: MainWindow) -> GetModelsPage:
    window.commands["get_models"].trigger()
    return window.models.get_page


@pytest.fixture
def firefox(monkeypatch: pytest.MonkeyPatch) -> FirefoxModel:
    """Put a small model into the catalogue: the content of each file is its name."""
    names = ("lex.50.50.zzen.s2t.bin.gz", "model.zzen.intgemm.alphas.bin.gz", "vocab.zzen.spm.gz")
    files = tuple(Download(name, len(name), hashlib.sha256(name.encode()).hexdigest()) for name in names)
    model = FirefoxModel("zzen", "tiny", files)
    monkeypatch.setattr(catalogue, "firefox", lambda: (model,))
    return model


def texts(page: GetModelsPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel)).replace("\u200b", "")


def test_the_catalogue_is_whole() -> None:
    models = catalogue.firefox()
    assert len(models) == 137
    assert sum(len(model.files) for model in models) == 418
    for model in models:
        assert len(model.pair) == 4
        assert len([each for each in model.files if each.file.startswith("model.")]) == 1
        assert all(len(each.sha256) == 64 and each.bytes > 0 for each in model.files)


def test_it_names_the_files_for_the_languages_in_use(page: GetModelsPage, window: MainWindow) -> None:
    assert page.isVisible()
    assert (page.source_box.currentText(), page.target_box.currentText()) == ("English", "Chinese")
    for piece in ("model.enzh.intgemm.alphas.bin.gz", "37.7 MB", "opus-mt-en-zh", "translate-en_zh", ".tar.gz"):
        assert piece in texts(page), piece
    page.source_box.setCurrentIndex(page.source_box.findText("Korean"))
    page.target_box.setCurrentIndex(page.target_box.findText("Spanish"))
    for piece in ("vocab.koen.spm.gz", "vocab.enes.spm.gz", "opus-mt-ko-es"):
        assert piece in texts(page), piece
    page.close_button.click()
    assert window.models.page.isVisible()


def test_a_button_opens_the_browser_and_nothing_else(page: GetModelsPage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    for button in page._offers.findChildren(QPushButton):
        assert button.accessibleName().startswith("Open the page of ")
        button.click()
    assert [url.host() for url in opened] == [
        *("github.com", "github.com"),
        *("huggingface.co", "www.argosopentech.com", "data.statmt.org"),
    ]
    assert opened[0].path() == "/mozilla/firefox-translations-models/tree/main/models/base-memory/enzh"


def test_what_arrives_and_rests_is_reported(watch: FolderWatch, folder: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(watch.settled, timeout=PATIENCE_MS) as settled:
        (folder / "a.npz").write_bytes(b"model")
        (folder / "b.npz.part").write_bytes(b"half")
        (folder / ".hidden").write_bytes(b"no")
    assert settled.args == [["a.npz"]]
    with qtbot.waitSignal(watch.settled, timeout=PATIENCE_MS) as settled:
        (folder / "b.npz.part").rename(folder / "b.npz")
    assert settled.args == [["b.npz"]]
    with qtbot.waitSignal(watch.settled, timeout=PATIENCE_MS) as settled:
        (folder / "a.npz").write_bytes(b"another model")
        (folder / "c.npz").write_bytes(b"model")
    assert sorted(settled.args[0]) == ["a.npz", "c.npz"]


def test_a_file_that_grows_is_waited_for(watch: FolderWatch, folder: Path, qtbot: QtBot) -> None:
    heard: list[list[str]] = []
    watch.settled.connect(heard.append)
    with (folder / "slow.npz").open("wb") as file:
        file.write(b"1")
        file.flush()
        qtbot.waitUntil(watch.timer.isActive, timeout=PATIENCE_MS)
        watch.timer.stop()
        file.write(b"2")
        file.flush()
        # The size is another one than when the wait began: it begins anew, whatever the system has told so far.
        watch._settle()
        assert heard == []
        assert watch.timer.isActive()
    qtbot.waitUntil(lambda: heard == [["slow.npz"]], timeout=PATIENCE_MS)


def test_a_folder_that_is_not_there_cannot_be_watched(page: GetModelsPage, window: MainWindow, tmp_path: Path) -> None:
    page.folder = tmp_path / "none"
    page.watch_button.click()
    assert "cannot be watched" in window.strip.message()
    assert page.watch_button.text() == "&Watch this folder"


def test_a_model_of_firefox_is_offered_when_all_files_are_there(
    page: GetModelsPage,
    window: MainWindow,
    firefox: FirefoxModel,
    folder: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    watch, importing = window.models.watching.watch, window.models.importing
    watch.timer.setInterval(STILL_MS)
    page.choose_button.click()
    assert page.watch_button.text() == "Stop &watching"
    for file in firefox.files[:-1]:
        with qtbot.waitSignal(watch.settled, timeout=PATIENCE_MS):
            (folder / file.file).write_bytes(file.file.encode())
    assert importing.card is None
    (folder / firefox.files[-1].file).write_bytes(firefox.files[-1].file.encode())
    arrived = "A model has arrived: model.zzen.intgemm.alphas.bin.gz"
    qtbot.waitUntil(lambda: window.strip.message() == arrived, timeout=PATIENCE_MS)
    assert importing.card is None
    look = window.strip.findChild(QPushButton, "messageAction")
    assert look is not None
    look.click()
    qtbot.waitUntil(lambda: importing.card is not None and importing.card.isVisible(), timeout=PATIENCE_MS)
    assert importing.card is not None
    assert importing.card._path == str(folder / "model.zzen.intgemm.alphas.bin.gz")
    importing.card.reject()
    page.watch_button.click()
    assert watch.folder is None


def test_altered_files_are_named_and_not_offered(
    page: GetModelsPage, window: MainWindow, firefox: FirefoxModel, folder: Path, qtbot: QtBot
) -> None:
    page.folder = folder
    window.models.watching.watch.timer.setInterval(STILL_MS)
    page.watch_button.click()
    for file in firefox.files:
        (folder / file.file).write_bytes(b"something else")
    qtbot.waitUntil(lambda: "is not as in the catalogue" in window.strip.message(), timeout=PATIENCE_MS)
    assert window.models.importing.card is None


def test_what_is_a_whole_model(folder: Path) -> None:
    assert whole_models(folder, ["invoice.pdf", "notes.txt"]) == []
    assert whole_models(folder, ["a.argosmodel", "B.TAR.GZ"]) == [
        Arrival(str(folder / "a.argosmodel")),
        Arrival(str(folder / "B.TAR.GZ")),
    ]
    names = ["config.json", "vocab.json", "source.spm", "target.spm", "model.safetensors"]
    for name in names:
        assert whole_models(folder, [name]) == []
        (folder / name).write_bytes(b"x")
    assert whole_models(folder, names) == [Arrival(str(folder))]
