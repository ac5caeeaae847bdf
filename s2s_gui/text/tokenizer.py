"""What a tokenizer is: text to pieces with ids, and back as a stream. Word and character tokenizers are here.

A detokeniser takes ids one by one; its text only grows and never shows half a character. No text of a user can become
an end symbol or a direction's tag: those ids are put around the pieces by the engine alone.
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from s2s_gui.errors import ModelError

MAX_BYTES = 64 << 20
SURROGATES = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    """A part of a text as the vocabulary knows it: its number and how it is written."""

    id: int
    text: str


class Detokeniser(Protocol):
    """Text that grows with every id."""

    def push(self, id: int) -> None:
        """Add one token."""
        ...

    @property
    def text(self) -> str:
        """The text so far, without an incomplete character; each value begins with the one before."""
        ...


class Tokenizer(Protocol):
    """Text to pieces and back."""

    @property
    def size(self) -> int:
        """Number of ids; they count from 0."""
        ...

    def encode(self, text: str) -> list[Piece]:
        """Return the pieces of ``text``; neither end symbol nor tag is among them."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids``; special pieces give nothing."""
        ...

    def stream(self) -> Detokeniser:
        """Return an empty detokeniser."""
        ...

    def piece(self, id: int) -> str:
        """Return how token ``id`` is written in the vocabulary."""
        ...

    def id_of(self, piece: str) -> int | None:
        """Return the number of ``piece``, None if the vocabulary lacks it."""
        ...

    def begins_word(self, id: int) -> bool:
        """Say whether token ``id`` is parted by a blank from what is before it."""
        ...


class ListedDetokeniser:
    """Joins listed tokens with a fixed joint; special ones give nothing."""

    def __init__(self, tokens: Sequence[str], joint: str, silent: frozenset[int]) -> None:
        self._tokens = tokens
        self._joint = joint
        self._silent = silent
        self._text = ""
        self._begun = False

    def push(self, id: int) -> None:
        if id in self._silent:
            return
        self._text += (self._joint if self._begun else "") + self._tokens[id]
        self._begun = True

    @property
    def text(self) -> str:
        return self._text


class ListedTokenizer:
    """A vocabulary that is a list of tokens by id: "words" are parted by blanks, "characters" by nothing.

    ``specials`` are pieces that text must never become, apart from the tokens ``eos`` and ``unk``. With "tokens" the
    text is tokens with blanks between: every one may be written, and only the end symbol shows nothing.
    """

    def __init__(self, tokens: Sequence[str], kind: str, *, eos: int, unk: int, specials: Iterable[str] = ()) -> None:
        self._tokens = tuple(tokens)
        self._kind = kind
        self._unk = unk
        self._ids = first_ids(self._tokens)
        self._silent = frozenset({eos})
        if kind != "tokens":
            self._silent |= {unk, *(self._ids[special] for special in specials if special in self._ids)}

    @property
    def size(self) -> int:
        return len(self._tokens)

    def encode(self, text: str) -> list[Piece]:
        pieces = []
        for token in self._split(text):
            id = self._ids.get(token, self._unk)
            pieces.append(Piece(self._unk if id in self._silent and self._kind != "tokens" else id, token))
        return pieces

    def decode(self, ids: Iterable[int]) -> str:
        detokeniser = self.stream()
        for id in ids:
            detokeniser.push(id)
        return detokeniser.text

    def stream(self) -> Detokeniser:
        return ListedDetokeniser(self._tokens, "" if self._kind == "characters" else " ", self._silent)

    def piece(self, id: int) -> str:
        return self._tokens[id]

    def id_of(self, piece: str) -> int | None:
        return self._ids.get(piece)

    def begins_word(self, id: int) -> bool:
        return self._kind != "characters" or self._tokens[id].isspace()

    def _split(self, text: str) -> Iterable[str]:
        if self._kind == "tokens":
            return (token for token in text.split(" ") if token)
        return text.split() if self._kind == "words" else text


def first_ids(tokens: Sequence[str]) -> dict[str, int]:
    """Return the id of each token; of several alike the first counts."""
    return dict(zip(reversed(tokens), reversed(range(len(tokens))), strict=True))


def without_surrogates(text: str) -> str:
    """Return ``text`` with each lone surrogate, which no encoding can carry, as U+FFFD; offsets stay the same."""
    return SURROGATES.sub("\ufffd", text)


def read_bytes(path: Path) -> bytes:
    """Return a tokenizer file's bytes; raise ``ModelError`` if it is absent, unreadable or over 64 MiB."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelError(str(path), [f"The tokenizer file has {size:,} bytes; at most {MAX_BYTES:,} are read."])
        return path.read_bytes()
    except OSError as error:
        raise ModelError(str(path), [f"The tokenizer file cannot be read ({error.strerror})."]) from error


def read_words(path: Path) -> list[str]:
    """Return the tokens of a "words" file: UTF-8, one token a line, no token twice."""
    tokens = _lines(path)
    _refuse_repeats(path, tokens)
    return tokens


def read_json_list(path: Path) -> list[str]:
    """Return the tokens of a file that is a JSON list of strings."""
    try:
        tokens = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        tokens = None
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise ModelError(str(path), ["The list of tokens is not a JSON list of strings."])
    return tokens


def read_characters(path: Path) -> list[str]:
    """Return the tokens of a "characters" file: each line a JSON string."""
    tokens = []
    for number, line in enumerate(_lines(path), 1):
        try:
            token = json.loads(line)
        except json.JSONDecodeError:
            token = None
        if not isinstance(token, str):
            raise ModelError(str(path), [f"Line {number} of the tokenizer file is not a JSON string."])
        tokens.append(token)
    _refuse_repeats(path, tokens)
    return tokens


def _lines(path: Path) -> list[str]:
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(str(path), ["The tokenizer file is not UTF-8 text."]) from error
    return text.removesuffix("\n").replace("\r\n", "\n").split("\n")


def _refuse_repeats(path: Path, tokens: list[str]) -> None:
    first: dict[str, int] = {}
    for number, token in enumerate(tokens, 1):
        if first.setdefault(token, number) != number:
            raise ModelError(
                str(path), [f"Lines {first[token]} and {number} of the tokenizer file hold the same token {token!r}."]
            )
