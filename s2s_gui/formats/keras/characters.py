"""The file beside a Keras model that says which characters, or words, its numbers stand for.

A Keras model knows numbers only. The file is JSON: ``source_characters`` and ``target_characters`` (or
``source_words`` and ``target_words``) in the order of their numbers, ``start`` and ``end`` of every target,
``longest_source``, and ``source_padding``, the token that short sources were filled up with: null for vectors of zeros.
"""

import json
from collections import Counter
from pathlib import Path

import msgspec

from s2s_gui.errors import ModelError
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_limited
from s2s_gui.formats.keras.network import KerasNetwork, Side
from s2s_gui.formats.numbering import Numbering, numbering

NAME = "characters.json"
PADDING = "<pad>"
UNKNOWN = ("[UNK]", "<unk>", "<UNK>", "<OOV>", "<oov>", "UNK")


class Characters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file says; ``languages`` by code, empty if it does not say."""

    source_characters: tuple[str, ...] = ()
    target_characters: tuple[str, ...] = ()
    source_words: tuple[str, ...] = ()
    target_words: tuple[str, ...] = ()
    start: str = "\t"
    end: str = "\n"
    longest_source: int = 0
    source_padding: str | None = None
    source_language: str = ""
    target_language: str = ""
    name: str = ""
    licence: str = ""

    @property
    def has_words(self) -> bool:
        """Whether the tokens are words and not characters."""
        return bool(self.source_words)

    @property
    def source(self) -> tuple[str, ...]:
        """The source's tokens."""
        return self.source_words or self.source_characters

    @property
    def target(self) -> tuple[str, ...]:
        """The target's tokens."""
        return self.target_words or self.target_characters


def read_characters(model: Path, network: KerasNetwork) -> tuple[Characters, Path]:
    """Return what the file beside ``model`` says, and where it is; ``ModelError`` explains one that is missing."""
    places = [model.with_suffix(".json"), model.with_name(NAME)]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise ModelError(str(model), [_missing(model, network)])
    try:
        found = msgspec.json.decode(read_limited(path, MAX_VOCABULARY), type=Characters)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(str(model), [f"{path.name} cannot be used: {error}.", _shape(network)]) from error
    faults = _faults(found, network, path.name)
    if faults:
        raise ModelError(str(model), faults)
    return found, path


def numberings(found: Characters, network: KerasNetwork) -> tuple[Numbering, Numbering]:
    """Return the tokens of both sides by new ids, with the rows of the model's matrices."""
    sides = []
    for tokens, side, end in ((found.source, network.source, ""), (found.target, network.target, found.end)):
        listed, unk = _rows(tokens, side)
        sides.append(numbering(listed, unk, listed.index(end) if end else -1))
    return sides[0], sides[1]


def _rows(tokens: tuple[str, ...], side: Side) -> tuple[tuple[str, ...], int]:
    """Return the token of each of the model's numbers, and the number of what is not in the list, -1 if it has none.

    With an Embedding layer 0 usually is the padding, which a list leaves out or gives as "". It serves as the unknown
    token too, if there is no other: none of the model's numbers may stand for a token that it has not seen.
    """
    listed = tokens if len(tokens) == side.size else ("", *tokens)
    listed = (listed[0] or PADDING, *listed[1:])
    place = next((listed.index(name) for name in UNKNOWN if name in listed), -1)
    return listed, 0 if place < 0 and listed[0] == PADDING else place


def _faults(found: Characters, network: KerasNetwork, name: str) -> list[str]:
    faults = []
    what = "words" if found.has_words else "characters"
    if bool(found.source_words) != bool(found.target_words) or (found.has_words and found.source_characters):
        return [
            f"{name}: give source_characters and target_characters, or source_words and target_words.",
            _shape(network),
        ]
    for side, tokens, wanted in (("source", found.source, network.source), ("target", found.target, network.target)):
        sizes = {wanted.size, wanted.size - 1} if wanted.embedding else {wanted.size}
        if len(tokens) not in sizes:
            listed = " or ".join(str(size) for size in sorted(sizes))
            faults.append(f"{name}: {side}_{what} has {len(tokens)} entries, but the model needs {listed}.")
        faults += [
            f"{name}: {side}_{what} holds {token!r} more than once."
            for token, count in Counter(tokens).most_common(1)
            if count > 1
        ]
        if what == "characters" and any(len(token) != 1 for token in {*tokens} - {"", *UNKNOWN}):
            faults.append(f"{name}: source_characters and target_characters must hold single characters.")
    for field, token, tokens in (
        ("start", found.start, found.target),
        ("end", found.end, found.target),
        ("source_padding", found.source_padding, found.source),
    ):
        if token is not None and token not in tokens:
            faults.append(f"{name}: {field} is {token!r}, which is not among the {what} of its side.")
    if not 0 <= found.longest_source <= 4096:
        faults.append(f"{name}: longest_source is {found.longest_source}; it must lie between 0 and 4096.")
    if not found.longest_source and not network.source.is_masked:
        faults.append(
            f"{name}: longest_source is missing. The model was trained on sources filled up to the length of the"
            " longest one, and needs to know that length."
        )
    return faults


def _missing(model: Path, network: KerasNetwork) -> str:
    return (
        f"{model.name} does not say which characters its numbers stand for. Write a file {NAME} beside it"
        f" (or {model.stem}.json) with what its training script knew. {_shape(network)}"
    )


def _shape(network: KerasNetwork) -> str:
    """Return an example of the file with the model's own sizes."""
    source, target = (side.size - (1 if side.embedding else 0) for side in (network.source, network.target))
    example = {
        "source_characters": [" ", "!", "a", "b"],
        "target_characters": ["\t", "\n", " ", "a"],
        "start": "\t",
        "end": "\n",
        "longest_source": 16,
        "source_padding": None if network.source.embedding else " ",
        "source_language": "en",
        "target_language": "fr",
    }
    return (
        f"An example: {json.dumps(example)}. Here source_characters must list {source} and target_characters {target}"
        " characters in the order of their numbers (source_words and target_words for a model of words);"
        " source_padding is null if short sources were filled up with zeros."
    )
