"""Unpack a downloaded archive into an empty folder: zip (Argos, OPUS-MT, ``.s2smodel``), tar and gzip.

Nothing in an archive is trusted: members must stay inside the folder, be plain files or folders, and come to no more
than their headers, the archive's size and fixed limits allow. Bytes are counted as they are inflated.
"""

import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from s2s_gui.errors import ModelError
from s2s_gui.formats.content import is_zip

MAX_MEMBERS = 10_000
MAX_BYTES = 8 << 30
MAX_RATIO = 100
SPARE_BYTES = 1 << 20
CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
# What Argos packages hold beside the model, for splitting sentences.
IGNORED = frozenset({"stanza", "spacy", "minisbd"})
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, NotImplementedError, ValueError)


def is_archive(path: Path) -> bool:
    """Say whether ``path`` is a file that must be unpacked before a reader can look at it.

    Formats that are zip files themselves (Keras, PyTorch, npz) are none.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start.startswith(GZIP):
            return True
        if start == ZIP:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
            inner = {name.rpartition("/")[2] for name in names}
            return not (inner & {"data.pkl", "model.weights.h5"} or any(name.endswith(".npy") for name in names[:1]))
        return path.is_file() and tarfile.is_tarfile(path)
    except BROKEN:
        return False


def is_cut(path: Path) -> bool:
    """Say whether ``path`` begins as a zip file but does not end as one."""
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP and not is_zip(path)


def unpack(path: Path, folder: Path) -> None:
    """Unpack the archive ``path`` into the empty folder ``folder``; raise ``ModelError`` if it is damaged or unsafe."""
    budget = _Budget(path)
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == ZIP
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                _unpack_zip(archive, folder, budget)
        elif tarfile.is_tarfile(path):
            with tarfile.open(path, "r:*") as tar:
                _unpack_tar(tar, folder, budget)
        else:
            with gzip.open(path) as content:
                budget.copy(content, folder / path.name.removesuffix(".gz"))
    except BROKEN as error:
        raise ModelError(
            str(path), [f"{path.name} is damaged or only half there ({error}); download it again."]
        ) from error


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


class _Budget:
    """Counts what an archive has given so far, and ends it when that is more than such a file can honestly hold."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = min(MAX_BYTES, MAX_RATIO * path.stat().st_size + SPARE_BYTES)
        self._names: set[str] = set()

    def place(self, name: str, folder: Path) -> Path:
        """Return where a member belongs; raise ``ModelError`` if that is not inside ``folder``, or taken."""
        pure = PurePosixPath(name)
        parts = pure.parts
        if not parts or pure.is_absolute() or ".." in parts or any(c in name for c in '\\:\0"') or len(name) > 1024:
            raise self.error(f"holds a file named {name!r}, which would be written outside its folder")
        if len(self._names) >= MAX_MEMBERS or str(pure) in self._names:
            raise self.error("holds too many files, or one twice")
        self._names.add(str(pure))
        return folder.joinpath(*parts)

    def copy(self, content: Readable, target: Path) -> None:
        """Write a member's bytes to ``target``."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            while chunk := content.read(CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise self.error("unpacks to far more than a file of its size can hold, so it is not opened")
                file.write(chunk)

    def error(self, words: str) -> ModelError:
        return ModelError(str(self._path), [f"{self._path.name} {words}."])


def _unpack_zip(archive: zipfile.ZipFile, folder: Path, budget: _Budget) -> None:
    members = archive.infolist()
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise budget.error(f"unpacks to more than {MAX_BYTES >> 30} GiB")
    for member in members:
        target = budget.place(member.filename, folder)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise budget.error(f"holds {member.filename!r}, which is a link and not a file")
        if member.flag_bits & 1:
            raise budget.error("is locked with a password")
        if _is_ignored(member.filename):
            continue
        if member.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        with archive.open(member) as content:
            budget.copy(content, target)


def _unpack_tar(tar: tarfile.TarFile, folder: Path, budget: _Budget) -> None:
    for member in _members(tar):
        if member.name in (".", "./"):
            continue
        target = budget.place(member.name, folder)
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
        elif member.isreg():
            content = tar.extractfile(member)
            if content is not None:
                with content:
                    budget.copy(content, target)
        else:
            raise budget.error(f"holds {member.name!r}, which is a link and not a file")


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := tar.next()) is not None:
        yield member


def _is_ignored(name: str) -> bool:
    return any(part in IGNORED for part in PurePosixPath(name).parts[:-1])
