"""What only the running program can tell of its speed; ``s2s bench`` starts it in processes of its own.

``python -m s2s_gui.probe window FOLDER SENTENCE`` opens the window with the model in FOLDER and translates the text of
the kept session, then a hundred texts, then a long one. ``python -m s2s_gui.probe cancel FOLDER SENTENCE FROM TO``
stops translations through the worker. Each prints one JSON object. What only the measuring needs is imported late, so
that the start is that of the program.
"""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from s2s_gui import app
from s2s_gui.messages import Finished, LoadModel, ModelReady, Partial, Stopped, Translate, Update
from s2s_gui.storage import library
from s2s_gui.worker import Worker

if TYPE_CHECKING:
    from s2s_gui.window.main_window import MainWindow

TEXTS = 100
LINES = 150
STOPS = 40
TICK_MS = 5
PATIENCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """Times of the monotonic clock in seconds, memory in bytes, gaps of the event loop in milliseconds."""

    shown_at: float
    ready_at: float
    first_translation_at: float
    peak_bytes: int
    stall_p99_ms: float
    stall_worst_ms: float


@dataclass(frozen=True, slots=True)
class CancelFigures:
    """Milliseconds from asking for an end to the worker being free, and those of a usual step of decoding."""

    cancel_p50_ms: float
    cancel_worst_ms: float
    slice_ms: float


def main(arguments: list[str]) -> int:
    """Measure what is asked for and print it."""
    mode, *others = arguments
    found = window_figures(*others) if mode == "window" else cancel_figures(*others)
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    return 0


def window_figures(folder: str, sentence: str) -> WindowFigures:
    """Open the window as a user does, and use it."""
    moments: dict[str, float] = {}
    window = app.build(["s2s-gui"], lambda: [library.look(Path(folder))])
    window.first_shown.connect(lambda: moments.setdefault("shown", time.monotonic()))
    window.live.model_ready.connect(lambda _: moments.setdefault("ready", time.monotonic()))
    window.live.finished.connect(lambda _: moments.setdefault("first", time.monotonic()))
    window.show()
    wait(window, lambda: "first" in moments)
    for number in range(TEXTS):
        translate(window, f"{sentence} {number}")
    peak = peak_bytes()
    gaps = stalls(window, "\n".join(f"{number} {sentence}" for number in range(LINES)))
    window.close()
    return WindowFigures(
        *(moments["shown"], moments["ready"], moments["first"], peak), gaps[int(0.99 * len(gaps))], gaps[-1]
    )


def stalls(window: "MainWindow", text: str) -> list[float]:
    """Return how many milliseconds lay between the ticks of a timer while ``text`` was translated, sorted."""
    from PySide6.QtCore import Qt, QTimer

    gaps: list[float] = []
    last = time.perf_counter()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(1000 * (now - last))
        last = now

    timer = QTimer(timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(TICK_MS)
    translate(window, text)
    timer.stop()
    return sorted(gaps)


def translate(window: "MainWindow", text: str) -> None:
    """Put ``text`` into the window and wait for its translation."""
    from s2s_gui.window.live import State
    from s2s_gui.window.pacing import Cause

    window.source.replace_text(text, Cause.PASTED)
    wait(window, lambda: window.live.state is State.DONE)


def wait(window: "MainWindow", condition: Callable[[], bool]) -> None:
    """Run the event loop until ``condition`` holds after a change of the state."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    window.live.state_changed.connect(loop.quit)
    QTimer.singleShot(1000 * PATIENCE_SECONDS, loop, lambda: sys.exit("The window took too long."))
    while not condition():
        loop.exec()
    window.live.state_changed.disconnect(loop.quit)


class _Desk:
    """A worker and what it says, with the times at which it did."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._updates: list[tuple[float, Update]] = []
        self.worker = Worker(app.make_tasks, self._post)

    def _post(self, update: Update) -> None:
        with self._changed:
            self._updates.append((time.perf_counter(), update))
            self._changed.notify_all()

    def wait_for(self, number: int, kind: type[Update] | tuple[type[Update], ...]) -> list[float]:
        """Wait for such an update of request ``number``; return the times of all that were like it."""

        def times() -> list[float]:
            return [at for at, update in self._updates if update.number == number and isinstance(update, kind)]

        with self._changed:
            if not self._changed.wait_for(times, PATIENCE_SECONDS):
                sys.exit("The worker took too long.")
            return times()


def cancel_figures(folder: str, sentence: str, source: str, target: str) -> CancelFigures:
    """Stop translations after their first word, and see how long the worker goes on."""
    from statistics import median

    desk = _Desk()
    desk.worker.submit(LoadModel(1, folder))
    desk.wait_for(1, ModelReady)
    desk.worker.submit(Translate(2, sentence, source, target))
    desk.wait_for(2, Finished)
    steps = desk.wait_for(2, Partial)
    waits = []
    for number in range(3, 3 + STOPS):
        desk.worker.submit(Translate(number, f"{number} {sentence} " * 3, source, target))
        desk.wait_for(number, Partial)
        asked = time.perf_counter()
        desk.worker.stop()
        ended = desk.wait_for(number, (Stopped, Finished))[0]
        waits.append(1000 * (ended - asked))
    desk.worker.close()
    slices = [1000 * (after - before) for before, after in pairwise(steps)]
    return CancelFigures(median(waits), max(waits), median(slices))


def peak_bytes() -> int:
    """Return the most memory that this process has had resident."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: a child process begins there with its parent's peak.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import psutil

    memory = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
