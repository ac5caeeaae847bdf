"""The status line: state, model, time to first token, speed and "Offline", in one line that never overflows."""

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from s2s_gui.messages import Result
from s2s_gui.window.live import LiveTranslation, State

SEPARATOR = "  ·  "


class StatusLine(QLabel):
    """Leaves out figures, then the model, when there is no room; the tooltip has everything."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._state = State.NO_MODEL
        self._model = ""
        self._loading = ""
        self._seconds = 0.0
        self._measured: Result | None = None
        self._precision = ""
        self._progress = (0, 0)
        self._is_unloaded = False
        self._refresh()

    def show_state(self, live: LiveTranslation, model: str, loading: str) -> None:
        """Show what ``live`` is doing with the model of the name ``model``, or while ``loading`` is loaded."""
        self._state, self._model, self._loading = live.state, model, loading
        self._seconds = live.last.seconds if live.last is not None else 0.0
        self._measured = live.last_measured
        self._precision = live.precision_used
        self._progress = (live.lines_done, live.lines)
        self._is_unloaded = live.is_unloaded
        self._refresh()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self._refresh()
        super().changeEvent(event)

    def state_text(self) -> str:
        """Return the state as a short sentence."""
        done, lines = self._progress
        progress, stopped = self.tr("Translating…"), self.tr("Stopped.")
        if lines > 1:
            progress = self.tr("Translating, line {0} of {1}").format(min(done + 1, lines), lines)
            stopped = self.tr("Stopped in line {0} of {1}.").format(min(done + 1, lines), lines)
        if self._is_unloaded:
            progress = self.tr("Loading {0}…").format(self._model)
        return {
            State.NO_MODEL: self.tr("No model yet."),
            State.LOADING: self.tr("Loading {0}…").format(self._loading),
            State.EMPTY: self.tr("Ready."),
            State.WAITING: progress if self._is_unloaded else self.tr("Translating…"),
            State.TRANSLATING: progress,
            State.DONE: self.tr("Done in {0} s.").format(f"{self._seconds:.1f}"),
            State.STOPPED: stopped,
            State.STALE: self.tr("Source changed. Ctrl+Return translates."),
            State.ERROR: self.tr("The translation failed."),
        }[self._state]

    def _refresh(self) -> None:
        parts = [self.state_text()]
        if self._model:
            parts.append(self._model)
        if self._is_unloaded:
            parts.append(self.tr("not in memory until the next text"))
        elif self._precision:
            parts.append(self._precision)
        result = self._measured
        if result is not None and self._state is not State.EMPTY:
            parts.append(self.tr("first token {0} s").format(f"{result.first_token_seconds:.2f}"))
            if result.seconds > 0:
                parts.append(self.tr("{0} tokens/s").format(round(result.tokens / result.seconds)))
        parts.append(self.tr("Offline"))
        whole = SEPARATOR.join(parts)
        while len(parts) > 2 and self.fontMetrics().horizontalAdvance(SEPARATOR.join(parts)) > self.width():
            del parts[-2]
        text = SEPARATOR.join(parts)
        if text != self.text():
            self.setText(text)
        self.setToolTip(whole if whole != text else "")
        self.setAccessibleName(whole)
