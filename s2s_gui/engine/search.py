"""What both searches share: their input, their output, and the one step that asks the network.

Searches are generators over token ids that know no text. Each yields after every decoding step, so closing one ends
the job within a step; what it returns comes with ``StopIteration`` (``yield from``).
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, Protocol

import torch
from torch import Tensor

from s2s_gui.engine.constraints import LoopGuard
from s2s_gui.engine.options import Search
from s2s_gui.errors import ModelError
from s2s_gui.networks.network import State
from s2s_gui.networks.quick import Stepping

SPARE_TOKENS = 8
BLOCK = 64
ROWS_AT_ONCE = 4
WAYS_OUT = 8
LEAST_SUM = 1e-20


@dataclass(frozen=True, slots=True)
class Job:
    """One source to decode: its ids with tag and end symbol, the target ids it must begin with, its loop guard.

    ``named`` of the prefix's first tokens name the target language: no part of the text, nor of the score. ``copied``
    are ids that a good hypothesis has once each.
    ``openers``: the only ids that may follow the prefix, nothing if any may. ``candidates``: the shortlist, ascending
    target ids int64 [K] that alone may be produced, None if all may.
    """

    source: tuple[int, ...]
    prefix: tuple[int, ...]
    guard: LoopGuard
    openers: tuple[int, ...] = ()
    candidates: Tensor | None = None
    named: int = 0
    copied: tuple[int, ...] = ()


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
    ``lost``: how many of the ids that the job wants copied are not there just once.
    """

    tokens: tuple[int, ...]
    log_probs: tuple[float, ...]
    attention: tuple[Tensor, ...]
    score: float
    stopped: Literal["", "length", "loop"]
    lost: int = 0


Decoding = Generator[list[Draft], None, list[list[Decoded]]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a batch of jobs may produce: ids int64, None for the whole vocabulary.

    [K] where all jobs have the same shortlist; the network then computes no other logits. Else [J, K], one row a job,
    filled up with its last id; ``filling`` bool [J, K] marks that. ``never`` are what must not be produced: as Marian
    does it, they are masked after the softmax; columns int64 [N], or bool [J, K].
    """

    ids: Tensor | None
    filling: Tensor | None
    never: Tensor

    @property
    def common(self) -> Tensor | None:
        """The shortlist of all, if there is one."""
        return self.ids if self.ids is not None and self.ids.dim() == 1 else None


@torch.inference_mode()
def choice(jobs: Sequence[Job], search: Search) -> Choice:
    """Return the batch's choice; shortlists count only if every job has one."""
    never = torch.tensor(search.never, dtype=torch.int64)
    lists = [job.candidates for job in jobs if job.candidates is not None]
    if len(lists) < len(jobs):
        return Choice(None, None, never)
    if all(one is lists[0] for one in lists):
        return Choice(lists[0], None, torch.isin(lists[0], never).nonzero()[:, 0])
    longest = max(len(one) for one in lists)
    ids = torch.stack([torch.cat([one, one[-1:].expand(longest - len(one))]) for one in lists])
    filling = torch.arange(longest) >= torch.tensor([len(one) for one in lists])[:, None]
    return Choice(ids, filling, torch.isin(ids, never))


@dataclass(frozen=True, slots=True)
class Asked:
    """The network's answer: ``logits`` float [R, K] with what must not be chosen at minus infinity, ``raw`` without.

    ``totals`` [R] are the logarithms of the softmax's sums, ``ids`` [K] or [R, K] what the columns stand for, ascending
    (None: each for itself).
    ``raw`` is the same tensor as ``logits`` where nobody is going to be forced.
    """

    logits: Tensor
    raw: Tensor
    totals: Tensor
    ids: Tensor | None
    state: State
    attention: Tensor | None

    def log_prob(self, row: int, token: int) -> float:
        """Return the log-probability of ``token``, minus infinity if it is on no shortlist."""
        column = token
        if self.ids is not None:
            ids = self.of_row(row)
            column = int(torch.searchsorted(ids, token))
            if column == len(ids) or int(ids[column]) != token:
                return -torch.inf
        return float(self.raw[row, column] - self.totals[row])

    def of_row(self, row: int) -> Tensor:
        """Return the ids of a row's columns, int64 [K]."""
        if self.ids is None:
            return torch.arange(self.logits.shape[1])
        return self.ids if self.ids.dim() == 1 else self.ids[row]

    @torch.inference_mode()
    def best(self, count: int) -> tuple[list[list[float]], list[list[int]]]:
        """Return the ``count`` best log-probabilities of each row and their ids, best first."""
        values, columns = _top(self.logits, min(count, self.logits.shape[1]))
        if bool(values.isnan().any()):
            raise ModelError("in use", ["Its weights lead to numbers that are not numbers."])
        ids = columns
        if self.ids is not None:
            ids = self.ids[columns] if self.ids.dim() == 1 else self.ids.gather(1, columns)
        return (values - self.totals[:, None]).tolist(), ids.tolist()

    @torch.inference_mode()
    def bind(self, row: int, ids: Sequence[int]) -> None:
        """Let ``row`` go on with one of ``ids`` only."""
        wanted = torch.tensor(ids, dtype=torch.int64)
        self.logits[row].masked_fill_(~torch.isin(self.of_row(row), wanted), -torch.inf)


@torch.inference_mode()
def totals(logits: Tensor) -> Tensor:
    """Return the logarithm of each row's sum of exponentials, [R] of [R, K]; few rows at a time stay in the cache.

    The plain sum takes half the time of ``logsumexp``, and is as exact where it is no extreme number.
    """
    sums = torch.cat([some.exp().sum(-1) for some in torch.split(logits, ROWS_AT_ONCE)])
    return sums.log() if bool(((sums > LEAST_SUM) & (sums < torch.inf)).all()) else logits.logsumexp(-1)


@torch.inference_mode()
def _top(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the ``count`` greatest of each row of [R, K] and their columns.

    Sorting a whole vocabulary takes longer than a step. The blocks with the greatest maxima hold all that is wanted.
    """
    width = logits.shape[1]
    if width < 2 * BLOCK * count:
        found = logits.topk(count, dim=-1)
        return found.values, found.indices
    maxima = logits.unfold(1, BLOCK, BLOCK).amax(-1)
    whole = maxima.shape[1] * BLOCK
    if whole < width:
        maxima = torch.cat([maxima, logits[:, whole:].amax(1, keepdim=True)], dim=1)
    blocks = maxima.argmax(-1, keepdim=True) if count == 1 else maxima.topk(count, dim=-1).indices
    columns = (blocks[..., None] * BLOCK + torch.arange(BLOCK)).flatten(1)
    inside = logits.gather(1, columns.clamp(max=width - 1)).masked_fill(columns >= width, -torch.inf)
    found = inside.topk(count, dim=-1)
    return found.values, columns.gather(1, found.indices)


class Row(Protocol):
    """A growing hypothesis of job ``job``, the ``number``-th of its batch."""

    @property
    def job(self) -> Job: ...

    @property
    def number(self) -> int: ...

    @property
    def tokens(self) -> Sequence[int]: ...


@torch.inference_mode()
def encode(network: Stepping, sources: Sequence[Sequence[int]]) -> State:
    """Read all sources as one padded batch."""
    lengths = torch.tensor([len(source) for source in sources])
    padded = torch.zeros((len(sources), int(lengths.max())), dtype=torch.int64)
    for row, source in enumerate(sources):
        padded[row, : len(source)] = torch.tensor(source)
    return network.encode(padded, lengths)


@torch.inference_mode()
def ask(network: Stepping, rows: Sequence[Row], state: State, choice: Choice, start: int) -> Asked:
    """Make one step for ``rows``, after each one's last token, or ``start``."""
    last = torch.tensor([row.tokens[-1] if row.tokens else start for row in rows], dtype=torch.int64)
    step = network.step(last, state, choice.common)
    logits, ids, never = step.logits.float(), choice.ids, choice.never
    if choice.filling is not None and ids is not None:
        numbers = [row.number for row in rows]
        ids, never = ids[numbers], never[numbers]
        logits = logits.gather(1, ids).masked_fill_(choice.filling[numbers], -torch.inf)
    is_forced = any(len(row.tokens) < len(row.job.prefix) for row in rows)
    raw = logits.clone() if is_forced else logits
    asked = Asked(logits, raw, totals(logits), ids, step.state, step.attention)
    if never.dtype == torch.bool:
        logits.masked_fill_(never, -torch.inf)
    else:
        logits.index_fill_(1, never, -torch.inf)
    for number, row in enumerate(rows):
        if row.job.openers and len(row.tokens) == len(row.job.prefix):
            asked.bind(number, row.job.openers)
    return asked


@torch.inference_mode()
def select(state: State, rows: Sequence[int], count: int) -> State:
    """Return the state's ``rows``; nothing is copied when they are all ``count`` rows in order."""
    return state if list(rows) == list(range(count)) else state.select(torch.tensor(rows, dtype=torch.int64))


def steered(asked: Asked, index: int, row: Row, token: int, log_prob: float) -> tuple[int, float]:
    """Return what row ``index`` goes on with: ``token``, or if that closes a loop the likeliest that does not.

    Where the next best all do, it is ``token``, and the loop is cut.
    """
    written = tuple(row.tokens[len(row.job.prefix) :])
    if not row.job.guard.excess((*written, token)):
        return token, log_prob
    values, ids = asked.best(WAYS_OUT)
    for other, value in zip(ids[index], values[index], strict=True):
        if value > -torch.inf and not row.job.guard.excess((*written, other)):
            return other, value
    return token, log_prob


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
    lost = sum(tokens[:count].count(id) != 1 for id in job.copied)
    return Decoded(tuple(tokens[:count]), tuple(log_probs[:count]), tuple(attention[:count]), score, stopped, lost)


def settled(job: Job, tokens: Sequence[int]) -> int:
    """Return how many first tokens of a growing hypothesis no later cut of a loop can take away."""
    forced = min(len(job.prefix), len(tokens))
    return forced + job.guard.settled(tokens[forced:])


def ranked(decoded: list[Decoded], count: int) -> list[Decoded]:
    """Return the ``count`` best of a job's hypotheses.

    One that was cut out of a loop comes after all others, one that lost what it should copy after those that did not.
    """
    return sorted(decoded, key=lambda one: (one.stopped == "loop", one.lost, -one.score))[:count]
