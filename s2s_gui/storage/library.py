"""The models at hand: shipped ones, the system's, the user's own, known by their cards alone.

Removed models lie in a folder beside the library until the program starts again, so that removing can be undone.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from s2s_gui import paths
from s2s_gui.cards import CARD, read_card, write_card
from s2s_gui.description import Direction, ModelCard
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.storage.record import RECORD, Record, read_record, write_record

BRIDGE = "en"
UNKNOWN = "und"
CHAIN = "\n"


@dataclass(frozen=True, slots=True)
class Installed:
    """A model's folder with its card; ``fault`` says why the card cannot be used, "" if it can.

    ``record`` is there for imported models. ``is_own`` models lie in the user's folder and can be removed.
    """

    folder: Path
    card: ModelCard | None
    fault: str
    record: Record | None = None
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """Two models one after the other, by way of English; ``key`` is what stands for their folders."""

    first: Installed
    second: Installed
    direction: Direction

    @property
    def key(self) -> str:
        return f"{self.first.folder}{CHAIN}{self.second.folder}"


def installed() -> list[Installed]:
    """Return the models that are there: shipped ones, the system's, the user's; each group by name of the folder."""
    found: list[Installed] = []
    own = paths.user_models()
    for place in (paths.shipped("models"), *paths.system_models(), own):
        if place.is_dir():
            folders = sorted(folder for folder in place.iterdir() if not folder.name.startswith("."))
            found.extend(look(one, is_own=place == own) for one in folders if is_model(one))
    return found


def is_model(folder: Path) -> bool:
    """Say whether ``folder`` is one of the library's."""
    return os.path.lexists(folder / CARD) or os.path.lexists(folder / RECORD)


def look(folder: Path, *, is_own: bool = False) -> Installed:
    """Read the card in ``folder``."""
    try:
        record = read_record(folder)
    except ModelError as error:
        return Installed(folder, None, " ".join(error.faults), is_own=is_own)
    if record is not None and not os.path.lexists(folder / CARD):
        is_there = not record.link or Path(record.link).exists()
        fault = "" if is_there else f"The model that this is a link to is no longer there: {record.link}."
        return Installed(folder, record.card, fault, record, is_own)
    card, faults = read_card(folder)
    return Installed(folder, card, " ".join(faults), record, is_own)


def find(name_or_path: str) -> Path:
    """Return a model's folder by its card's id or by a path; the user's own model goes before a shipped one."""
    for one in reversed(installed()):
        if name_or_path in (one.folder.name, one.card.id if one.card else None):
            return one.folder
    path = Path(name_or_path)
    if name_or_path and path.exists():
        return path
    raise RequestError(f"There is no model {name_or_path!r}; s2s models lists those that are installed.")


def own(name: str) -> Installed:
    """Return one of the user's own models by id or folder name; raise ``RequestError`` for any other."""
    for one in installed():
        if one.is_own and name in (one.folder.name, str(one.folder), one.card.id if one.card else None):
            return one
    if any(name in (one.folder.name, one.card.id if one.card else None) for one in installed()):
        raise RequestError(f"The model {name} came with the program or the system and cannot be changed.")
    raise RequestError(f"There is no model {name!r} of your own; s2s models lists those that are installed.")


def rename(one: Installed, name: str) -> None:
    """Give a model another name for people; its id stays."""
    if not name.strip() or len(name) > 200 or one.card is None:
        raise RequestError("A model's name must have 1 to 200 characters.")
    card = msgspec.structs.replace(one.card, name=name.strip())
    if one.record is not None:
        write_record(msgspec.structs.replace(one.record, card=card), one.folder)
    if os.path.lexists(one.folder / CARD):
        write_card(card, one.folder)


def remove(one: Installed) -> Path:
    """Take a model out of the library; return where it lies until the program starts again."""
    bin = paths.user_data() / "removed"
    bin.mkdir(parents=True, exist_ok=True)
    place = bin / one.folder.name
    import shutil  # takes its time, and no start of the window should wait for it

    shutil.rmtree(place, ignore_errors=True)
    one.folder.rename(place)
    return place


def restore(place: Path) -> Path:
    """Put a removed model back; return its folder."""
    folder = paths.user_models() / place.name
    if folder.exists():
        raise RequestError(f"There is a model {place.name} again; remove that one first.")
    place.rename(folder)
    return folder


def empty_bin() -> None:
    """Delete for good what was removed."""
    import shutil  # as above

    shutil.rmtree(paths.user_data() / "removed", ignore_errors=True)


def chains(models: Iterable[Installed]) -> list[Chain]:
    """Return, for each direction that no model goes but two models go by way of English, the first such pair."""
    usable = [
        (one, one.card.directions) for one in models if one.card and not one.fault and one.card.task == "translate"
    ]
    direct = {(way.source.code, way.target.code) for _, ways in usable for way in ways}
    found: dict[tuple[str, str], Chain] = {}
    for first, ways in usable:
        for way in ways:
            if way.target.code != BRIDGE or way.source.code in (BRIDGE, UNKNOWN):
                continue
            for second, others in usable:
                for other in others:
                    pair = (way.source.code, other.target.code)
                    is_bridged = other.source.code == BRIDGE and other.target.code not in (BRIDGE, UNKNOWN)
                    if is_bridged and pair[0] != pair[1] and pair not in direct:
                        found.setdefault(pair, Chain(first, second, Direction(way.source, other.target)))
    return list(found.values())
