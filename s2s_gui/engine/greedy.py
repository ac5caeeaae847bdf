"""Greedy search and sampling: one hypothesis a row, one token a step.

Sampling draws from the softmax of logits / temperature, cut to the ``top_k`` best (Fan et al. 2018) and then to the
smallest set whose mass reaches ``top_p`` (Holtzman et al. 2020). Each row has its own random numbers, so a sentence
is drawn alike alone and in a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from s2s_gui.engine.options import Search
from s2s_gui.engine.search import (
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
    steered,
)
from s2s_gui.messages import Sampling
from s2s_gui.networks.quick import Stepping

# A vocabulary is sorted as a whole only where so many of its best do not make up the nucleus.
NUCLEUS_GUESS = 512


@dataclass(slots=True)
class _Row:
    """One hypothesis while it grows."""

    job: Job
    number: int
    random: torch.Generator
    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    attention: list[Tensor] = field(default_factory=list)
    result: Decoded | None = None


def greedy(network: Stepping, jobs: Sequence[Job], search: Search) -> Decoding:
    """Decode ``jobs`` as one batch; with sampling, ``search.hypotheses`` draws for each."""
    draws = search.hypotheses if search.sampling else 1
    rows = [_Row(job, number, _random(search, draw)) for number, job in enumerate(jobs) for draw in range(draws)]
    allowed = choice(jobs, search)
    state = encode(network, [row.job.source for row in rows])
    live = rows
    while live:
        asked = ask(network, live, state, allowed, search.start)
        for index, (row, (token, log_prob)) in enumerate(zip(live, _choose(asked, live, search.sampling), strict=True)):
            at = len(row.tokens)
            if at < len(row.job.prefix):
                token, log_prob = row.job.prefix[at], asked.log_prob(index, row.job.prefix[at])
            elif not search.sampling:
                token, log_prob = steered(asked, index, row, token, log_prob)
            row.tokens.append(token)
            row.log_probs.append(log_prob)
            if asked.attention is not None:
                row.attention.append(asked.attention[index])
            row.result = result(row.job, search, row.tokens, row.log_probs, row.attention)
        kept = [index for index, row in enumerate(live) if row.result is None]
        state = select(asked.state, kept, len(live)) if kept else asked.state
        live = [live[index] for index in kept]
        yield [_draft(row, draws) for row in rows[::draws]]
    results = [row.result for row in rows if row.result is not None]
    return [ranked(results[at : at + draws], draws) for at in range(0, len(results), draws)]


def _draft(row: _Row, draws: int) -> Draft:
    """Return the row so far; of several draws, any may turn out to be the best, so nothing is settled."""
    tokens = tuple(row.tokens) if row.result is None else row.result.tokens
    if draws > 1:
        return Draft(tokens, 0)
    return Draft(tokens, settled(row.job, tokens) if row.result is None else len(tokens))


def _random(search: Search, draw: int) -> torch.Generator:
    random = torch.Generator()
    if search.sampling:
        random.manual_seed(search.sampling.seed + draw)
    return random


def _choose(asked: Asked, rows: Sequence[_Row], sampling: Sampling | None) -> list[tuple[int, float]]:
    """Return the next token of each row and its log-probability."""
    if sampling is None:
        values, ids = asked.best(1)
        return [(row[0], value[0]) for row, value in zip(ids, values, strict=True)]
    columns = [draw(asked.logits[index], row.random, sampling) for index, row in enumerate(rows)]
    tokens = [int(asked.of_row(index)[column]) for index, column in enumerate(columns)]
    return [(token, asked.log_prob(index, token)) for index, token in enumerate(tokens)]


@torch.inference_mode()
def draw(logits: Tensor, random: torch.Generator, sampling: Sampling) -> int:
    """Draw a column from one row of logits [K]."""
    values = logits / sampling.temperature
    ids = None
    if 0 < sampling.top_k < len(values):
        values, ids = values.topk(sampling.top_k)
    probabilities = values.softmax(-1)
    if sampling.top_p < 1:
        probabilities, order = _nucleus(probabilities, sampling.top_p)
        ids = order if ids is None else ids[order]
    drawn = torch.multinomial(probabilities, 1, generator=random)
    return int(drawn if ids is None else ids[drawn])


def _nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """Return the smallest set of probabilities whose sum reaches ``top_p``, greatest first, and their places."""
    count = min(NUCLEUS_GUESS, len(probabilities))
    values, places = probabilities.topk(count)
    if count < len(probabilities) and float(values.sum()) < top_p:
        values, places = probabilities.sort(descending=True)
    mass_before = values.cumsum(-1) - values
    inside = mass_before < top_p
    inside[0] = True
    return values[inside], places[inside]
