"""What is noted beside an imported model: its card, where it came from, the hash of each file.

A folder of the library is one of this program's own (``card.json``), or holds a foreign model's files with this note,
or this note alone, which then names where the model lies (``link``).
"""

from pathlib import Path
from typing import Annotated

import msgspec

from s2s_gui.description import ModelCard
from s2s_gui.errors import ModelError

RECORD = "imported.json"
VERSION = 1
MAX_BYTES = 4 << 20


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One imported model; ``files`` gives SHA-256 by path inside the folder, ``date`` is ISO 8601."""

    version: Annotated[int, msgspec.Meta(ge=1, le=VERSION)] = VERSION
    card: ModelCard
    format: str
    precision: str = ""
    origin: str = ""
    date: str = ""
    sha256: str = ""
    files: dict[str, str] = {}
    link: str = ""


def read_record(folder: Path) -> Record | None:
    """Return the note in ``folder``, None if there is none; raise ``ModelError`` if it cannot be used."""
    path = folder / RECORD
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(str(folder), [f"{RECORD} has more than {MAX_BYTES:,} bytes."])
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(str(folder), [f"{RECORD} cannot be read ({error.strerror})."]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(str(folder), [f"{RECORD} is damaged: {error}."]) from error


def write_record(record: Record, folder: Path) -> None:
    """Write the note into ``folder``."""
    (folder / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
