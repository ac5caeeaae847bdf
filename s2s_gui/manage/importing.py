"""Take a model into the user's library: described, tried, then copied or linked; and check one that is there.

What opens slowly in its own format (pickles, npz, HDF5) is written as this program's own folder. A model appears whole
or not at all: it is put together aside and renamed.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Generator
from datetime import UTC, datetime
from os.path import commonpath
from pathlib import Path

import msgspec

from s2s_gui import paths
from s2s_gui.description import ModelDescription
from s2s_gui.errors import ModelError
from s2s_gui.formats import native
from s2s_gui.manage.opening import CHUNK, build_model, described, open_model, sha256, try_out
from s2s_gui.messages import Imported, Progress, Verified
from s2s_gui.storage import library
from s2s_gui.storage.record import RECORD, Record, read_record, write_record

SLOW = frozenset({".npz", ".pt", ".pth", ".h5", ".hdf5", ".keras"})
PICKLE = "pytorch_model"


def import_model(number: int, path: Path, *, link: bool) -> Generator[Progress, None, Imported]:
    """Bring the model at ``path`` into the library, yielding progress in bytes; nothing stays of one that fails."""
    place = paths.user_models()
    with described(path) as found:
        description = found.description
        assert description is not None
        largest = path if path.is_file() else max(description.files, key=lambda one: one.stat().st_size)
        digest = yield from sha256(number, largest)
        for one in library.installed():
            if one.record is not None and one.record.sha256 == digest and not one.fault:
                return Imported(number, str(one.folder), one.record.card, was_there=True)
        try_out(build_model(found))
        place.mkdir(parents=True, exist_ok=True)
        folder = _free(place, description.card.id)
        card = msgspec.structs.replace(description.card, id=folder.name)
        aside = Path(tempfile.mkdtemp(prefix=".import.", dir=place))
        try:
            files: dict[str, str] = {}
            if not link and _is_slow(description):
                native.write_description(description, aside / "model")
                for file in sorted((aside / "model").iterdir()):
                    file.rename(aside / file.name)
                    files[file.name] = yield from sha256(number, aside / file.name)
                (aside / "model").rmdir()
            elif not link:
                files = yield from _copy(number, description, aside)
            record = Record(
                card=card,
                format=description.format,
                precision=description.precision,
                origin=str(path),
                date=datetime.now(UTC).isoformat(timespec="seconds"),
                sha256=digest,
                files=files,
                link=str(path.resolve()) if link else "",
            )
            write_record(record, aside)
            aside.chmod(0o755)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return Imported(number, str(folder), card, was_there=False)


def verify(number: int, folder: Path) -> Generator[Progress, None, Verified]:
    """Compare an installed model's files with its record and try it; what is wrong is in the result."""
    faults: list[str] = []
    try:
        record = read_record(folder)
        for name, expected in (record.files if record else {}).items():
            path = folder / name
            if not path.is_file():
                faults.append(f"{name} is missing.")
            elif (yield from sha256(number, path)) != expected:
                faults.append(f"{name} has changed since it was imported.")
        try_out(open_model(folder))
    except ModelError as error:
        faults.extend(error.faults)
    return Verified(number, str(folder), tuple(faults))


def _copy(number: int, description: ModelDescription, aside: Path) -> Generator[Progress, None, dict[str, str]]:
    """Copy the files that the model was read from; return the SHA-256 of each by its path in the folder."""
    files = [file.resolve() for file in description.files]
    root = Path(commonpath([file.parent for file in files]))
    total, done = sum(file.stat().st_size for file in files), 0
    digests: dict[str, str] = {}
    for file in files:
        name = file.relative_to(root)
        (aside / name).parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with file.open("rb") as content, (aside / name).open("wb") as copy:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                copy.write(chunk)
                done += len(chunk)
                yield Progress(number, done, total)
        digests[name.as_posix()] = digest.hexdigest()
    return digests


def _is_slow(description: ModelDescription) -> bool:
    return any(file.suffix in SLOW or file.name.startswith(PICKLE) for file in description.files)


def _free(place: Path, name: str) -> Path:
    """Return a folder for a model ``name`` that is not there yet."""
    taken = {one.folder.name for one in library.installed()} | {RECORD}
    number, folder = 1, name
    while folder in taken or (place / folder).exists():
        number += 1
        folder = f"{name[:60]}-{number}"
    return place / folder
