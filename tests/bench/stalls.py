"""How long the window stands still while a text is translated: stalls.py [--lines 10000] [model folder].

Prints the worst gap and the 99th percentile of a 5 ms timer on the window's thread. Without a model it uses a fake
engine that yields as fast as it can.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from s2s_gui import app, probe
from s2s_gui.storage.library import look
from tests.window.fakes import FakeTasks, models


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--lines", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["S2S_GUI_HOME"] = home
        measure(arguments.folder, arguments.lines)


def measure(folder: Path | None, count: int) -> None:
    """Translate ``count`` lines in a new window."""
    if folder is None:
        app.make_tasks = FakeTasks().make
    window = app.build(["stalls"], models("fake") if folder is None else lambda: [look(folder)])
    window.show()
    probe.wait(window, lambda: window.live.card is not None)
    began = time.perf_counter()
    gaps = probe.stalls(
        window, "\n".join(f"This is sentence {number}, which says that the train is late." for number in range(count))
    )
    seconds = time.perf_counter() - began
    print(
        f"{seconds:.2f} s for {count} lines; gaps of the event loop: worst {gaps[-1]:.1f} ms, "
        f"99th percentile {gaps[int(len(gaps) * 0.99)]:.1f} ms, of {len(gaps)}"
    )
    window.close()


if __name__ == "__main__":
    main()
