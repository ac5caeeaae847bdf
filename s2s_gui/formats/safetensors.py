"""Tensors of a safetensors file as numpy arrays, read when asked for; nothing in the header is trusted.

The header is read here and not by the library, so that names, types, offsets and sizes are compared with the file's
real length before anything is allocated. bfloat16 is widened to float32. What the int8 tensors of our own files mean
is told by ``eight_bits.py``.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from s2s_gui.cards import LFS_POINTER, lfs_fault
from s2s_gui.errors import ModelError

MAX_HEADER = 16 << 20
MAX_RANK = 4
FLOATS = {"F32": 4, "F16": 2, "BF16": 2}
EIGHT_BITS = {"I8": 1}


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a tensor lies: element type, shape, first byte in the file, length in bytes."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


class SafetensorsFile(Mapping[str, NDArray[Any]]):
    """The tensors of a file by name, int8 ones only if so wanted. Opening raises ``ModelError`` with every fault."""

    def __init__(self, path: Path, *, eight_bits: bool = False) -> None:
        self._path = path
        item_bytes = FLOATS | EIGHT_BITS if eight_bits else FLOATS
        try:
            with path.open("rb") as file:
                self._entries = _read_header(file, path, item_bytes)
        except OSError as error:
            raise ModelError(str(path), [f"{path.name} cannot be read ({error.strerror})."]) from error

    def __getitem__(self, name: str) -> NDArray[Any]:
        entry = self._entries[name]
        dtype = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I8": "i1"}[entry.dtype]
        array = np.empty(entry.shape, dtype)
        try:
            with self._path.open("rb") as file:
                file.seek(entry.offset)
                is_whole = file.readinto(array.reshape(-1).view(np.uint8).data) == entry.length
        except OSError as error:
            raise ModelError(str(self._path), [f"{self._path.name} cannot be read ({error.strerror})."]) from error
        if not is_whole:
            raise ModelError(str(self._path), [f"{self._path.name} has become shorter since it was opened."])
        if entry.dtype == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        return array

    def kind(self, name: str) -> tuple[str, tuple[int, ...]]:
        """Return a tensor's element type, as the file calls it, and its shape, without reading it."""
        return self._entries[name].dtype, self._entries[name].shape

    @property
    def precision(self) -> str:
        """The element types, for people: "fp32", or several with commas."""
        names = {"F32": "fp32", "F16": "fp16", "BF16": "bf16", "I8": "int8"}
        return ", ".join(sorted({names[entry.dtype] for entry in self._entries.values()}))

    def __contains__(self, name: object) -> bool:
        return name in self._entries  # Mapping's own would read the tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _read_header(file: BinaryIO, path: Path, item_bytes: Mapping[str, int]) -> dict[str, _Entry]:
    size = path.stat().st_size
    first = file.read(8)
    if (first + file.read(len(LFS_POINTER) - 8)).startswith(LFS_POINTER):
        raise ModelError(str(path), [lfs_fault(path.name)])
    length = int.from_bytes(first, "little")
    if size < 8:
        raise ModelError(str(path), [f"{path.name} is truncated: it has only {size} bytes."])
    if length > MAX_HEADER:
        raise ModelError(str(path), [f"{path.name} is not a safetensors file, or its header is over 16 MiB."])
    if 8 + length > size:
        raise ModelError(
            str(path),
            [f"{path.name} is truncated: its header alone needs {8 + length:,} bytes, but the file has {size:,}."],
        )
    file.seek(8)
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise ModelError(str(path), [f"{path.name} is damaged: its header is not JSON."]) from error
    if not isinstance(header, dict):
        raise ModelError(str(path), [f"{path.name} is damaged: its header is not a JSON object."])
    faults: list[str] = []
    entries: dict[str, _Entry] = {}
    for name, raw in header.items():
        if name == "__metadata__":
            continue
        entry = _entry(raw, 8 + length, item_bytes)
        if isinstance(entry, str):
            faults.append(f"{path.name}: {name!r} {entry}.")
        else:
            entries[name] = entry
    if not faults:
        faults = _layout_faults(entries, 8 + length, size, path.name)
    if faults:
        raise ModelError(str(path), faults)
    return entries


def _entry(raw: Any, data_start: int, item_bytes: Mapping[str, int]) -> _Entry | str:
    """Return a header entry, or what is wrong with it as the end of a sentence."""
    if not isinstance(raw, dict) or set(raw) != {"dtype", "shape", "data_offsets"}:
        return "has a damaged header entry"
    dtype, shape, offsets = raw["dtype"], raw["shape"], raw["data_offsets"]
    if not isinstance(dtype, str) or dtype not in item_bytes:
        *most, last = item_bytes
        return f"has the element type {dtype!r}; only {', '.join(most)} and {last} can be read"
    if not _are_sizes(shape) or len(shape) > MAX_RANK:
        return f"has the shape {shape!r}, which is not a list of up to {MAX_RANK} sizes"
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        return f"has the offsets {offsets!r}, which are not a range"
    if prod(shape) * item_bytes[dtype] != offsets[1] - offsets[0]:
        return f"has the shape {shape} of {dtype}, which does not fit its {offsets[1] - offsets[0]:,} bytes"
    return _Entry(dtype, tuple(shape), data_start + offsets[0], offsets[1] - offsets[0])


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _layout_faults(entries: Mapping[str, _Entry], data_start: int, size: int, file_name: str) -> list[str]:
    """Compare the tensors' places with the file: one after the other, without gaps, up to the end."""
    at = data_start
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].offset, item[1].length)):
        if entry.offset != at:
            return [f"{file_name} is damaged: {name!r} does not begin where the tensor before it ends."]
        at += entry.length
    if at > size:
        return [f"{file_name} is truncated: it should have {at:,} bytes, but has {size:,}."]
    if at < size:
        return [f"{file_name} is damaged: it should have {at:,} bytes, but has {size:,}."]
    return []
