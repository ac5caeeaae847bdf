"""JSON files of foreign models: read with limits, and asked for values of the type that is wanted."""

import json
from pathlib import Path
from typing import Any, TypeVar

from s2s_gui.cards import LFS_POINTER, lfs_fault
from s2s_gui.errors import ModelError

MAX_CONFIG = 1 << 20
MAX_VOCABULARY = 64 << 20

Value = TypeVar("Value", bound=bool | int | float | str)


def read_object(path: Path, limit: int = MAX_CONFIG) -> dict[str, Any]:
    """Return the object in a JSON file of at most ``limit`` bytes; raise ``ModelError`` for anything else."""
    content = read_limited(path, limit)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(str(path), [f"{path.name} is damaged: it is not JSON."]) from error
    if not isinstance(found, dict):
        raise ModelError(str(path), [f"{path.name} does not hold a JSON object."])
    return found


def read_limited(path: Path, limit: int) -> bytes:
    """Return the bytes of a file that has at most ``limit`` of them."""
    try:
        size = path.stat().st_size
        if size > limit:
            raise ModelError(str(path), [f"{path.name} has {size:,} bytes; at most {limit:,} are read."])
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            str(path), [f"{path.name} is missing: download it from where the model came from, into the same folder."]
        ) from error
    except OSError as error:
        raise ModelError(str(path), [f"{path.name} cannot be read ({error.strerror})."]) from error
    if content.startswith(LFS_POINTER):
        raise ModelError(str(path), [lfs_fault(path.name)])
    return content


def value(table: dict[str, Any], key: str, default: Value, where: str) -> Value:
    """Return ``table[key]``, or ``default`` where it is absent or null; of another type is a fault."""
    found = table.get(key)
    if found is None:
        return default
    if type(default) is float and type(found) is int:
        found = float(found)
    if type(found) is not type(default):
        raise ModelError(where, [f"{where}: {key} is {found!r}, which is not a {type(default).__name__}."])
    return found
