"""The user's settings: each one a typed field with its default and range, kept as JSON with a schema version."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from s2s_gui import paths
from s2s_gui.storage import whole_file

VERSION = 1

Theme = Literal["system", "light", "dark"]
InterfaceLanguage = Literal["system", "en", "zh_CN"]
Pace = Literal["calm", "normal", "eager"]
Precision = Literal["auto", "fp32", "int8"]
TextSize = Annotated[int, msgspec.Meta(ge=50, le=300)]
BeamSize = Annotated[int, msgspec.Meta(ge=0, le=16)]
Threads = Annotated[int, msgspec.Meta(ge=0, le=64)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=1440)]


class Settings(msgspec.Struct, kw_only=True):
    """What the settings window offers.

    ``text_size`` is in percent; ``beam_size`` 0 means the model's own, ``threads`` 0 as many as the processor has
    cores. The model leaves memory after ``idle_minutes`` without work, with 0 never.
    """

    version: int = VERSION
    theme: Theme = "system"
    interface_language: InterfaceLanguage = "system"
    text_size: TextSize = 100
    while_typing: bool = True
    pace: Pace = "normal"
    beam_size: BeamSize = 0
    precision: Precision = "auto"
    shortlist: bool = True
    threads: Threads = 0
    idle_minutes: Minutes = 30
    mark_doubtful: bool = True


def path() -> Path:
    """Return where the settings lie."""
    return paths.user_data() / "settings.json"


def read() -> Settings:
    """Return the kept settings, or the defaults."""
    return whole_file.read(path(), Settings, VERSION)


def write(settings: Settings) -> None:
    """Keep ``settings``."""
    whole_file.write(path(), settings)
