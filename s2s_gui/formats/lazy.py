"""Weights under the names of our networks, read from a foreign file only when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s_gui.errors import ModelError

Array = NDArray[Any]


class LazyWeights(Mapping[str, Array]):
    """A mapping whose values are made anew each time they are asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Array]]) -> None:
        self._makers = dict(makers)

    def __getitem__(self, name: str) -> Array:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def stacked(*parts: Callable[[], Array]) -> Callable[[], Array]:
    """Return the maker of ``parts`` one upon the other, as ``layers.Stacked`` wants its weights."""

    def make() -> Array:
        arrays = [np.atleast_1d(part()) for part in parts]
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise ModelError("weights", [f"Weights that belong together have the shapes {shapes[0]} and {shapes[1]}."])
        return np.concatenate(arrays)

    return make


def zeros(*shape: int) -> Callable[[], Array]:
    """Return the maker of an array of zeros, for a bias that a format leaves out."""
    return lambda: np.zeros(shape, np.float32)
