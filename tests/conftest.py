"""What every test needs: a screen that is not one, a home folder of its own, and one torch thread."""

import os
import sys
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = os.environ.get("S2S_TEST_PLATFORM", "offscreen")
# Read by torch when it is first imported; most tests never do.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a user folder of its own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("S2S_GUI_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    """Keep torch to one thread where a test has imported it."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
