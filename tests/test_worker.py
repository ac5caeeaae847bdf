"""The mailbox: newest wins, one closing update for each request, faults do not end the thread. No Qt, no torch."""

import threading
from collections.abc import Callable, Iterator

import pytest

from s2s_gui.errors import ModelError
from s2s_gui.messages import (
    Failed,
    Finished,
    LoadModel,
    Partial,
    Request,
    Result,
    Stopped,
    Translate,
    Update,
)
from s2s_gui.worker import FAULT, NO_ENGINE, NO_MEMORY, Worker

RESULT = Result("x", (), 0.1, 0.1, 1)
PATIENCE = 10.0


def text(number: int, words: str = "a") -> Translate:
    return Translate(number, words, "en", "zh")


class Outbox:
    """Collects updates and waits for the closing one of a request."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self._changed = threading.Condition()

    def post(self, update: Update) -> None:
        with self._changed:
            self.updates.append(update)
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[list[Update]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.updates), PATIENCE), self.updates

    def closing(self, number: int) -> Update:
        self.wait_for(lambda updates: any(closes(update, number) for update in updates))
        found = [update for update in self.updates if closes(update, number)]
        assert len(found) == 1
        return found[0]


def closes(update: Update, number: int) -> bool:
    return update.number == number and not isinstance(update, Partial)


class Scripted:
    """Tasks that yield partial texts while ``gate`` allows it; what a text says decides how it ends."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.begun: list[int] = []
        self.closed: list[int] = []
        self.threads: set[str] = set()

    def make(self) -> Callable[[Request], Iterator[Update]]:
        self.threads.add(threading.current_thread().name)
        return self.run

    def run(self, request: Request) -> Iterator[Update]:
        self.begun.append(request.number)
        self.threads.add(threading.current_thread().name)
        assert isinstance(request, LoadModel | Translate)
        words = request.folder if isinstance(request, LoadModel) else request.text
        try:
            if words == "fault":
                raise ValueError("broken inside")
            if words == "memory":
                raise MemoryError
            if words == "user":
                raise ModelError("here", ["it is empty."])
            if words == "nothing":
                return
            if words == "long":
                for _ in range(1000):
                    yield Partial(request.number, 0, 1, "a", "", False)
                    assert self.gate.acquire(timeout=PATIENCE)
            yield Finished(request.number, RESULT)
        finally:
            self.closed.append(request.number)


class Desk:
    """A worker with its scripted tasks and its outbox."""

    def __init__(self) -> None:
        self.tasks = Scripted()
        self.out = Outbox()
        self.worker = Worker(self.tasks.make, self.out.post)

    def begin_long(self, request: Request) -> None:
        """Submit ``request`` and wait until it runs."""
        self.worker.submit(request)
        self.out.wait_for(lambda updates: any(isinstance(each, Partial) for each in updates))


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    for _ in range(2000):
        made.tasks.gate.release()
    assert made.worker.close(PATIENCE)


def test_a_request_finishes_on_the_workers_own_thread(desk: Desk) -> None:
    desk.worker.submit(text(1))
    assert desk.out.closing(1) == Finished(1, RESULT)
    assert desk.tasks.threads == {"translator"}


def test_a_newer_text_stops_the_running_one_and_its_generator_is_closed(desk: Desk) -> None:
    desk.begin_long(text(1, "long"))
    desk.worker.submit(text(2))
    desk.tasks.gate.release()
    assert desk.out.closing(1) == Stopped(1)
    assert desk.out.closing(2) == Finished(2, RESULT)
    assert desk.tasks.closed == [1, 2]


def test_of_twenty_texts_only_the_last_finishes(desk: Desk) -> None:
    desk.begin_long(text(1, "long"))
    for number in range(2, 21):
        desk.worker.submit(text(number))
    desk.tasks.gate.release()
    assert desk.out.closing(20) == Finished(20, RESULT)
    assert [desk.out.closing(number) for number in range(1, 20)] == [Stopped(number) for number in range(1, 20)]
    assert desk.tasks.begun == [1, 20]


def test_a_model_goes_before_a_waiting_text_and_stops_the_running_one(desk: Desk) -> None:
    desk.begin_long(text(1, "long"))
    desk.worker.submit(text(2))
    desk.worker.submit(LoadModel(3, "model"))
    desk.tasks.gate.release()
    assert desk.out.closing(1) == Stopped(1)
    desk.out.closing(3)
    desk.out.closing(2)
    assert desk.tasks.begun == [1, 3, 2]


def test_stop_ends_texts_but_not_a_model_that_is_being_loaded(desk: Desk) -> None:
    desk.begin_long(LoadModel(1, "long"))
    desk.worker.submit(text(2))
    desk.worker.stop()
    assert desk.out.closing(2) == Stopped(2)
    for _ in range(1000):
        desk.tasks.gate.release()
    assert desk.out.closing(1) == Finished(1, RESULT)


def test_stop_ends_the_running_text(desk: Desk) -> None:
    desk.begin_long(text(1, "long"))
    desk.worker.stop()
    desk.tasks.gate.release()
    assert desk.out.closing(1) == Stopped(1)


def test_a_stop_before_does_not_stop_what_comes_after(desk: Desk) -> None:
    desk.worker.stop()
    desk.worker.submit(text(1))
    assert desk.out.closing(1) == Finished(1, RESULT)


def test_a_fault_is_told_and_the_next_request_works(desk: Desk) -> None:
    desk.worker.submit(text(1, "fault"))
    failed = desk.out.closing(1)
    assert isinstance(failed, Failed)
    assert failed.message == FAULT
    assert "broken inside" in failed.detail
    desk.worker.submit(text(2))
    assert desk.out.closing(2) == Finished(2, RESULT)


def test_an_error_of_the_user_comes_in_its_own_words(desk: Desk) -> None:
    desk.worker.submit(LoadModel(1, "user"))
    assert desk.out.closing(1) == Failed(1, "The model here cannot be opened: it is empty.")


def test_lack_of_memory_is_told_plainly(desk: Desk) -> None:
    desk.worker.submit(text(1, "memory"))
    assert desk.out.closing(1) == Failed(1, NO_MEMORY)


def test_tasks_that_do_not_close_their_request_fail(desk: Desk) -> None:
    desk.worker.submit(text(1, "nothing"))
    assert isinstance(desk.out.closing(1), Failed)


def test_a_missing_engine_answers_every_request() -> None:
    out = Outbox()

    def make() -> Callable[[Request], Iterator[Update]]:
        raise ImportError("No module named 'torch'")

    worker = Worker(make, out.post)
    for number in (1, 2):
        worker.submit(text(number))
        failed = out.closing(number)
        assert isinstance(failed, Failed)
        assert failed.message == NO_ENGINE
        assert "torch" in failed.detail
    assert worker.close(PATIENCE)


def test_close_stops_everything_and_joins() -> None:
    desk = Desk()
    desk.begin_long(text(1, "long"))
    desk.worker.submit(text(2))
    desk.tasks.gate.release()
    assert desk.worker.close(PATIENCE)
    assert desk.out.closing(1) == Stopped(1)
    assert desk.out.closing(2) in (Stopped(2), Finished(2, RESULT))
    desk.worker.submit(text(3))
    assert desk.out.closing(3) == Stopped(3)
