"""Examples from packed token ids: pools by number, cut into batches whose rows lie end to end.

A part is one stored pair of ids. A pool is drawn as ``training/corpora.py`` draws its own: each corpus gets its share
and is gone through in passes; some parts are put together into one example. Pool k depends on (seed, k) alone.
"""

import json
import lzma
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from s2s_gui.training.remote.ragged import rows_of

IGNORED = -100
BLOCKS = (16, 32, 64, 128)
LONGEST = BLOCKS[-1]
FULLEST = 4  # a batch has room for as many rows as if each were a quarter of its block
POOL_PARTS = 1 << 19
EITHER = -1


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of ids end to end: ``ids`` and their ``places`` in their rows, both int64 [N]; ``offsets`` int32 [B + 1].

    What lies behind the last offset is blank.
    """

    ids: Tensor
    places: Tensor
    offsets: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Sources, what the decoder reads, and ``labels`` int64 [N], ``IGNORED`` where blank. No row is over ``block``."""

    source: Rows
    target: Rows
    labels: Tensor
    block: int

    def tensors(self) -> list[Tensor]:
        """Return all that differs from batch to batch of a block."""
        rows = [tensor for side in (self.source, self.target) for tensor in (side.ids, side.places, side.offsets)]
        return [*rows, self.labels]


@dataclass(frozen=True, slots=True)
class Pool:
    """Examples: where source and target begin in ``flat`` int32 [M] and how long they are, all int64 [E].

    ``tags`` is each source's first id, -1 for none; neither it nor the end symbol is in ``flat``. ``batches`` are the
    blocks with their examples.
    """

    flat: np.ndarray
    starts: tuple[np.ndarray, np.ndarray]
    lengths: tuple[np.ndarray, np.ndarray]
    tags: np.ndarray
    batches: list[tuple[int, np.ndarray]]


class Examples:
    """The pack's corpora, whose batches are made on a device. ``plan`` is the pack's ``plan.json``."""

    def __init__(self, plan: dict[str, Any], arrays: dict[str, np.ndarray], device: torch.device) -> None:
        self.plan, self.device = plan, device
        self.ids: np.ndarray = arrays["ids"].astype(np.int32)
        self.lengths: np.ndarray = arrays["lengths"].astype(np.int64)
        self.starts: np.ndarray = self.lengths.ravel().cumsum().reshape(self.lengths.shape) - self.lengths
        self.ways: np.ndarray = arrays["ways"].astype(np.int64)
        ways = plan["ways"]
        self.columns: np.ndarray = np.array([[way["source"], way["target"]] for way in ways])
        self.tags: np.ndarray = np.array([way["tag"] for way in ways])
        shares = np.array([way["share"] for way in ways])
        self.way_shares: np.ndarray = shares / shares.sum()

    def token_counts(self) -> Tensor:
        """Return how often each id is in the training text, both sides together, float32 [V]."""
        parts = sum(corpus["count"] for corpus in self.plan["corpora"])
        size = self.plan["network"]["target_vocabulary"]
        counts = np.zeros(size)
        for side in range(2):
            first, last = self.starts[side, 0], self.starts[side, parts - 1] + self.lengths[side, parts - 1]
            counts += np.bincount(self.ids[first:last], minlength=size)
        counts[self.plan["eos"]] += 2 * parts
        return torch.from_numpy(counts).float().to(self.device)

    def pool(self, number: int, tokens: int, parts: int = POOL_PARTS, *, is_late: bool = False) -> Pool:
        """Return pool ``number`` of ``parts`` parts, in batches of at most ``tokens`` ids a side.

        ``is_late`` asks for the corpora's late weights. Nothing here touches the device, so that another thread can
        do it while the device learns.
        """
        share = "late_share" if is_late else "share"
        random = np.random.default_rng([self.plan["seed"], number])
        drawn = np.concatenate(
            [
                corpus["first"] + self._places(at, corpus["count"], *_span(number, parts * corpus[share]))
                for at, corpus in enumerate(self.plan["corpora"])
            ]
        )
        drawn = random.permutation(drawn)
        bound = self.ways[drawn]
        free, single = drawn[bound == EITHER], drawn[bound != EITHER]
        counts = np.where(
            random.random(len(free)) < self.plan["join"], random.integers(2, 5, size=len(free)), 1
        )  # more than needed: joined parts use up fewer
        firsts = counts.cumsum() - counts
        firsts = firsts[firsts < len(free)]
        ways = random.choice(len(self.way_shares), size=len(firsts), p=self.way_shares)
        order = np.concatenate([free, single])
        firsts = np.concatenate([firsts, len(free) + np.arange(len(single))])
        ways = np.concatenate([ways, self.ways[single]])
        return self._joined(order, firsts, ways, tokens, random)

    def fixed(self, dev: dict[str, Any], tokens: int) -> Pool:
        """Return the examples of a dev set of the plan."""
        order = np.arange(dev["first"], dev["first"] + dev["count"])
        ways = np.full(len(order), dev["way"])
        return self._joined(order, np.arange(len(order)), ways, tokens, None)

    def batches(self, pool: Pool, tokens: int, first: int = 0) -> Iterator[Batch]:
        """Yield the pool's batches from number ``first`` on, on the device, ``tokens`` places a side."""
        flat = torch.from_numpy(pool.flat).to(self.device)
        table = torch.from_numpy(np.stack([pool.tags, *pool.starts, *pool.lengths])).to(self.device)
        order = torch.from_numpy(np.concatenate([rows for _, rows in pool.batches])).to(self.device)
        ends = np.cumsum([len(rows) for _, rows in pool.batches]).tolist()
        for (block, rows), end in list(zip(pool.batches, ends, strict=True))[first:]:
            yield self._batch(flat, table[:, order[end - len(rows) : end]], block, tokens)

    def _places(self, corpus: int, count: int, start: int, end: int) -> np.ndarray:
        places = [np.empty(0, np.int64)]
        while start < end:
            turn, first = divmod(start, count)
            order = np.random.default_rng([self.plan["seed"], corpus, turn, 7]).permutation(count)
            places.append(order[first : first + end - start])
            start += len(places[-1])
        return np.concatenate(places)

    def _joined(
        self, order: np.ndarray, firsts: np.ndarray, ways: np.ndarray, tokens: int, random: np.random.Generator | None
    ) -> Pool:
        """Lay the parts ``order`` end to end; example e has those from ``firsts[e]`` up to the next one's first."""
        mixed = np.arange(len(firsts)) if random is None else random.permutation(len(firsts))
        is_later = np.ones(len(order), dtype=bool)
        is_later[firsts] = False
        (flat, sources), (other, targets) = (self._laid(side, order, is_later) for side in range(2))
        sides, base = np.stack([sources, targets]), np.array([0, len(flat)])
        columns = self.columns[ways][mixed]
        begins, ends = firsts[mixed], np.append(firsts[1:], len(order))[mixed]
        starts = [sides[columns[:, end], begins] for end in range(2)]
        lengths = [sides[columns[:, end], ends] - starts[end] for end in range(2)]
        places = [starts[end] + base[columns[:, end]] for end in range(2)]
        tags = self.tags[ways][mixed]
        needed = (lengths[0] + (tags >= 0) + 1, lengths[1] + 1)
        return Pool(
            np.concatenate([flat, other]),
            (places[0], places[1]),
            (lengths[0], lengths[1]),
            tags,
            self._cut(needed, tokens, random),
        )

    def _laid(self, side: int, parts: np.ndarray, is_later: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a side's ids of ``parts`` end to end, and where each begins, with the end of all, int64 [P + 1].

        Where words have no blanks between, a later part of an example loses the blank before its first word.
        """
        starts, lengths = self.starts[side, parts], self.lengths[side, parts]
        blank = self.plan["blanks"][side]
        if blank >= 0:
            cut = is_later & (self.ids[starts] == blank) & (lengths > 1)
            starts, lengths = starts + cut, lengths - cut
        offsets: np.ndarray = np.append(0, lengths.cumsum())
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return self.ids[places], offsets

    def _cut(
        self, needed: tuple[np.ndarray, np.ndarray], tokens: int, random: np.random.Generator | None
    ) -> list[tuple[int, np.ndarray]]:
        """Sort examples by the block that holds them and cut these into batches that are full on one side.

        The last batch of a block goes if it is less than half full and others stay.
        """
        longer = np.maximum(*needed)
        batches = []
        for block in BLOCKS:
            smaller = block // 2 if block > BLOCKS[0] else 0
            rows = np.flatnonzero((longer > smaller) & (longer <= min(block, self.plan["longest"])))
            sums = [np.append(0, side[rows].cumsum()) for side in needed]
            first, most = 0, max(1, FULLEST * tokens // block)
            while first < len(rows):
                last = min(first + most, *(int(side.searchsorted(side[first] + tokens, "right")) - 1 for side in sums))
                last = max(last, first + 1)
                is_rest = last == len(rows) and max(side[last] - side[first] for side in sums) < tokens // 2
                if not (is_rest and first and random is not None):
                    batches.append((block, rows[first:last]))
                first = last
        return batches if random is None else [batches[i] for i in random.permutation(len(batches))]

    def _batch(self, flat: Tensor, table: Tensor, block: int, tokens: int) -> Batch:
        """Lay rows end to end; ``table`` int64 [5, rows] has their tags, starts and lengths as ``Pool`` has them."""
        eos, count = self.plan["eos"], table.shape[1]
        most = max(1, FULLEST * tokens // block)
        table = torch.nn.functional.pad(table, (0, most - count))
        tags, source_starts, target_starts, source_lengths, target_lengths = table
        real = torch.arange(most, device=self.device) < count
        tagged = (tags >= 0).long()
        sides = []
        for lengths in (source_lengths + tagged + 1, target_lengths + 1):
            offsets = torch.nn.functional.pad((lengths * real).cumsum(0), (1, 0))
            row = rows_of(offsets, tokens)
            is_blank = row == most
            row = row.clamp(max=most - 1)
            place = (torch.arange(tokens, device=self.device) - offsets[row]).masked_fill(is_blank, 0)
            sides.append((offsets.int(), row, place, is_blank))
        offsets, row, place, is_blank = sides[0]
        ids = self._read(flat, source_starts[row] + place - tagged[row])
        ids = torch.where(is_blank | (place == source_lengths[row] + tagged[row]), eos, ids)
        source = Rows(torch.where((place == 0) & (tagged[row] == 1), tags[row], ids), place, offsets)
        offsets, row, place, is_blank = sides[1]
        inputs = self._read(flat, target_starts[row] + place - 1)
        inputs = torch.where(place == 0, self.plan["start"], inputs)
        labels = self._read(flat, target_starts[row] + place)
        labels = torch.where(place == target_lengths[row], eos, labels).masked_fill(is_blank, IGNORED)
        return Batch(source, Rows(inputs, place, offsets), labels, block)

    @staticmethod
    def _read(flat: Tensor, places: Tensor) -> Tensor:
        return flat[places.clamp(0, len(flat) - 1)].long()


def _span(number: int, share: float) -> tuple[int, int]:
    return int(number * share), int((number + 1) * share)


def open_pack(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the plan and the arrays of a pack: ``ids`` [M], ``lengths`` [2, N], ``ways`` [N]."""
    with zipfile.ZipFile(path) as pack:
        plan: dict[str, Any] = json.loads(pack.read("plan.json"))
        arrays = {}
        for name, (kind, shape) in plan["arrays"].items():
            arrays[name] = np.frombuffer(lzma.decompress(pack.read(f"{name}.xz")), kind).reshape(shape)
    return plan, arrays
