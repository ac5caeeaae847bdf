"""Fixtures of the window's tests: real windows over fake tasks, closed at the end of each test."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s2s_gui.storage import session, settings
from s2s_gui.window.bridge import Bridge
from s2s_gui.window.file_jobs import FileJobs
from s2s_gui.window.i18n import Translations
from s2s_gui.window.live import State
from s2s_gui.window.main_window import MainWindow
from s2s_gui.worker import Worker
from tests.window.fakes import PATIENCE_MS, FakeFiles, FakeTasks, models

OpenWindow = Callable[..., MainWindow]


@pytest.fixture
def tasks() -> Iterator[FakeTasks]:
    made = FakeTasks()
    yield made
    made.gate.set()


@pytest.fixture
def files() -> Iterator[FakeFiles]:
    made = FakeFiles()
    yield made
    made.gate.set()


@pytest.fixture
def open_window(qtbot: QtBot, qapp: QApplication, tasks: FakeTasks, files: FakeFiles) -> Iterator[OpenWindow]:
    """Return a function that opens a window with models of the given names and waits until it is ready."""
    opened: list[MainWindow] = []
    translations = Translations(qapp)

    def open_one(*names: str) -> MainWindow:
        bridge = Bridge()
        worker = Worker(tasks.make, bridge.post)
        names = names or ("fake",)
        jobs, shipped = FileJobs(files.make), models(*names)
        window = MainWindow(
            *(settings.read(), session.read(), worker, bridge, jobs), lambda: shipped() + files.added, translations
        )
        opened.append(window)
        window.show()
        qtbot.waitUntil(lambda: window.live.card is not None, timeout=PATIENCE_MS)
        return window

    yield open_one
    tasks.gate.set()
    files.gate.set()
    for window in opened:
        window.close()
        window.deleteLater()
    translations.use("en")
    qapp.processEvents()


@pytest.fixture
def window(open_window: OpenWindow) -> MainWindow:
    return open_window()


def is_done(window: MainWindow) -> bool:
    return window.live.state is State.DONE
