"""SentencePiece models (Kudo and Richardson 2018), read from ``.spm`` or ``.model`` files of any origin.

Byte pieces are gathered until they are whole characters. A direction's tag is made a control piece when the file is
read, so that a user's literal "<2en>" is spelt out like any other text.
"""

import codecs
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, count
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from s2s_gui.errors import ModelError
from s2s_gui.text.tokenizer import Detokeniser, Piece, first_ids, read_bytes, without_surrogates

BLANK = "\u2581"

# Field numbers and enumeration values of sentencepiece_model.proto.
_PIECES = 1
_TRAINER = 2
_NORMALIZER = 3
_PIECE_TEXT = 1
_PIECE_TYPE = 3
_CONTROL = 3
_USER_DEFINED = 4

_PIECE_KEY = _PIECES << 3 | 2
_USER_DEFINED_FIELD = bytes([_PIECE_TYPE << 3, _USER_DEFINED])


class SentencePieceDetokeniser:
    """Joins pieces; bytes wait until they make a character, blanks at the end until something follows."""

    def __init__(self, shown: Sequence[str | bytes]) -> None:
        self._shown = shown
        self._bytes = _character_decoder()
        self._joined = ""

    def push(self, id: int) -> None:
        part = self._shown[id]
        if isinstance(part, bytes):
            self._joined += self._bytes.decode(part)
            return
        self._bytes.reset()
        self._joined += part

    @property
    def text(self) -> str:
        return self._joined.strip(" ")


class SentencePieceTokenizer:
    """A SentencePiece model; ids are the file's own."""

    def __init__(self, model: bytes, *, where: str, specials: Collection[str] = ()) -> None:
        self._processor = _load(model, where, specials)
        self._pieces = _pieces(self._processor)
        self._shown = _shown(self._processor, self._pieces)

    @property
    def size(self) -> int:
        return len(self._pieces)

    def encode(self, text: str) -> list[Piece]:
        ids = self._processor.EncodeAsIds(without_surrogates(text))
        return [Piece(id, self._pieces[id]) for id in ids]

    def decode(self, ids: Iterable[int]) -> str:
        detokeniser = self.stream()
        for id in ids:
            detokeniser.push(id)
        return detokeniser.text

    def stream(self) -> Detokeniser:
        return SentencePieceDetokeniser(self._shown)

    def piece(self, id: int) -> str:
        return self._pieces[id]

    def id_of(self, piece: str) -> int | None:
        id = self._processor.PieceToId(piece)
        return id if self._pieces[id] == piece else None

    def begins_word(self, id: int) -> bool:
        return self._pieces[id].startswith(BLANK)


class PieceTokenizer:
    """A SentencePiece model that cuts, with numbers from a list: ``tokens`` by id (transformers' Marian, CTranslate2).

    ``specials`` are tokens that no text becomes and that show nothing, apart from ``eos`` and ``unk``; ``blanks`` are
    the characters that stand for a blank in a token. What the list lacks is ``unk``.
    """

    def __init__(
        self,
        model: bytes,
        tokens: Sequence[str],
        *,
        where: str,
        eos: int,
        unk: int,
        specials: Collection[str],
        blanks: str,
    ) -> None:
        self._processor = _load(model, where)
        self._where = where
        self._tokens = tuple(tokens)
        self._ids = first_ids(self._tokens)
        self._unk = unk
        self._silent = frozenset({eos, unk, *(self._ids[special] for special in specials if special in self._ids)})
        self._blanks = blanks
        self._shown = self._show()

    @property
    def size(self) -> int:
        return len(self._tokens)

    def encode(self, text: str) -> list[Piece]:
        try:
            tokens = self._processor.EncodeAsPieces(without_surrogates(text))
        except UnicodeDecodeError as error:
            raise ModelError(self._where, ["The tokenizer is damaged: its rules turn text into none."]) from error
        pieces = []
        for token in tokens:
            id = self._ids.get(token, self._unk)
            pieces.append(Piece(self._unk if id in self._silent else id, token))
        return pieces

    def decode(self, ids: Iterable[int]) -> str:
        detokeniser = self.stream()
        for id in ids:
            detokeniser.push(id)
        return detokeniser.text

    def stream(self) -> Detokeniser:
        return SentencePieceDetokeniser(self._shown)

    def piece(self, id: int) -> str:
        return self._tokens[id]

    def id_of(self, piece: str) -> int | None:
        return self._ids.get(piece)

    def begins_word(self, id: int) -> bool:
        return self._tokens[id][:1] in self._blanks

    def _show(self) -> list[str | bytes]:
        """Return what each token adds to a text: characters, one byte of a character, or nothing."""
        texts: Sequence[str] = self._tokens
        for blank in self._blanks:
            texts = [text.replace(blank, " ") for text in texts]
        shown: list[str | bytes] = [*texts]
        byte_pieces = frozenset(self._processor.IdToPiece(_byte_ids(self._processor)))
        if byte_pieces:
            for id, token in enumerate(self._tokens):
                if token in byte_pieces:
                    shown[id] = _byte(token)
        for id in self._silent.intersection(range(len(shown))):
            shown[id] = ""
        return shown


def read_sentencepiece(path: Path, specials: Collection[str] = ()) -> SentencePieceTokenizer:
    """Read a SentencePiece model; pieces named in ``specials`` can not come out of any text."""
    return SentencePieceTokenizer(read_bytes(path), where=str(path), specials=specials)


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """What readers of foreign files ask of a SentencePiece model: its pieces by id, and some of their ids.

    ``eos`` and ``unk`` are -1 where the model has none; ``user_defined`` are pieces that text is cut into as they are.
    """

    pieces: tuple[str, ...]
    eos: int
    unk: int
    user_defined: frozenset[str]


def piece_facts(model: bytes, where: str) -> PieceFacts:
    """Return the facts of a serialised SentencePiece model; raise ``ModelError`` if it is none."""
    processor = _load(model, where)
    user_defined = {model[slice(*inner[_PIECE_TEXT])].decode("utf-8") for _, _, inner in _user_defined(model)}
    return PieceFacts(tuple(_pieces(processor)), processor.eos_id(), processor.unk_id(), frozenset(user_defined))


def with_word_start(model: bytes, tags: Collection[str]) -> bytes:
    """Return a serialised model in which the user-defined pieces ``tags`` begin with the sign for a blank.

    SentencePiece puts that sign before a text, so "<2en> ..." would become it, the tag, and the rest; so it becomes
    the tag and the rest.
    """
    names = {tag.encode("utf-8") for tag in tags}
    parts: list[bytes] = []
    copied = 0
    for start, end, inner in _user_defined(model):
        text_start, text_end = inner[_PIECE_TEXT]
        if model[text_start:text_end] in names:
            text = BLANK.encode("utf-8") + model[text_start:text_end]
            piece = (
                model[start : text_start - len(_length(text_end - text_start))]
                + _length(len(text))
                + text
                + model[text_end:end]
            )
            parts += [model[copied : start - len(_length(end - start))], _length(len(piece)), piece]
            copied = end
    return b"".join([*parts, model[copied:]])


def _load(model: bytes, where: str, specials: Collection[str] = ()) -> SentencePieceProcessor:
    processor = SentencePieceProcessor()
    try:
        is_whole = _parts(model) >= {_PIECES, _TRAINER, _NORMALIZER}
        processor.LoadFromSerializedProto(_with_control_pieces(model, specials))
        _pieces(processor)
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelError(where, ["The file is damaged or is not a SentencePiece model."]) from error
    if not is_whole:
        raise ModelError(where, ["The file is only the beginning of a SentencePiece model: download it again."])
    return processor


def _pieces(processor: SentencePieceProcessor) -> list[str]:
    return processor.IdToPiece(list(range(processor.GetPieceSize())))


def _byte_ids(processor: SentencePieceProcessor) -> list[int]:
    return list(compress(count(), processor.IsByte(list(range(processor.GetPieceSize())))))


def _byte(piece: str) -> bytes:
    """Return the byte for which a piece like "<0xC3>" stands."""
    return bytes([int(piece[3:-1], 16)])


def _shown(processor: SentencePieceProcessor, pieces: list[str]) -> list[str | bytes]:
    """Return what each piece adds to a text: characters, one byte of a character, or nothing."""
    shown: list[str | bytes] = [piece.replace(BLANK, " ") for piece in pieces]
    ids = list(range(len(pieces)))
    for kind in (processor.IsControl, processor.IsUnknown, processor.IsUnused):
        for id in compress(ids, kind(ids)):
            shown[id] = ""
    for id in _byte_ids(processor):
        shown[id] = _byte(pieces[id])
    return shown


def _character_decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")(errors="ignore")


def _with_control_pieces(model: bytes, specials: Collection[str]) -> bytes:
    """Return the serialised model with the user-defined pieces ``specials`` turned into control pieces."""
    names = {special.encode("utf-8") for special in specials}
    changed = bytearray(model)
    for _, _, inner in _user_defined(model):
        if model[slice(*inner[_PIECE_TEXT])] in names:
            changed[inner[_PIECE_TYPE][0]] = _CONTROL
    return bytes(changed)


def _user_defined(model: bytes) -> Iterator[tuple[int, int, dict[int, tuple[int, int]]]]:
    """Yield, for each user-defined piece, where its message begins and ends, and the same of its fields by number."""
    if _USER_DEFINED_FIELD not in model:
        return
    for field, start, end in _fields(model, 0, len(model)):
        if field == _PIECES and _USER_DEFINED_FIELD in model[start:end]:
            inner = {number: (first, last) for number, first, last in _fields(model, start, end)}
            if _PIECE_TEXT in inner and _PIECE_TYPE in inner and model[inner[_PIECE_TYPE][0]] == _USER_DEFINED:
                yield start, end, inner


def _parts(model: bytes) -> set[int]:
    """Return the numbers of the fields that the message has."""
    at = 0
    # Nearly all are short pieces, one after the other: for them alone this is ten times as fast as ``_fields``.
    while at + 1 < len(model) and model[at] == _PIECE_KEY and model[at + 1] < 0x80:
        at += 2 + model[at + 1]
    found = {field for field, _, _ in _fields(model, at, len(model))}
    return found | {_PIECES} if at else found


def _length(value: int) -> bytes:
    """Return ``value`` as Protocol Buffers write a length: 7 bits a byte, the lowest first."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (field number, start of value, end of value) of a Protocol Buffers message in ``data[at:end]``."""
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            _, stop = _varint(data, at)
        elif kind == 1:
            stop = at + 8
        elif kind == 2:
            length, at = _varint(data, at)
            stop = at + length
        elif kind == 5:
            stop = at + 4
        else:
            raise ValueError(f"wire type {kind}")
        if stop > end:
            raise ValueError("a field reaches beyond its message")
        yield key >> 3, at, stop
        at = stop


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def pieces_of(model: bytes, where: str) -> list[str]:
    """Return the pieces of a serialised model by their own ids; raise ``ModelError`` if it is none."""
    return _pieces(_load(model, where))
