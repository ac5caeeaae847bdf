"""Where shipped files and the user's files are. Importing it touches nothing; asking for a folder creates none."""

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "S2S_GUI_HOME"


def shipped(name: str) -> Path:
    """Return the shipped folder ``name`` ("models" or "resources"): inside the wheel, else at the checkout's top."""
    package = Path(__file__).resolve().parent
    inside = package / "_shipped" / name
    return inside if inside.is_dir() else package.parent / name


def user_data() -> Path:
    """Return the user's data folder; the environment variable ``S2S_GUI_HOME`` overrides it."""
    override = os.environ.get(HOME_VARIABLE)
    if override:
        return Path(override)
    return Path(platformdirs.user_data_dir("s2s-gui", appauthor=False))


def system_models() -> list[Path]:
    """Return the system's folders of models, which are only read; none while ``S2S_GUI_HOME`` is set."""
    if os.environ.get(HOME_VARIABLE):
        return []
    found = platformdirs.site_data_dir("s2s-gui", appauthor=False, multipath=True)
    return [Path(place) / "models" for place in found.split(os.pathsep)]


def user_models() -> Path:
    """Return the folder that holds the user's own models, one folder each."""
    return user_data() / "models"
