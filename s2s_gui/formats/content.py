"""A file's bytes, at any place; one that is stored as gzip (RFC 1952) is inflated to memory, whatever its name."""

import gzip
import zipfile
import zlib
from pathlib import Path

from s2s_gui.cards import LFS_POINTER, lfs_fault
from s2s_gui.errors import ModelError

GZIP = b"\x1f\x8b"
MAX_INFLATED = 2 << 30
MAX_RATIO = 100
CHUNK = 1 << 20


class Content:
    """The bytes of ``path``, of which there may be at most ``most``.

    Opening raises ``ModelError`` for a file that is too long, cannot be read or is a Git LFS pointer.
    """

    def __init__(self, path: Path, most: int | None = None) -> None:
        self.path = path
        self._inflated: bytes | None = None
        try:
            with path.open("rb") as file:
                begin = file.read(len(LFS_POINTER))
            self.size = path.stat().st_size
            if begin[:2] == GZIP:
                self._inflated = _inflated(path, min(most or MAX_INFLATED, MAX_RATIO * self.size))
                begin, self.size = self._inflated[: len(LFS_POINTER)], len(self._inflated)
        except OSError as error:
            raise ModelError(str(path), [f"{path.name} cannot be read ({error.strerror})."]) from error
        if begin == LFS_POINTER:
            raise ModelError(str(path), [lfs_fault(path.name)])
        if most is not None and self.size > most:
            raise ModelError(str(path), [f"{path.name} has {self.size:,} bytes; at most {most:,} are read."])

    def read(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset``, fewer at the end of the file."""
        if self._inflated is not None:
            return self._inflated[offset : offset + length]
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            raise ModelError(str(self.path), [f"{self.path.name} cannot be read ({error.strerror})."]) from error


def read_whole(path: Path, most: int) -> bytes:
    """Return all bytes of a file of at most ``most`` bytes, inflated where it is gzip."""
    content = Content(path, most)
    return content.read(0, content.size)


def is_zip(path: Path) -> bool:
    """Say whether the file ends like a zip archive; of several disks it is none here. Never raises."""
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return False


def beginning(path: Path, count: int) -> bytes:
    """Return the first bytes of a file, inflated where it is gzip; b"" if it cannot be read. Never raises."""
    try:
        with path.open("rb") as file:
            begin = file.read(max(count, 4096))
        if begin[:2] == GZIP:
            begin = zlib.decompressobj(31).decompress(begin, count)
    except (OSError, zlib.error, ValueError):
        return b""
    return begin[:count]


def _inflated(path: Path, limit: int) -> bytes:
    """Return what a gzip file holds, one member after the other."""
    parts: list[bytes] = []
    total = 0
    try:
        with gzip.open(path) as file:
            while part := file.read(CHUNK):
                parts.append(part)
                total += len(part)
                if total > limit:
                    raise ModelError(
                        str(path), [f"{path.name} unpacks to more than {limit:,} bytes, which is too much."]
                    )
    except EOFError as error:
        raise ModelError(str(path), [f"{path.name} is truncated: its gzip data end too early."]) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise ModelError(str(path), [f"{path.name} is damaged: its gzip data cannot be unpacked."]) from error
    return b"".join(parts)
