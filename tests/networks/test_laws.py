"""The laws that every network keeps, whatever its kind."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from s2s_gui.networks.network import Network, State
from tests.tiny import CONFIGS, RECURRENTS, random_network, toy_sources

ALL = pytest.mark.parametrize("name", CONFIGS)


def steps(network: Network, state: State, target: torch.Tensor) -> torch.Tensor:
    rows = []
    for t in range(target.shape[1]):
        step = network.step(target[:, t], state)
        rows.append(step.logits)
        state = step.state
    return torch.stack(rows, dim=1)


@ALL
@settings(deadline=None, max_examples=5)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), target=st.integers(1, 7), seed=st.integers(0, 99))
def test_forward_equals_the_steps(name: str, lengths: list[int], target: int, seed: int) -> None:
    network = random_network(CONFIGS[name], seed)
    toy = toy_sources(lengths, target, seed)
    whole = network(toy.source, toy.lengths, toy.target)
    assert_close(steps(network, network.encode(toy.source, toy.lengths), toy.target), whole, atol=1e-5, rtol=1e-5)


@ALL
def test_the_attention_of_features_is_that_of_the_steps(name: str) -> None:
    network = random_network(CONFIGS[name])
    toy = toy_sources([5, 3], 4)
    _, whole = network.features(toy.source, toy.lengths, toy.target)
    state = network.encode(toy.source, toy.lengths)
    for t in range(4):
        step = network.step(toy.target[:, t], state)
        state = step.state
        if whole is None:
            assert step.attention is None
        else:
            assert step.attention is not None
            assert_close(step.attention, whole[:, t], atol=1e-5, rtol=1e-5)


@ALL
@settings(deadline=None, max_examples=5)
@given(rows=st.lists(st.integers(0, 2), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_select_commutes_with_step(name: str, rows: list[int], seed: int) -> None:
    network = random_network(CONFIGS[name], seed)
    toy = toy_sources([3, 7, 5], 2, seed)
    state = network.step(toy.target[:, 0], network.encode(toy.source, toy.lengths)).state
    picked = torch.tensor(rows)
    before = network.step(toy.target[picked, 1], state.select(picked))
    after = network.step(toy.target[:, 1], state)
    assert_close(before.logits, after.logits[picked], atol=1e-5, rtol=1e-5)
    following = toy.target[picked, 0].clamp(min=2)
    again = network.step(following, after.state.select(picked))
    assert_close(network.step(following, before.state).logits, again.logits, atol=1e-5, rtol=1e-5)


@ALL
def test_padding_changes_nothing(name: str) -> None:
    network = random_network(CONFIGS[name])
    toy = toy_sources([2, 9, 4], 5)
    together = network(toy.source, toy.lengths, toy.target)
    state = network.encode(toy.source, toy.lengths)
    first = network.step(toy.target[:, 0], state)
    for row, length in enumerate(toy.lengths.tolist()):
        one = slice(row, row + 1)
        alone = network(toy.source[one, :length], toy.lengths[one], toy.target[one])
        assert_close(alone, together[one], atol=1e-5, rtol=1e-5)
        if first.attention is not None:
            assert first.attention[row, length:].abs().sum() < 1e-6


@ALL
def test_attention_is_a_distribution_over_the_source(name: str) -> None:
    network = random_network(CONFIGS[name])
    toy = toy_sources([3, 6], 1)
    attention = network.step(toy.target[:, 0], network.encode(toy.source, toy.lengths)).attention
    has_none = getattr(CONFIGS[name], "attention", "") == "none"
    if has_none:
        assert attention is None
    else:
        assert attention is not None
        assert attention.shape == (2, 6)
        assert_close(attention.sum(1), torch.ones(2))


@ALL
def test_every_weight_learns(name: str) -> None:
    network = random_network(CONFIGS[name]).requires_grad_(True).train()
    toy = toy_sources([4, 6], 5)
    toy.target[:, 1:] = torch.arange(2, 10).view(2, 4)
    network(toy.source, toy.lengths, toy.target).logsumexp(-1).sum().backward()
    silent = [
        key for key, weight in network.named_parameters() if weight.grad is None or not bool(weight.grad.abs().sum())
    ]
    # A key's bias moves all scores of a query alike, which a softmax does not see; elsewhere silence is a fault.
    assert [key for key in silent if not key.endswith(("key.bias", "query.bias", "score.bias"))] == []


@pytest.mark.parametrize("name", [name for name, config in RECURRENTS.items() if "none" in name])
def test_without_attention_the_state_has_a_fixed_size(name: str) -> None:
    network = random_network(CONFIGS[name])
    sizes = set()
    for length in (1, 5, 9):
        toy = toy_sources([length], 1)
        state = network.encode(toy.source, toy.lengths)
        sizes.add(tuple(tuple(cell.shape) for cell in state.cells))  # type: ignore[attr-defined]
        assert state.memory.numel() == 0  # type: ignore[attr-defined]
    assert len(sizes) == 1
