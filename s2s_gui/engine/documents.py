"""Many lines at once: sentences of like length side by side, one decoding thread for each processor core.

More than one thread inside a product only makes the threads wait for each other; sentences need not wait. torch gives
Python's lock free while it computes.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from itertools import islice

import torch

from s2s_gui.description import Direction
from s2s_gui.engine.cache import SentenceCache, Translated
from s2s_gui.engine.model import Model
from s2s_gui.engine.options import Search
from s2s_gui.engine.refilled import refilled
from s2s_gui.engine.search import Decoded, Job
from s2s_gui.engine.searches import network_for, search_jobs
from s2s_gui.engine.segments import Planned, Prepared, compose, make_task
from s2s_gui.messages import DecodeOptions, Line
from s2s_gui.networks.compiled import Compiled

BATCH_TOKENS = 1000
HEARTBEAT_SECONDS = 0.05
FEWEST_A_THREAD = 8

Finished = list[tuple[int, list[Decoded]]]


def translate_lines(
    model: Model,
    contents: Sequence[str],
    direction: Direction,
    options: DecodeOptions,
    cache: SentenceCache,
    threads: int = 1,
) -> Generator[None, None, list[Line]]:
    """Translate many lines; return them in order. A forced prefix binds the first segment of each line.

    A generator that yields now and then; closing it ends the work within a decoding step, and what is done by then
    stays in ``cache``.
    """
    task = make_task(model, direction, options)
    plans: list[list[Planned]] = []
    for content in contents:
        plans.append([])
        for one in task.plan(content):
            plans[-1].append(one)
            yield
    results: dict[Hashable, Translated] = {}
    prepared: dict[Hashable, Prepared] = {}
    for one, forced in _placed(plans):
        key = task.key(one, forced=forced)
        known = task.known(one, cache, forced=forced)
        if known is not None:
            results[key] = known
        elif key not in prepared:
            prepared[key] = task.prepare(one, forced=forced)
            yield
    keys = list(prepared)
    for finished in decode_all(model, [prepared[key].job for key in keys], task.search, threads):
        for number, hypotheses in finished:
            results[keys[number]] = task.read(prepared[keys[number]], hypotheses)
            cache.put(keys[number], results[keys[number]])
        yield
    found = iter([results[task.key(one, forced=forced)] for one, forced in _placed(plans)])
    return [
        compose(content, plan, list(islice(found, len(plan)))) for content, plan in zip(contents, plans, strict=True)
    ]


def decode_all(model: Model, jobs: Sequence[Job], search: Search, threads: int) -> Iterator[Finished]:
    """Yield now and then what is done of ``jobs``: their numbers and hypotheses."""
    # The longest first: what comes last then keeps no thread busy while the others have nothing to do.
    waiting = deque(sorted(enumerate(jobs), key=lambda one: -len(one[1].source)))
    compiled = network_for(model, jobs, search)
    can_refill = isinstance(compiled, Compiled) and search.beam_size == 1 and not search.sampling
    wanted = max(1, min(threads, len(jobs) // FEWEST_A_THREAD))

    def decode() -> Iterator[Finished]:
        return refilled(compiled, waiting, search) if can_refill else _batches(model, waiting, search)

    return decode() if wanted == 1 else _side_by_side(decode, wanted)


def _side_by_side(decode: Callable[[], Iterator[Finished]], threads: int) -> Generator[Finished, None, None]:
    """Run ``decode`` on ``threads`` threads, which share its jobs; closing the generator stops them."""
    news: queue.SimpleQueue[Finished | Exception | None] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        torch.set_num_threads(1)
        try:
            for finished in decode():
                if finished:
                    news.put(finished)
                if stop.is_set():
                    return
            news.put(None)
        except Exception as error:
            news.put(error)

    workers = [threading.Thread(target=work, name=f"decoder {number}", daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        while threads:
            try:
                found = news.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                found = []
            if isinstance(found, Exception):
                raise found
            if found is None:
                threads -= 1
            else:
                yield found
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def _batches(model: Model, waiting: deque[tuple[int, Job]], search: Search) -> Iterator[Finished]:
    """Decode batch after batch until nothing is waiting."""
    while batch := _batch(waiting):
        decoding = search_jobs(model, [job for _, job in batch], search)
        while True:
            try:
                next(decoding)
            except StopIteration as end:
                yield [(number, decoded) for (number, _), decoded in zip(batch, end.value, strict=True)]
                break
            yield []


def _batch(waiting: deque[tuple[int, Job]]) -> list[tuple[int, Job]]:
    """Take neighbours of together about ``BATCH_TOKENS`` source tokens, padding included."""
    batch: list[tuple[int, Job]] = []
    while True:
        try:
            one = waiting.popleft()
        except IndexError:
            return batch
        batch.append(one)
        if (len(batch) + 1) * len(batch[0][1].source) > BATCH_TOKENS:
            return batch


def _placed(plans: Sequence[Sequence[Planned]]) -> Iterator[tuple[Planned, bool]]:
    """Yield every segment, and whether it is the first of its line."""
    for plan in plans:
        for column, one in enumerate(plan):
            yield one, column == 0
