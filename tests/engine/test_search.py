"""Greedy, sampling and beam against numbers worked out by hand on tables of probabilities."""

from collections.abc import Mapping
from dataclasses import replace
from math import log
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_gui.engine.beam import beam
from s2s_gui.engine.constraints import LoopGuard
from s2s_gui.engine.greedy import draw, greedy
from s2s_gui.engine.options import Search
from s2s_gui.engine.search import Decoded, Decoding, Draft, Job
from s2s_gui.messages import Sampling
from tests.engine.scripted import Scripted, Table

EOS, UNK, A, B, C = 0, 1, 2, 3, 4
SEARCH = Search(
    beam_size=1,
    hypotheses=1,
    length_penalty=0.0,
    max_length_ratio=2.0,
    repeat_limit=3,
    sampling=None,
    start=-1,
    eos=EOS,
    never=(UNK,),
)
# Greedy takes A (0.5) and then gains at most 0.5 * 0.4; B (0.4) followed by its end is worth 0.4 * 0.9.
GARDEN: Table = {(): {A: 0.5, B: 0.4, EOS: 0.1}, (A,): {C: 0.4, B: 0.35, EOS: 0.25}, (B,): {EOS: 0.9, A: 0.1}}
ENDS: Table = {(C,): {EOS: 1.0}, (A, B): {EOS: 1.0}, (B, A): {EOS: 1.0}}
PATHS: Table = {**GARDEN, **ENDS}


def job(source: int = 9, prefix: tuple[int, ...] = (), length: int = 4) -> Job:
    return Job((source,) * (length - 1) + (EOS,), prefix, LoopGuard(3, 2, frozenset()))


def network(table: Table = PATHS, others: Mapping[int, Table] | None = None) -> Scripted:
    return Scripted({9: table, **(others or {})}, 5)


def run(decoding: Decoding) -> tuple[list[list[Decoded]], list[list[Draft]]]:
    drafts = []
    while True:
        try:
            drafts.append(next(decoding))
        except StopIteration as end:
            return end.value, drafts


def test_greedy_takes_the_best_token_at_each_step() -> None:
    ((found,),), drafts = run(greedy(network(), [job()], SEARCH))
    assert found.tokens == (A, C, EOS)
    assert found.log_probs == pytest.approx((log(0.5), log(0.4), 0.0), abs=1e-6)
    assert found.score == pytest.approx(log(0.2))
    assert found.stopped == ""
    assert [len(row) for row in found.attention] == [2, 2, 2]
    assert [draft[0].settled for draft in drafts] == [1, 2, 3]


def test_beam_finds_what_greedy_misses_and_ranks_all() -> None:
    ((*found,),), _ = run(beam(network(), [job()], replace(SEARCH, beam_size=3, hypotheses=3)))
    assert [one.tokens for one in found] == [(B, EOS), (A, C, EOS), (EOS,)]
    assert [one.score for one in found] == pytest.approx([log(0.36), log(0.2), log(0.1)], abs=1e-6)


def test_length_penalty_divides_by_length_with_the_end_symbol() -> None:
    ((*found,),), _ = run(beam(network(), [job()], replace(SEARCH, beam_size=3, hypotheses=3, length_penalty=2.0)))
    assert [one.tokens for one in found] == [(A, C, EOS), (B, EOS), (EOS,)]
    assert [one.score for one in found] == pytest.approx([log(0.2) / 9, log(0.36) / 4, log(0.1)], abs=1e-6)


def test_beam_shrinks_when_a_hypothesis_ends() -> None:
    table: Table = {(): {EOS: 0.6, A: 0.4}, (A,): {B: 0.5, C: 0.3, EOS: 0.2}, (B,): {EOS: 1.0}, (C,): {EOS: 1.0}}
    ((*found,),), _ = run(beam(network(table), [job()], replace(SEARCH, beam_size=2, hypotheses=2)))
    assert [one.tokens for one in found] == [(EOS,), (A, B, EOS)]


def test_never_ids_are_masked_after_the_softmax() -> None:
    table: Table = {(): {UNK: 0.9, A: 0.1}, (A,): {EOS: 1.0}}
    ((found,),), _ = run(greedy(network(table), [job()], SEARCH))
    assert found.tokens == (A, EOS)
    assert found.log_probs[0] == pytest.approx(log(0.1), abs=1e-6)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_prefix_is_forced_with_its_own_log_probabilities(beam_size: int) -> None:
    search = replace(SEARCH, beam_size=beam_size)
    ((found,),), _ = run((greedy if beam_size == 1 else beam)(network(), [job(prefix=(A, B))], search))
    assert found.tokens == (A, B, EOS)
    assert found.log_probs == pytest.approx((log(0.5), log(0.35), 0.0), abs=1e-6)


@pytest.mark.parametrize("beam_size", [1, 2])
def test_length_limit_ends_as_length(beam_size: int) -> None:
    table: Table = {(): {A: 1.0}, (A,): {B: 1.0}, (B,): {C: 0.6, A: 0.4}, (C,): {A: 1.0}}
    guard = LoopGuard(1000, 2, frozenset())
    search = replace(SEARCH, beam_size=beam_size, max_length_ratio=1.5)
    one = Job((9, 9, EOS), (), guard)
    ((found,),), _ = run((greedy if beam_size == 1 else beam)(network(table), [one], search))
    assert found.stopped == "length"
    assert len(found.tokens) == 5 + 8


# Each of B and C leads to the other for ever, unless less likely tokens are taken.
ROUND: Table = {(): {A: 1.0}, (A,): {B: 1.0}, (B,): {C: 0.9, EOS: 0.1}, (C,): {B: 0.9, EOS: 0.1}}


def test_greedy_takes_the_next_best_before_a_loop_closes() -> None:
    ((found,),), drafts = run(greedy(network(ROUND), [job(length=20)], SEARCH))
    assert found.stopped == ""
    assert found.tokens == (A, B, C, B, C, B, C, B, EOS)  # the limit is three, and a fourth C would be one too many
    assert found.log_probs[-1] == pytest.approx(log(0.1), abs=1e-6)
    assert [draft[0].settled for draft in drafts][-2:] == [5, 9]


@pytest.mark.parametrize("ending", ["shrink", "count", "bound"])
def test_a_beam_takes_another_way_before_a_loop_closes(ending: Literal["shrink", "count", "bound"]) -> None:
    search = replace(SEARCH, beam_size=2, hypotheses=2, ending=ending)
    ((*found,),), _ = run(beam(network(ROUND), [job(length=20)], search))
    assert "loop" not in [one.stopped for one in found]
    assert found[0].tokens[-1] == EOS
    assert all(not job().guard.excess(one.tokens) for one in found)


@pytest.mark.parametrize("beam_size", [1, 2])
def test_what_can_only_repeat_itself_is_cut_with_two_copies_left(beam_size: int) -> None:
    alone: Table = {(): {A: 1.0}, (A,): {A: 1.0}}
    search = replace(SEARCH, beam_size=beam_size, never=(EOS, UNK, B, C))
    ((found,),), drafts = run((greedy if beam_size == 1 else beam)(network(alone), [job(length=20)], search))
    assert found.stopped == "loop"
    assert found.tokens == (A, A)
    assert max(draft[0].settled for draft in drafts) == 2


def test_sampling_repeats_with_its_seed_and_follows_the_mask() -> None:
    search = replace(SEARCH, sampling=Sampling(seed=5), hypotheses=4)
    first, _ = run(greedy(network(), [job()], search))
    again, _ = run(greedy(network(), [job(), job()], search))
    assert [one.tokens for one in first[0]] == [one.tokens for one in again[0]] == [one.tokens for one in again[1]]
    other = {
        run(greedy(network(), [job()], replace(search, sampling=Sampling(seed=seed), hypotheses=1)))[0][0][0].tokens
        for seed in range(9)
    }
    assert len(other) > 1


@pytest.mark.parametrize("sampling", [Sampling(top_k=1), Sampling(top_p=0.3), Sampling(temperature=0.01)])
def test_narrow_sampling_is_greedy(sampling: Sampling) -> None:
    ((found,),), _ = run(greedy(network(), [job()], replace(SEARCH, sampling=sampling)))
    assert found.tokens == (A, C, EOS)


@pytest.mark.parametrize("sampling", [Sampling(top_k=30), Sampling(top_p=0.4), Sampling(top_k=300, top_p=0.99)])
def test_draws_come_from_the_set_and_in_the_shares_that_are_asked_for(sampling: Sampling) -> None:
    logits = torch.randn(2000, generator=torch.Generator().manual_seed(3)) * 2
    values, ids = logits.log_softmax(-1).sort(descending=True)
    if sampling.top_k:
        values, ids = values[: sampling.top_k], ids[: sampling.top_k]
    shares = values.softmax(-1)
    inside = shares.cumsum(-1) - shares < sampling.top_p
    random = torch.Generator().manual_seed(1)
    drawn = [draw(logits.log_softmax(-1), random, sampling) for _ in range(3000)]
    assert set(drawn) <= set(ids[inside].tolist())
    expected = float(shares[0] / shares[inside].sum())
    assert drawn.count(int(ids[0])) / len(drawn) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("beam_size", [1, 2])
def test_only_openers_follow_the_prefix(beam_size: int) -> None:
    search = replace(SEARCH, beam_size=beam_size)
    bound = replace(job(prefix=(A,)), openers=(B, EOS))
    decode = greedy if beam_size == 1 else beam
    ((found,), (free,)), _ = run(decode(network(), [bound, job(prefix=(A,))], search))
    assert found.tokens[:2] == (A, B)
    assert found.log_probs[:2] == pytest.approx((log(0.5), log(0.35)), abs=1e-6)
    assert free.tokens == (A, C, EOS)


def test_batch_gives_what_each_source_gives_alone() -> None:
    other: Table = {(): {C: 0.7, EOS: 0.3}, (C,): {EOS: 1.0}}
    for size in (1, 3):
        search = replace(SEARCH, beam_size=size, hypotheses=size)
        both, _ = run((greedy if size == 1 else beam)(network(others={8: other}), [job(8), job(9, length=7)], search))
        alone = [
            run((greedy if size == 1 else beam)(network(others={8: other}), [one], search))[0][0]
            for one in (job(8), job(9, length=7))
        ]
        assert [[one.tokens for one in found] for found in both] == [[one.tokens for one in found] for found in alone]


def test_closing_ends_within_a_step() -> None:
    made = network()
    decoding = beam(made, [job()], replace(SEARCH, beam_size=3))
    next(decoding)
    decoding.close()
    assert made.steps == 1


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = {}
    for key in [(), (A,), (B,), (C,)]:
        weights = draw(st.lists(st.integers(1, 20), min_size=5, max_size=5))
        rows[key] = {token: weight / sum(weights) for token, weight in enumerate(weights)}
    return rows


@settings(deadline=None, max_examples=30)
@given(tables(), st.sampled_from([0.0, 0.6, 1.0]))
def test_a_beam_of_one_is_greedy(table: Table, penalty: float) -> None:
    search = replace(SEARCH, length_penalty=penalty)
    one, _ = run(greedy(network(table), [job(length=6)], search))
    other, _ = run(beam(network(table), [job(length=6)], search))
    assert (one[0][0].tokens, one[0][0].score, one[0][0].stopped) == (
        other[0][0].tokens,
        other[0][0].score,
        other[0][0].stopped,
    )


@settings(deadline=None, max_examples=40)
@given(tables(), st.integers(1, 4))
def test_what_is_settled_stays(table: Table, size: int) -> None:
    search = replace(SEARCH, beam_size=size, length_penalty=1.0)
    results, drafts = run((greedy if size == 1 else beam)(network(table), [job(length=6)], search))
    kept: tuple[int, ...] = ()
    for (draft,) in drafts:
        assert draft.tokens[: len(kept)] == kept
        kept = draft.tokens[: draft.settled]
    assert results[0][0].tokens[: len(kept)] == kept
