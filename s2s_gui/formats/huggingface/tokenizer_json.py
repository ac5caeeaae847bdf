"""A ``tokenizer.json`` of Hugging Face tokenizers that was made from a SentencePiece BPE model, turned back into one.

Merges are ranked in the file; SentencePiece merges by the score of the piece that comes out, so a piece's score is the
negative rank of the first merge that makes it. The message written is that of sentencepiece_model.proto.
"""

import base64
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2s_gui.errors import ModelError
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_object

MAX_PIECES = 1 << 21
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
BPE = 2


@dataclass(frozen=True, slots=True)
class BpeTokenizer:
    """The SentencePiece model, the ids of all tokens by name, and those added beside the model."""

    model: bytes
    ids: dict[str, int]
    added: tuple[str, ...]


def read_tokenizer_json(path: Path) -> BpeTokenizer:
    """Return what ``path`` describes; raise ``ModelError`` if it is not a BPE model or is damaged."""
    table = read_object(path, MAX_VOCABULARY)
    model = table.get("model")
    if not isinstance(model, dict) or model.get("type") != "BPE":
        raise ModelError(str(path), [f"{path.name} is not a BPE tokenizer; put sentencepiece.bpe.model beside it."])
    vocabulary, merges = model.get("vocab"), model.get("merges")
    added = table.get("added_tokens") or []
    if not isinstance(vocabulary, dict) or not isinstance(merges, list) or not isinstance(added, list):
        raise ModelError(str(path), [f"{path.name} is damaged: vocabulary or merges are missing."])
    ids = dict(vocabulary)
    for token in added:
        if isinstance(token, dict) and isinstance(token.get("content"), str):
            ids[token["content"]] = token.get("id")
    if not all(type(id) is int and 0 <= id < MAX_PIECES for id in ids.values()):
        raise ModelError(str(path), [f"{path.name} is damaged: not every token has a number."])
    specials = [
        token["content"] for token in added if isinstance(token, dict) and isinstance(token.get("content"), str)
    ]
    scores = {piece: -float(rank + len(merges)) for rank, piece in enumerate(vocabulary)}
    for rank, merge in enumerate(merges):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise ModelError(str(path), [f"{path.name} is damaged: merge {rank + 1} is not a pair of pieces."])
        piece = pair[0] + pair[1]
        if scores.get(piece, 0.0) <= -len(merges):
            scores[piece] = -float(rank)
    unknown = model.get("unk_token") or "<unk>"
    kinds = dict.fromkeys(specials, CONTROL) | {unknown: UNKNOWN}
    pieces = [unknown, *(piece for piece in vocabulary if piece != unknown)]
    content = b"".join(
        _field(
            1, _text(1, piece) + b"\x15" + struct.pack("<f", scores.get(piece, 0.0)) + _number(3, _kind(piece, kinds))
        )
        for piece in pieces
    )
    trainer = _number(3, BPE) + _number(40, 0) + _number(41, (1 << 64) - 1) + _number(42, (1 << 64) - 1)
    trainer += _number(43, (1 << 64) - 1) + _number(35, int(any(_kind(piece, kinds) == BYTE for piece in pieces)))
    normalizer = _field(2, _charsmap(table)) + _number(3, 1) + _number(4, 1) + _number(5, 1)
    return BpeTokenizer(content + _field(2, trainer) + _field(3, normalizer), ids, tuple(specials))


def _kind(piece: str, kinds: dict[str, int]) -> int:
    is_byte = len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")
    return BYTE if is_byte else kinds.get(piece, NORMAL)


def _charsmap(table: dict[str, Any]) -> bytes:
    """Return the compiled normalisation rules that the tokenizer has among its normalizers, b"" for none."""
    normalizer = table.get("normalizer")
    parts = normalizer.get("normalizers", [normalizer]) if isinstance(normalizer, dict) else []
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and isinstance(part.get("precompiled_charsmap"), str):
            try:
                return base64.b64decode(part["precompiled_charsmap"], validate=True)
            except ValueError:
                return b""
    return b""


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _field(field, text.encode("utf-8", "replace"))
