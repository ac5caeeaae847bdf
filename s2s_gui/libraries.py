"""Which shared libraries Qt needs on Linux, and the Debian or Ubuntu package of each; the wheel brings none."""

import ctypes
import re
import sys
from collections.abc import Mapping

PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}
X11_PACKAGES = {
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
FILE_NAME = re.compile(r"\blib[\w.+-]+\.so(?:\.\d+)*")


def why_no_display(environment: Mapping[str, str]) -> str:
    """Return in a sentence why a window cannot be opened here, "" if nothing speaks against it.

    Qt itself would end the whole process when a library of its X11 part is missing, and often names the wrong one.
    """
    platform = environment.get("QT_QPA_PLATFORM", "")
    if not sys.platform.startswith("linux") or platform not in ("", "xcb"):
        return ""
    if not platform and environment.get("WAYLAND_DISPLAY"):
        return ""
    if not environment.get("DISPLAY"):
        return "There is no screen here: DISPLAY is not set. The command s2s translates without a window."
    missing = [name for name in X11_PACKAGES if not _can_load(name)]
    return missing_sentence(missing) if missing else ""


def why_no_qt(error: ImportError) -> str:
    """Return in a sentence why Qt could not be imported, with the package to install."""
    found = FILE_NAME.search(str(error))
    if found is None:
        return f"The window needs PySide6, which cannot be imported: {error}"
    return missing_sentence([found.group()])


def missing_sentence(libraries: list[str]) -> str:
    """Return one sentence that names the missing libraries and, on Debian and Ubuntu, how to install them."""
    packages = [package for name in libraries if (package := (PACKAGES | X11_PACKAGES).get(name))]
    how = f"; on Debian or Ubuntu: sudo apt install {' '.join(dict.fromkeys(packages))}" if packages else ""
    return f"The window cannot be opened because of missing system libraries: {', '.join(libraries)}{how}"


def _can_load(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
