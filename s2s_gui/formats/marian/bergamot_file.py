"""Marian's binary container of tensors, version 1, as Bergamot and Firefox use it (browsermt/marian-dev, io/binary).

uint64 version, uint64 n; n headers of four uint64 (name length with NUL, type, rank, bytes of data); names; shapes as
int32; uint64 p and p bytes of padding; the data. Numbers are little-endian. An intgemm tensor is integers, then one
float32, by which they are divided; but for embeddings it lies there transposed.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path

import numpy as np

from s2s_gui.errors import ModelError
from s2s_gui.formats.content import Content, beginning
from s2s_gui.formats.lazy import Array
from s2s_gui.formats.marian.names import OPTIONS

MAX_ITEMS = 4096
MAX_NAME = 256
MAX_DIMENSION = 1 << 27
MAX_PADDING = 4096
MAX_OPTIONS = 64 << 10
ALIGNMENT = 256
FLOAT32, INT8, INTGEMM8 = 0x0404, 0x0101, 0x4101
MULTIPLIER_BYTES = 4


@dataclass(frozen=True, slots=True)
class Type:
    """An element type: its name for people, the numpy type of what is stored, whether it has a multiplier."""

    name: str
    stored: str
    scaled: bool = False


TYPES = {
    FLOAT32: Type("float32", "<f4"),
    0x0402: Type("float16", "<f2"),
    INTGEMM8: Type("int8", "<i1", scaled=True),
    0x4102: Type("int16", "<i2", scaled=True),
    INT8: Type("bytes", "<i1"),
    0x0102: Type("integers of 16 bits", "<i2"),
    0x0104: Type("integers of 32 bits", "<i4"),
    0x0204: Type("counts", "<u4"),
}
PACKED = {0x0802: "packed16", 0x1801: "packed8avx2", 0x2801: "packed8avx512"}


@dataclass(frozen=True, slots=True)
class Item:
    """Where a tensor lies: its type, shape, first byte in the file."""

    type: Type
    shape: tuple[int, ...]
    offset: int

    @property
    def length(self) -> int:
        """Number of bytes that count; the file may have more of them."""
        size = prod(self.shape) * np.dtype(self.type.stored).itemsize
        return size + (MULTIPLIER_BYTES if self.type.scaled else 0)


def is_binary(path: Path) -> bool:
    """Say whether a file begins as such a container does; never raises."""
    begin = beginning(path, 48)
    if len(begin) < 48:
        return False
    version, count, name_length, _, rank, _ = struct.unpack("<6Q", begin)
    return version == 1 and 0 < count <= MAX_ITEMS and 2 <= name_length <= MAX_NAME and 1 <= rank <= 4


class BinaryFile:
    """The tensors of a file. Opening reads headers and multipliers and raises ``ModelError`` for what is wrong."""

    def __init__(self, path: Path) -> None:
        self._content = Content(path)
        self._name = path.name
        self._items = self._read_items()
        self._check_multipliers()

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each tensor by name."""
        return {name: item.shape for name, item in self._items.items()}

    @property
    def precision(self) -> str:
        """The types of the matrices, for people: "int8"."""
        types = {item.type.name for item in self._items.values() if item.type.scaled}
        types = types or {item.type.name for item in self._items.values() if item.type.name.startswith("float")}
        return ", ".join(sorted(types))

    def options(self) -> bytes:
        """Return the text of ``special:model.yml``."""
        item = self._items.get(OPTIONS)
        if item is None or item.type.name != "bytes" or item.length > MAX_OPTIONS:
            raise self._error(f"lacks {OPTIONS}, without which the network's shape is not known")
        return self._content.read(item.offset, item.length)

    def array(self, name: str) -> Array:
        """Return a tensor as float32, of the shape that its header gives."""
        item = self._items[name]
        data = self._content.read(item.offset, item.length)
        if len(data) != item.length:
            raise self._error("has become shorter while it was read")
        values = np.frombuffer(data, item.type.stored, prod(item.shape)).astype(np.float32)
        if not item.type.scaled:
            return values.reshape(item.shape)
        values *= np.float32(1) / np.frombuffer(data[-MULTIPLIER_BYTES:], "<f4")[0]
        if "Wemb" in name or len(item.shape) != 2:
            return values.reshape(item.shape)
        return values.reshape(item.shape[::-1]).T

    def _read_items(self) -> dict[str, Item]:
        size = self._content.size
        if size < 24:
            raise self._error(f"is truncated: it has only {size:,} bytes")
        version, count = struct.unpack("<QQ", self._content.read(0, 16))
        if version != 1:
            raise self._error("is not a Marian binary of version 1")
        if not 0 < count <= MAX_ITEMS:
            raise self._error(f"says that it has {count:,} tensors; 1 to {MAX_ITEMS:,} are possible")
        headers = list(struct.iter_unpack("<4Q", self._part(16, 32 * count)))
        for length, _, rank, _ in headers:
            if not 2 <= length <= MAX_NAME or not 1 <= rank <= 4:
                raise self._error("is damaged: a name or a rank in its header is impossible")
        at = 16 + 32 * count
        names = []
        for length, *_ in headers:
            names.append(self._tensor_name(self._part(at, length)))
            at += length
        if len(set(names)) != count:
            raise self._error("is damaged: it holds two tensors of one name")
        shapes = []
        for name, (_, _, rank, _) in zip(names, headers, strict=True):
            shape = struct.unpack(f"<{rank}i", self._part(at, 4 * rank))
            if not all(1 <= one <= MAX_DIMENSION for one in shape):
                raise self._error(f"is damaged: {name} has the shape {list(shape)}")
            shapes.append(shape)
            at += 4 * rank
        padding = int.from_bytes(self._part(at, 8), "little")
        if padding >= MAX_PADDING:
            raise self._error("is damaged: there is too much padding before the data")
        at += 8 + padding
        items = {}
        for name, shape, (_, type_id, _, length) in zip(names, shapes, headers, strict=True):
            items[name] = self._item(name, type_id, shape, at, length)
            at += length
        if at > size:
            raise self._error(f"is truncated: it should have {at:,} bytes, but has {size:,}")
        if any(self._content.read(at, min(size - at, MAX_PADDING))) or size - at > MAX_PADDING:
            raise self._error(f"is damaged: it should have {at:,} bytes, but has {size:,}")
        return items

    def _item(self, name: str, type_id: int, shape: tuple[int, ...], offset: int, length: int) -> Item:
        if type_id in PACKED:
            raise self._error(
                f"is packed for one kind of processor ({PACKED[type_id]}, FBGEMM) and cannot be read;"
                " convert the model from its .npz again, to intgemm8"
            )
        if type_id not in TYPES:
            raise self._error(f"is damaged: {name} is of the unknown type {type_id:#06x}")
        item = Item(TYPES[type_id], shape, offset)
        if item.length > length:
            raise self._error(f"is damaged: {name} needs {item.length:,} bytes, but has {length:,}")
        return item

    def _tensor_name(self, raw: bytes) -> str:
        if raw[-1] or 0 in raw[:-1]:
            raise self._error("is damaged: a name in its header does not end where it should")
        try:
            return raw[:-1].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._error("is damaged: a name in its header is not text") from error

    def _part(self, offset: int, length: int) -> bytes:
        part = self._content.read(offset, length)
        if len(part) != length:
            raise self._error(
                f"is truncated: its header alone needs {offset + length:,} bytes, but it has {self._content.size:,}"
            )
        return part

    def _check_multipliers(self) -> None:
        for name, item in self._items.items():
            if item.type.scaled:
                raw = self._content.read(item.offset + item.length - MULTIPLIER_BYTES, MULTIPLIER_BYTES)
                multiplier = struct.unpack("<f", raw)[0]
                if not isfinite(multiplier) or multiplier <= 0:
                    raise self._error(f"is damaged: {name} has the multiplier {multiplier}")

    def _error(self, words: str) -> ModelError:
        return ModelError(str(self._content.path), [f"{self._name} {words}."])


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor ready to be written: name, type id, the shape its header gives, its bytes."""

    name: str
    type_id: int
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def floats(cls, name: str, array: Array) -> "Stored":
        """Return float32 values as they are."""
        return cls(name, FLOAT32, array.shape, array.astype("<f4").tobytes())

    @classmethod
    def quantised(cls, name: str, array: Array) -> "Stored":
        """Return a float32 matrix as integers of 8 bits: rounded half to even, the largest value becomes 127."""
        largest = float(np.abs(array).max())
        multiplier = np.float32(127 / largest if largest > 0 else 1)
        values = np.clip(np.rint((array if "Wemb" in name else array.T) * multiplier), -127, 127).astype("<i1")
        return cls(name, INTGEMM8, array.shape, values.tobytes() + struct.pack("<f", multiplier))


def write_binary(tensors: Iterable[Stored], options: str, path: Path) -> None:
    """Write a container; each tensor's data are filled up to 256 bytes, ``special:model.yml`` comes last as it is."""
    text = options.encode() + b"\0"
    stored = [*tensors, Stored(OPTIONS, INT8, (len(text),), text)]
    padded = [one.data + bytes(-len(one.data) % ALIGNMENT if one.name != OPTIONS else 0) for one in stored]
    names = [one.name.encode() + b"\0" for one in stored]
    head = struct.pack("<QQ", 1, len(stored))
    for one, name, data in zip(stored, names, padded, strict=True):
        head += struct.pack("<4Q", len(name), one.type_id, len(one.shape), len(data))
    head += b"".join(names) + b"".join(struct.pack(f"<{len(one.shape)}i", *one.shape) for one in stored)
    padding = ALIGNMENT - (len(head) + 8) % ALIGNMENT
    with path.open("wb") as file:
        file.write(head + struct.pack("<Q", padding) + bytes(padding))
        for data in padded:
            file.write(data)
