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
    """State of R hypotheses in G groups; it may be stepped once, since its caches are written in place.

    Hypotheses of one source alone make up one group, which shares the memory and a cache of all their pasts: reordering
    a beam only changes ``seen`` [R, columns], with a very negative number for what is not a row's own past (empty if
    there is no such thing). With several sources each row is a group of its own.

    ``keys`` [layers, G * h, k, S] and ``values`` [layers, G * h, S, k] of the memory; ``bias`` [G, 1, 1, S] masks
    padding, and is empty where there is none. ``own``: the keys and values of self-attention, of which ``column``
    columns are in use, [columns, 2 * layers, G, d], or the SSRU's cells, [layers, R, d]. All rows stand at
    ``position``; row r began at ``starts[r]``. ``sources`` number the rows' sources.
    """

    heads: int
    keys: Tensor
    values: Tensor
    bias: Tensor
    own: Tensor
    column: int
    position: int
    seen: Tensor
    starts: tuple[int, ...]
    sources: tuple[int, ...]
    listed: Listed | None = None

    @property
    def is_recurrent(self) -> bool:
        """Whether ``own`` are cells and no caches."""
        return self.own.dim() == 3

    @property
    def is_shared(self) -> bool:
        """Whether all rows are hypotheses of one source."""
        return self.keys.shape[1] == self.heads

    def select(self, rows: Tensor) -> Self:
        """Return the state of rows int64 [R']."""
        wanted = rows.tolist()
        sources = tuple(self.sources[row] for row in wanted)
        starts = tuple(self.starts[row] for row in wanted)
        if self.is_recurrent:
            own = self.own.index_select(1, rows)
        elif self.is_shared:
            own = self.own
        else:
            own = self.own.new_empty(self.column + ROOM, self.own.shape[1], len(wanted), self.own.shape[3])
            torch.index_select(self.own[: self.column], 2, rows, out=own[: self.column])
        if self.is_shared:
            seen = self.seen if self.seen.numel() else self.keys.new_zeros(len(self.starts), self.column)
            return replace(self, own=own, starts=starts, sources=sources, seen=seen.index_select(0, rows))
        if sources == self.sources:
            return replace(self, own=own, starts=starts)
        keys, values = (
            memory.view(len(memory), -1, self.heads, *memory.shape[2:]).index_select(1, rows).flatten(1, 2)
            for memory in (self.keys, self.values)
        )
        bias = self.bias.index_select(0, rows) if self.bias.numel() else self.bias
        return replace(self, keys=keys, values=values, bias=bias, own=own, starts=starts, sources=sources)

    def joined(self, new: Self) -> Self:
        """Return the state of these rows and after them ``new`` ones, which begin now; each has a source of its own."""
        longest = max(self.keys.shape[3], new.keys.shape[3])
        bias = torch.cat([one.mask(longest) for one in (self, new)])
        keys = torch.cat([_longer(one.keys, (0, longest - one.keys.shape[3])) for one in (self, new)], dim=1)
        values = torch.cat([_longer(one.values, (0, 0, 0, longest - one.keys.shape[3])) for one in (self, new)], dim=1)
        # Columns that no row looks at any more are left behind, so that the cache does not grow without end.
        first = min(self.starts)
        position = self.position - first
        count = len(self.starts)
        starts = (*(start - first for start in self.starts), *(position for _ in new.starts))
        after = max(self.sources) + 1
        sources = (*self.sources, *(after + source for source in new.sources))
        if self.is_recurrent:
            own = torch.cat([self.own, new.own], dim=1)
        else:
            own = self.own.new_empty(position + ROOM, self.own.shape[1], len(starts), self.own.shape[3])
            own[:position, :, :count] = self.own[first : self.position]
            own[:position, :, count:] = 0
        return replace(
            self,
            keys=keys,
            values=values,
            bias=bias if bool(bias.any()) else bias[:0],
            own=own,
            column=0 if self.is_recurrent else position,
            position=position,
            starts=starts,
            sources=sources,
        )

    def ready(self) -> Self:
        """Return the state with places for the next step's caches."""
        if self.is_recurrent:
            return self
        more = len(self.starts) if self.is_shared else 1
        seen = self.seen
        if self.is_shared and (more > 1 or seen.numel()):
            past = seen if seen.numel() else self.keys.new_zeros(more, self.column)
            seen = torch.cat([past, (1 - torch.eye(more)) * MASKED], dim=1)
        if self.column + more <= len(self.own):
            return replace(self, seen=seen)
        own = self.own.new_empty(2 * self.column + ROOM * more, *self.own.shape[1:])
        own[: self.column] = self.own[: self.column]
        return replace(self, own=own, seen=seen)

    def after(self) -> Self:
        """Return the state after a step."""
        more = 0 if self.is_recurrent else len(self.starts) if self.is_shared else 1
        return replace(self, column=self.column + more, position=self.position + 1)

    def own_mask(self) -> Tensor:
        """Return [G, 1, R / G, columns] that masks what is not a row's own past; empty if there is nothing to mask."""
        if self.seen.numel():
            return self.seen[None, None]
        if self.is_recurrent or not any(self.starts):
            return self.bias[:0]
        before = torch.arange(self.column + 1)[None, :] < torch.tensor(self.starts)[:, None]
        return (before * MASKED)[:, None, None]

    def mask(self, longest: int) -> Tensor:
        """Return the mask of padding for memories of ``longest`` places, [G, 1, 1, longest]."""
        length = self.keys.shape[3]
        bias = self.bias if self.bias.numel() else self.keys.new_zeros(len(self.starts), 1, 1, length)
        return nn.functional.pad(bias, (0, longest - length), value=MASKED)


def _longer(memory: Tensor, places: tuple[int, ...]) -> Tensor:
    return nn.functional.pad(memory, places) if any(places) else memory
