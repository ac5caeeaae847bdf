"""Work on model files, beside translating: one job after the other on a worker of its own, each with its listener."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Slot

from s2s_gui.messages import Progress, Request, Stopped, Update
from s2s_gui.window.bridge import Bridge
from s2s_gui.worker import Tasks, Worker

Listener = Callable[[Update], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A request and who hears its updates."""

    request: Request
    listener: Listener


class FileJobs(QObject):
    """Owns the worker that describes, imports and verifies; the one that translates never waits for it."""

    def __init__(self, make_tasks: Callable[[], Tasks], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.bridge = Bridge(self)
        self._worker = Worker(make_tasks, self.bridge.post)
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._number = 0
        self.bridge.arrived.connect(self._take)

    def run(self, request: Callable[[int], Request], listener: Listener) -> int:
        """Do the request that ``request`` makes of a number; ``listener`` gets its updates. Return the number."""
        self._number += 1
        self._waiting.append(Job(request(self._number), listener))
        self._next()
        return self._number

    def cancel(self, number: int) -> None:
        """End the job ``number``; its listener hears ``Stopped`` when it has ended."""
        if self._running is not None and self._running.request.number == number:
            self._worker.stop()
        for job in [each for each in self._waiting if each.request.number == number]:
            self._waiting.remove(job)
            job.listener(Stopped(number))

    def close(self) -> bool:
        """End everything; return whether the worker has ended."""
        self._waiting.clear()
        self.bridge.close()
        return self._worker.close()

    def _next(self) -> None:
        if self._running is None and self._waiting:
            self._running = self._waiting.popleft()
            self._worker.submit(self._running.request)

    @Slot(object)
    def _take(self, update: Update) -> None:
        job = self._running
        if job is None or job.request.number != update.number:
            return
        if not isinstance(update, Progress):
            self._running = None
        job.listener(update)
        self._next()
