"""Where the worker's updates cross into the window's thread: a deque, one queued wake, and a paced drain.

Owns how often the window is touched: at most 30 times a second and 8 ms at a time. Of the partial texts of one line
only the newest is delivered; everything else arrives once and in order.
"""

import threading
import time
from collections import deque

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from s2s_gui.messages import Partial, Update

FLUSH_MS = 33
BUDGET_SECONDS = 0.008


class Bridge(QObject):
    """Take updates from any thread with ``post`` and deliver them on the window's thread with ``arrived``.

    ``flushed`` follows each portion, for what need not be brought up to date with every update.
    """

    arrived = Signal(object)
    flushed = Signal()
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted: deque[Update] = deque()
        self._lock = threading.Lock()
        self._is_woken = False
        self._is_closed = False
        self._is_quiet = False
        self._waiting: dict[tuple[int, int], Update] = {}
        self._order = 0
        self._last_flush = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._flush)
        self._wake.connect(self._on_wake, Qt.ConnectionType.QueuedConnection)

    def post(self, update: Update) -> None:
        """Queue ``update``; may be called from any thread. The window's thread is woken once, not once per update."""
        with self._lock:
            if self._is_closed:
                return
            self._posted.append(update)
            wake, self._is_woken = not self._is_woken, True
            if wake:
                self._wake.emit()

    def set_quiet(self, is_quiet: bool) -> None:
        """While quiet (the window cannot be seen), partial texts wait until a request has ended."""
        self._is_quiet = is_quiet
        if not is_quiet:
            self._schedule()

    def close(self) -> None:
        """Deliver nothing more."""
        with self._lock:
            self._is_closed = True
            self._posted.clear()
        self._waiting.clear()
        self._timer.stop()

    @Slot()
    def _on_wake(self) -> None:
        self._schedule()

    def _schedule(self) -> None:
        if not self._timer.isActive():
            since = time.monotonic() - self._last_flush
            self._timer.start(max(0, FLUSH_MS - int(since * 1000)))

    @Slot()
    def _flush(self) -> None:
        self._last_flush = time.monotonic()
        with self._lock:
            taken = list(self._posted)
            self._posted.clear()
            self._is_woken = False
        for update in taken:
            self._put(update)
        if self._is_quiet and all(isinstance(update, Partial) for update in self._waiting.values()):
            return
        end = time.perf_counter() + BUDGET_SECONDS
        while self._waiting and not self._is_closed:
            self.arrived.emit(self._waiting.pop(next(iter(self._waiting))))
            if time.perf_counter() > end:
                break
        self.flushed.emit()
        if self._waiting:
            self._schedule()

    def _put(self, update: Update) -> None:
        """Add one update; a newer text of the same line takes the place of the older one."""
        if isinstance(update, Partial):
            self._waiting[(update.number, update.line)] = update
        else:
            self._order -= 1
            self._waiting[(update.number, self._order)] = update
