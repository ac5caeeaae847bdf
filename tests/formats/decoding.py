"""Decode one text with a model as a foreign engine does: no guard against loops, a beam of a given width."""

from s2s_gui.description import Direction
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.segments import make_task
from s2s_gui.engine.translator import translate
from s2s_gui.messages import DecodeOptions, Hypothesis


def options(beam: int, hypotheses: int = 1) -> DecodeOptions:
    return DecodeOptions(beam_size=beam, hypotheses=hypotheses, repeat_limit=1000)


def hypotheses(model: Model, text: str, direction: Direction, beam: int = 1, count: int = 1) -> tuple[Hypothesis, ...]:
    """Return the best ``count`` translations of ``text``, which must be one segment."""
    steps = translate(model, 0, text, direction, options(beam, count), SentenceCache())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            (segment,) = end.value.lines[0].segments
            return segment.hypotheses


def source_ids(model: Model, text: str, direction: Direction) -> list[int]:
    """Return the ids that the network reads for ``text``."""
    task = make_task(model, direction, options(1))
    (planned,) = task.plan(text)
    return list(task.prepare(planned, forced=False).job.source)
