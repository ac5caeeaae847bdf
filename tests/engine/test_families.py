"""The searches' laws on every variant of both network families, with random weights."""

from dataclasses import replace

import pytest

from s2s_gui.engine.beam import beam
from s2s_gui.engine.constraints import LoopGuard
from s2s_gui.engine.greedy import greedy
from s2s_gui.engine.options import Search
from s2s_gui.engine.search import Decoded, Decoding, Job
from tests import tiny

GUARD = LoopGuard(1000, 2, frozenset())
JOBS = [Job((5, 6, 7, 8, 9, 0), (), GUARD), Job((3, 0), (4, 11), GUARD), Job((12, 13, 13, 0), (), GUARD)]
SEARCH = Search(
    beam_size=1,
    hypotheses=1,
    length_penalty=1.0,
    max_length_ratio=1.0,
    repeat_limit=3,
    sampling=None,
    start=-1,
    eos=0,
    never=(1,),
)


def run(decoding: Decoding) -> list[list[Decoded]]:
    while True:
        try:
            next(decoding)
        except StopIteration as end:
            return end.value


def texts(found: list[list[Decoded]]) -> list[list[tuple[int, ...]]]:
    return [[one.tokens for one in several] for several in found]


@pytest.mark.parametrize("name", tiny.CONFIGS)
def test_a_beam_of_one_is_greedy_and_a_batch_is_its_sentences(name: str) -> None:
    network = tiny.random_network(tiny.CONFIGS[name])
    one = run(greedy(network, JOBS, SEARCH))
    other = run(beam(network, JOBS, SEARCH))
    assert texts(one) == texts(other)
    assert [found[0].score for found in one] == [found[0].score for found in other]
    assert texts(one) == [texts(run(greedy(network, [job], SEARCH)))[0] for job in JOBS]
    assert one[1][0].tokens[:2] == (4, 11)


@pytest.mark.parametrize("name", tiny.CONFIGS)
def test_a_wide_beam_in_a_batch_is_its_sentences(name: str) -> None:
    network = tiny.random_network(tiny.CONFIGS[name])
    search = replace(SEARCH, beam_size=4, hypotheses=3)
    together = run(beam(network, JOBS, search))
    alone = [run(beam(network, [job], search))[0] for job in JOBS]
    assert texts(together) == texts(alone)
    for found in together:
        assert len({one.tokens for one in found}) == len(found) == 3
        assert 1 not in {token for one in found for token in one.tokens}
