"""Weights in 8 bits, as our own files hold them: a matrix of int8 rows, beside it a float32 factor for each row.

The factors of ``NAME`` lie under ``NAME.scale``. Vectors stay in half precision or float32.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s_gui.description import EightBitRows
from s2s_gui.errors import ModelError
from s2s_gui.formats.safetensors import SafetensorsFile

SCALE = ".scale"
STEPS = 127
LEAST = 1e-12


class OwnWeights(Mapping[str, Any]):
    """The weights in one of our files by name: float arrays, and ``EightBitRows``; read when asked for.

    Opening raises ``ModelError`` with all that the file's header tells of its faults.
    """

    def __init__(self, path: Path) -> None:
        self._file = SafetensorsFile(path, eight_bits=True)
        self._small = frozenset(name for name in self._file if self._file.kind(name)[0] == "I8")
        faults = [f"{path.name}: {fault}" for name in sorted(self._small) for fault in self._faults(name)]
        if faults:
            raise ModelError(str(path), faults)
        self._scales = frozenset(name + SCALE for name in self._small)

    @property
    def precision(self) -> str:
        """The element types, for people; those of vectors are not mentioned beside 8 bits."""
        return "int8" if self._small else self._file.precision

    def _faults(self, name: str) -> Iterator[str]:
        _, shape = self._file.kind(name)
        if len(shape) != 2:
            yield f"{name!r} has the shape {list(shape)}; only matrices can be in 8 bits."
        elif name + SCALE not in self._file:
            yield f"{name!r} is in 8 bits, but {name + SCALE!r} with the factors of its rows is missing."
        elif self._file.kind(name + SCALE) != ("F32", shape[:1]):
            dtype, found = self._file.kind(name + SCALE)
            yield f"{name + SCALE!r} has the shape {list(found)} of {dtype}; the rows need {[shape[0]]} of F32."

    def __getitem__(self, name: str) -> Any:
        if name in self._scales:
            raise KeyError(name)
        array = self._file[name]
        return EightBitRows(array, self._file[name + SCALE]) if name in self._small else array

    def __contains__(self, name: object) -> bool:
        return name in self._file and name not in self._scales

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._file if name not in self._scales)

    def __len__(self) -> int:
        return len(self._file) - len(self._scales)


class Floats(Mapping[str, NDArray[Any]]):
    """Weights as arrays for who knows no ``EightBitRows``: they are made float32 when asked for, the rest stays."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self._weights = weights

    def __getitem__(self, name: str) -> NDArray[Any]:
        weight = self._weights[name]
        return weight.floats() if isinstance(weight, EightBitRows) else weight

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


def stored(weights: Mapping[str, Any], faults: list[str]) -> dict[str, NDArray[Any]]:
    """Return the tensors that a file of ``weights`` holds; what it cannot hold goes to ``faults``."""
    found: dict[str, NDArray[Any]] = {}
    for name, weight in weights.items():
        if not isinstance(weight, EightBitRows):
            if weight.dtype not in ("f4", "f2"):
                faults.append(f"{name} is {weight.dtype}.")
            found[name] = np.ascontiguousarray(weight)
            continue
        values, scales = np.ascontiguousarray(weight.values), np.ascontiguousarray(weight.scales)
        types = values.dtype.name, scales.dtype.name
        if types != ("int8", "float32") or values.ndim != 2 or scales.shape != values.shape[:1]:
            faults.append(f"{name} is no matrix of int8 rows with a float32 factor for each.")
        if name + SCALE in weights:
            faults.append(f"{name + SCALE} is the name of the factors of {name} and not of another weight.")
        found[name], found[name + SCALE] = values, scales
    return found


def in_eight_bits(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return weights as they ship: matrices in 8 bits, vectors, also those that lie in a matrix of one row, in fp16."""
    floats = {name: np.asarray(weight) for name, weight in Floats(weights).items()}
    return {
        name: rounded(weight) if weight.ndim == 2 and len(weight) > 1 else weight.astype(np.float16)
        for name, weight in floats.items()
    }


def rounded(weight: NDArray[Any]) -> EightBitRows:
    """Round a float matrix [out, in] to 127 steps on either side of zero, up to each row's largest value."""
    weight = weight.astype(np.float32)
    scales = np.maximum(np.abs(weight).max(axis=1, initial=0), np.float32(LEAST)) / np.float32(STEPS)
    return EightBitRows(np.rint(weight / scales[:, None]).astype(np.int8), scales)
