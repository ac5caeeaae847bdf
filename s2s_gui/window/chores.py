"""Small work that must not stall the window: reading and writing files, on one thread of its own, in order."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot


class Chores(QObject):
    """Run functions off the window's thread and hand their results to callables on it."""

    _ended = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chores")
        self._number = 0
        self._running: dict[int, Future[Any]] = {}
        self._waiting: dict[int, tuple[Callable[[Any], None], Callable[[Exception], None]]] = {}
        self._is_finished = False
        self._ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    def run(
        self, function: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        """Call ``function`` on the chores thread, then ``done`` or ``failed`` on the window's."""
        if self._is_finished:
            return
        self._number += 1
        self._waiting[self._number] = (done, failed)
        future = self._thread.submit(function)
        self._running[self._number] = future
        future.add_done_callback(partial(self._tell, self._number))

    def finish(self, seconds: float) -> None:
        """Wait up to ``seconds`` for what has begun; take nothing more and report nothing more."""
        self._is_finished = True
        wait(self._running.values(), seconds)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _tell(self, number: int, future: "Future[Any]") -> None:
        # After the end there is no window to tell, and perhaps no Qt object either.
        if not self._is_finished:
            self._ended.emit(number, future)

    @Slot(int, object)
    def _on_ended(self, number: int, future: "Future[Any]") -> None:
        done, failed = self._waiting.pop(number)
        del self._running[number]
        if self._is_finished:
            return
        error = future.exception()
        if isinstance(error, Exception):
            failed(error)
        elif error is None:
            done(future.result())
