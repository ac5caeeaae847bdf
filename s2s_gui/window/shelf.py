"""The models at hand, read off the window's thread: which there are, which one to begin with, and what they are called.

Chains of two models are offered like models, after them and named as what they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from s2s_gui.description import Direction
from s2s_gui.storage.library import Chain, Installed, chains
from s2s_gui.storage.session import Session
from s2s_gui.window import languages
from s2s_gui.window.bar import Bar
from s2s_gui.window.chores import Chores
from s2s_gui.window.live import LiveTranslation


@dataclass(frozen=True, slots=True)
class Entry:
    """A model or a chain; ``key`` is what the worker loads, ``bytes`` the size of its files."""

    key: str
    model: Installed | Chain
    ways: tuple[Direction, ...]
    fault: str
    bytes: int

    @property
    def name(self) -> str:
        if isinstance(self.model, Chain):
            text = QCoreApplication.translate("Shelf", "{0} by way of English")
            return text.format(languages.direction_name(self.model.direction))
        return self.model.card.name if self.model.card else self.model.folder.name


class Shelf(QObject):
    """Lists the models and offers them in the bar; ``listed`` follows each new list, ``offered`` a first direction."""

    listed = Signal()
    offered = Signal()
    not_listed = Signal(object)

    def __init__(
        self,
        live: LiveTranslation,
        bar: Bar,
        chores: Chores,
        list_models: Callable[[], list[Installed]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._live = live
        self._bar = bar
        self._chores = chores
        self._list_models = list_models
        self.entries: list[Entry] = []

    def begin(self, session: Session, spoken: str) -> None:
        """List the models and load the last one used, or one for the last languages, else any."""
        self.refresh(partial(self._begin, session, spoken))

    def refresh(self, then: Callable[[], None] = lambda: None) -> None:
        """List the models anew, then call ``then``."""
        self._chores.run(partial(_entries, self._list_models), partial(self._on_entries, then), self.not_listed.emit)

    def name_of(self, key: str) -> str:
        """Return the name of the model or chain ``key``, "" if it is not there."""
        return next((entry.name for entry in self.entries if entry.key == key), "")

    def usable(self) -> list[Entry]:
        """Return what can be loaded."""
        return [entry for entry in self.entries if entry.ways and not entry.fault]

    @Slot(str)
    def use(self, key: str) -> None:
        """Load ``key``, unless it is in use or on its way."""
        if key != (self._live.loading_folder or self._live.folder):
            self._bar.show_model(key)
            self._live.load(key)

    def show_names(self) -> None:
        """Offer the models in the bar, by their names in the language of the interface."""
        self._bar.set_models([(entry.key, entry.name, entry.fault) for entry in self.entries])
        self._bar.show_model(self._live.loading_folder or self._live.folder)

    def choose(self, key: str, ends: tuple[str, str]) -> Entry | None:
        """Return the entry ``key``, else the first that goes between the two languages, else the first at all."""
        usable = self.usable()
        found = next((entry for entry in usable if entry.key == key), None)
        found = found or next((entry for entry in usable if languages.find(entry.ways, ends)), None)
        return found or next(iter(usable), None)

    def _begin(self, session: Session, spoken: str) -> None:
        ends = (session.source, session.target)
        found = self.choose(session.model, ends)
        if found is not None:
            self._live.direction = languages.first_direction(found.ways, ends, spoken)
            self._bar.set_directions(found.ways, self._live.direction)
            self.offered.emit()
            self.use(found.key)

    def _on_entries(self, then: Callable[[], None], entries: list[Entry]) -> None:
        self.entries = entries
        self.show_names()
        self.listed.emit()
        then()


def _entries(list_models: Callable[[], list[Installed]]) -> list[Entry]:
    """Return all models, then the chains; runs on the chores thread, where it also lays out the many directions."""
    models = list_models()
    found = [Entry(str(one.folder), one, _ways(one), one.fault, _bytes(one)) for one in models]
    sizes = {entry.key: entry.bytes for entry in found}
    for chain in chains(models):
        both = sum(sizes[str(one.folder)] for one in (chain.first, chain.second))
        found.append(Entry(chain.key, chain, (chain.direction,), "", both))
    return found


def _ways(model: Installed) -> tuple[Direction, ...]:
    return model.card.ways() if model.card is not None and model.card.task == "translate" else ()


def _bytes(model: Installed) -> int:
    place = Path(model.record.link) if model.record and model.record.link else model.folder
    try:
        files = [place] if place.is_file() else place.rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())
    except OSError:
        return 0
