"""Which of the files that have arrived in a folder make a whole model; runs off the window's thread.

A model of Firefox is whole when all of its files are there and their hashes are those of the catalogue, one of
Hugging Face when everything that a reader needs lies beside it. Other formats are one file.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s2s_gui.storage import catalogue
from s2s_gui.storage.catalogue import FirefoxModel

SINGLE = (".argosmodel", ".s2smodel", ".npz", ".tar.gz", ".tgz", ".keras", ".h5", ".hdf5")
HUGGING_FACE = frozenset({"config.json", "vocab.json", "source.spm", "target.spm"})
WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A model at ``path``; ``is_altered`` if its files are not those that the catalogue names."""

    path: str
    is_altered: bool = False


def whole_models(folder: Path, names: Iterable[str]) -> list[Arrival]:
    """Return the models that are complete in ``folder`` now that the files ``names`` have arrived."""
    found: dict[str, Arrival] = {}
    for name in names:
        arrival = _of(folder, name)
        if arrival is not None:
            found.setdefault(arrival.path, arrival)
    return list(found.values())


def _of(folder: Path, name: str) -> Arrival | None:
    candidates = [model for model in catalogue.firefox() if any(file.file == name for file in model.files)]
    if candidates:
        return _firefox(folder, candidates)
    if name in HUGGING_FACE or name in WEIGHTS:
        is_whole = all((folder / each).is_file() for each in HUGGING_FACE)
        is_whole = is_whole and any((folder / each).is_file() for each in WEIGHTS)
        return Arrival(str(folder)) if is_whole else None
    return Arrival(str(folder / name)) if name.lower().endswith(SINGLE) else None


def _firefox(folder: Path, candidates: list[FirefoxModel]) -> Arrival | None:
    """Return the model of Firefox that is whole; the sizes of a pair share names, and the hashes tell them apart."""
    whole = [model for model in candidates if all((folder / each.file).is_file() for each in model.files)]
    if not whole:
        return None
    hashes = {each.file: _sha256(folder / each.file) for model in whole for each in model.files}
    is_known = any(all(hashes[each.file] == each.sha256 for each in model.files) for model in whole)
    path = folder / next(each.file for each in whole[0].files if each.file.startswith("model."))
    return Arrival(str(path), is_altered=not is_known)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
