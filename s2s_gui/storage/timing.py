"""Which precision was quicker here, so that it need not be timed at every start."""

import platform
from pathlib import Path
from typing import Literal

import msgspec

from s2s_gui import paths
from s2s_gui.storage import whole_file

VERSION = 1
PROCESSORS = Path("/proc/cpuinfo")


class Timing(msgspec.Struct, kw_only=True, frozen=True):
    """The quicker precision, found with this version of torch on this processor."""

    version: int = VERSION
    torch: str = ""
    processor: str = ""
    precision: Literal["fp32", "int8"] = "fp32"


def path() -> Path:
    """Return where the choice lies."""
    return paths.user_data() / "timing.json"


def read() -> Timing:
    """Return what was found last, or something that fits no processor."""
    return whole_file.read(path(), Timing, VERSION)


def write(timing: Timing) -> None:
    """Keep ``timing``; where that is not possible, it is found again at the next start."""
    try:
        whole_file.write(path(), timing)
    except OSError:
        return


def processor() -> str:
    """Return the processor's name, as exactly as the system tells it."""
    try:
        with PROCESSORS.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
