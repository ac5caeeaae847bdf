"""Read and write this program's own model folder: card, weights, tokenizer files, a README for people.

Weights are float32, float16 or, matrices, int8 with a factor for each row (``eight_bits.py``).

A folder is written whole or not at all: aside, then renamed. Reading allocates nothing that the files do not hold.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors.numpy import save_file

from s2s_gui.cards import CARD, LFS_POINTER, card_faults, is_plain, lfs_fault, read_card, write_card
from s2s_gui.description import FORMAT_VERSION, EightBitRows, ModelCard, ModelDescription, Shortlist, Vocabulary
from s2s_gui.errors import ModelError
from s2s_gui.formats.eight_bits import OwnWeights, stored
from s2s_gui.formats.shortlist import read_shortlist, shortlist_bytes
from s2s_gui.text.opening import read_vocabulary

WEIGHTS = "weights.safetensors"
README = "README.md"
SHORTLIST = "shortlist.bin"


@dataclass(frozen=True, slots=True)
class Survey:
    """All that can be said of a folder without building its network; no description if there is no readable card."""

    description: ModelDescription | None
    faults: tuple[str, ...]


def survey(folder: Path) -> Survey:
    """Look at everything in ``folder``; whatever is wrong is in ``faults``, one sentence each."""
    if not folder.is_dir():
        return Survey(None, (f"There is no folder {folder}.",))
    card, faults = read_card(folder)
    weights: Mapping[str, Any] = {}
    try:
        weights = OwnWeights(folder / WEIGHTS) if (folder / WEIGHTS).is_file() else {}
        if not weights:
            faults.append(f"{WEIGHTS} is missing or holds no weights.")
    except ModelError as error:
        faults.extend(error.faults)
    if card is None:
        return Survey(None, tuple(faults))
    for name in card.files():
        faults.extend(_file_faults(folder, name))
    source, target, shortlist = _vocabularies_and_shortlist(folder, card, faults)
    precision = weights.precision if isinstance(weights, OwnWeights) else ""
    files = tuple(folder / name for name in (CARD, WEIGHTS, *card.files()))
    return Survey(
        ModelDescription(card, weights, source, target, shortlist, "s2s", precision, files),
        tuple(dict.fromkeys(faults)),
    )


def read(folder: Path) -> ModelDescription:
    """Return the model in ``folder``, its weights still in the file; raise ``ModelError`` with all faults."""
    found = survey(folder)
    if found.description is None or found.faults:
        raise ModelError(str(folder), list(found.faults))
    return found.description


def write(
    card: ModelCard, weights: Mapping[str, Any], files: Mapping[str, bytes], readme: str, folder: Path
) -> ModelCard:
    """Write a model folder, replacing one that is there; return the card as written, with its format's version.

    ``weights`` are float32 or float16 arrays, or ``EightBitRows``, by ``state_dict`` name; ``files`` gives the content
    of each file that the card mentions.
    """
    is_small = any(isinstance(weight, EightBitRows) for weight in weights.values())
    card = msgspec.structs.replace(card, format_version=FORMAT_VERSION if is_small else 1)
    faults = card_faults(card)
    tensors = stored(weights, faults)
    faults += [f"No content is given for {name}." for name in card.files() if name not in files]
    if faults:
        raise ModelError(str(folder), faults)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        save_file(tensors, aside / WEIGHTS)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        (aside / README).write_text(readme, encoding="utf-8")
        write_card(card, aside)
        aside.chmod(0o755)
        for path in aside.iterdir():
            path.chmod(0o644)
            _flush(path)
        _swap(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return card


def write_description(description: ModelDescription, folder: Path) -> None:
    """Write any model, as its reader described it, as a folder of this program's own."""
    card = description.card
    files: dict[str, bytes] = {}
    names = (card.tokenizer.source, card.tokenizer.source_tokens), (card.tokenizer.target, card.tokenizer.target_tokens)
    for (name, tokens), side in zip(names, (description.source, description.target), strict=True):
        files.setdefault(name, side.model if side.model else listed(side.tokens, card.tokenizer.kind))
        if tokens:
            files.setdefault(tokens, msgspec.json.encode(side.tokens))
    if description.shortlist is not None:
        card = msgspec.structs.replace(card, shortlist=SHORTLIST)
        files[SHORTLIST] = shortlist_bytes(description.shortlist)
    readme = f"# {card.name}\n\nRead from: {description.format}. {card.notes}\n"
    write(card, _Whole(description.weights), files, readme, folder)


class _Whole(Mapping[str, Any]):
    """Weights in the types that are written: half precision and 8 bits stay, all else is float32."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self._weights = weights

    def __getitem__(self, name: str) -> Any:
        weight = self._weights[name]
        if isinstance(weight, EightBitRows):
            return weight
        array = np.asarray(weight)
        return array if array.dtype in ("f4", "f2") else array.astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


def listed(tokens: Sequence[str], kind: str) -> bytes:
    """Return a tokenizer file of tokens by line; one that cannot stand in a line, or stands twice, is replaced."""
    if kind == "characters":
        return "".join(f"{json.dumps(token, ensure_ascii=False)}\n" for token in tokens).encode()
    seen: set[str] = set()
    lines = []
    for id, token in enumerate(tokens):
        lines.append(f"<unused{id}>" if token in seen or "\n" in token or "\r" in token else token)
        seen.add(token)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _vocabularies_and_shortlist(
    folder: Path, card: ModelCard, faults: list[str]
) -> tuple[Vocabulary, Vocabulary, Shortlist | None]:
    """Return what the files hold; one that cannot be read is left empty, and the fault noted."""
    files = card.tokenizer
    sides: list[Vocabulary] = []
    for name, tokens in ((files.source, files.source_tokens), (files.target, files.target_tokens)):
        if sides and (name, tokens) == (files.source, files.source_tokens):
            sides.append(sides[0])
            continue
        vocabulary = Vocabulary(name)
        if not any(_file_faults(folder, one) for one in (name, tokens) if one):
            try:
                vocabulary = read_vocabulary(folder / name, files.kind, folder / tokens if tokens else None)
            except ModelError as error:
                faults.extend(f"{name}: {fault}" for fault in error.faults)
        sides.append(vocabulary)
    shortlist = None
    if card.shortlist and not _file_faults(folder, card.shortlist):
        try:
            shortlist = read_shortlist(
                folder / card.shortlist, card.network.source_vocabulary, card.network.target_vocabulary
            )
        except ModelError as error:
            faults.extend(error.faults)
    return sides[0], sides[1], shortlist


def _file_faults(folder: Path, name: str) -> list[str]:
    if not is_plain(name):
        return [f"The file {name!r} is not a plain name of a file inside the model's folder."]
    path = folder / name
    if not path.is_file():
        return [f"The file {name} is missing."]
    if path.resolve().parent != folder.resolve():
        return [f"The file {name} is a link to a place outside the model's folder."]
    with path.open("rb") as file:
        return [lfs_fault(name)] if file.read(len(LFS_POINTER)) == LFS_POINTER else []


def _flush(path: Path) -> None:
    """Make sure that a file is on the disk before its folder gets its final name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _swap(aside: Path, folder: Path) -> None:
    """Give ``aside`` the name ``folder``; a folder that has it goes away, or stays if the renaming fails."""
    if not folder.exists():
        aside.rename(folder)
        return
    older = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    folder.rename(older / folder.name)
    try:
        aside.rename(folder)
    except OSError:
        (older / folder.name).rename(folder)
        raise
    finally:
        shutil.rmtree(older, ignore_errors=True)
