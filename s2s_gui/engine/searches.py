"""Which search serves some jobs, on which form of the network: the quick one where it can be had."""

from collections.abc import Sequence

from s2s_gui.engine.beam import beam
from s2s_gui.engine.compiled_greedy import compiled_greedy, fits
from s2s_gui.engine.greedy import greedy
from s2s_gui.engine.model import Model
from s2s_gui.engine.options import Search
from s2s_gui.engine.search import Decoding, Job, longest
from s2s_gui.networks.quick import Stepping


def search_jobs(model: Model, jobs: Sequence[Job], search: Search, guess: Sequence[int] = ()) -> Decoding:
    """Return the search for a batch of jobs; ``guess`` may be how the result of a single one begins."""
    if model.compiled is not None and fits(model.compiled, jobs, search):
        return compiled_greedy(model.compiled, jobs[0], search, guess)
    network = network_for(model, jobs, search)
    return (greedy if search.beam_size == 1 else beam)(network, jobs, search)


def network_for(model: Model, jobs: Sequence[Job], search: Search) -> Stepping:
    """Return the quick form of the network, or the plain one for sentences that are too long for it."""
    compiled = model.compiled
    if compiled is None or any(max(len(job.source), longest(job, search)) > compiled.longest for job in jobs):
        return model.network
    return compiled
