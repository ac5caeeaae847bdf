"""Rank hypotheses also by how well the source can be read out of them: the noisy channel (Yee et al. 2019).

A model that goes both ways says how likely each hypothesis is given the source, and how likely the source is given the
hypothesis. One that leaves something out, or adds something, is found out the second way.
"""

from collections.abc import Sequence

import torch

from s2s_gui.engine.options import Reverse, Search
from s2s_gui.engine.search import Decoded, Decoding, Draft, Job, encode, totals
from s2s_gui.networks.quick import Stepping

# Scores further apart than this are seldom turned over (the laboratory book has figures), and asking takes time.
NEAR = 0.1


def rescored(network: Stepping, jobs: Sequence[Job], search: Search, reverse: Reverse, decoding: Decoding) -> Decoding:
    """Run ``decoding`` of ``jobs``, then rank what it found anew; return ``search.hypotheses`` of each, best first.

    Hypotheses that score nearly as well as the best are ranked by their score and ``reverse.weight`` times the source's
    mean log-probability, given the hypothesis; the scores themselves stay. The others follow in their order.
    """
    found = yield from decoding
    rivals = [_rivals(*one, search, reverse) for one in zip(jobs, found, strict=True)]
    if not any(rivals):
        return [one[: search.hypotheses] for one in found]
    sources = [source for some in rivals for source in some]
    targets = [_text(job, search, reverse) for job, some in zip(jobs, rivals, strict=True) for _ in some]
    scoring = Scoring(network, sources, targets, search.start)
    resting = [Draft(one[0].tokens, 0, 0) for one in found]
    while scoring.advance():
        yield resting
    means = iter(scoring.means())
    best = []
    for one, some in zip(found, rivals, strict=True):
        values = [rival.score + reverse.weight * next(means) for rival in one[: len(some)]]
        order = sorted(range(len(some)), key=lambda place: -values[place])
        best.append([*(one[place] for place in order), *one[len(some) :]][: search.hypotheses])
    return best


class Scoring:
    """Targets that are fed to a network token by token, to learn how probable they are after their sources."""

    def __init__(
        self, network: Stepping, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], start: int
    ) -> None:
        self._network = network
        self._lengths = torch.tensor([len(target) for target in targets])
        self._targets = torch.zeros((len(targets), int(self._lengths.max())), dtype=torch.int64)
        for row, target in enumerate(targets):
            self._targets[row, : len(target)] = torch.tensor(target)
        self._sums = torch.zeros(len(targets))
        self._state = encode(network, sources)
        self._last = torch.full((len(targets),), start)
        self._at = 0

    @torch.inference_mode()
    def advance(self) -> bool:
        """Feed one token to each row; say whether there are more.

        Targets that are done go on with zeros, which do not count: those of a batch are of like length.
        """
        step = self._network.step(self._last, self._state)
        logits, wanted = step.logits.float(), self._targets[:, self._at]
        found = logits.gather(1, wanted[:, None])[:, 0] - totals(logits)
        self._sums += found.masked_fill(self._lengths <= self._at, 0.0)
        self._state, self._last = step.state, wanted
        self._at += 1
        return self._at < self._targets.shape[1]

    def means(self) -> list[float]:
        """Return the mean log-probability of each target's tokens, when all are fed."""
        means: list[float] = (self._sums / self._lengths).tolist()
        return means


def _rivals(job: Job, found: Sequence[Decoded], search: Search, reverse: Reverse) -> list[tuple[int, ...]]:
    """Return as sources the first hypotheses that score nearly alike; none if there is nothing to choose.

    Nor if one is longer than the model reads.
    """
    likeliest, lost = found[0].score, found[0].lost
    near = [one for one in found if one.score >= likeliest - NEAR and one.lost == lost and one.stopped != "loop"]
    sources = [(*reverse.before, *_text_tokens(one, job, search), *reverse.after) for one in near]
    return sources if len(sources) > 1 and max(map(len, sources)) <= reverse.max_source else []


def _text_tokens(decoded: Decoded, job: Job, search: Search) -> tuple[int, ...]:
    """Return a hypothesis' tokens without what names the language and without the end symbol."""
    tokens = decoded.tokens[job.named :]
    return tokens[:-1] if tokens[-1:] == (search.eos,) else tokens


def _text(job: Job, search: Search, reverse: Reverse) -> tuple[int, ...]:
    """Return a job's source as a target; its frame is as long as the reverse's."""
    return (*job.source[len(reverse.before) : len(job.source) - len(reverse.after)], search.eos)
