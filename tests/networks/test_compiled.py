import pytest
import torch

from s2s_gui.description import TransformerConfig
from s2s_gui.manage.quick import SHAPE, is_exact, product
from s2s_gui.networks.compiled import Compiled, Sentence
from s2s_gui.networks.network import State
from s2s_gui.networks.products import BEST, EXACT, Precision, packed, unpacked
from s2s_gui.networks.transformer import Transformer
from tests.tiny import TRANSFORMERS, random_network

NEVER = torch.tensor([1])
SOURCE = (5, 9, 2, 17, 3, 0)


def eager(
    network: Transformer, steps: int, candidates: torch.Tensor | None
) -> tuple[list[int], list[float], torch.Tensor]:
    """Decode greedily step by step with the plain network, never ending."""
    state = network.encode(torch.tensor([SOURCE]), torch.tensor([len(SOURCE)]))
    tokens, log_probs, attention = [], [], []
    last = -1
    for _ in range(steps):
        step = network.step(torch.tensor([last]), state, candidates)
        raw = step.logits[0].log_softmax(-1)
        ids = torch.arange(network.config.target_vocabulary) if candidates is None else candidates
        allowed = raw.masked_fill(torch.isin(ids, NEVER), -torch.inf)
        best = int(allowed.argmax())
        state, last = step.state, int(ids[best])
        tokens.append(last)
        log_probs.append(float(raw[best]))
        assert step.attention is not None
        attention.append(step.attention[0])
    return tokens, log_probs, torch.stack(attention)


def made(name: str) -> Transformer:
    network = random_network(TRANSFORMERS[name])
    assert isinstance(network, Transformer)
    return network


def begin(compiled: Compiled, candidates: torch.Tensor | None) -> Sentence:
    return compiled.begin(SOURCE, 24, NEVER, candidates)


@pytest.mark.parametrize("name", list(TRANSFORMERS))
@pytest.mark.parametrize("candidates", [None, torch.tensor([0, 1, 4, 7, 8, 15, 16, 20])])
@torch.inference_mode()
def test_full_precision_is_the_plain_network(name: str, candidates: torch.Tensor | None) -> None:
    network = made(name)
    compiled = Compiled(network, "fp32")
    sentence = begin(compiled, candidates)
    tokens, log_probs, attention = eager(network, 20, candidates)
    last, found, values, looked = -1, [], [], []
    for size in (1, 4, 4, 7, 4):
        steps = compiled.run(sentence, last, size, eos=-9)
        found += steps.tokens
        values += steps.log_probs
        looked.append(steps.attention)
        last = found[-1]
    assert found == tokens
    assert values == pytest.approx(log_probs, abs=1e-5)
    torch.testing.assert_close(torch.cat(looked), attention, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", list(TRANSFORMERS))
@torch.inference_mode()
def test_eight_bits_are_close(name: str) -> None:
    ones = torch.ones(SHAPE)
    if not is_exact(product(ones[:1], packed(ones, torch.zeros(SHAPE[0])))):
        pytest.skip("this processor cuts sums of 8-bit products off")
    network = made(name)
    exact, rounded = Compiled(network, "fp32"), Compiled(network, "int8")
    first = exact.run(begin(exact, None), -1, 1, eos=-9)
    second = rounded.run(begin(rounded, None), -1, 1, eos=-9)
    assert second.log_probs == pytest.approx(first.log_probs, abs=0.3)
    torch.testing.assert_close(first.attention, second.attention, atol=0.1, rtol=0)


@torch.inference_mode()
def test_it_stops_after_the_end_symbol() -> None:
    network = made(next(iter(TRANSFORMERS)))
    compiled = Compiled(network, "fp32")
    tokens, _, _ = eager(network, 6, None)
    eos = tokens[2]
    steps = compiled.run(begin(compiled, None), -1, 20, eos=eos)
    assert steps.tokens == tokens[: tokens.index(eos) + 1]


def test_learned_positions_end() -> None:
    config = next(
        one for one in TRANSFORMERS.values() if isinstance(one, TransformerConfig) and one.positions == "learned"
    )
    network = random_network(config)
    assert isinstance(network, Transformer)
    assert Compiled(network, "fp32").longest == config.max_positions - config.first_position


@pytest.mark.parametrize("name", list(TRANSFORMERS))
@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("candidates", [None, torch.tensor([0, 1, 4, 7, 8, 15, 16, 20])])
def test_a_guess_changes_nothing_but_the_work(name: str, precision: Precision, candidates: torch.Tensor | None) -> None:
    compiled = Compiled(made(name), precision)
    wanted = compiled.run(begin(compiled, candidates), -1, 20, eos=-9)
    for right in (0, 1, 2, 5, 11):
        guess = [*wanted.tokens[:right], (wanted.tokens[right] + 1) % 20, 3, 4]
        sentence = begin(compiled, candidates)
        first = compiled.verify(sentence, -1, guess, eos=-9)
        rest = compiled.run(sentence, first.tokens[-1], 20 - len(first.tokens), eos=-9)
        assert len(first.tokens) == right + 1
        assert first.tokens + rest.tokens == wanted.tokens
        assert first.log_probs + rest.log_probs == pytest.approx(wanted.log_probs, abs=1e-3)
        both = torch.cat([first.attention, rest.attention])
        torch.testing.assert_close(both, wanted.attention, atol=1e-3, rtol=1e-3)


def test_a_guess_is_followed_to_the_end_symbol_and_no_further() -> None:
    compiled = Compiled(made(next(iter(TRANSFORMERS))), "fp32")
    wanted = compiled.run(begin(compiled, None), -1, 12, eos=-9)
    end = wanted.tokens[5]
    before = wanted.tokens.index(end)
    first = compiled.verify(begin(compiled, None), -1, wanted.tokens, eos=end)
    assert first.tokens == wanted.tokens[: before + 1]


@torch.inference_mode()
def test_a_row_may_be_older_than_there_are_positions() -> None:
    name = next(
        name for name, one in TRANSFORMERS.items() if isinstance(one, TransformerConfig) and one.positions == "learned"
    )
    compiled = Compiled(made(name), "fp32")
    state: State = compiled.encode(torch.tensor([SOURCE, SOURCE]), torch.tensor([len(SOURCE)] * 2))
    for _ in range(compiled.longest + 2):
        step = compiled.step(torch.tensor([3, 4]), state)
        state = step.state
    assert bool(step.logits.isfinite().all())


@pytest.mark.parametrize("middle", [0.0, 60.0, -60.0, 200.0, -200.0])
@pytest.mark.parametrize("is_whole", [False, True])
def test_the_best_of_any_logits(middle: float, is_whole: bool) -> None:
    torch.manual_seed(4)
    logits = 5 * torch.randn(320) + middle
    order = logits.argsort(descending=True)
    wanted = logits.double().log_softmax(0)
    log_prob, place = torch.jit.CompilationUnit(BEST).best(logits.clone(), order[:2], is_whole)
    assert place == int(order[2])
    assert log_prob == pytest.approx(float(wanted[place]), abs=1e-4)


@pytest.mark.parametrize(("outer", "inner"), [(48, 32), (64, 300)])
def test_products_row_by_row_are_those_of_each_row_alone(outer: int, inner: int) -> None:
    torch.manual_seed(3)
    weight = packed(torch.randn(outer, inner) * 0.1, torch.randn(outer))
    x = torch.randn(40, inner) * torch.logspace(-2, 2, 40)[:, None]
    x[::3] = x[::3].relu()
    x[5] = 0
    found = torch.jit.CompilationUnit(EXACT).linear(x, 0, list(unpacked(weight)), [], [])
    wanted = torch.cat([torch.ops.quantized.linear_dynamic(row[None], weight) for row in x])
    size = x.abs().amax(1, keepdim=True)
    assert bool(((found - wanted).abs() <= 0.01 * size + 1e-5).all())  # one step of one value here and there
    assert int(((found - wanted).abs() > 1e-4 * size + 1e-5).any(1).sum()) <= 2
