"""From a key to the translation through the real worker and the real engine, with a tiny model in the user's folder."""

import os
import signal
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from s2s_gui import app, paths
from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    TokenizerFiles,
    TransformerConfig,
)
from s2s_gui.formats import native
from s2s_gui.storage import session
from s2s_gui.window.live import State
from s2s_gui.window.main_window import MainWindow
from tests.tiny import random_network
from tests.window.fakes import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

TYPE_AND_WAIT = """
import sys
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from s2s_gui import app
from s2s_gui.storage import session
window = app.build(["s2s-gui"])
window.show()
QTest.keyClicks(window.source, "do not lose me")
while session.read().text != "do not lose me":
    QApplication.processEvents()
print("saved", flush=True)
while True:
    QApplication.processEvents()
"""


@pytest.fixture
def model() -> Path:
    """Put a tiny model into the user's library."""
    return write_model(paths.user_models() / "tiny")


def write_model(folder: Path) -> Path:
    """Write a model with random weights that knows letters and blanks, and return its folder."""
    pieces = ["</s>", "<unk>", "<2zh>", "<2en>", " ", *string.ascii_lowercase]
    config = TransformerConfig(
        len(pieces), len(pieces), width=16, heads=4, feed_forward=32, encoder_layers=1, decoder_layers=1
    )
    english, chinese = Language("en"), Language("zh", "Hans")
    card = ModelCard(
        id=folder.name,
        name=folder.name.capitalize(),
        directions=(Direction(english, chinese, "<2zh>"), Direction(chinese, english, "<2en>")),
        network=config,
        tokenizer=TokenizerFiles("characters.txt", "characters.txt", "characters"),
        decoding=DecodingDefaults(never=(1, 2, 3)),
        licence="MIT",
    )
    listed = "".join(f'"{piece}"\n' for piece in pieces).encode()
    weights = {name: value.numpy() for name, value in random_network(config).state_dict().items()}
    native.write(card, weights, {"characters.txt": listed}, "A model of noise, for tests.", folder)
    return folder


@pytest.fixture
def window(model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MainWindow]:
    shipped = paths.shipped
    monkeypatch.setattr(paths, "shipped", lambda name: tmp_path / "none" if name == "models" else shipped(name))
    made = app.build(["s2s-gui"])
    made.show()
    yield made
    made.close()
    made.deleteLater()


def test_typed_text_is_translated_in_both_directions(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClicks(window.source, "good day")
    qtbot.waitUntil(lambda: window.live.state is State.DONE, timeout=PATIENCE_MS)
    assert window.status_line.text().startswith("Done in")
    assert "Tiny" in window.status_line.text()
    first = window.target.translation()
    assert first == window.target.toPlainText() != ""
    window.commands["swap_languages"].trigger()
    qtbot.waitUntil(lambda: window.live.state is State.DONE, timeout=PATIENCE_MS)
    assert window.bar.direction_box.currentText() == "Chinese → English"
    window.source.insertPlainText("\n\n  bye")
    qtbot.waitUntil(lambda: window.live.state is State.DONE, timeout=PATIENCE_MS)
    assert window.target.translation().count("\n") == 2
    window.close()
    assert window.worker_ended


def test_a_folder_that_is_no_model_is_refused_and_the_model_stays(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    qtbot.waitUntil(lambda: window.live.card is not None, timeout=PATIENCE_MS)
    window.live.load(str(tmp_path))
    qtbot.waitUntil(lambda: window.strip.message() != "", timeout=PATIENCE_MS)
    assert window.live.card is not None
    QTest.keyClicks(window.source, "still")
    qtbot.waitUntil(lambda: window.live.state is State.DONE, timeout=PATIENCE_MS)


def test_a_model_is_added_used_verified_and_removed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    arrived = write_model(tmp_path / "downloads" / "other")
    qtbot.waitUntil(lambda: window.live.card is not None, timeout=PATIENCE_MS)
    QTest.keyClicks(window.source, "good day")
    importing = window.models.importing
    importing.take([str(arrived)])
    qtbot.waitUntil(lambda: importing.card is not None and importing.card.add_button.isEnabled(), timeout=PATIENCE_MS)
    assert importing.card is not None
    importing.card.add_button.click()
    installed = paths.user_models() / "other"
    qtbot.waitUntil(
        lambda: window.live.folder == str(installed) and window.live.state is State.DONE, timeout=PATIENCE_MS
    )
    assert (installed / "weights.safetensors").read_bytes() == (arrived / "weights.safetensors").read_bytes()
    window.models.show_page()
    page = window.models.page
    assert page.list.count() == 2
    page.buttons["verify"].click()
    qtbot.waitUntil(lambda: "is as it was" in window.strip.message(), timeout=PATIENCE_MS)
    (installed / "characters.txt").write_bytes(b"changed")
    page.buttons["verify"].click()
    qtbot.waitUntil(lambda: "characters.txt has changed" in window.strip.message(), timeout=PATIENCE_MS)
    page.buttons["remove"].click()
    qtbot.waitUntil(lambda: window.live.folder.endswith("tiny"), timeout=PATIENCE_MS)
    assert not installed.exists()
    importing.take([str(tmp_path / "downloads" / "none.npz")])
    qtbot.waitUntil(lambda: "no such file" in window.strip.message(), timeout=PATIENCE_MS)
    window.close()
    assert window.worker_ended


def test_the_text_survives_a_kill() -> None:
    process = subprocess.Popen([sys.executable, "-c", TYPE_AND_WAIT], stdout=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stdout.readline() == b"saved\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert session.read().text == "do not lose me"
    again = app.build(["s2s-gui"])
    assert again.source.source_text() == "do not lose me"
    again.close()
    again.deleteLater()
