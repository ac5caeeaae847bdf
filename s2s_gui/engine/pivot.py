"""Two models one after the other, by way of a language that both know: line by line, the second one streaming."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import msgspec

from s2s_gui.description import Direction
from s2s_gui.engine.cache import KnownLine, SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.translator import LINES_AT_ONCE, translate
from s2s_gui.errors import RequestError
from s2s_gui.messages import DecodeOptions, Hypothesis, KnownLines, Line, Partial, Result, Segment
from s2s_gui.text.sentences import inner, split


@dataclass(frozen=True, slots=True)
class _Chain:
    """A request's parts: models, directions and caches of both legs; ``of`` is the number of lines."""

    models: Sequence[Model]
    ways: tuple[Direction, Direction]
    caches: Sequence[SentenceCache]
    number: int
    of: int


@dataclass(slots=True)
class _Cost:
    """What a request has cost so far, both legs together."""

    started: float = field(default_factory=perf_counter)
    first_token: float = 0.0
    tokens: int = 0
    cached: int = 0

    def add(self, half: Result, whole: Result) -> None:
        if whole.tokens and not self.first_token:
            self.first_token = perf_counter() - self.started
        self.tokens += half.tokens + whole.tokens
        self.cached += half.cached_segments + whole.cached_segments


def pivot(
    models: Sequence[Model],
    caches: Sequence[SentenceCache],
    number: int,
    text: str,
    source: str,
    target: str,
    options: DecodeOptions,
) -> Generator[Partial | KnownLines, None, Result]:
    """Translate ``text`` as ``translate`` does, with the first model and then the second.

    While a line is in the first model, its updates show nothing. A line's segment is the whole line, without links:
    they would lead to words that nobody sees. Forced prefixes bind the second model.
    """
    contents, ends = split(text)
    work = _Chain(models, legs(models[0], models[1], source, target), caches, number, len(contents))
    free = msgspec.structs.replace(options, prefix="")
    lines = caches[1].chain
    lines.begin((models[0].card.id, *map(str, work.ways), free), len(text))
    cost = _Cost()
    done: list[Line] = []
    waiting: list[str] = []
    for index, content in enumerate(contents):
        is_bound = index == 0 and bool(options.prefix)
        known = None if is_bound else lines.get(content)
        if known is None:
            if waiting:
                yield KnownLines(number, index - len(waiting), work.of, tuple(waiting))
                waiting = []
            half, whole = yield from _line(work, index, content, options if is_bound else free)
            cost.add(half, whole)
            known = _known(content, half, whole)
            if not is_bound:
                lines.put(known)
            yield Partial(number, index, work.of, known.line.text, "", True)
        else:
            cost.cached += known.decoded
            waiting.append(known.line.text)
            if len(waiting) == LINES_AT_ONCE:
                yield KnownLines(number, index + 1 - len(waiting), work.of, tuple(waiting))
                waiting = []
        done.append(known.line)
    if waiting:
        yield KnownLines(number, work.of - len(waiting), work.of, tuple(waiting))
    joined = "".join([part for one, end in zip(done, ends, strict=True) for part in (one.text, end)])
    seconds = perf_counter() - cost.started
    return Result(joined, tuple(done), seconds, cost.first_token, cost.tokens, cost.cached)


def legs(first: Model, second: Model, source: str, target: str) -> tuple[Direction, Direction]:
    """Return the directions of both models that lead from ``source`` to ``target``."""
    for way in first.card.ways():
        if source in (str(way.source), way.source.code):
            for after in second.card.ways():
                if after.source.code == way.target.code and target in (str(after.target), after.target.code):
                    return way, after
    raise RequestError(f"These two models do not lead from {source} to {target}.")


def _line(
    work: _Chain, index: int, content: str, options: DecodeOptions
) -> Generator[Partial, None, tuple[Result, Result]]:
    """Translate a line with one model and then the other; return what each gave."""
    plain = msgspec.structs.replace(options, prefix="", hypotheses=1)
    steps = translate(work.models[0], work.number, content, work.ways[0], plain, work.caches[0])
    half = yield from _hidden(work, steps, index)
    steps = translate(work.models[1], work.number, half.text, work.ways[1], options, work.caches[1])
    whole = yield from _shown(steps, index, work.of)
    return half, whole


def _hidden(
    work: _Chain, steps: Generator[Partial | KnownLines, None, Result], index: int
) -> Generator[Partial, None, Result]:
    """Translate a line without showing it, but stop as promptly as ever."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        yield Partial(work.number, index, work.of, "", "", is_final=False)


def _shown(
    steps: Generator[Partial | KnownLines, None, Result], index: int, of: int
) -> Generator[Partial, None, Result]:
    """Pass a line's updates on as those of line ``index`` of ``of``."""
    while True:
        try:
            update = next(steps)
        except StopIteration as end:
            return end.value
        if isinstance(update, Partial) and not update.is_final:
            yield msgspec.structs.replace(update, line=index, of=of)


def _known(content: str, half: Result, whole: Result) -> KnownLine:
    """Return a line of the chain as it is kept; ``decoded`` counts the segments of both legs."""
    span = inner(content)
    parts = [segment.hypotheses[0] for line in whole.lines for segment in line.segments]
    tokens = tuple(token for part in parts for token in part.tokens)
    score = sum(part.score for part in parts) / len(parts) if parts else 0.0
    best = Hypothesis(whole.text.strip(), tokens, score)
    segments = (Segment(span.start, span.end, (), (best,)),)
    doubtful = whole.lines[0].doubtful if len(whole.lines) == 1 else ()
    line = Line(content, whole.text, segments if span.end > span.start else (), doubtful)
    # Only what was copied has no source tokens.
    decoded = sum(bool(one.source_tokens) for leg in (half, whole) for made in leg.lines for one in made.segments)
    return KnownLine(line, decoded, len(tokens))
