"""Greedy search over a compiled network: one sentence, a few tokens at a time, with the results of ``greedy``."""

from collections.abc import Sequence

import torch

from s2s_gui.engine.greedy import greedy
from s2s_gui.engine.options import Search
from s2s_gui.engine.search import Decoded, Decoding, Draft, Job, longest, result, settled
from s2s_gui.errors import ModelError
from s2s_gui.networks.compiled import Compiled
from s2s_gui.networks.quick import Quick

SLICE = 8


def fits(compiled: Quick | None, jobs: Sequence[Job], search: Search) -> bool:
    """Say whether these jobs can take the quick way: one sentence, greedy, nothing forced, not too long."""
    if compiled is None or len(jobs) != 1 or search.beam_size != 1 or search.sampling or search.hypotheses != 1:
        return False
    job = jobs[0]
    return not job.prefix and max(len(job.source), longest(job, search)) <= compiled.longest


def compiled_greedy(compiled: Quick, job: Job, search: Search, guess: Sequence[int] = ()) -> Decoding:
    """Decode ``job``; the first draft comes after one token, the others after eight more each.

    ``guess`` may be the beginning of the result, as the translation of a text that was much the same is; what of it is
    right costs one pass, and the result is the same with any guess. A loop is begun anew step by step, since the way
    around it is not known here.
    """
    never = torch.tensor(search.never, dtype=torch.int64)
    limit = longest(job, search)
    sentence = compiled.begin(job.source, limit, never, job.candidates)
    tokens: list[int] = []
    log_probs: list[float] = []
    attention: list[torch.Tensor] = []
    done: Decoded | None = None
    last = search.start
    while done is None:
        before = len(tokens)
        if guess and not tokens and isinstance(compiled, Compiled):
            steps = compiled.verify(sentence, last, guess[: limit - 1], search.eos)
        else:
            steps = compiled.run(sentence, last, min(SLICE if tokens else 1, limit - len(tokens)), search.eos)
        if any(value != value for value in steps.log_probs):
            raise ModelError("in use", ["Its weights lead to numbers that are not numbers."])
        looks = steps.attention.shape[1] > 0  # a network without attention gives rows of nothing
        for token, log_prob, row in zip(steps.tokens, steps.log_probs, steps.attention.unbind(0), strict=True):
            tokens.append(token)
            log_probs.append(log_prob)
            if looks:
                attention.append(row)
            done = result(job, search, tokens, log_probs, attention)
            if done is not None:
                break
        if done is not None and done.stopped == "loop":
            return (yield from _step_by_step(compiled, job, search, tuple(tokens[:before])))
        last = tokens[-1]
        shown = tuple(tokens) if done is None else done.tokens
        yield [Draft(shown, settled(job, shown) if done is None else len(shown), len(tokens) - before)]
    return [[done]]


def _step_by_step(compiled: Quick, job: Job, search: Search, shown: tuple[int, ...]) -> Decoding:
    """Decode ``job`` from its beginning; what was ``shown`` already is not shown again."""
    decoding = greedy(compiled, [job], search)
    while True:
        try:
            drafts = next(decoding)
        except StopIteration as end:
            found: list[list[Decoded]] = end.value
            return found
        yield drafts if len(drafts[0].tokens) > len(shown) else [Draft(shown, 0, 0)]
