"""The contract of a network's quick form: the steps of any search, and a greedy loop that takes several in one call."""

from typing import Any, Protocol

from torch import Tensor

from s2s_gui.description import NetworkConfig
from s2s_gui.networks.network import State, Step
from s2s_gui.networks.products import Precision, Steps


class Stepping(Protocol):
    """What a search asks of a network, quick or plain; as in ``Network``."""

    @property
    def config(self) -> NetworkConfig:
        """The network's configuration."""
        ...

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Read sources [B, S] of ``lengths`` [B]; return the state before the first step, one row a source."""
        ...

    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        """Feed one token a row (int64 [R]); return logits [R, V], or [R, K] for candidates, state and attention."""
        ...


class Quick(Stepping, Protocol):
    """A network compiled for one processor thread; computes what the network does, in its ``precision``."""

    @property
    def precision(self) -> Precision:
        """Precision of the products."""
        ...

    @property
    def longest(self) -> int:
        """The most positions that a source or target may have here; longer ones take the plain way."""
        ...

    def begin(self, source: tuple[int, ...], limit: int, never: Tensor, candidates: Tensor | None) -> Any:
        """Read one ``source``; return what ``run`` needs before the first of at most ``limit`` steps.

        ``never`` int64 [N] are ids that must not be produced, ``candidates`` int64 [K] those that alone may be.
        """
        ...

    def run(self, sentence: Any, last: int, steps: int, eos: int) -> Steps:
        """Take up to ``steps`` greedy steps after the token ``last`` (-1: zeros); end early after ``eos``."""
        ...
