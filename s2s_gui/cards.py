"""Read and write ``card.json``, and say all that is wrong with one. No weights, no numpy, no torch."""

from pathlib import Path
from typing import Any

import msgspec

from s2s_gui.description import FORMAT_VERSION, ModelCard, TransformerConfig

CARD = "card.json"
MAX_BYTES = 1 << 20
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"


def read_card(folder: Path) -> tuple[ModelCard | None, list[str]]:
    """Return the card in ``folder``, None if it cannot be read at all, and everything that is wrong with it."""
    path = folder / CARD
    try:
        if path.stat().st_size > MAX_BYTES:
            return None, [f"{CARD} has more than {MAX_BYTES:,} bytes."]
        content = path.read_bytes()
    except FileNotFoundError:
        return None, [f"{CARD} is missing: this is not a model folder of this program."]
    except OSError as error:
        return None, [f"{CARD} cannot be read ({error.strerror})."]
    if content.startswith(LFS_POINTER):
        return None, [lfs_fault(CARD)]
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, [f"{CARD} is not JSON: {error}."]
    faults = _raw_faults(raw)
    if faults:
        return None, faults
    try:
        card = msgspec.convert(raw, ModelCard)
    except msgspec.ValidationError as error:
        return None, [f"{CARD}: {error}."]
    return card, card_faults(card)


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``card`` as indented JSON."""
    (folder / CARD).write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")


def range_faults(value: msgspec.Struct) -> list[str]:
    """Return what is out of its range in a card or a part of one that a reader has put together."""
    try:
        msgspec.convert(msgspec.to_builtins(value), type(value))
    except msgspec.ValidationError as error:
        return [f"{error}."]
    return []


def card_faults(card: ModelCard) -> list[str]:
    """Return what does not fit together in a card, one sentence each."""
    faults = list(card.network.faults())
    decoding = card.decoding
    source, target = card.network.source_vocabulary, card.network.target_vocabulary
    ids = [
        ("eos", decoding.eos, 0, target if decoding.source_end is not None else min(source, target)),
        ("unk", decoding.unk, 0, target),
        ("start", decoding.start, -1, target),
        *(("never", id, 0, target) for id in decoding.never),
        *(("source_start", id, 0, source) for id in decoding.source_start),
        *(("source_end", id, 0, source) for id in decoding.source_end or ()),
        ("pad_source_with", decoding.pad_source_with, -1, source),
    ]
    faults += [
        f"decoding.{name} is {id}, but ids of this vocabulary lie between {low} and {high - 1}."
        for name, id, low, high in ids
        if not low <= id < high
    ]
    if decoding.eos in (*decoding.never, decoding.unk):
        faults.append("decoding.eos is among the ids that must not be produced: no translation could end.")
    faults += _position_faults(card)
    names = [str(direction) for direction in card.directions] + [str(tongue.language) for tongue in card.languages]
    faults += [f"{name} is listed twice." for name in dict.fromkeys(names) if names.count(name) > 1]
    if not card.directions and len(card.languages) < 2:
        faults.append("The model goes no direction: directions is empty, and languages names no two of them.")
    for name in card.files():
        if not is_plain(name):
            faults.append(f"The file {name!r} is not a plain name of a file inside the model's folder.")
    return faults


def _position_faults(card: ModelCard) -> list[str]:
    """A table of learned positions must reach as far as the longest segment does."""
    network = card.network
    if not isinstance(network, TransformerConfig) or network.positions != "learned":
        return []
    needed = card.decoding.max_source + network.first_position
    if needed <= network.max_positions:
        return []
    return [
        f"decoding.max_source is {card.decoding.max_source}, but the network knows only {network.max_positions}"
        f" positions, counted from {network.first_position}."
    ]


def is_plain(name: str) -> bool:
    """Say whether ``name`` can only name a file directly inside a folder."""
    return bool(name) and name not in (".", "..") and not any(character in '/\\:"\0' for character in name)


def lfs_fault(name: str) -> str:
    """Return the sentence for a file that Git LFS has not fetched."""
    return f"{name} is only a Git LFS pointer: the real file was not fetched (run git lfs pull)."


def _raw_faults(raw: Any) -> list[str]:
    """Find, in decoded JSON, what the typed reading would stop at or could only report one by one."""
    if not isinstance(raw, dict):
        return [f"{CARD} does not hold a JSON object."]
    version = raw.get("format_version", FORMAT_VERSION)
    if not isinstance(version, int) or version < 1:
        return [f"{CARD}: format_version is {version!r}; this program reads version {FORMAT_VERSION}."]
    if version > FORMAT_VERSION:
        return [
            f"{CARD} has format version {version}; this program reads versions up to {FORMAT_VERSION}."
            " Install a newer version of the program."
        ]
    known = {field.encode_name for field in msgspec.structs.fields(ModelCard)}
    required = {field.encode_name for field in msgspec.structs.fields(ModelCard) if field.required}
    faults = [f"{CARD} has the unknown field {name!r}." for name in sorted(raw.keys() - known)]
    return faults + [f"{CARD} lacks the field {name!r}." for name in sorted(required - raw.keys())]
