"""The contract that every network keeps, so that search and training are written once.

Encode a batch once, ``start`` a state from the memory, then ``step``. A request's state is a value and never a field
of the network: one network serves any number of requests. ``forward`` is the same function over whole targets, for
training; property tests hold ``forward`` and the steps together.

Search keeps nothing of its own between steps but the state, so a network that runs several steps in one call can
offer that beside ``step`` with the same state.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor, nn

from s2s_gui.description import NetworkConfig


class State(Protocol):
    """What changes from step to step, with all that the steps need of the source; row r belongs to hypothesis r."""

    def select(self, rows: Tensor) -> Self:
        """Return the state whose row i is this one's row ``rows[i]`` (int64 [R']); drops, repeats and reorders."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One decoding step: ``logits`` float [R, V], the state after it, attention float [R, S] or None without any."""

    logits: Tensor
    state: State
    attention: Tensor | None


class Network(nn.Module, ABC):
    """A sequence-to-sequence network.

    Token ids are int64. A source batch is [B, S], padded with any id beyond ``lengths`` [B]; targets are the
    decoder's inputs, [B, T], beginning with the start id. Id -1 stands for a vector of zeros in the embedding's place.
    """

    config: NetworkConfig

    @abstractmethod
    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Read sources [B, S] of ``lengths`` [B] and return the state before the first step, one row a source."""

    @abstractmethod
    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        """Feed one token a row (int64 [R]) and return logits for the next one, the new state and the attention.

        With ``candidates`` (int64 [K], a shortlist) the output layer computes only those ids' logits, [R, K].
        """

    @abstractmethod
    def features(self, source: Tensor, lengths: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the decoder's outputs before the output layer, [B, T, d], for decoder inputs ``target`` [B, T].

        Beside them the attention that the steps report, [B, T, S], or None in a network without any.
        """

    @abstractmethod
    def output_layer(self) -> tuple[Tensor, Tensor]:
        """Return the output layer's weight [V, d] and bias [V]."""

    def logits(self, features: Tensor, candidates: Tensor | None) -> Tensor:
        """Return the logits [R, V] of ``features`` [R, d], or [R, K] for ``candidates`` [K] alone."""
        weight, bias = self.output_layer()
        if candidates is not None:
            weight, bias = weight.index_select(0, candidates), bias.index_select(0, candidates)
        return nn.functional.linear(features, weight, bias)

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Return logits [B, T, V] for decoder inputs ``target`` [B, T]; equals the steps one by one."""
        weight, bias = self.output_layer()
        return nn.functional.linear(self.features(source, lengths, target)[0], weight, bias)


def padding_mask(lengths: Tensor, longest: int) -> Tensor:
    """Return bool [B, longest], True where a position lies beyond its row's length."""
    return torch.arange(longest, device=lengths.device)[None, :] >= lengths[:, None]
