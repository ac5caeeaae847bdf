"""The state of a compiled Transformer: memory and caches of hypotheses of any age."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from s2s_gui.networks.layers import MASKED

ROOM = 32


@dataclass(frozen=True, slots=True)
class Listed:
    """The output layer's rows for a shortlist: its ids int64 [K], weight [K, d], bias [K]."""

    ids: Tensor
    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class Rows:
    """State of R hypotheses; may be stepped once, since its caches are written in place.

    ``keys`` [layers, R * h, k, S] and ``values`` [layers, R * h, S, k] of the memory; ``bias`` [R, 1, S] masks padding,
    and is empty where there is none. ``own``: the cached keys and values of self-attention,
    [columns, 2 * layers, R, d] with room for columns to come, or the SSRU's cells, [layers, R, d]. All rows stand at
    ``column``; row r began at column ``starts[r]``. ``sources`` number the sources, so that reordering the hypotheses
    of one leaves its memory alone.
    """

    heads: int
    keys: Tensor
    values: Tensor
    bias: Tensor
    own: Tensor
    column: int
    starts: tuple[int, ...]
    sources: tuple[int, ...]
    listed: Listed | None = None

    @property
    def is_recurrent(self) -> bool:
        """Whether ``own`` are cells and no caches."""
        return self.own.dim() == 3

    def select(self, rows: Tensor) -> Self:
        """Return the state of rows int64 [R']."""
        wanted = rows.tolist()
        sources = tuple(self.sources[row] for row in wanted)
        starts = tuple(self.starts[row] for row in wanted)
        if self.is_recurrent:
            own = self.own.index_select(1, rows)
        else:
            own = self.own.new_empty(self.column + ROOM, self.own.shape[1], len(wanted), self.own.shape[3])
            torch.index_select(self.own[: self.column], 2, rows, out=own[: self.column])
        if sources == self.sources:
            return replace(self, own=own, starts=starts)
        keys, values = (
            memory.view(len(memory), -1, self.heads, *memory.shape[2:]).index_select(1, rows).flatten(1, 2)
            for memory in (self.keys, self.values)
        )
        bias = self.bias.index_select(0, rows) if self.bias.numel() else self.bias
        return replace(self, keys=keys, values=values, bias=bias, own=own, starts=starts, sources=sources)

    def joined(self, new: Self) -> Self:
        """Return the state of these rows and after them ``new`` ones, which begin at this column."""
        longest = max(self.keys.shape[3], new.keys.shape[3])
        bias = torch.cat([one.mask(longest) for one in (self, new)])
        keys, values = (
            torch.cat([self._padded(one, axis, longest) for one in memories], dim=1)
            for axis, memories in ((3, (self.keys, new.keys)), (2, (self.values, new.values)))
        )
        # Columns that no row looks at any more are left behind, so that the cache does not grow without end.
        first = min(self.starts)
        column = self.column - first
        starts = (*(start - first for start in self.starts), *(column for _ in new.starts))
        after = max(self.sources) + 1
        sources = (*self.sources, *(after + source for source in new.sources))
        if self.is_recurrent:
            own = torch.cat([self.own, new.own], dim=1)
        else:
            own = self.own.new_empty(column + ROOM, self.own.shape[1], len(starts), self.own.shape[3])
            own[:column, :, : len(self.starts)] = self.own[first : self.column]
            own[:column, :, len(self.starts) :] = 0
        bias = bias if bool(bias.any()) else bias[:0]
        return replace(
            self, keys=keys, values=values, bias=bias, own=own, column=column, starts=starts, sources=sources
        )

    def mask(self, longest: int) -> Tensor:
        """Return [R, 1, longest] with a very negative number for each place that is padding."""
        length = self.keys.shape[3]
        bias = self.bias if self.bias.numel() else self.keys.new_zeros(len(self.starts), 1, length)
        return nn.functional.pad(bias, (0, longest - length), value=MASKED)

    def ready(self) -> Self:
        """Return the state with a place for the next step's cache, and cells that may be written over."""
        if self.is_recurrent:
            return replace(self, own=self.own.clone())
        if self.column < len(self.own):
            return self
        own = self.own.new_empty(2 * self.column + ROOM, *self.own.shape[1:])
        own[: self.column] = self.own[: self.column]
        return replace(self, own=own)

    def own_mask(self) -> Tensor:
        """Return [R, 1, columns] that masks the columns before a row's start; empty if there are none."""
        if self.is_recurrent or not any(self.starts):
            return self.bias[:0]
        before = torch.arange(self.column + 1)[None, :] < torch.tensor(self.starts)[:, None]
        return (before * MASKED)[:, None]

    @staticmethod
    def _padded(memory: Tensor, axis: int, longest: int) -> Tensor:
        missing = longest - memory.shape[axis]
        return nn.functional.pad(memory, (0, missing) if axis == 3 else (0, 0, 0, missing)) if missing else memory
