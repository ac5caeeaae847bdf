"""Examples as padded batches of token ids with little padding: sorted by length within a pool, then shuffled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from s2s_gui.training.corpora import Example

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Batch:
    """``source`` int64 [B, S] of ``lengths`` [B]; ``inputs`` and ``labels`` int64 [B, T].

    Inputs begin with the start id; labels end with the end symbol and are ``IGNORED`` where there is padding.
    """

    source: Tensor
    lengths: Tensor
    inputs: Tensor
    labels: Tensor

    @property
    def target_tokens(self) -> int:
        """Number of labels that count."""
        return int((self.labels != IGNORED).sum())


@dataclass(frozen=True, slots=True)
class Encoder:
    """From a text pair to ids: the tokenizers of both sides, tags by direction, the special ids."""

    source: Callable[[str], list[int]]
    target: Callable[[str], list[int]]
    tags: tuple[int | None, ...]
    eos: int
    start: int
    longest: int

    def __call__(self, example: Example) -> tuple[list[int], list[int]] | None:
        """Return source and target ids, both ended by ``eos``; None if one is empty or too long."""
        tag = self.tags[example.direction]
        source = ([] if tag is None else [tag]) + self.source(example.source) + [self.eos]
        target = [*self.target(example.target), self.eos]
        if len(target) == 1 or len(source) - (tag is not None) == 1 or max(len(source), len(target)) > self.longest:
            return None
        return source, target


def make_batch(pairs: list[tuple[list[int], list[int]]], eos: int, start: int) -> Batch:
    """Pad pairs of ids to one batch."""
    lengths = torch.tensor([len(source) for source, _ in pairs])
    source = torch.full((len(pairs), int(lengths.max())), eos)
    longest = max(len(target) for _, target in pairs)
    inputs = torch.full((len(pairs), longest), eos)
    labels = torch.full((len(pairs), longest), IGNORED)
    inputs[:, 0] = start
    for row, (ids, wanted) in enumerate(pairs):
        source[row, : len(ids)] = torch.tensor(ids)
        labels[row, : len(wanted)] = torch.tensor(wanted)
        inputs[row, 1 : len(wanted)] = torch.tensor(wanted[:-1])
    return Batch(source, lengths, inputs, labels)


def pool_batches(
    examples: list[Example], encoder: Encoder, tokens: int, random: np.random.Generator | None
) -> Iterator[Batch]:
    """Cut a pool into batches of at most ``tokens`` padded target tokens and 1.5 times as many source tokens.

    ``random`` breaks ties of length and shuffles the batches; without it the order is that of length. Sorting by the
    longer side first, then by source, wastes the least: the encoder is where most of the work is.
    """
    pairs = [ids for ids in map(encoder, examples) if ids is not None]
    if random is not None:
        random.shuffle(pairs)
    pairs.sort(key=lambda ids: (max(map(len, ids)) // 2, len(ids[0])))
    groups: list[list[tuple[list[int], list[int]]]] = [[]]
    wide = long = 0
    for ids in pairs:
        wide, long = max(wide, len(ids[0])), max(long, len(ids[1]))
        count = len(groups[-1]) + 1
        if groups[-1] and (long * count > tokens or wide * count > 1.5 * tokens):
            groups.append([])
            wide, long = len(ids[0]), len(ids[1])
        groups[-1].append(ids)
    if random is not None:
        random.shuffle(groups)
    for group in groups:
        if group:
            yield make_batch(group, encoder.eos, encoder.start)
