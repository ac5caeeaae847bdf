"""Text in, translated text out: line by line as a stream, or many lines in batches.

Both are generators that yield after every decoding step. A closed one leaves the finished segments in the cache.
"""

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from time import perf_counter

from s2s_gui.description import Direction
from s2s_gui.engine.cache import KnownLine, SentenceCache, Translated
from s2s_gui.engine.documents import decode_all
from s2s_gui.engine.model import Model
from s2s_gui.engine.searches import search_jobs
from s2s_gui.engine.segments import Planned, Task, compose, make_task
from s2s_gui.messages import DecodeOptions, KnownLines, Line, Partial, Result
from s2s_gui.text.sentences import inner, split

LINES_AT_ONCE = 64
AHEAD = 32
FEWEST_AHEAD = 4
LOOK_AT = 500
KNOWN_AT_ONCE = 16


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


@dataclass(frozen=True, slots=True)
class _Work:
    """A request's parts; ``ahead`` are the keys of the sentences that it decoded before their turn."""

    task: Task
    cache: SentenceCache
    clock: _Clock
    threads: int
    contents: Sequence[str]
    ahead: set[Hashable] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Place:
    """Which line is shown: request, line, number of lines."""

    number: int
    line: int
    of: int

    def partial(self, stable: str, tentative: str) -> Partial:
        return Partial(self.number, self.line, self.of, stable, tentative, is_final=False)


def translate(
    model: Model,
    number: int,
    text: str,
    direction: Direction,
    options: DecodeOptions,
    cache: SentenceCache,
    threads: int = 1,
) -> Generator[Partial | KnownLines, None, Result]:
    """Translate ``text`` line by line; each step yields the line so far, the return value is the whole.

    The stable part of a line only grows. Lines that were translated before come many at once. The first sentence that
    is new is shown as it grows; if many follow, they are decoded side by side on ``threads`` threads.
    """
    task = make_task(model, direction, options)
    clock = _Clock()
    contents, ends = split(text)
    work = _Work(task, cache, clock, threads, contents)
    cache.begin((str(direction), task.search), len(text))
    done: list[Line] = []
    waiting: list[str] = []
    is_first = True
    for index, content in enumerate(contents):
        is_bound = is_first and bool(task.prefix)
        known = None if is_bound else cache.line(content)
        if known is None:
            if waiting:
                yield KnownLines(number, index - len(waiting), len(contents), tuple(waiting))
                waiting = []
            known = yield from _line(work, is_first, _Place(number, index, len(contents)))
            if not is_bound:
                cache.put_line(known)
            yield Partial(number, index, len(contents), known.line.text, "", True)
        else:
            clock.cached += known.decoded
            waiting.append(known.line.text)
            if len(waiting) == LINES_AT_ONCE:
                yield KnownLines(number, index + 1 - len(waiting), len(contents), tuple(waiting))
                waiting = []
        is_first = is_first and not known.line.segments
        done.append(known.line)
    if waiting:
        yield KnownLines(number, len(contents) - len(waiting), len(contents), tuple(waiting))
    whole = "".join([part for one, end in zip(done, ends, strict=True) for part in (one.text, end)])
    seconds = perf_counter() - clock.started
    return Result(whole, tuple(done), seconds, clock.first_token, clock.tokens, clock.cached)


def _line(work: _Work, is_first: bool, place: _Place) -> Generator[Partial, None, KnownLine]:
    """Translate one line, yielding it as far as it is; ``is_first``: its first segment is the request's first."""
    task, cache, content = work.task, work.cache, work.contents[place.line]
    plan = list(task.plan(content))
    planned: list[Planned] = []
    translated: list[Translated] = []
    shown = content[: inner(content).start]
    for column, one in enumerate(plan):
        shown += one.before
        known = task.known(one, cache, forced=is_first)
        if known is None and work.clock.first_token:
            yield from _ahead(work, plan[column:], place, shown)
            known = task.known(one, cache, forced=is_first)
        if known is None:
            known = yield from _decode(work, one, is_first, place, shown)
            cache.put(task.key(one, forced=is_first), known)
        else:
            if not one.is_copied and not (work.ahead and task.key(one, forced=is_first) in work.ahead):
                work.clock.cached += 1
            if column < KNOWN_AT_ONCE or column % KNOWN_AT_ONCE == 0:
                yield place.partial(shown + known.hypotheses[0].text, "")
        planned.append(one)
        translated.append(known)
        shown += known.hypotheses[0].text
        is_first = False
    decoded = sum(not one.is_copied for one in planned)
    return KnownLine(compose(content, planned, translated), decoded, sum(one.tokens for one in translated))


def _ahead(work: _Work, rest: Sequence[Planned], place: _Place, shown: str) -> Generator[Partial, None, None]:
    """Decode the next sentences that are new, from the ``rest`` of a line on, if there are enough of them."""
    task = work.task
    following = (one for content in work.contents[place.line + 1 :] for one in task.plan(content))
    new: dict[Hashable, Planned] = {}
    for one in islice(chain(rest, following), LOOK_AT):
        if task.known(one, work.cache, forced=False) is None:
            new[task.key(one, forced=False)] = one
        if len(new) == AHEAD * work.threads:
            break
    if len(new) < FEWEST_AHEAD:
        return
    prepared = [task.prepare(one, forced=False) for one in new.values()]
    keys = list(new)
    for finished in decode_all(task.model, [one.job for one in prepared], task.search, work.threads):
        for number, hypotheses in finished:
            translated = task.read(prepared[number], hypotheses)
            work.cache.put(keys[number], translated)
            work.ahead.add(keys[number])
            work.clock.tokens += len(hypotheses[0].tokens)
        yield place.partial(shown, "")


def _decode(
    work: _Work, planned: Planned, forced: bool, place: _Place, before: str
) -> Generator[Partial, None, Translated]:
    """Decode one segment, yielding its line, which shows ``before`` already, after every step."""
    task, clock = work.task, work.clock
    prepared = task.prepare(planned, forced=forced)
    decoding = search_jobs(task.model, [prepared.job], task.search, work.cache.guess(planned.text))
    stable = ""
    tokens: tuple[int, ...] = ()
    try:
        while True:
            try:
                draft = next(decoding)[0]
            except StopIteration as end:
                return task.read(prepared, end.value[0])
            clock.token_seen()
            clock.tokens += draft.steps
            tokens = draft.tokens
            text = task.text(tokens, prepared.shielded)
            agreed = "" if task.writes_other_script else task.text(tokens[: draft.settled], prepared.shielded)
            if len(agreed) > len(stable):
                stable = agreed
            tentative = text[len(stable) :] if text.startswith(stable) else ""
            yield place.partial(before + stable, tentative)
    finally:
        work.cache.note(planned.text, tokens)
