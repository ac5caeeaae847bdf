"""Translation as you type: when the text goes to the worker, and what the worker's updates mean for the window.

Owns the numbers of the requests, the pace, and the state that button and status line show. Knows no widget.
"""

import time
from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from s2s_gui.description import Direction, ModelCard
from s2s_gui.messages import (
    DecodeOptions,
    Failed,
    Finished,
    KnownLines,
    LoadModel,
    ModelReady,
    ModelUnloaded,
    Partial,
    Request,
    Result,
    Translate,
    UnloadModel,
    Update,
)
from s2s_gui.storage.settings import Precision
from s2s_gui.window import languages
from s2s_gui.window.pacing import Cause, Pacer, changed_text, estimated_tokens


class State(Enum):
    """What the window is doing, as button and status line show it."""

    NO_MODEL = "no model"
    LOADING = "loading"
    EMPTY = "empty"
    WAITING = "waiting"
    TRANSLATING = "translating"
    DONE = "done"
    STOPPED = "stopped"
    STALE = "stale"
    ERROR = "error"


BUSY = (State.WAITING, State.TRANSLATING)
MINUTE_MS = 60_000


class LiveTranslation(QObject):
    """Keep the translation up to date with the text; tell through signals what to show."""

    state_changed = Signal()
    began = Signal(object)
    partial = Signal(object)
    lines_known = Signal(object)
    finished = Signal(object)
    ended_early = Signal()
    emptied = Signal()
    model_ready = Signal(object)
    load_failed = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        submit: Callable[[Request], None],
        stop: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._submit_request = submit
        self._stop_worker = stop
        self._clock = clock
        self.pacer = Pacer()
        self.while_typing = True
        self.precision: Precision = "auto"
        self.shortlist = True
        self.threads = 0
        self.is_unloaded = False
        self.precision_used = ""
        self.options = DecodeOptions()
        self.state = State.NO_MODEL
        self.card: ModelCard | None = None
        self.folder = ""
        self.loading_folder = ""
        self.direction: Direction | None = None
        self.text = ""
        self._lines = [""]
        self.last: Result | None = None
        self.last_measured: Result | None = None
        self.lines_done = 0
        self.lines = 0
        self._sent: tuple[list[str], str, DecodeOptions] = ([], "", self.options)
        self._number = 0
        self._current: int | None = None
        self._running: int | None = None
        self._loading: int | None = None
        self._is_composing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._send)
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._idle.timeout.connect(self._unload)

    @property
    def is_current(self) -> bool:
        """Whether the translation shown is complete and belongs to the text shown."""
        return self.state is State.DONE

    def load(self, folder: str) -> None:
        """Load the model in ``folder``; the present one stays until the new one is ready."""
        self._number += 1
        self._loading = self._number
        self.loading_folder = folder
        self._timer.stop()
        self._set_state(State.LOADING)
        self._submit_request(LoadModel(self._number, folder, self.precision, self.shortlist, self.threads))

    def set_engine(self, precision: Precision, *, shortlist: bool, threads: int) -> None:
        """Compute in this way from now on; the loaded model is loaded again for it."""
        if (precision, shortlist, threads) != (self.precision, self.shortlist, self.threads):
            self.precision, self.shortlist, self.threads = precision, shortlist, threads
            if self.folder or self.loading_folder:
                self.load(self.loading_folder or self.folder)

    def set_idle_minutes(self, minutes: int) -> None:
        """Let the model leave memory after so many minutes without work; with 0 it stays."""
        self._idle.stop()
        self._idle.setInterval(minutes * MINUTE_MS)
        self._await_idle()

    def _await_idle(self) -> None:
        if self._idle.interval() > 0 and self.card is not None and not self.is_unloaded:
            self._idle.start()

    @Slot()
    def _unload(self) -> None:
        if self._running is None and self._loading is None:
            self._number += 1
            self._submit_request(UnloadModel(self._number))

    @Slot(str, Cause)
    def edited(self, text: str, cause: Cause) -> None:
        """Take the new source text."""
        self.set_text(text)
        self._changed(cause)

    def set_text(self, text: str) -> None:
        """Take ``text`` without doing anything about it yet."""
        self.text = text
        self._lines = text.split("\n")

    def set_direction(self, direction: Direction) -> None:
        """Translate in ``direction`` from now on."""
        if direction != self.direction:
            self.direction = direction
            self._changed(Cause.DIRECTION)

    def set_options(self, options: DecodeOptions) -> None:
        """Decode with ``options`` from now on."""
        if options != self.options:
            self.options = options
            self._changed(Cause.DIRECTION)

    def set_composing(self, is_composing: bool) -> None:
        """While an input method composes, nothing is sent."""
        self._is_composing = is_composing
        self._schedule()

    def translate_now(self) -> None:
        """Translate without waiting, also when translation while typing is off."""
        if self._is_composing or not self.text.strip():
            return
        self._changed(Cause.ASKED)

    def stop(self) -> None:
        """Stop the translation; what is there stays."""
        if self.state not in BUSY:
            return
        self._timer.stop()
        self.pacer.forget_text()
        self._current = None
        self._stop_worker()
        self.ended_early.emit()
        self._set_state(State.STOPPED)

    @Slot(object)
    def take(self, update: Update) -> None:
        """Take one update of the worker; those of an older request only say that it is over."""
        if isinstance(update, ModelUnloaded):
            self.is_unloaded = True
            self.state_changed.emit()
            return
        if isinstance(update, Partial):
            self.is_unloaded = False
            if update.number == self._current:
                self.lines = update.of
                self.lines_done = update.line + update.is_final
                self.partial.emit(update)
            return
        if isinstance(update, KnownLines):
            self.is_unloaded = False
            if update.number == self._current:
                self.lines = update.of
                self.lines_done = update.line + len(update.texts)
                self.lines_known.emit(update)
            return
        if isinstance(update, ModelReady):
            self._take_model(update)
        elif update.number == self._loading:
            self._take_failed_load(update)
        else:
            self._take_end(update)

    def _take_model(self, update: ModelReady) -> None:
        if update.number != self._loading:
            return
        self._loading = None
        self.card, self.folder, self.loading_folder = update.card, update.folder, ""
        self.precision_used = update.precision
        self.is_unloaded = False
        self._await_idle()
        self.last = self.last_measured = None
        self.pacer.forget_speed()
        ways, wanted = update.card.ways(), self.direction
        if wanted is None:
            self.direction = ways[0]
        else:
            ends = (str(wanted.source), str(wanted.target))
            self.direction = languages.first_direction(ways, ends, wanted.source.code)
        self._sent = ([], "", self.options)
        self._set_state(State.EMPTY)
        self.model_ready.emit(update)
        self._changed(Cause.DIRECTION)

    def _take_failed_load(self, update: Update) -> None:
        self._loading = None
        self.loading_folder = ""
        if self.card is None:
            self._set_state(State.NO_MODEL)
        else:
            self._set_state(State.EMPTY if not self.text.strip() else State.STALE)
            self._changed(Cause.DIRECTION)
        if isinstance(update, Failed):
            self.load_failed.emit(update)

    def _take_end(self, update: Update) -> None:
        is_current = update.number == self._current
        self.is_unloaded = self.is_unloaded and not isinstance(update, Finished)
        self._await_idle()
        if update.number == self._running:
            self._running = None
            self.pacer.ended(isinstance(update, Finished))
        if isinstance(update, Finished):
            self.pacer.measured(update.result.tokens, update.result.first_token_seconds, update.result.seconds)
        if not is_current:
            self._schedule()
            return
        self._current = None
        if isinstance(update, Finished):
            self.last = update.result
            if update.result.tokens > 0:
                self.last_measured = update.result
            self.finished.emit(update.result)
            if self._is_sent():
                self._set_state(State.DONE)
        elif self.state is State.TRANSLATING:
            self.ended_early.emit()
            self._set_state(State.ERROR if isinstance(update, Failed) else State.STOPPED)
        if isinstance(update, Failed):
            self.failed.emit(update)
        self._schedule()

    def _is_sent(self) -> bool:
        """Tell whether the last request was for just what is wanted now."""
        return self._sent == (self._lines, str(self.direction), self.options)

    def _changed(self, cause: Cause) -> None:
        """Decide what the change of text, direction or options means."""
        if self.card is None or self._loading is not None:
            return
        if not self.text.strip():
            self._timer.stop()
            self.pacer.forget_text()
            self._end_running()
            self._sent = ([], "", self.options)
            self.emptied.emit()
            self._set_state(State.EMPTY)
            return
        if cause is not Cause.ASKED and self._is_sent() and self._current is not None:
            self._timer.stop()
            self.pacer.forget_text()
            self._set_state(State.TRANSLATING)
            return
        if not self.while_typing and cause is not Cause.ASKED:
            self._timer.stop()
            self.pacer.forget_text()
            self._end_running()
            self._set_state(State.STALE)
            return
        if self.pacer.edited(self._clock(), cause, self._tokens()):
            self._end_running()
        self._set_state(State.WAITING)
        self._schedule()

    def _tokens(self) -> int:
        lines, direction, options = self._sent
        if (direction, options) != (str(self.direction), self.options):
            return estimated_tokens(self.text)
        return estimated_tokens(changed_text(lines, self._lines))

    def _end_running(self) -> None:
        """Stop the running job because its result would be out of date; its late updates are dropped by number."""
        if self._current is not None:
            self._current = None
            self._stop_worker()

    def _schedule(self) -> None:
        at = self.pacer.start_time()
        if at is None or self._is_composing or self.card is None or self._loading is not None:
            self._timer.stop()
        else:
            self._timer.start(max(0, round((at - self._clock()) * 1000)))

    @Slot()
    def _send(self) -> None:
        if self.direction is None or self._is_composing or self._loading is not None:
            return
        self._timer.stop()
        self._number += 1
        self.pacer.started(self._clock(), self._tokens())
        self._sent = (self._lines, str(self.direction), self.options)
        self._current = self._running = self._number
        self.lines, self.lines_done = len(self._lines), 0
        self.began.emit(self._lines)
        self._set_state(State.TRANSLATING)
        direction = self.direction
        self._submit_request(
            Translate(self._number, self.text, str(direction.source), str(direction.target), self.options)
        )

    def _set_state(self, state: State) -> None:
        self.state = state
        self.state_changed.emit()
