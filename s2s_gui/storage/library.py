"""The models at hand: those shipped with the program and the user's own, known by their cards alone."""

import os
from dataclasses import dataclass
from pathlib import Path

from s2s_gui import paths
from s2s_gui.cards import CARD, read_card
from s2s_gui.description import ModelCard
from s2s_gui.errors import RequestError


@dataclass(frozen=True, slots=True)
class Installed:
    """A model's folder with its card; ``fault`` says why the card cannot be used, "" if it can."""

    folder: Path
    card: ModelCard | None
    fault: str


def installed() -> list[Installed]:
    """Return the models that are there, shipped ones first, each group by name of the folder."""
    found: list[Installed] = []
    for place in (paths.shipped("models"), paths.user_models()):
        if place.is_dir():
            folders = sorted(folder for folder in place.iterdir() if not folder.name.startswith("."))
            found.extend(look(folder) for folder in folders if os.path.lexists(folder / CARD))
    return found


def look(folder: Path) -> Installed:
    """Read the card in ``folder``."""
    card, faults = read_card(folder)
    return Installed(folder, card, " ".join(faults))


def find(name_or_path: str) -> Path:
    """Return a model's folder by its card's id or by a path; the user's own model goes before a shipped one."""
    for one in reversed(installed()):
        if name_or_path in (one.folder.name, one.card.id if one.card else None):
            return one.folder
    folder = Path(name_or_path)
    if name_or_path and folder.is_dir():
        return folder
    raise RequestError(f"There is no model {name_or_path!r}; s2s models lists those that are installed.")
