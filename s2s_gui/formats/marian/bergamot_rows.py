"""Vocabulary matrices in the order of SentencePiece ids, filled up as the engine's products need it.

Bergamot knows no list beside a SentencePiece model: where a network's ids are those of a list, its rows are put into
the order of the pieces.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy as np

from s2s_gui.description import ModelDescription, Shortlist, TransformerConfig
from s2s_gui.formats.lazy import Array, LazyWeights
from s2s_gui.formats.marian.export import OwnPieces, are_own_ids
from s2s_gui.text.sentencepiece import PieceFacts

MULTIPLE = 8
NO_CHANCE = -99.0


@dataclass(frozen=True, slots=True)
class Rows:
    """For each written row of both sides the network's own, -1 for a row of zeros that is never chosen."""

    network: TransformerConfig
    source: tuple[int, ...]
    target: tuple[int, ...]
    source_pieces: int
    target_pieces: int
    is_own: bool

    def weights(self, ours: Mapping[str, Any]) -> LazyWeights:
        """Return all weights, those of the vocabularies with the rows that are written."""
        makers: dict[str, Callable[[], Array]] = {name: partial(ours.__getitem__, name) for name in ours}
        source = "source_embedding.weight" if "source_embedding.weight" in ours else "target_embedding.weight"
        source_table = makers[source]
        makers["target_embedding.weight"] = _gathered(makers["target_embedding.weight"], self.target)
        makers["output_bias"] = _gathered(makers["output_bias"], self.target, NO_CHANCE)
        if self.network.tied != "all":
            makers["source_embedding.weight"] = _gathered(source_table, self.source)
        return LazyWeights(makers)

    def shortlist(self, lists: Shortlist | None) -> Shortlist | None:
        """Return a shortlist of the network's ids as one of SentencePiece ids."""
        if lists is None or self.is_own:
            return lists
        target_of = {row: id for id, row in reversed(list(enumerate(self.target[: self.target_pieces])))}
        offsets, parts = [0], []
        for row in self.source[: self.source_pieces]:
            ids = lists.ids[int(lists.offsets[row]) : int(lists.offsets[row + 1])] if row >= 0 else ()
            part = sorted({target_of[int(id)] for id in ids if int(id) in target_of})
            parts.extend(part)
            offsets.append(offsets[-1] + len(part))
        return Shortlist(lists.frequent, np.array(offsets, np.uint64), np.array(parts, np.uint32))


def _gathered(array: Callable[[], Array], rows: Sequence[int], fill: float = 0.0) -> Callable[[], Array]:
    """Return the maker of an array's rows, with ``fill`` in those that are -1."""

    def make() -> Array:
        found = np.asarray(array(), np.float32)[np.maximum(rows, 0)]
        found[np.array(rows) < 0] = fill
        return found

    return make


def rows_of(description: ModelDescription, network: TransformerConfig, pieces: OwnPieces) -> Rows:
    """Return the rows to write, and the network as it is with them."""
    sizes = len(pieces.source_facts.pieces), len(pieces.target_facts.pieces)
    is_own = are_own_ids(description)
    if is_own:
        found = [list(range(size)) for size in sizes]
    else:
        decoding = description.card.decoding
        source_end = decoding.eos if decoding.source_end is None else decoding.source_end[0]
        found = [
            _of_list(pieces.source_facts, description.source.tokens, source_end, decoding.unk, decoding.unk),
            _of_list(pieces.target_facts, description.target.tokens, decoding.eos, decoding.unk, -1),
        ]
    source, target = (tuple(rows + [-1] * (-len(rows) % MULTIPLE)) for rows in found)
    tied = "all" if network.tied == "all" and source == target and pieces.is_joint else "target"
    written = msgspec.structs.replace(network, source_vocabulary=len(source), target_vocabulary=len(target), tied=tied)
    return Rows(written, source, target, *sizes, is_own)


def _of_list(facts: PieceFacts, tokens: Sequence[str], eos: int, unk: int, absent: int) -> list[int]:
    """Return for each piece its place in ``tokens``, ``absent`` for a piece that the list lacks."""
    ids = {token: id for id, token in reversed(list(enumerate(tokens)))}
    rows = [ids.get(piece, absent) for piece in facts.pieces]
    rows[facts.eos], rows[facts.unk] = eos, unk
    return rows
