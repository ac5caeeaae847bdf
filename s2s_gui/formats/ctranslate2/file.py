"""The container ``model.bin`` of CTranslate2, binary versions 1 to 6 (OpenNMT/CTranslate2, model.cc and model_spec.py).

Names, shapes and places are read and compared with the file's length; the data stay where they are until asked for.
Quantised weights are dequantised then.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from s2s_gui.cards import LFS_POINTER, lfs_fault
from s2s_gui.errors import ModelError
from s2s_gui.formats.lazy import Array

NEWEST = 6
MOST = 1 << 16
MAX_NAME, MAX_RANK, MAX_DIMENSION = 1024, 4, 1 << 27
TYPES = {0: ("fp32", 4), 1: ("int8", 1), 2: ("int16", 2), 3: ("int32", 4), 4: ("fp16", 2), 5: ("bf16", 2)}
BY_SIZE = {4: "fp32", 2: "int16", 1: "int8"}
NUMPY = {"fp32": "<f4", "int8": "i1", "int16": "<i2", "int32": "<i4", "fp16": "<f2", "bf16": "<u2"}
OLD_INT16_SCALE = 1000.0
# The names of version 1 are TensorFlow's (transformer.cc).
TENSORFLOW = (
    ("w_embs", "embeddings/weight"),
    ("kernel", "weight"),
    ("LayerNorm", "layer_norm"),
    ("dense", "projection"),
    ("conv1d_", "linear_"),
    ("conv1d", "linear_0"),
)


@dataclass(frozen=True, slots=True)
class Variable:
    """Where a variable lies: type, shape, first byte, bytes."""

    kind: str
    shape: tuple[int, ...]
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A ``model.bin``: binary version, the spec's name ("" in version 1) and revision, variables, aliases."""

    path: Path
    version: int
    spec: str
    revision: int
    variables: Mapping[str, Variable]
    aliases: Mapping[str, str]

    def stored(self, name: str) -> str | None:
        """Return the name under which ``name`` is stored, itself or what it is an alias of; None if it is not."""
        name = self.aliases.get(name, name)
        return name if name in self.variables else None

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return a variable's shape, None if there is no such variable."""
        stored = self.stored(name)
        return None if stored is None else self.variables[stored].shape

    def array(self, name: str) -> Array:
        """Return a variable as float32, dequantised if it has a scale."""
        stored = self.stored(name)
        if stored is None:
            raise KeyError(name)
        variable = self.variables[stored]
        values = self._values(variable)
        if variable.kind not in ("int8", "int16"):
            return values
        scale_name = f"{stored}_scale"
        if scale_name not in self.variables:
            scale: Array = np.array(OLD_INT16_SCALE if variable.kind == "int16" else 1.0, np.float32)
        else:
            scale = self._values(self.variables[scale_name])
        if not np.isfinite(scale).all() or (scale <= 0).any():
            raise ModelError(
                str(self.path), [f"{self.path.name} is damaged: the scale of {stored} is no number above 0."]
            )
        rows = scale.reshape(-1, *[1] * (values.ndim - 1)) if scale.size > 1 else scale.reshape(())
        if scale.size > 1 and scale.size != values.shape[0]:
            raise ModelError(str(self.path), [f"{self.path.name} is damaged: {stored} has {scale.size} scales."])
        return values.astype(np.float32) / rows

    def number(self, name: str, default: float) -> float:
        """Return a scalar variable's value, ``default`` if it is absent."""
        stored = self.stored(name)
        if stored is None or prod(self.variables[stored].shape) != 1:
            return default
        found = float(self._values(self.variables[stored]).reshape(()))
        if not isfinite(found):
            raise ModelError(str(self.path), [f"{self.path.name} is damaged: {name} is not a number."])
        return found

    def text(self, name: str, default: str) -> str:
        """Return a text that is stored as bytes, ``default`` if it is absent."""
        stored = self.stored(name)
        if stored is None or self.variables[stored].length > MAX_NAME:
            return default
        return self._values(self.variables[stored]).astype(np.uint8).tobytes().decode("utf-8", "replace")

    def _values(self, variable: Variable) -> Array:
        count = prod(variable.shape)
        values = np.fromfile(self.path, NUMPY[variable.kind], count, offset=variable.offset).reshape(variable.shape)
        if variable.kind == "bf16":
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values.astype(np.float32) if variable.kind in ("fp16", "int32") else values


def begins_as_model(path: Path) -> bool:
    """Say whether a file begins as a ``model.bin`` does; Bergamot's files, which also begin with 1, do not."""
    try:
        with path.open("rb") as file:
            version, following = struct.unpack("<II", file.read(8))
    except (OSError, struct.error):
        return False
    return 1 <= version <= NEWEST and (version > 1 or 0 < following <= MOST)


def read_model_file(path: Path) -> ModelFile:
    """Read the whole structure of ``path``; raise ``ModelError`` if it is damaged or of an unknown version."""
    try:
        with path.open("rb") as file:
            return _Reader(file, path).model()
    except OSError as error:
        raise ModelError(str(path), [f"{path.name} cannot be read ({error.strerror})."]) from error


class _Reader:
    """Reads numbers and names in turn; whatever would reach beyond the end is a truncated file."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._size = path.stat().st_size

    def model(self) -> ModelFile:
        if self._file.read(len(LFS_POINTER)) == LFS_POINTER:
            raise ModelError(str(self._path), [lfs_fault(self._path.name)])
        self._file.seek(0)
        version = self._u32()
        if not 1 <= version <= NEWEST:
            raise self._error(f"is of version {version}; versions 1 to {NEWEST} can be read")
        spec, revision = (self._string(), self._u32()) if version > 1 else ("", 1)
        variables: dict[str, Variable] = {}
        for _ in range(self._count("variables")):
            name = self._string()
            name = _modern(name) if version == 1 else name
            if name in variables:
                raise self._error(f"is damaged: {name} comes twice")
            variables[name] = self._variable(name, version)
        aliases: dict[str, str] = {}
        if version >= 3:
            for _ in range(self._count("aliases")):
                alias, name = self._string(), self._string()
                if alias in variables or alias in aliases:
                    raise self._error(f"is damaged: the alias {alias} comes twice")
                aliases[alias] = name
        if self._file.tell() != self._size:
            raise self._error(f"is damaged: {self._size - self._file.tell():,} bytes follow its end")
        known = {alias: name for alias, name in aliases.items() if name in variables}
        return ModelFile(self._path, version, spec, revision, variables, known)

    def _variable(self, name: str, version: int) -> Variable:
        rank = self._take(1)[0]
        if rank > MAX_RANK:
            raise self._error(f"is damaged: {name} has {rank} dimensions")
        shape = tuple(self._u32() for _ in range(rank))
        code = self._take(1)[0]
        number = self._u32()
        kind = BY_SIZE.get(code) if version <= 3 else TYPES.get(code, ("", 0))[0]
        if not kind:
            raise self._error(f"is damaged or too new: {name} is of an unknown type ({code})")
        size = np.dtype(NUMPY[kind]).itemsize
        length = number * size if version <= 3 else number
        if any(dimension > MAX_DIMENSION for dimension in shape) or prod(shape) * size != length:
            raise self._error(f"is damaged: {name} has the shape {list(shape)} but {length:,} bytes")
        offset = self._file.tell()
        if offset + length > self._size:
            raise self._error(
                f"is truncated: {name} ends at byte {offset + length:,}, but the file has {self._size:,} bytes"
            )
        self._file.seek(length, 1)
        return Variable(kind, shape, offset, length)

    def _count(self, what: str) -> int:
        count = self._u32()
        if count > MOST:
            raise self._error(f"is damaged: it claims to hold {count:,} {what}")
        return count

    def _u32(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _string(self) -> str:
        length = int.from_bytes(self._take(2), "little")
        raw = self._take(length) if 0 < length <= MAX_NAME else b""
        if not raw.endswith(b"\0") or b"\0" in raw[:-1]:
            raise self._error("is damaged: a name in it has no end")
        try:
            return raw[:-1].decode("utf-8")
        except UnicodeDecodeError:
            raise self._error("is damaged: a name in it is not text") from None

    def _take(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) < count:
            raise self._error(f"is truncated: its {self._size:,} bytes end in the middle")
        return found

    def _error(self, words: str) -> ModelError:
        return ModelError(str(self._path), [f"{self._path.name} {words}."])


def _modern(name: str) -> str:
    """Return the name that a variable of version 1 has had since."""
    name = name.removeprefix("transformer/").removesuffix(":0")
    for old, new in TENSORFLOW:
        if old == "conv1d" and "linear_" in name:
            continue
        name = name.replace(old, new)
    if name.startswith("encoder/"):
        return name.replace("multi_head", "self_attention")
    return name.replace("masked_multi_head", "self_attention").replace("multi_head", "attention")


def write_model_file(
    path: Path, spec: str, revision: int, variables: Mapping[str, Array], aliases: Mapping[str, str]
) -> None:
    """Write version 6: arrays of float32, int8 or int16, rank 0 to 4; ``aliases`` maps further names to stored ones."""
    codes = {np.dtype("f4"): 0, np.dtype("i1"): 1, np.dtype("i2"): 2}
    with path.open("wb") as file:
        file.write(struct.pack("<I", NEWEST) + _string(spec) + struct.pack("<II", revision, len(variables)))
        for name, array in sorted(variables.items()):
            data = np.ascontiguousarray(array).tobytes()
            file.write(_string(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape))
            file.write(struct.pack("<BI", codes[array.dtype], len(data)) + data)
        file.write(struct.pack("<I", len(aliases)))
        for alias, name in sorted(aliases.items()):
            file.write(_string(alias) + _string(name))


def _string(text: str) -> bytes:
    raw = text.encode("utf-8") + b"\0"
    return struct.pack("<H", len(raw)) + raw
