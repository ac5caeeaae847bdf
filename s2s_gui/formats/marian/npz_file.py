"""Arrays of a numpy ``.npz`` archive as float32, read when asked for; nothing in the archive is trusted.

Archive, headers and sizes are checked when it is opened; nothing is ever unpickled.
"""

import zipfile
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from s2s_gui.cards import LFS_POINTER, lfs_fault
from s2s_gui.errors import ModelError
from s2s_gui.formats.lazy import Array

MAX_MEMBERS = 4096
MAX_NAME = 256
MAX_TOTAL = 8 << 30
MAX_RATIO = 100
MAX_RANK = 4
DTYPES = ("<f4", "<f2", "<f8", "|i1")
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def has_member(path: Path, name: str) -> bool:
    """Say whether ``path`` is a zip archive with the member ``name``; never raises."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                return False
        with zipfile.ZipFile(path) as archive:
            return name in archive.namelist()
    except DAMAGED:
        return False


class NpzFile:
    """The arrays of an archive by name, without ".npy". Opening raises ``ModelError`` for what is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._types: set[str] = set()
        try:
            with path.open("rb") as file:
                if file.read(len(LFS_POINTER)) == LFS_POINTER:
                    raise ModelError(str(path), [lfs_fault(path.name)])
            with zipfile.ZipFile(path) as archive:
                self._check(archive)
                for info in archive.infolist():
                    self._read_header(archive, info)
        except DAMAGED as error:
            raise self._error("is damaged or truncated: it is not a whole zip archive") from error

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each array by name."""
        return self._shapes

    @property
    def precision(self) -> str:
        """The types of the arrays, for people: "fp32"."""
        names = {"<f4": "fp32", "<f2": "fp16", "<f8": "fp64"}
        return ", ".join(sorted(names[one] for one in self._types if one in names))

    def array(self, name: str) -> Array:
        """Return an array as float32."""
        return self._read(name).astype(np.float32)

    def text(self, name: str) -> bytes:
        """Return the bytes of an int8 array."""
        return self._read(name).tobytes()

    def _read(self, name: str) -> Array:
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(f"{name}.npy") as file:
                return np.asarray(npy.read_array(file, allow_pickle=False))
        except (*DAMAGED, KeyError) as error:
            raise self._error(f"is damaged: {name} cannot be read") from error

    def _check(self, archive: zipfile.ZipFile) -> None:
        members = archive.infolist()
        names = [info.filename for info in members]
        if len(members) > MAX_MEMBERS:
            raise self._error(f"has {len(members):,} members; at most {MAX_MEMBERS:,} are read")
        if len(set(names)) != len(names):
            raise self._error("is damaged: it holds two arrays of one name")
        if sum(info.file_size for info in members) > MAX_TOTAL:
            raise self._error("holds more than 8 GiB, which is too much")
        for info in members:
            name = info.filename
            if not name.endswith(".npy") or len(name) > MAX_NAME or any(one in name for one in ("/", "\\", "\0", "..")):
                raise self._error(f"holds {name[:MAX_NAME]!r}, which is no array of a model")
            if info.flag_bits & 1:
                raise self._error("is encrypted")
            if info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise self._error(f"is damaged: {name} would unpack to over {MAX_RATIO} times its size")

    def _read_header(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        name = info.filename.removesuffix(".npy")
        with archive.open(info) as file:
            try:
                version = npy.read_magic(file)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, dtype = read(file)
            except Exception as error:  # numpy's parser lets through whatever Python's own tokenizer raises
                raise self._error(f"is damaged: {name} is not an array") from error
            rest = info.file_size - file.tell()
        if dtype.hasobject or dtype.str not in DTYPES:
            raise self._error(f"holds {name} of the type {dtype}; only numbers with 16, 32 or 64 bits can be read")
        if not 1 <= len(shape) <= MAX_RANK or any(one < 0 for one in shape) or 0 in shape:
            raise self._error(f"is damaged: {name} has the shape {list(shape)}")
        if prod(shape) * dtype.itemsize != rest:
            raise self._error(f"is damaged: {name} needs {prod(shape) * dtype.itemsize:,} bytes, but has {rest:,}")
        self._shapes[name] = shape
        self._types.add(dtype.str)

    def _error(self, words: str) -> ModelError:
        return ModelError(str(self._path), [f"{self._path.name} {words}."])
