"""What was on the screen: texts, languages, model and window, so that the next start goes on where this one ended."""

from pathlib import Path

import msgspec

from s2s_gui import paths
from s2s_gui.storage import whole_file

VERSION = 1


class Session(msgspec.Struct, kw_only=True, frozen=True):
    """One state of the window; ``geometry`` is Qt's own, in base 64, ``splitter`` the sizes of the panes in pixels.

    ``source`` and ``target`` are languages as ``str(Language)``, ``model`` is the model's folder.
    """

    version: int = VERSION
    text: str = ""
    translation: str = ""
    source: str = ""
    target: str = ""
    model: str = ""
    geometry: str = ""
    splitter: tuple[int, ...] = ()


def path() -> Path:
    """Return where the session lies."""
    return paths.user_data() / "session.json"


def read() -> Session:
    """Return the kept session, or an empty one."""
    return whole_file.read(path(), Session, VERSION)


def write(session: Session) -> None:
    """Keep ``session``."""
    whole_file.write(path(), session)
