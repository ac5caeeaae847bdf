"""What the window remembers: settings, session, use of models; written a second after a change, on another thread."""

from collections.abc import Callable
from datetime import date
from functools import partial

from PySide6.QtCore import QObject, QTimer, Slot

from s2s_gui.storage import session as session_file
from s2s_gui.storage import settings as settings_file
from s2s_gui.storage import usage as usage_file
from s2s_gui.storage.session import Session
from s2s_gui.storage.settings import Settings
from s2s_gui.storage.usage import Usage
from s2s_gui.window.chores import Chores

SAVE_MS = 1000


class Memory(QObject):
    """Writes what ``session`` returns after ``touch``; a second later at most, also while someone types on."""

    def __init__(
        self,
        chores: Chores,
        session: Callable[[], Session],
        failed: Callable[[Exception], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._chores = chores
        self._session = session
        self._failed = failed
        self._written: Session | None = None
        self.usage = Usage()
        self._written_usage = self.usage
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_MS)
        self._timer.timeout.connect(self.save)

    def begin(self) -> None:
        """Read the use of models, before the first of them is loaded."""
        self._chores.run(usage_file.read, self._on_usage, self._failed)

    def note_use(self, model: str, speed: float | None = None) -> None:
        """Note that ``model`` was used today, at ``speed`` tokens a second if that was measured."""
        self.usage = usage_file.used(self.usage, model, date.today().isoformat(), speed)
        self.touch()

    @Slot()
    def touch(self) -> None:
        """Something that is remembered has changed."""
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def save(self) -> None:
        """Write the session now, if it differs from what was written last."""
        self._timer.stop()
        session = self._session()
        if session != self._written:
            self._written = session
            self._chores.run(partial(session_file.write, session), lambda _: None, self._failed)
        if self.usage != self._written_usage:
            self._written_usage = self.usage
            self._chores.run(partial(usage_file.write, self.usage), lambda _: None, self._failed)

    def save_settings(self, settings: Settings) -> None:
        """Write ``settings``."""
        self._chores.run(partial(settings_file.write, settings), lambda _: None, self._failed)

    def _on_usage(self, usage: Usage) -> None:
        self.usage = self._written_usage = usage
