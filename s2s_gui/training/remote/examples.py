"""Examples from packed token ids, made on the device: pools by number, cut into batches of a few fixed shapes.

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

IGNORED = -100
BUCKETS = (8, 16, 24, 32, 48, 64, 96, 128)
POOL_PARTS = 1 << 19
EITHER = -1


@dataclass(frozen=True, slots=True)
class Batch:
    """``source``, ``inputs``, ``labels`` int64 [B, L], ``lengths`` int64 [B]; a row of ``IGNORED`` labels is blank."""

    source: Tensor
    lengths: Tensor
    inputs: Tensor
    labels: Tensor


@dataclass(frozen=True, slots=True)
class Pool:
    """Examples: where source and target begin in ``flat`` int32 [M] and how long they are, all int64 [E].

    ``tags`` is each source's first id, -1 for none; neither it nor the end symbol is in ``flat``. ``batches`` are the
    shapes with their examples, int64 [B] each, -1 for a blank row.
    """

    flat: Tensor
    starts: tuple[Tensor, Tensor]
    lengths: tuple[Tensor, Tensor]
    tags: Tensor
    batches: list[tuple[int, Tensor]]


class Examples:
    """The pack's corpora on a device. ``plan`` is the pack's ``plan.json``."""

    def __init__(self, plan: dict[str, Any], arrays: dict[str, np.ndarray], device: torch.device) -> None:
        self.plan, self.device = plan, device
        self.ids = torch.from_numpy(arrays["ids"].astype(np.int32)).to(device)
        lengths = arrays["lengths"].astype(np.int64)
        ends = lengths.ravel().cumsum().reshape(lengths.shape)
        self.lengths = torch.from_numpy(lengths).to(device)
        self.starts = torch.from_numpy(ends - lengths).to(device)
        self.ways: np.ndarray = arrays["ways"].astype(np.int64)
        ways = plan["ways"]
        self.columns = torch.tensor([[way["source"], way["target"]] for way in ways], device=device)
        self.tags = torch.tensor([way["tag"] for way in ways], device=device)
        shares = np.array([way["share"] for way in ways])
        self.way_shares: np.ndarray = shares / shares.sum()

    def token_counts(self) -> Tensor:
        """Return how often each id is in the training text, both sides together, float32 [V]."""
        parts = sum(corpus["count"] for corpus in self.plan["corpora"])
        size = self.plan["network"]["target_vocabulary"]
        counts = torch.zeros(size, device=self.device)
        for side in range(2):
            first, last = int(self.starts[side, 0]), int(self.starts[side, parts - 1] + self.lengths[side, parts - 1])
            counts += torch.bincount(self.ids[first:last], minlength=size)
        counts[self.plan["eos"]] += 2 * parts
        return counts

    def pool(self, number: int, tokens: int, parts: int = POOL_PARTS, *, is_late: bool = False) -> Pool:
        """Return pool ``number`` of ``parts`` parts, in batches of at most ``tokens`` target positions.

        ``is_late`` asks for the corpora's late weights.
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

    def batches(self, pool: Pool, first: int = 0) -> Iterator[tuple[int, Batch]]:
        """Yield the pool's batches from number ``first`` on, each with its length."""
        for long, rows in pool.batches[first:]:
            yield long, self._batch(pool, long, rows)

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
        device = self.device
        parts, begins = torch.from_numpy(order).to(device), torch.from_numpy(firsts).to(device)
        is_later = torch.ones(len(order), dtype=torch.bool, device=device)
        is_later[begins] = False
        flats, offsets = [], []
        for side in range(2):
            flat, offset = self._laid(side, parts, is_later)
            flats.append(flat)
            offsets.append(offset)
        ends = torch.cat([begins[1:], begins.new_tensor([len(order)])])
        shuffle = torch.from_numpy(mixed).to(device)
        columns = self.columns[torch.from_numpy(ways).to(device)][shuffle]
        begins, ends = begins[shuffle], ends[shuffle]
        sides = torch.stack(offsets)
        base = torch.tensor([0, len(flats[0])], device=device)
        starts = [sides[columns[:, end], begins] for end in range(2)]
        lengths = [sides[columns[:, end], ends] - starts[end] for end in range(2)]
        tags = self.tags[torch.from_numpy(ways).to(device)][shuffle]
        places = tuple(starts[end] + base[columns[:, end]] for end in range(2))
        needed = torch.maximum(lengths[0] + (tags >= 0), lengths[1]) + 1
        return Pool(
            torch.cat(flats),
            (places[0], places[1]),
            (lengths[0], lengths[1]),
            tags,
            self._cut(needed, tokens, random),
        )

    def _laid(self, side: int, parts: Tensor, is_later: Tensor) -> tuple[Tensor, Tensor]:
        """Return a side's ids of ``parts`` end to end, and where each begins, with the end of all, int64 [P + 1].

        Where words have no blanks between, a later part of an example loses the blank before its first word.
        """
        starts, lengths = self.starts[side, parts], self.lengths[side, parts]
        blank = self.plan["blanks"][side]
        if blank >= 0:
            cut = (is_later & (self.ids[starts] == blank) & (lengths > 1)).long()
            starts, lengths = starts + cut, lengths - cut
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        places = torch.arange(int(offsets[-1]), device=self.device)
        places += torch.repeat_interleave(starts - offsets[:-1], lengths)
        return self.ids[places], offsets

    def _cut(self, needed: Tensor, tokens: int, random: np.random.Generator | None) -> list[tuple[int, Tensor]]:
        """Sort examples by the shape that holds them; what does not fill a batch to the half goes if others stay."""
        needed = torch.where(needed <= self.plan["longest"], needed, BUCKETS[-1] + 1)
        buckets = torch.bucketize(needed, torch.tensor(BUCKETS, device=self.device))
        batches = []
        for bucket, long in enumerate(BUCKETS):
            rows = (buckets == bucket).nonzero()[:, 0]
            size = max(1, tokens // long)
            size = size // 8 * 8 or size
            rest = len(rows) % size
            if random is not None and len(rows) > size and rest < size // 2:
                rows, rest = rows[: len(rows) - rest], 0
            if rest:
                rows = torch.cat([rows, rows.new_full((size - rest,), -1)])
            batches += [(long, some) for some in torch.split(rows, size) if len(some)]
        if random is None:
            return batches
        return [batches[i] for i in random.permutation(len(batches))]

    def _batch(self, pool: Pool, long: int, rows: Tensor) -> Batch:
        eos, start = self.plan["eos"], self.plan["start"]
        real, rows = rows[:, None] >= 0, rows.clamp(min=0)
        columns = torch.arange(long, device=self.device)[None]
        tags = pool.tags[rows][:, None]
        tagged = (tags >= 0).long()
        source_length, target_length = (lengths[rows][:, None] for lengths in pool.lengths)
        source = self._read(pool, pool.starts[0][rows][:, None] + columns - tagged)
        source = torch.where(columns < source_length + tagged, source, eos)
        source = torch.where((columns == 0) & (tags >= 0), tags, source)
        labels = self._read(pool, pool.starts[1][rows][:, None] + columns)
        labels = torch.where(columns < target_length, labels, eos)
        inputs = torch.cat([torch.full_like(labels[:, :1], start), labels[:, :-1]], dim=1)
        labels = torch.where(real & (columns <= target_length), labels, IGNORED)
        return Batch(source, (source_length + tagged + 1)[:, 0], inputs, labels)

    def _read(self, pool: Pool, places: Tensor) -> Tensor:
        return pool.flat[places.clamp(0, len(pool.flat) - 1)].long()


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
