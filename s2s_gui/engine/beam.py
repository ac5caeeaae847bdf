"""Beam search with length penalty and n-best lists.

At each step the best continuations of the surviving hypotheses are kept. What becomes of the beam when one of them
ends, and when a job is done, is the model's ``ending``: engines differ there, and a model's results with them. All jobs
of a batch advance together, row by row of one state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf

from torch import Tensor

from s2s_gui.engine.options import Search
from s2s_gui.engine.search import (
    WAYS_OUT,
    Asked,
    Decoded,
    Decoding,
    Draft,
    Job,
    ask,
    choice,
    encode,
    ranked,
    result,
    select,
    settled,
)
from s2s_gui.networks.quick import Stepping


@dataclass(frozen=True, slots=True)
class _Live:
    """A hypothesis in the beam of the batch's job ``number``; ``row`` is its row of the state."""

    job: Job
    number: int
    row: int
    tokens: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()
    attention: tuple[Tensor, ...] = ()
    total: float = 0.0


def beam(network: Stepping, jobs: Sequence[Job], search: Search) -> Decoding:
    """Decode ``jobs`` as one batch; return ``search.hypotheses`` hypotheses for each, best first."""
    allowed = choice(jobs, search)
    state = encode(network, [job.source for job in jobs])
    beams = [[_Live(job, number, number)] for number, job in enumerate(jobs)]
    finished: list[list[Decoded]] = [[] for _ in jobs]
    while any(beams):
        rows = [live for one in beams for live in one]
        asked = ask(network, rows, state, allowed, search.start)
        values, ids = asked.best(search.beam_size if search.ending == "shrink" else 2 * search.beam_size)
        parents: list[int] = []
        for number, job in enumerate(jobs):
            survivors = _advanced(beams[number], job, search, finished[number], asked, values, ids)
            beams[number] = [_moved(live, len(parents) + index) for index, live in enumerate(survivors)]
            parents.extend(live.row for live in survivors)
        state = select(asked.state, parents, len(rows)) if parents else asked.state
        yield [_draft(*parts) for parts in zip(jobs, beams, finished, strict=True)]
    return [ranked(one, search.hypotheses) for one in finished]


def _advanced(
    beam: Sequence[_Live],
    job: Job,
    search: Search,
    finished: list[Decoded],
    asked: Asked,
    values: list[list[float]],
    ids: list[list[int]],
) -> list[_Live]:
    """Return the hypotheses of one job that live on after a step; those that end go to ``finished``."""
    size = search.beam_size
    shrinks = search.ending == "shrink"
    room = size - len(finished) if shrinks else size
    survivors: list[_Live] = []
    for place, live in enumerate(_continued(beam, job, asked, values, ids, room if shrinks else 2 * size)):
        end = result(job, search, live.tokens, live.log_probs, live.attention)
        if end is None and len(survivors) < room:
            survivors.append(live)
        elif end is not None and place < size:
            finished.append(end)
    return [] if _is_done(job, search, finished, survivors) else survivors


def _is_done(job: Job, search: Search, finished: list[Decoded], survivors: Sequence[_Live]) -> bool:
    """Say whether a beam that stays full can be given up."""
    if search.ending == "shrink" or not survivors or len(finished) < search.beam_size:
        return False
    if search.ending == "count":
        return True
    finished[:] = ranked(finished, search.beam_size)
    leader = survivors[0]
    hope = sum(leader.log_probs[job.named :]) / len(leader.tokens) ** search.length_penalty
    return hope <= finished[-1].score


def _continued(
    beam: Sequence[_Live], job: Job, asked: Asked, values: list[list[float]], ids: list[list[int]], count: int
) -> list[_Live]:
    """Return the ``count`` best continuations of one job's hypotheses; inside a forced prefix what is forced.

    A continuation that closes a loop gives way to the next best; only where all do, they are returned to be cut.
    """
    if not beam:
        return []
    at = len(beam[0].tokens)
    if at < len(job.prefix):
        token = job.prefix[at]
        return [_extended(live, token, asked.log_prob(live.row, token), asked) for live in beam]
    found = _ranked_continuations(beam, values, ids)
    best = _without_loops(found, job, count)
    if not best:
        best = _without_loops(_ranked_continuations(beam, *asked.best(WAYS_OUT)), job, count) or found[:count]
    return [_extended(live, token, value, asked) for live, token, value in best]


def _ranked_continuations(
    beam: Sequence[_Live], values: list[list[float]], ids: list[list[int]]
) -> list[tuple[_Live, int, float]]:
    continuations = [
        (live, token, value)
        for live in beam
        for value, token in zip(values[live.row], ids[live.row], strict=True)
        if value > -inf
    ]
    continuations.sort(key=lambda one: -(one[0].total + one[2]))
    return continuations


def _without_loops(found: Sequence[tuple[_Live, int, float]], job: Job, count: int) -> list[tuple[_Live, int, float]]:
    start = len(job.prefix)
    free = (one for one in found if not job.guard.excess((*one[0].tokens, one[1])[start:]))
    return list(islice(free, count))


def _extended(live: _Live, token: int, log_prob: float, asked: Asked) -> _Live:
    attention = live.attention if asked.attention is None else (*live.attention, asked.attention[live.row])
    tokens, log_probs = (*live.tokens, token), (*live.log_probs, log_prob)
    return _Live(live.job, live.number, live.row, tokens, log_probs, attention, live.total + log_prob)


def _moved(live: _Live, row: int) -> _Live:
    return _Live(live.job, live.number, row, live.tokens, live.log_probs, live.attention, live.total)


def _draft(job: Job, beam: Sequence[_Live], finished: Sequence[Decoded]) -> Draft:
    """Return the likeliest live hypothesis, settled as far as every one that can still win agrees with it."""
    rivals = [one.tokens for one in ranked(list(finished), 1)]
    if not beam and not rivals:
        return Draft((), 0)
    leader = max(beam, key=lambda live: live.total).tokens if beam else rivals[0]
    rivals += [live.tokens[: settled(job, live.tokens)] for live in beam]
    common = 0
    while all(common < len(rival) and rival[common] == leader[common] for rival in rivals):
        common += 1
    return Draft(leader, common)
