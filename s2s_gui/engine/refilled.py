"""Greedy search over many jobs in a batch that is filled up again: what is done leaves, and new jobs take its place."""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field

from torch import Tensor

from s2s_gui.engine.options import Search
from s2s_gui.engine.search import Choice, Decoded, Job, ask, choice, encode, result, select, steered
from s2s_gui.networks.quick import Stepping
from s2s_gui.networks.rows import Rows

MOST_ROWS = 64
MOST_PLACES = 3000
REFILL = 0.75
MOST_DONE = 0.125


@dataclass(slots=True)
class _Row:
    """One job while it is decoded; ``number`` is its place in the batch, ``order`` its place in the document."""

    job: Job
    order: int
    number: int = 0
    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    attention: list[Tensor] = field(default_factory=list)
    is_done: bool = False


def refilled(
    network: Stepping, waiting: deque[tuple[int, Job]], search: Search
) -> Generator[list[tuple[int, list[Decoded]]], None, None]:
    """Decode jobs from ``waiting`` until none is left; yield after each step what is done, by number.

    Several threads may take from the same ``waiting``. Neighbours in it should be of about the same length. Rows that
    are done stay until there are some of them: leaving copies the caches of all others, which takes as long as a step.
    """
    live: list[_Row] = []
    state: Rows | None = None
    allowed: Choice | None = None
    while live or waiting:
        room = _room(live)
        if len(live) <= REFILL * room:
            new = _taken(waiting, live, room)
            if new:
                start = encode(network, [row.job.source for row in new])
                assert isinstance(start, Rows)
                state = state.joined(start) if state is not None and live else start
                live += new
                allowed = None
        if state is None or not live:
            return
        if allowed is None:
            for number, row in enumerate(live):
                row.number = number
            allowed = choice([row.job for row in live], search)
        asked = ask(network, live, state, allowed, search.start)
        values, ids = asked.best(1)
        looked = None if asked.attention is None else asked.attention.unbind(0)
        finished: list[tuple[int, list[Decoded]]] = []
        for index, row in enumerate(live):
            if row.is_done:
                continue
            at, token, log_prob = len(row.tokens), ids[index][0], values[index][0]
            if at < len(row.job.prefix):
                token = row.job.prefix[at]
                log_prob = asked.log_prob(index, token)
            else:
                token, log_prob = steered(asked, index, row, token, log_prob)
            row.tokens.append(token)
            row.log_probs.append(log_prob)
            if looked is not None:
                row.attention.append(looked[index][: len(row.job.source)])
            done = result(row.job, search, row.tokens, row.log_probs, row.attention)
            if done is not None:
                row.is_done = True
                finished.append((row.order, [done]))
        kept = [index for index, row in enumerate(live) if not row.is_done]
        after = asked.state
        if kept and len(live) - len(kept) > MOST_DONE * len(live):
            after = select(after, kept, len(live))
            live = [live[index] for index in kept]
        assert isinstance(after, Rows)
        state = after
        live = live if kept else []
        yield finished


def _room(live: list[_Row]) -> int:
    """Return how many rows fit beside each other, by the longest source among them."""
    return min(MOST_ROWS, max(1, MOST_PLACES // max((len(row.job.source) for row in live), default=1)))


def _taken(waiting: deque[tuple[int, Job]], live: list[_Row], room: int) -> list[_Row]:
    """Take as many jobs as there is room for; another thread may be quicker."""
    new: list[_Row] = []
    while len(live) + len(new) < room:
        try:
            order, job = waiting.popleft()
        except IndexError:
            break
        new.append(_Row(job, order))
        room = min(room, _room(new[-1:]))
    return new
