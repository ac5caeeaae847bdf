"""JSON files that are written whole or not at all, and that are never lost: a broken one is set aside, not erased."""

import os
import time
from pathlib import Path
from typing import TypeVar

import msgspec

Kept = TypeVar("Kept", bound=msgspec.Struct)


def read(path: Path, kind: type[Kept], version: int) -> Kept:
    """Return what ``path`` holds, or the defaults of ``kind``; a file that cannot be used is renamed, and stays.

    A file of another schema ``version`` is set aside too, so that a newer program finds it again.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return kind()
    except OSError:
        return kind()
    try:
        found = msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        _set_aside(path)
        return kind()
    if getattr(found, "version", version) != version:
        _set_aside(path)
        return kind()
    return found


def write(path: Path, value: msgspec.Struct) -> None:
    """Replace ``path`` by ``value`` in one step: after a crash either the old or the new file is there, complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(msgspec.json.encode(value))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _set_aside(path: Path) -> None:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    kept = path.with_name(f"{path.stem}.unreadable-{stamp}{path.suffix}")
    count = 1
    while kept.exists():
        count += 1
        kept = path.with_name(f"{path.stem}.unreadable-{stamp}-{count}{path.suffix}")
    path.rename(kept)
