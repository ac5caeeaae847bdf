"""Small work that must not stall the window: reading and writing files, on one thread of Qt's pool, in order."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, Slot


class _Call(QRunnable):
    """One call; its outcome goes back through the queue of the window's thread."""

    def __init__(self, number: int, function: Callable[[], Any], report: Callable[[int, Any, Exception | None], None]):
        super().__init__()
        self._number = number
        self._function = function
        self._report = report

    def run(self) -> None:
        try:
            value = self._function()
        except Exception as error:
            self._report(self._number, None, error)
        else:
            self._report(self._number, value, None)


class Chores(QObject):
    """Run functions off the window's thread and hand their results to callables on it."""

    _ended = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._number = 0
        self._waiting: dict[int, tuple[Callable[[Any], None], Callable[[Exception], None]]] = {}
        self._ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    def run(
        self, function: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        """Call ``function`` on the pool's thread, then ``done`` or ``failed`` on the window's."""
        self._number += 1
        self._waiting[self._number] = (done, failed)
        self._pool.start(_Call(self._number, function, self._ended.emit))

    def finish(self, milliseconds: int) -> bool:
        """Wait for what has begun; return whether all of it ended."""
        return self._pool.waitForDone(milliseconds)

    @Slot(int, object, object)
    def _on_ended(self, number: int, value: object, error: Exception | None) -> None:
        done, failed = self._waiting.pop(number)
        if error is not None:
            failed(error)
        else:
            done(value)
