"""Files on their way in: a text goes to the source pane, anything else is taken for a model and shown as a card.

Models that arrive together come one after the other. Nothing that is loaded or on the screen changes before a model
has been added.
"""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeDatabase, QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from s2s_gui.messages import Described, DescribeModel, Failed, Imported, ImportModel, Progress, Update
from s2s_gui.window import worker_texts
from s2s_gui.window.file_jobs import FileJobs
from s2s_gui.window.model_card import CardDialog

# What a quick look does not need a dialog for: most files that are no models are refused before.
PATIENCE_MS = 400
# Text that is a part of models rather than something to translate.
MODEL_SUFFIXES = frozenset({".json", ".yml", ".yaml", ".toml", ".vocab"})


class Importing(QObject):
    """Tells what has arrived.

    ``imported`` carries an ``Imported`` and whether it is to be used: not if it came too late to be cancelled.
    ``text_arrived`` carries a path, ``message`` a function that says a sentence, and details.
    """

    imported = Signal(object, bool)
    text_arrived = Signal(str)
    message = Signal(object, str)

    def __init__(self, files: FileJobs, parent: QWidget) -> None:
        super().__init__(parent)
        self._files = files
        self._window = parent
        self._waiting: deque[str] = deque()
        self._job: int | None = None
        self.card: CardDialog | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._show_card)

    @Slot(list)
    def take(self, paths: Sequence[str]) -> None:
        """Take files and folders as they come: dropped, chosen, or named at the start of the program."""
        for path in paths:
            if is_text(path):
                self.text_arrived.emit(path)
            else:
                self._waiting.append(path)
        self._next()

    def ask_file(self) -> None:
        """Let the user choose a model's file."""
        chosen, _ = QFileDialog.getOpenFileName(self._window, self.tr("Add a model from a file"))
        if chosen:
            self._waiting.append(chosen)
            self._next()

    def ask_folder(self) -> None:
        """Let the user choose a model's folder."""
        chosen = QFileDialog.getExistingDirectory(self._window, self.tr("Add a model from a folder"))
        if chosen:
            self._waiting.append(chosen)
            self._next()

    def _next(self) -> None:
        if self.card is not None or self._job is not None or not self._waiting:
            return
        path = self._waiting.popleft()
        self.card = CardDialog(path, self._window)
        self.card.wanted.connect(lambda is_link: self._add(path, is_link=is_link))
        self.card.rejected.connect(self._on_rejected)
        self._patience.start()
        self._job = self._files.run(lambda number: DescribeModel(number, path), self._on_update)

    def _add(self, path: str, *, is_link: bool) -> None:
        self._job = self._files.run(lambda number: ImportModel(number, path, is_link), self._on_update)

    @Slot()
    def _show_card(self) -> None:
        if self.card is not None:
            self.card.show()

    @Slot()
    def _on_rejected(self) -> None:
        self.card = None
        self._patience.stop()
        if self._job is not None:
            self._files.cancel(self._job)
        self._next()

    def _on_update(self, update: Update) -> None:
        if isinstance(update, Progress):
            if self.card is not None:
                self.card.show_progress(update)
            return
        self._job = None
        if isinstance(update, Described) and self.card is not None:
            self._patience.stop()
            self.card.show_about(update.about)
            self.card.show()
            return
        is_wanted = self.card is not None
        self._close_card()
        if isinstance(update, Imported):
            self.imported.emit(update, is_wanted)
        elif isinstance(update, Failed):
            self.message.emit(lambda: worker_texts.translated(update.message), update.detail)
        self._next()

    def _close_card(self) -> None:
        self._patience.stop()
        card, self.card = self.card, None
        if card is not None:
            card.rejected.disconnect(self._on_rejected)
            card.close()


def is_text(path: str) -> bool:
    """Say whether ``path`` is a text to translate, by the ending of its name, else by its beginning."""
    if Path(path).is_dir() or Path(path).suffix.lower() in MODEL_SUFFIXES:
        return False
    kinds = QMimeDatabase()
    kind = kinds.mimeTypeForFile(path, QMimeDatabase.MatchMode.MatchExtension)
    if kind.isDefault():
        kind = kinds.mimeTypeForFile(path, QMimeDatabase.MatchMode.MatchContent)
    return kind.inherits("text/plain")
