"""A network that is a table: after the tokens so far it answers with the probabilities that the table holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from s2s_gui.description import RecurrentConfig
from s2s_gui.networks.network import Network, State, Step

Table = Mapping[tuple[int, ...], Mapping[int, float]]
REST = 1e-9


@dataclass(frozen=True, slots=True)
class Heard:
    """The first source token and all target tokens of each row."""

    rows: tuple[tuple[int, tuple[int, ...]], ...]

    def select(self, rows: Tensor) -> Self:
        return type(self)(tuple(self.rows[row] for row in rows.tolist()))


class Scripted(Network):
    """Gives each row the entry of its longest known ending; the first source token chooses the table."""

    def __init__(self, tables: Mapping[int, Table], size: int) -> None:
        super().__init__()
        self.config = RecurrentConfig(size, size)
        self.tables = tables
        self.size = size
        self.steps = 0

    def encode(self, source: Tensor, lengths: Tensor) -> Heard:
        return Heard(tuple((int(row[0]), ()) for row in source))

    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        assert isinstance(state, Heard)
        self.steps += 1
        rows = [
            (first, (*heard, token) if token >= 0 else heard)
            for (first, heard), token in zip(state.rows, tokens.tolist(), strict=True)
        ]
        probabilities = torch.full((len(rows), self.size), REST, dtype=torch.float64)
        for row, (first, heard) in enumerate(rows):
            table = self.tables[first]
            ending = next(heard[cut:] for cut in range(len(heard) + 1) if heard[cut:] in table)
            for token, probability in table[ending].items():
                probabilities[row, token] = probability
        return Step(probabilities.log(), Heard(tuple(rows)), torch.full((len(rows), 2), 0.5))

    def features(self, source: Tensor, lengths: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        raise NotImplementedError

    def output_layer(self) -> tuple[Tensor, Tensor]:
        raise NotImplementedError
