"""The mailbox and its thread: one slot for the newest model to load, one for all else, one thread that does the work.

Owns when a request runs, is replaced, or is stopped, and that each gets exactly one closing update. Knows no task, no
Qt and no torch: the tasks are handed in as generators, and to cancel one is to stop asking it.
"""

import threading
import traceback
from collections.abc import Callable, Generator, Iterator

from s2s_gui.errors import TranslatorError
from s2s_gui.messages import Failed, LoadModel, OnTheWay, Request, Stopped, Update

Tasks = Callable[[Request], Iterator[Update]]

FAULT = "Something went wrong inside the program. Your text is safe; please try again."
NO_ENGINE = "The translation engine could not start, so nothing can be translated."
NO_MEMORY = "There was not enough memory. Close other programs or use a smaller model."
NO_END = "The translation ended too early. Your text is safe; please try again."


class Worker:
    """Run requests one at a time on a thread of its own; a newer request of a kind replaces the older one.

    ``make_tasks`` is called on that thread when the first request comes, so that slow imports happen there. ``post``
    is called from that thread, and from the caller's for requests that are replaced before they ran.
    """

    def __init__(self, make_tasks: Callable[[], Tasks], post: Callable[[Update], None]) -> None:
        self._make_tasks = make_tasks
        self._post = post
        self._changed = threading.Condition()
        self._load: LoadModel | None = None
        self._other: Request | None = None
        self._running: Request | None = None
        self._stop_running = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="translator", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Put ``request`` in its slot; what it replaces is closed with ``Stopped``."""
        replaced: Request | None
        with self._changed:
            if self._closed:
                replaced = request
            elif isinstance(request, LoadModel):
                replaced, self._load = self._load, request
            else:
                replaced, self._other = self._other, request
            self._changed.notify_all()
        if replaced is not None:
            self._post(Stopped(replaced.number))

    def stop(self) -> None:
        """Stop what runs and forget what waits; a model that is being loaded goes on."""
        with self._changed:
            waiting, self._other = self._other, None
            if self._running is not None and not isinstance(self._running, LoadModel):
                self._stop_running = True
        if waiting is not None:
            self._post(Stopped(waiting.number))

    def close(self, timeout: float = 0.5) -> bool:
        """Stop everything and wait up to ``timeout`` seconds; return whether the thread has ended."""
        with self._changed:
            self._closed = True
            waiting = [request for request in (self._load, self._other) if request is not None]
            self._load = self._other = None
            self._changed.notify_all()
        for request in waiting:
            self._post(Stopped(request.number))
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        tasks: Tasks | None = None
        broken: Failed | None = None
        while (request := self._next()) is not None:
            if tasks is None and broken is None:
                try:
                    tasks = self._make_tasks()
                except Exception as error:
                    broken = _failure(0, error, NO_ENGINE)
            if tasks is None:
                detail = broken.detail if broken is not None else ""
                closing: Update = Failed(request.number, broken.message if broken else NO_ENGINE, detail)
            else:
                closing = self._closing_update(tasks, request)
            self._post(closing)

    def _next(self) -> Request | None:
        """Wait for a request and mark it as running; models go first. ``None`` means that the worker was closed."""
        with self._changed:
            self._running = None
            self._stop_running = False
            self._changed.wait_for(lambda: self._closed or self._load is not None or self._other is not None)
            if self._closed:
                return None
            if self._load is not None:
                self._running, self._load = self._load, None
            else:
                self._running, self._other = self._other, None
            return self._running

    def _is_superseded(self) -> bool:
        """Tell whether the running request should end: closed, stopped, or something newer waits."""
        with self._changed:
            if self._closed or self._stop_running or self._load is not None:
                return True
            return not isinstance(self._running, LoadModel) and self._other is not None

    def _closing_update(self, tasks: Tasks, request: Request) -> Update:
        """Run one request, posting what it yields on the way; return how it ended."""
        if self._is_superseded():
            return Stopped(request.number)
        try:
            updates = tasks(request)
            try:
                for update in updates:
                    if not isinstance(update, OnTheWay):
                        return update
                    self._post(update)
                    if self._is_superseded():
                        return Stopped(request.number)
            finally:
                if isinstance(updates, Generator):
                    updates.close()
        except Exception as error:
            return _failure(request.number, error, FAULT)
        return Failed(request.number, NO_END, f"No closing update came for {request!r}"[:500])


def _failure(number: int, error: Exception, message: str) -> Failed:
    """Return the update for ``error``: its own words if a user can act on them, else ``message`` and a traceback."""
    if isinstance(error, TranslatorError):
        return Failed(number, str(error))
    if isinstance(error, MemoryError):
        return Failed(number, NO_MEMORY)
    return Failed(number, message, "".join(traceback.format_exception(error)))
