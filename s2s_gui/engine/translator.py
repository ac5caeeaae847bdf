"""Text in, translated text out: line by line as a stream, or many lines in batches.

Both are generators that yield after every decoding step. A closed one leaves the finished segments in the cache.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from time import perf_counter

from s2s_gui.description import Direction
from s2s_gui.engine.cache import KnownLine, SentenceCache, Translated
from s2s_gui.engine.model import Model
from s2s_gui.engine.searches import search_jobs
from s2s_gui.engine.segments import Planned, Task, compose, make_task
from s2s_gui.messages import DecodeOptions, KnownLines, Line, Partial, Result
from s2s_gui.text.sentences import inner, split

LINES_AT_ONCE = 64


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
class _Place:
    """Which line is shown: request, line, number of lines."""

    number: int
    line: int
    of: int

    def partial(self, stable: str, tentative: str) -> Partial:
        return Partial(self.number, self.line, self.of, stable, tentative, is_final=False)


def translate(
    model: Model, number: int, text: str, direction: Direction, options: DecodeOptions, cache: SentenceCache
) -> Generator[Partial | KnownLines, None, Result]:
    """Translate ``text`` line by line; each step yields the line so far, the return value is the whole.

    The stable part of a line only grows. Lines that were translated before come many at once.
    """
    task = make_task(model, direction, options)
    clock = _Clock()
    contents, ends = split(text)
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
            known = yield from _line(task, content, is_first, cache, clock, _Place(number, index, len(contents)))
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


def _line(
    task: Task, content: str, is_first: bool, cache: SentenceCache, clock: _Clock, place: _Place
) -> Generator[Partial, None, KnownLine]:
    """Translate one line, yielding it as far as it is; ``is_first``: its first segment is the request's first."""
    planned: list[Planned] = []
    translated: list[Translated] = []
    shown = content[: inner(content).start]
    for one in task.plan(content):
        shown += one.before
        known = task.known(one, cache, forced=is_first)
        if known is None:
            known = yield from _decode(task, one, is_first, cache, clock, place, shown)
            cache.put(task.key(one, forced=is_first), known)
        else:
            clock.cached += not one.is_copied
            yield place.partial(shown + known.hypotheses[0].text, "")
        planned.append(one)
        translated.append(known)
        shown += known.hypotheses[0].text
        is_first = False
    decoded = sum(not one.is_copied for one in planned)
    return KnownLine(compose(content, planned, translated), decoded, sum(one.tokens for one in translated))


def _decode(
    task: Task, planned: Planned, forced: bool, cache: SentenceCache, clock: _Clock, place: _Place, before: str
) -> Generator[Partial, None, Translated]:
    """Decode one segment, yielding its line, which shows ``before`` already, after every step."""
    prepared = task.prepare(planned, forced=forced)
    decoding = search_jobs(task.model, [prepared.job], task.search, cache.guess(planned.text))
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
            text = task.text(tokens)
            agreed = task.text(tokens[: draft.settled])
            if len(agreed) > len(stable):
                stable = agreed
            tentative = text[len(stable) :] if text.startswith(stable) else ""
            yield place.partial(before + stable, tentative)
    finally:
        cache.note(planned.text, tokens)
