"""What is done with models that are there: verify, rename, remove and undo that, open their folder."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices

from s2s_gui.messages import Failed, Progress, Update, Verified, VerifyModel
from s2s_gui.storage import library
from s2s_gui.storage.library import Installed
from s2s_gui.window import worker_texts
from s2s_gui.window.chores import Chores
from s2s_gui.window.file_jobs import FileJobs
from s2s_gui.window.strip import Strip


class ModelDesk(QObject):
    """Does what the page of models asks for and says in the strip what came of it; then ``changed`` is called."""

    def __init__(
        self, files: FileJobs, chores: Chores, strip: Strip, changed: Callable[[], object], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._files = files
        self._chores = chores
        self._strip = strip
        self._changed = changed

    @Slot(object)
    def verify(self, model: Installed) -> None:
        """Compare the files of ``model`` with the hashes of its import, and try it."""
        name = _name(model)
        self._strip.show_message(lambda: self.tr("Verifying {0}…").format(name))
        self._files.run(lambda number: VerifyModel(number, str(model.folder)), partial(self._on_verified, model))

    def _on_verified(self, model: Installed, update: Update) -> None:
        name = _name(model)
        if isinstance(update, Progress):
            return
        if isinstance(update, Failed):
            self._strip.show_message(lambda: worker_texts.translated(update.message), update.detail)
        elif isinstance(update, Verified) and update.faults:
            faults = " ".join(update.faults)
            self._strip.show_message(lambda: self.tr("{0} is damaged: {1}").format(name, faults))
        elif isinstance(update, Verified) and model.record is None:
            self._strip.show_message(
                lambda: self.tr("{0} works. It came without hashes to compare its files with.").format(name)
            )
        elif isinstance(update, Verified):
            self._strip.show_message(lambda: self.tr("{0} is as it was when it was added, and it works.").format(name))

    @Slot(object, str)
    def rename(self, model: Installed, name: str) -> None:
        """Give ``model`` another name."""
        self._chores.run(partial(library.rename, model, name), self._on_done, self._refuse)

    @Slot(object)
    def remove(self, model: Installed) -> None:
        """Take ``model`` out of the library and offer to put it back."""
        self._chores.run(partial(library.remove, model), partial(self._on_removed, _name(model)), self._refuse)

    def _on_removed(self, name: str, place: Path) -> None:
        self._changed()
        self._strip.offer(
            lambda: self.tr("{0} was removed. It stays on the disk until the program starts again.").format(name),
            lambda: self.tr("Undo"),
            lambda: self._chores.run(partial(library.restore, place), self._on_done, self._refuse),
        )

    @Slot(object)
    def open_folder(self, model: Installed) -> None:
        """Show the folder of ``model`` in the file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(model.folder)))

    def _on_done(self, _result: object) -> None:
        self._changed()

    def _refuse(self, error: Exception) -> None:
        self._strip.show_message(lambda: str(error))


def _name(model: Installed) -> str:
    return model.card.name if model.card is not None else model.folder.name
