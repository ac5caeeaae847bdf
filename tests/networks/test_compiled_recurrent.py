from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from s2s_gui.description import RecurrentConfig
from s2s_gui.manage.quick import SHAPE, is_exact, product
from s2s_gui.networks.compiled_recurrent import CompiledRecurrent
from s2s_gui.networks.products import Precision, Steps, packed
from s2s_gui.networks.recurrent import Recurrent
from tests.tiny import FOREIGN, RECURRENTS, VOCABULARY, random_network, toy_sources

NAMES = [*RECURRENTS, *FOREIGN]
NEVER = torch.tensor([1])
NO_END = -9


@cache
def made(name: str) -> Recurrent:
    network = random_network((RECURRENTS | FOREIGN)[name])
    assert isinstance(network, Recurrent)
    with torch.inference_mode():
        for weight in network.parameters():
            weight.mul_(2.5)  # so that tokens change from step to step
    return network


@cache
def quick(name: str, precision: Precision = "fp32") -> CompiledRecurrent:
    return CompiledRecurrent(made(name), precision)


@torch.inference_mode()
def plain(
    network: Recurrent, source: tuple[int, ...], steps: int, eos: int, never: Tensor, candidates: Tensor | None
) -> Steps:
    """Decode greedily step by step with the plain network."""
    state = network.encode(torch.tensor([source]), torch.tensor([len(source)]))
    ids = torch.arange(network.config.target_vocabulary) if candidates is None else candidates
    tokens, log_probs, attention = [], [], []
    last = -1
    for _ in range(steps):
        step = network.step(torch.tensor([last]), state, candidates)
        raw = step.logits[0].log_softmax(-1)
        best = int(raw.masked_fill(torch.isin(ids, never), -torch.inf).argmax())
        state, last = step.state, int(ids[best])
        tokens.append(last)
        log_probs.append(float(raw[best]))
        attention.append(torch.empty(0) if step.attention is None else step.attention[0])
        if last == eos:
            break
    return Steps(tokens, log_probs, torch.stack(attention))


def sliced(
    compiled: CompiledRecurrent,
    source: tuple[int, ...],
    sizes: list[int],
    eos: int,
    never: Tensor,
    candidates: Tensor | None,
) -> Steps:
    """Decode in slices of ``sizes`` tokens."""
    sentence = compiled.begin(source, sum(sizes), never, candidates)
    tokens: list[int] = []
    log_probs: list[float] = []
    attention: list[Tensor] = []
    for size in sizes:
        steps = compiled.run(sentence, tokens[-1] if tokens else -1, size, eos)
        assert len(steps.tokens) == len(steps.log_probs) == len(steps.attention) <= size
        tokens += steps.tokens
        log_probs += steps.log_probs
        attention.append(steps.attention)
        if tokens[-1] == eos:
            break
    return Steps(tokens, log_probs, torch.cat(attention))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_full_precision_is_the_plain_network(name: str, data: st.DataObject) -> None:
    ids = st.integers(0, VOCABULARY - 1)
    source = tuple(data.draw(st.lists(ids, min_size=1, max_size=30)))
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    never = data.draw(st.sets(ids, max_size=4))
    chosen = data.draw(st.none() | st.sets(ids, min_size=2).filter(lambda some: some - never))
    eos = data.draw(ids | st.just(NO_END))
    candidates = None if chosen is None else torch.tensor(sorted(chosen))
    forbidden = torch.tensor(sorted(never), dtype=torch.int64)
    expected = plain(made(name), source, sum(sizes), eos, forbidden, candidates)
    found = sliced(quick(name), source, sizes, eos, forbidden, candidates)
    assert found.tokens == expected.tokens
    assert found.log_probs == pytest.approx(expected.log_probs, abs=1e-4)
    torch.testing.assert_close(found.attention, expected.attention, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("candidates", [None, torch.tensor([0, 3, 7, 8, 20])])
@torch.inference_mode()
def test_steps_of_a_batch_are_the_plain_networks(name: str, candidates: Tensor | None) -> None:
    network, compiled = made(name), quick(name)
    toy = toy_sources([1, 9, 30, 4], 5)
    mine, theirs = compiled.encode(toy.source, toy.lengths), network.encode(toy.source, toy.lengths)
    for t, rows in enumerate([[0, 1, 2, 3], [3, 1, 1, 2, 0], [2, 2], [0, 1], [1]]):
        chosen = torch.tensor(rows)
        tokens = toy.target[chosen % 4, t]
        step = compiled.step(tokens, mine.select(chosen), candidates)
        expected = network.step(tokens, theirs.select(chosen), candidates)
        torch.testing.assert_close(step.logits, expected.logits, atol=1e-4, rtol=1e-4)
        if expected.attention is None:
            assert step.attention is None
        else:
            assert step.attention is not None
            torch.testing.assert_close(step.attention, expected.attention, atol=1e-5, rtol=0)
        mine, theirs = step.state, expected.state


@torch.inference_mode()
def test_a_step_leaves_the_state_before_it_alone() -> None:
    compiled = quick(NAMES[1])
    toy = toy_sources([5, 3], 1)
    state = compiled.encode(toy.source, toy.lengths)
    first = compiled.step(torch.tensor([4, 5]), state)
    again = compiled.step(torch.tensor([4, 5]), state)
    assert torch.equal(first.logits, again.logits)


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_eight_bits_are_close(name: str) -> None:
    ones = torch.ones(SHAPE)
    if not is_exact(product(ones[:1], packed(ones, torch.zeros(SHAPE[0])))):
        pytest.skip("this processor cuts sums of 8-bit products off")
    exact, rounded = quick(name), quick(name, "int8")
    toy = toy_sources([7, 12], 4)
    mine, theirs = rounded.encode(toy.source, toy.lengths), exact.encode(toy.source, toy.lengths)
    for t in range(4):
        step, expected = rounded.step(toy.target[:, t], mine), exact.step(toy.target[:, t], theirs)
        distance = (step.logits.log_softmax(-1) - expected.logits.log_softmax(-1)).abs().mean()
        assert distance < 0.1
        mine, theirs = step.state, expected.state
    found = sliced(rounded, (5, 9, 2), [3], NO_END, NEVER, None)
    assert len(found.tokens) == 3
    assert 1 not in found.tokens


def test_there_is_room_for_any_length() -> None:
    config = made(NAMES[0]).config
    assert isinstance(config, RecurrentConfig)
    assert quick(NAMES[0]).longest >= 1 << 16
