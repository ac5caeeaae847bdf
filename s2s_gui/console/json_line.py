"""One translated line as a JSON object, as ``s2s translate --help`` describes it."""

import msgspec

from s2s_gui.messages import Hypothesis, Line, Result
from s2s_gui.text.sentences import inner


class TokenObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """A target token; ``confidence`` only from a model whose card knows it."""

    text: str
    logprob: float
    confidence: float | None = None


class HypothesisObject(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate for the whole line: the candidates of that rank of its sentences."""

    text: str
    score: float
    tokens: list[TokenObject]


class LineObject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The best translation of a line, and the others if they were asked for."""

    source: str
    text: str
    score: float
    source_tokens: list[str]
    tokens: list[TokenObject]
    alignment: list[tuple[int, int, float]]
    stopped: str
    ms: float
    hypotheses: list[HypothesisObject] | None = None


def as_json(result: Result, hypotheses: int) -> str:
    """Return the result of a single line as JSON on one line, with ``hypotheses`` candidates if more than one."""
    line = result.lines[0]
    candidates = [_candidate(line, rank) for rank in range(hypotheses)]
    best = [segment.hypotheses[0] for segment in line.segments]
    found = LineObject(
        source=line.source,
        text=line.text,
        score=candidates[0].score,
        source_tokens=[token for segment in line.segments for token in segment.source_tokens],
        tokens=candidates[0].tokens,
        alignment=_alignment(line),
        stopped=next((one.stopped for one in best if one.stopped), ""),
        ms=round(result.seconds * 1000, 1),
        hypotheses=candidates if hypotheses > 1 else None,
    )
    return msgspec.json.encode(found).decode("utf-8")


def _candidate(line: Line, rank: int) -> HypothesisObject:
    chosen = [segment.hypotheses[min(rank, len(segment.hypotheses) - 1)] for segment in line.segments]
    tokens = [TokenObject(token.text, token.log_prob, token.confidence) for one in chosen for token in one.tokens]
    scored = [one.score for one in chosen if one.tokens]
    return HypothesisObject(
        text=_replaced(line, chosen),
        score=sum(scored) / len(scored) if scored else 0.0,
        tokens=tokens,
    )


def _replaced(line: Line, chosen: list[Hypothesis]) -> str:
    """Return the line's text with the sentences' best candidates replaced by ``chosen``, all between them kept."""
    at = inner(line.source).start
    parts = [line.text[:at]]
    for segment, one in zip(line.segments, chosen, strict=True):
        best = segment.hypotheses[0].text
        start = line.text.index(best, at)
        parts += [line.text[at:start], one.text]
        at = start + len(best)
    return "".join([*parts, line.text[at:]])


def _alignment(line: Line) -> list[tuple[int, int, float]]:
    found = []
    source = target = 0
    for segment in line.segments:
        best = segment.hypotheses[0]
        found += [(link.source + source, link.target + target, link.weight) for link in best.alignment]
        source += len(segment.source_tokens)
        target += len(best.tokens)
    return found
