"""How long the window stands still while a text is translated: stalls.py [--lines 10000] [model folder].

Prints the worst gap and the 99th percentile of a 5 ms timer on the window's thread. Without a model it uses a fake
engine that yields as fast as it can.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer

from s2s_gui import app
from s2s_gui.storage import session
from s2s_gui.storage.library import look
from s2s_gui.window.live import State
from tests.window.fakes import FakeTasks, models

LONGEST_SECONDS = 300


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
    session.write(session.Session())
    fake = FakeTasks()
    if folder is None:
        app.make_tasks = fake.make
    window = app.build(["stalls"])
    window.models.shelf._list_models = models("fake") if folder is None else lambda: [look(folder)]
    window.show()
    loop = QEventLoop()
    wait(loop, lambda: window.live.card is not None)
    gaps: list[float] = []
    last = time.perf_counter()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(5)
    began = time.perf_counter()
    last = began
    window.source.insertPlainText(
        "\n".join(f"This is sentence {number}, which says that the train is late." for number in range(count))
    )
    wait(loop, lambda: window.live.state is State.DONE)
    seconds = time.perf_counter() - began
    timer.stop()
    gaps.sort()
    sys.stdout.write(
        f"{seconds:.2f} s for {count} lines; gaps of the event loop: worst {gaps[-1] * 1000:.1f} ms, "
        f"99th percentile {gaps[int(len(gaps) * 0.99)] * 1000:.1f} ms, of {len(gaps)}\n"
    )
    window.close()


def wait(loop: QEventLoop, condition: Callable[[], bool]) -> None:
    """Run the event loop until ``condition`` holds."""
    check = QTimer()

    def look_again() -> None:
        if condition():
            loop.quit()

    check.timeout.connect(look_again)
    check.start(20)
    QTimer.singleShot(LONGEST_SECONDS * 1000, loop.quit)
    if not condition():
        loop.exec()


if __name__ == "__main__":
    main()
