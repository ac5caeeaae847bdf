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
    Decoded,
    Decoding,
    Draft,
    Job,
    ask,
    best,
    candidates,
    encode,
    opened,
    ranked,
    result,
    select,
    settled,
)
from s2s_gui.messages import Sampling
from s2s_gui.networks.network import Network

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


def greedy(network: Network, jobs: Sequence[Job], search: Search) -> Decoding:
    """Decode ``jobs`` as one batch; with sampling, ``search.hypotheses`` draws for each."""
    draws = search.hypotheses if search.sampling else 1
    rows = [_Row(job, number, _random(search, draw)) for number, job in enumerate(jobs) for draw in range(draws)]
    shortlists = candidates(jobs)
    never = torch.tensor(search.never, dtype=torch.int64)
    state = encode(network, [row.job for row in rows])
    live = rows
    last = [search.start] * len(rows)
    while live:
        asked = ask(network, last, state, never, shortlists, [row.number for row in live])
        allowed = opened(asked.log_probs, [(row.job, len(row.tokens)) for row in live])
        choices = _choose(allowed, live, search.sampling)
        for index, (row, choice) in enumerate(zip(live, choices, strict=True)):
            at = len(row.tokens)
            token = row.job.prefix[at] if at < len(row.job.prefix) else choice
            row.tokens.append(token)
            row.log_probs.append(float(asked.raw[index, token]))
            if asked.attention is not None:
                row.attention.append(asked.attention[index])
            row.result = result(row.job, search, row.tokens, row.log_probs, row.attention)
        kept = [index for index, row in enumerate(live) if row.result is None]
        state = select(asked.state, kept, len(live)) if kept else asked.state
        live = [live[index] for index in kept]
        last = [row.tokens[-1] for row in live]
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


def _choose(log_probs: Tensor, rows: Sequence[_Row], sampling: Sampling | None) -> list[int]:
    """Return the next token of each row of ``log_probs`` [R, V]."""
    if sampling is None:
        _, ids = best(log_probs, 1)
        return [row[0] for row in ids]
    return [draw(log_probs[index], row.random, sampling) for index, row in enumerate(rows)]


@torch.inference_mode()
def draw(log_probs: Tensor, random: torch.Generator, sampling: Sampling) -> int:
    """Draw an id from one row of log-probabilities [V]."""
    values = log_probs / sampling.temperature
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
