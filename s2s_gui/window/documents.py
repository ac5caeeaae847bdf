"""Opening a text file into the source pane and saving the translation, with the reading and writing off the window."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from s2s_gui.window import text_files
from s2s_gui.window.chores import Chores


class Documents(QObject):
    """``opened`` carries a file's text, ``message`` a function that says in a sentence what went wrong or was done."""

    opened = Signal(str)
    message = Signal(object)

    def __init__(self, chores: Chores, translation: Callable[[], str], parent: QWidget) -> None:
        super().__init__(parent)
        self._chores = chores
        self._translation = translation
        self._window = parent
        self._path = Path()
        self._newline = "\n"

    def ask_open(self) -> None:
        """Let the user choose a file and open it."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window,
            self.tr("Open text"),
            str(self._path.parent),
            self.tr("Text files (*.txt *.md);;All files (*)"),
        )
        if chosen:
            self.open(chosen)

    def ask_save(self) -> None:
        """Let the user choose a name and save the translation under it."""
        proposed = (
            self._path.with_stem(f"{self._path.stem}-translation") if self._path.name else Path("translation.txt")
        )
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, self.tr("Save translation"), str(proposed), self.tr("Text files (*.txt *.md);;All files (*)")
        )
        if chosen:
            self.save(chosen)

    def open(self, name: str) -> None:
        """Read the file ``name``; its text comes with ``opened``."""
        path = Path(name)
        self._chores.run(partial(text_files.read, path), partial(self._show, path), partial(self._refuse, path))

    def save(self, name: str) -> None:
        """Write the translation to the file ``name``."""
        path = Path(name)
        write = partial(text_files.write, path, self._translation(), self._newline)
        self._chores.run(write, lambda _: None, partial(self._not_saved, path))

    def _show(self, path: Path, file: text_files.TextFile) -> None:
        self._path, self._newline = path, file.newline
        self.opened.emit(file.text)

    def _refuse(self, path: Path, error: Exception) -> None:
        if isinstance(error, text_files.NotText):
            self.message.emit(
                lambda: self.tr(
                    "{0} is not a text file in UTF-8, so it was not opened. Your text is unchanged."
                ).format(path.name)
            )
        elif isinstance(error, text_files.TooLarge):
            self.message.emit(
                lambda: self.tr("{0} is larger than 32 MB, so it was not opened. Use the s2s command for it.").format(
                    path.name
                )
            )
        else:
            self.message.emit(lambda: self.tr("{0} could not be read: {1}").format(path.name, _reason(error)))

    def _not_saved(self, path: Path, error: Exception) -> None:
        self.message.emit(lambda: self.tr("{0} could not be saved: {1}").format(path.name, _reason(error)))


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
