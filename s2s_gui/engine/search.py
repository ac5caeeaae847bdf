"""What both searches share: their input, their output, and the one step that asks the network.

Searches are generators over token ids that know no text. Each yields after every decoding step, so closing one ends
the job within a step; what it returns comes with ``StopIteration`` (``yield from``).
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import torch
from torch import Tensor

from s2s_gui.engine.constraints import LoopGuard, forbid
from s2s_gui.engine.options import Search
from s2s_gui.errors import ModelError
from s2s_gui.networks.network import Network, State

SPARE_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Job:
    """One source to decode: its ids with tag and end symbol, the target ids it must begin with, its loop guard.

    ``named`` of the prefix's first tokens name the target language: no part of the text, nor of the score.
    ``openers``: the only ids that may follow the prefix, nothing if any may. ``candidates``: the shortlist, ascending
    target ids int64 [K] that alone may be produced, None if all may.
    """

    source: tuple[int, ...]
    prefix: tuple[int, ...]
    guard: LoopGuard
    openers: tuple[int, ...] = ()
    candidates: Tensor | None = None
    named: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """The best hypothesis so far of one job; no later step can change the first ``settled`` tokens.

    ``steps`` is the number of decoding steps since the draft before.
    """

    tokens: tuple[int, ...]
    settled: int
    steps: int = 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """One ended hypothesis. The end symbol is the last token if it was produced.

    ``log_probs``: one natural logarithm a token. ``attention``: for each token a float row [S], or nothing at all.
    """

    tokens: tuple[int, ...]
    log_probs: tuple[float, ...]
    attention: tuple[Tensor, ...]
    score: float
    stopped: Literal["", "length", "loop"]


Decoding = Generator[list[Draft], None, list[list[Decoded]]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The shortlists of a batch of jobs: all their ids int64 [K], and bool [J, K], which of them job j may use.

    ``allowed`` is None where all jobs have the same.
    """

    ids: Tensor
    allowed: Tensor | None


@torch.inference_mode()
def candidates(jobs: Sequence[Job]) -> Candidates | None:
    """Return the batch's shortlists, None unless every job has one."""
    lists = [job.candidates for job in jobs]
    if any(one is None for one in lists):
        return None
    found = [one for one in lists if one is not None]
    if all(one is found[0] for one in found):
        return Candidates(found[0], None)
    ids = torch.unique(torch.cat(found))
    return Candidates(ids, torch.stack([torch.isin(ids, one, assume_unique=True) for one in found]))


@dataclass(frozen=True, slots=True)
class Asked:
    """The network's answer: log-probabilities [R, V] before and after the mask, state, attention [R, S] or None."""

    raw: Tensor
    log_probs: Tensor
    state: State
    attention: Tensor | None


@torch.inference_mode()
def encode(network: Network, jobs: Sequence[Job]) -> State:
    """Read all sources as one padded batch."""
    lengths = torch.tensor([len(job.source) for job in jobs])
    source = torch.zeros((len(jobs), int(lengths.max())), dtype=torch.int64)
    for row, job in enumerate(jobs):
        source[row, : len(job.source)] = torch.tensor(job.source)
    return network.encode(source, lengths)


@torch.inference_mode()
def ask(
    network: Network,
    tokens: Sequence[int],
    state: State,
    never: Tensor,
    shortlists: Candidates | None,
    numbers: Sequence[int],
) -> Asked:
    """Make one step: ``tokens`` are the last one of each row, ``never`` int64 [N] the forbidden ids.

    ``numbers`` are the rows' jobs, by which their shortlists are found; what is not on one has probability 0.
    """
    last = torch.tensor(tokens, dtype=torch.int64)
    if shortlists is None:
        step = network.step(last, state)
        raw = step.logits.float().log_softmax(-1)
    else:
        step = network.step(last, state, shortlists.ids)
        logits = step.logits.float()
        if shortlists.allowed is not None:
            logits = logits.masked_fill(~shortlists.allowed[list(numbers)], -torch.inf)
        size = network.config.target_vocabulary
        raw = logits.new_full((len(tokens), size), -torch.inf)
        raw.index_copy_(1, shortlists.ids, logits.log_softmax(-1))
    return Asked(raw, forbid(raw, never), step.state, step.attention)


@torch.inference_mode()
def opened(log_probs: Tensor, rows: Sequence[tuple[Job, int]]) -> Tensor:
    """Return ``log_probs`` [R, V] where a row that has just left its prefix can only go on with one of its openers.

    ``rows`` gives for each row its job and its length.
    """
    bound = [(row, job.openers) for row, (job, length) in enumerate(rows) if job.openers and length == len(job.prefix)]
    for row, openers in bound:
        ids = torch.tensor(openers, dtype=torch.int64)
        log_probs[row] = torch.full_like(log_probs[row], -torch.inf).index_copy(0, ids, log_probs[row, ids])
    return log_probs


@torch.inference_mode()
def best(log_probs: Tensor, count: int) -> tuple[list[list[float]], list[list[int]]]:
    """Return the ``count`` best log-probabilities of each row of [R, V] and their ids, best first."""
    values, ids = log_probs.topk(min(count, log_probs.shape[1]), dim=-1)
    if bool(values.isnan().any()):
        raise ModelError("in use", ["Its weights lead to numbers that are not numbers."])
    return values.tolist(), ids.tolist()


@torch.inference_mode()
def select(state: State, rows: Sequence[int], count: int) -> State:
    """Return the state's ``rows``; nothing is copied when they are all ``count`` rows in order."""
    return state if list(rows) == list(range(count)) else state.select(torch.tensor(rows, dtype=torch.int64))


def longest(job: Job, search: Search) -> int:
    """Return how many tokens a hypothesis may have, the end symbol and a forced prefix included."""
    wanted = ceil(search.max_length_ratio * len(job.source)) + SPARE_TOKENS + len(job.prefix)
    return min(wanted, search.most_tokens)


def result(
    job: Job, search: Search, tokens: Sequence[int], log_probs: Sequence[float], attention: Sequence[Tensor]
) -> Decoded | None:
    """Return the hypothesis if it ends with its last token: by the end symbol, as a loop, or at the length limit."""
    prefix = len(job.prefix)
    excess = 0
    stopped: Literal["", "length", "loop"] = ""
    if tokens[-1] != search.eos or len(tokens) <= prefix:
        excess = job.guard.excess(tokens[prefix:])
        if not excess and len(tokens) < longest(job, search):
            return None
        stopped = "loop" if excess else "length"
    count = len(tokens) - excess
    score = sum(log_probs[job.named : count]) / count**search.length_penalty
    return Decoded(tuple(tokens[:count]), tuple(log_probs[:count]), tuple(attention[:count]), score, stopped)


def settled(job: Job, tokens: Sequence[int]) -> int:
    """Return how many first tokens of a growing hypothesis no later cut of a loop can take away."""
    forced = min(len(job.prefix), len(tokens))
    return forced + job.guard.settled(tokens[forced:])


def ranked(decoded: list[Decoded], count: int) -> list[Decoded]:
    """Return the ``count`` best of a job's hypotheses; one that was cut out of a loop comes after all others."""
    return sorted(decoded, key=lambda one: (one.stopped == "loop", -one.score))[:count]
