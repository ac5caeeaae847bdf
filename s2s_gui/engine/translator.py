"""Text in, translated text out: line by line as a stream, or many lines in batches.

Both are generators that yield after every decoding step. A closed one leaves the finished segments in the cache.
"""

from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter

from s2s_gui.description import Direction
from s2s_gui.engine.beam import beam
from s2s_gui.engine.cache import SentenceCache, Translated
from s2s_gui.engine.compiled_greedy import compiled_greedy, fits
from s2s_gui.engine.greedy import greedy
from s2s_gui.engine.model import Model
from s2s_gui.engine.search import Decoded, Decoding, Job
from s2s_gui.engine.segments import Planned, Prepared, Task, compose, make_task
from s2s_gui.messages import DecodeOptions, Line, Partial, Result
from s2s_gui.text.sentences import inner, lines

BATCH_TOKENS = 1000


@dataclass(slots=True)
class _Clock:
    """What a request has cost so far."""

    started: float = field(default_factory=perf_counter)
    first_token: float = 0.0
    tokens: int = 0
    cached: int = 0

    def token_seen(self) -> None:
        if not self.first_token:
            self.first_token = perf_counter() - self.started


def translate(
    model: Model, number: int, text: str, direction: Direction, options: DecodeOptions, cache: SentenceCache
) -> Generator[Partial, None, Result]:
    """Translate ``text`` line by line; each step yields the line so far, the return value is the whole.

    The stable part of a line only grows.
    """
    task = make_task(model, direction, options)
    clock = _Clock()
    source = lines(text)
    done: list[Line] = []
    is_first = True
    for index, line in enumerate(source):
        planned: list[Planned] = []
        translated: list[Translated] = []
        shown = line.content[: inner(line.content).start]
        for one in task.plan(line.content):
            shown += one.before
            known = task.known(one, cache, forced=is_first)
            if known is None:
                known = yield from _decode(task, one, is_first, clock, _Place(number, index, len(source), shown))
                cache.put(task.key(one, forced=is_first), known)
            else:
                clock.cached += not one.is_copied
                yield Partial(number, index, len(source), shown + known.hypotheses[0].text, "", is_final=False)
            planned.append(one)
            translated.append(known)
            shown += known.hypotheses[0].text
            is_first = False
        done.append(compose(line.content, planned, translated))
        yield Partial(number, index, len(source), done[-1].text, "", True)
    whole = "".join(one.text + line.end for one, line in zip(done, source, strict=True))
    seconds = perf_counter() - clock.started
    return Result(whole, tuple(done), seconds, clock.first_token, clock.tokens, clock.cached)


def translate_lines(
    model: Model, contents: Sequence[str], direction: Direction, options: DecodeOptions, cache: SentenceCache
) -> Generator[None, None, list[Line]]:
    """Translate many lines in batches of about 1,000 source tokens, sorted by length; return them in order.

    A forced prefix binds the first segment of each line.
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
    for batch in _batches(prepared):
        decoded = yield from _silent(search_jobs(task, [prepared[key].job for key in batch]))
        for done, hypotheses in zip(batch, decoded, strict=True):
            results[done] = task.read(prepared[done], hypotheses)
            cache.put(done, results[done])
    found = iter([results[task.key(one, forced=forced)] for one, forced in _placed(plans)])
    return [
        compose(content, plan, list(islice(found, len(plan)))) for content, plan in zip(contents, plans, strict=True)
    ]


def _placed(plans: Sequence[Sequence[Planned]]) -> Iterator[tuple[Planned, bool]]:
    """Yield every segment, and whether it is the first of its line."""
    for plan in plans:
        for column, one in enumerate(plan):
            yield one, column == 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a segment is shown: request, line, number of lines, and what the line shows before it."""

    number: int
    line: int
    of: int
    before: str


def _decode(
    task: Task, planned: Planned, forced: bool, clock: _Clock, place: _Place
) -> Generator[Partial, None, Translated]:
    """Decode one segment, yielding its line after every step."""
    prepared = task.prepare(planned, forced=forced)
    decoding = search_jobs(task, [prepared.job])
    stable = ""
    while True:
        try:
            draft = next(decoding)[0]
        except StopIteration as end:
            return task.read(prepared, end.value[0])
        clock.token_seen()
        clock.tokens += draft.steps
        text = task.text(draft.tokens)
        agreed = task.text(draft.tokens[: draft.settled])
        if len(agreed) > len(stable):
            stable = agreed
        tentative = text[len(stable) :] if text.startswith(stable) else ""
        yield Partial(place.number, place.line, place.of, place.before + stable, tentative, is_final=False)


def search_jobs(task: Task, jobs: Sequence[Job]) -> Decoding:
    """Return the search for a batch of jobs: the quick one where it can be had, else greedy or beam."""
    search = task.search
    compiled = task.model.compiled
    if compiled is not None and fits(compiled, jobs, search):
        return compiled_greedy(compiled, jobs[0], search)
    return (greedy if search.beam_size == 1 else beam)(task.model.network, jobs, search)


def _silent(decoding: Decoding) -> Generator[None, None, list[list[Decoded]]]:
    while True:
        try:
            next(decoding)
        except StopIteration as end:
            return end.value
        yield


def _batches(prepared: Mapping[Hashable, Prepared]) -> Iterator[list[Hashable]]:
    """Yield the keys in batches of like length, each of about ``BATCH_TOKENS`` source tokens with padding."""
    batch: list[Hashable] = []
    for key in sorted(prepared, key=lambda key: len(prepared[key].job.source)):
        if batch and (len(batch) + 1) * len(prepared[key].job.source) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(key)
    if batch:
        yield batch
