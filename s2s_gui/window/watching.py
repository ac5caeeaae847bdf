"""From a file that arrives in the watched folder to the card of its model.

The card comes when the user asks for it: a window that opens by itself would take the keys of someone who types.
"""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from s2s_gui.window import arrivals
from s2s_gui.window.arrivals import Arrival
from s2s_gui.window.chores import Chores
from s2s_gui.window.folder_watch import FolderWatch
from s2s_gui.window.get_models_page import GetModelsPage
from s2s_gui.window.importing import Importing
from s2s_gui.window.strip import Strip


class Watching(QObject):
    """Joins the page, the watch and the import."""

    def __init__(
        self, page: GetModelsPage, importing: Importing, chores: Chores, strip: Strip, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._page = page
        self._importing = importing
        self._chores = chores
        self._strip = strip
        self._arrived: list[str] = []
        self.watch = FolderWatch(self)
        self.watch.settled.connect(self._on_settled)
        page.watch_wanted.connect(self._on_wanted)

    @Slot(object)
    def _on_wanted(self, folder: Path | None) -> None:
        self.watch.stop()
        if folder is not None and not self.watch.start(folder):
            self._strip.show_message(lambda: self.tr("{0} cannot be watched.").format(folder))
        self._page.show_watching(self.watch.folder is not None)

    @Slot(list)
    def _on_settled(self, names: list[str]) -> None:
        if self.watch.folder is not None:
            look = partial(arrivals.whole_models, self.watch.folder, names)
            self._chores.run(look, self._on_models, self._refuse)

    def _on_models(self, found: list[Arrival]) -> None:
        new = [arrival.path for arrival in found if not arrival.is_altered]
        self._arrived += [path for path in new if path not in self._arrived]
        if new:
            self._strip.offer(self._sentence, lambda: self.tr("Look at it"), self._show_arrived)
        for arrival in found:
            if arrival.is_altered:
                self._warn(Path(arrival.path).name)

    def _sentence(self) -> str:
        if len(self._arrived) == 1:
            return self.tr("A model has arrived: {0}").format(Path(self._arrived[0]).name)
        return self.tr("{0} models have arrived.").format(len(self._arrived))

    def _show_arrived(self) -> None:
        arrived, self._arrived = self._arrived, []
        self._importing.take(arrived)

    def _warn(self, name: str) -> None:
        self._strip.show_message(
            lambda: self.tr(
                "{0} or a file that belongs to it is not as in the catalogue: it is damaged or another edition."
                " Download it again, or add it yourself if you trust it."
            ).format(name)
        )

    def _refuse(self, error: Exception) -> None:
        self._strip.show_message(lambda: str(error))
