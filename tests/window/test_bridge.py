"""The crossing of threads: everything arrives on the window's thread, in order, and partial texts are merged."""

import sys
import threading

import pytest
from PySide6.QtCore import QObject, QThread, Signal, Slot
from pytestqt.qtbot import QtBot

from s2s_gui.messages import Partial, Stopped, Update
from s2s_gui.window.bridge import Bridge
from tests.window.fakes import PATIENCE_MS


class Reader(QObject):
    """Takes what arrives, and on which thread."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self.updates: list[Update] = []
        self.threads: set[QThread] = set()
        bridge.arrived.connect(self.take)

    @Slot(object)
    def take(self, update: Update) -> None:
        self.updates.append(update)
        self.threads.add(QThread.currentThread())


def test_many_posts_arrive_merged_and_in_order(qtbot: QtBot) -> None:
    bridge = Bridge()
    reader = Reader(bridge)

    def post() -> None:
        for number in range(20_000):
            bridge.post(Partial(1, number % 3, 3, str(number), "", False))
        bridge.post(Stopped(1))

    thread = threading.Thread(target=post)
    thread.start()
    qtbot.waitUntil(lambda: Stopped(1) in reader.updates, timeout=PATIENCE_MS)
    thread.join()
    assert reader.updates[-1] == Stopped(1)
    assert len(reader.updates) < 2000
    newest = {update.line: update.stable for update in reader.updates if isinstance(update, Partial)}
    assert newest == {0: "19998", 1: "19999", 2: "19997"}
    assert reader.threads == {bridge.thread()}


def test_while_quiet_partial_texts_wait_for_an_end(qtbot: QtBot) -> None:
    bridge = Bridge()
    reader = Reader(bridge)
    bridge.set_quiet(True)
    bridge.post(Partial(1, 0, 1, "a", "", False))
    bridge._flush()
    assert reader.updates == []
    bridge.post(Stopped(1))
    qtbot.waitUntil(lambda: len(reader.updates) == 2, timeout=PATIENCE_MS)


def test_a_worker_waits_while_the_window_is_behind(monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    monkeypatch.setattr("s2s_gui.window.bridge.BUDGET_SECONDS", 0.0)
    monkeypatch.setattr("s2s_gui.window.bridge.LONGEST_HOLD_SECONDS", 60.0)
    bridge = Bridge()
    reader = Reader(bridge)
    bridge.post(Partial(1, 0, 2, "a", "", True))
    bridge._flush()
    assert reader.updates == []
    posted = threading.Event()

    def post() -> None:
        bridge.post(Partial(1, 1, 2, "b", "", True))
        posted.set()

    thread = threading.Thread(target=post)
    thread.start()
    assert not posted.is_set()
    monkeypatch.setattr("s2s_gui.window.bridge.BUDGET_SECONDS", 60.0)
    bridge._flush()
    assert posted.wait(PATIENCE_MS / 1000)
    thread.join()
    qtbot.waitUntil(lambda: len(reader.updates) == 2, timeout=PATIENCE_MS)


def test_a_window_that_is_hidden_while_behind_holds_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s_gui.window.bridge.BUDGET_SECONDS", 0.0)
    bridge = Bridge()
    bridge.post(Partial(1, 0, 2, "a", "", True))
    bridge._flush()
    assert not bridge._may_post.is_set()
    bridge.set_quiet(True)
    bridge._flush()
    assert bridge._may_post.is_set()


def test_the_end_of_a_request_is_never_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s_gui.window.bridge.BUDGET_SECONDS", 0.0)
    bridge = Bridge()
    bridge.post(Partial(1, 0, 2, "a", "", True))
    bridge._flush()
    bridge.post(Stopped(1))
    bridge.close()
    bridge.post(Partial(1, 1, 2, "b", "", True))


def test_nothing_arrives_after_close(qtbot: QtBot) -> None:
    bridge = Bridge()
    reader = Reader(bridge)
    bridge.post(Stopped(1))
    bridge.close()
    bridge.post(Stopped(2))
    bridge._flush()
    assert reader.updates == []


class Bell(QObject):
    rung = Signal(object)


def test_signals_lose_no_reference_to_true(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 lost one at each emission, and the program died after about 600."""
    bell = Bell()
    heard: list[object] = []
    bell.rung.connect(heard.append)
    before = sys.getrefcount(True)
    for number in range(2000):
        bell.rung.emit(number)
    assert len(heard) == 2000
    assert abs(sys.getrefcount(True) - before) < 50
