"""Two models one after the other, by way of a language that both know: line by line, the second one streaming."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from time import perf_counter

from s2s_gui.description import Direction
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.translator import translate
from s2s_gui.errors import RequestError
from s2s_gui.messages import DecodeOptions, Hypothesis, KnownLines, Line, Partial, Result, Segment
from s2s_gui.text.sentences import inner, lines


def pivot(
    models: Sequence[Model],
    caches: Sequence[SentenceCache],
    number: int,
    text: str,
    source: str,
    target: str,
    options: DecodeOptions,
) -> Generator[Partial, None, Result]:
    """Translate ``text`` as ``translate`` does, with the first model and then the second.

    While a line is in the first model, its updates show nothing. A line's segment is the whole line, without links:
    they would lead to words that nobody sees. Forced prefixes bind the second model.
    """
    first, second = legs(models[0], models[1], source, target)
    started = perf_counter()
    plain = replace(options, prefix="", hypotheses=1)
    found = lines(text)
    done: list[Line] = []
    first_token, tokens, cached = 0.0, 0, 0
    for index, line in enumerate(found):
        half = yield from _hidden(models[0], number, line.content, first, plain, caches[0], index, len(found))
        steps = translate(models[1], number, half.text, second, options, caches[1])
        whole = yield from _shown(steps, index, len(found))
        first_token = first_token or (perf_counter() - started if whole.tokens else 0.0)
        tokens += half.tokens + whole.tokens
        cached += half.cached_segments + whole.cached_segments
        done.append(_line(line.content, whole))
        yield Partial(number, index, len(found), done[-1].text, "", True)
        options = replace(options, prefix="")
    joined = "".join(one.text + line.end for one, line in zip(done, found, strict=True))
    return Result(joined, tuple(done), perf_counter() - started, first_token, tokens, cached)


def legs(first: Model, second: Model, source: str, target: str) -> tuple[Direction, Direction]:
    """Return the directions of both models that lead from ``source`` to ``target``."""
    for way in first.card.ways():
        if source in (str(way.source), way.source.code):
            for after in second.card.ways():
                if after.source.code == way.target.code and target in (str(after.target), after.target.code):
                    return way, after
    raise RequestError(f"These two models do not lead from {source} to {target}.")


def _hidden(
    model: Model,
    number: int,
    text: str,
    direction: Direction,
    options: DecodeOptions,
    cache: SentenceCache,
    index: int,
    of: int,
) -> Generator[Partial, None, Result]:
    """Translate a line without showing it, but stop as promptly as ever."""
    steps = translate(model, number, text, direction, options, cache)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        yield Partial(number, index, of, "", "", is_final=False)


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
            yield replace(update, line=index, of=of)


def _line(content: str, whole: Result) -> Line:
    span = inner(content)
    parts = [segment.hypotheses[0] for line in whole.lines for segment in line.segments]
    tokens = tuple(token for part in parts for token in part.tokens)
    score = sum(part.score for part in parts) / len(parts) if parts else 0.0
    best = Hypothesis(whole.text.strip(), tokens, score)
    segments = (Segment(span.start, span.end, (), (best,)),)
    return Line(content, whole.text, segments if span.end > span.start else ())
