"""When each model was last used and how fast it is on this computer, by the model's folder or the key of a chain."""

from pathlib import Path

import msgspec

from s2s_gui import paths
from s2s_gui.storage import whole_file

VERSION = 1
NEWEST = 0.2


class Use(msgspec.Struct, frozen=True):
    """``date`` is ISO 8601; ``speed`` in tokens a second, 0 if it was never measured."""

    date: str = ""
    speed: float = 0.0


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The use of all models."""

    version: int = VERSION
    models: dict[str, Use] = {}


def path() -> Path:
    """Return where the notes lie."""
    return paths.user_data() / "usage.json"


def read() -> Usage:
    """Return the kept notes, or empty ones."""
    return whole_file.read(path(), Usage, VERSION)


def write(usage: Usage) -> None:
    """Keep ``usage``."""
    whole_file.write(path(), usage)


def used(usage: Usage, model: str, date: str, speed: float | None = None) -> Usage:
    """Return the notes after a use of ``model``; a measured ``speed`` moves the mean by a fifth of the way."""
    before = usage.models.get(model, Use())
    mean = before.speed
    if speed is not None:
        mean = mean + NEWEST * (speed - mean) if mean else speed
    return msgspec.structs.replace(usage, models={**usage.models, model: Use(date, mean)})
