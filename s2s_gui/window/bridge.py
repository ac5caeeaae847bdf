"""Where the worker's updates cross into the window's thread: one mailbox, one queued wake, and a paced drain.

Owns how often the window is touched: at most 30 times a second and 8 ms at a time, or half of the time while there is
more to show than that. Of the partial texts of one line only the newest is delivered; everything else arrives once and
in order.
"""

import threading
import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from s2s_gui.messages import KnownLines, Partial, Update

FLUSH_MS = 33
BUDGET_SECONDS = 0.008
BACKLOG_MS = 8
LONGEST_HOLD_SECONDS = 0.1


class Bridge(QObject):
    """Take updates from any thread with ``post`` and deliver them on the window's thread with ``arrived``.

    ``flushed`` follows each portion, for what need not be brought up to date with every update.
    """

    arrived = Signal(object)
    flushed = Signal()
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[tuple[int, int], Update] = {}
        self._lock = threading.Lock()
        self._may_post = threading.Event()
        self._may_post.set()
        self._is_woken = False
        self._is_closed = False
        self._is_quiet = False
        self._order = 0
        self._last_flush = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._flush)
        self._wake.connect(self._on_wake, Qt.ConnectionType.QueuedConnection)

    def post(self, update: Update) -> None:
        """Queue ``update``; may be called from any thread. The window's thread is woken once, not once per update.

        A worker with partial texts is held back while the window has not shown the last ones: it would only take the
        interpreter's lock from the thread that shows them, for 5 ms each time.
        """
        if _can_wait(update):
            self._may_post.wait(LONGEST_HOLD_SECONDS)
        with self._lock:
            if self._is_closed:
                return
            self._put(update)
            wake, self._is_woken = not self._is_woken, True
            if wake:
                self._wake.emit()

    def set_quiet(self, is_quiet: bool) -> None:
        """While quiet (the window cannot be seen), partial texts wait until a request has ended."""
        self._is_quiet = is_quiet
        if not is_quiet:
            self._schedule(FLUSH_MS)

    def close(self) -> None:
        """Deliver nothing more."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
        self._timer.stop()

    @Slot()
    def _on_wake(self) -> None:
        self._schedule(FLUSH_MS)

    def _schedule(self, pause_ms: int) -> None:
        """Flush ``pause_ms`` after the last flush."""
        if not self._timer.isActive():
            since = time.monotonic() - self._last_flush
            self._timer.start(max(0, pause_ms - int(since * 1000)))

    @Slot()
    def _flush(self) -> None:
        with self._lock:
            self._is_woken = False
            hides_all = self._is_quiet and all(map(_can_wait, self._waiting.values()))
        if hides_all:
            self._may_post.set()
            return
        self._may_post.clear()
        end = time.perf_counter() + BUDGET_SECONDS
        while time.perf_counter() < end and (update := self._next()) is not None:
            self.arrived.emit(update)
        self.flushed.emit()
        self._last_flush = time.monotonic()
        with self._lock:
            is_behind = bool(self._waiting)
        if is_behind:
            self._schedule(BACKLOG_MS)
        else:
            self._may_post.set()

    def _next(self) -> Update | None:
        with self._lock:
            return self._waiting.pop(next(iter(self._waiting))) if self._waiting else None

    def _put(self, update: Update) -> None:
        """Add one update; a newer text of the same line takes the place of the older one."""
        if isinstance(update, Partial):
            self._waiting[(update.number, update.line)] = update
        else:
            self._order -= 1
            self._waiting[(update.number, self._order)] = update


def _can_wait(update: Update) -> bool:
    return isinstance(update, Partial | KnownLines)
