"""Networks whose weights are 8-bit rows: the same rows reach the products, whatever is done with them before."""

import warnings

import pytest
import torch
from torch import Tensor

from s2s_gui.networks.build import build
from s2s_gui.networks.compiled import Compiled
from s2s_gui.networks.compiled_recurrent import CompiledRecurrent
from s2s_gui.networks.eight_bits import (
    EightBits,
    Table,
    between,
    eight_bits,
    floats,
    joined,
    lengthened,
    rows_at,
    scaled,
)
from s2s_gui.networks.network import Network
from s2s_gui.networks.products import packed, unpacked
from s2s_gui.networks.recurrent import Recurrent
from s2s_gui.networks.transformer import Transformer
from tests.tiny import CONFIGS, random_network, toy_sources


def weight(rows: int, columns: int, seed: int = 0) -> EightBits:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(-127, 128, (rows, columns), generator=generator).to(torch.int8)
    return eight_bits(values, torch.rand(rows, generator=generator) * 0.01 + 1e-4)


@pytest.mark.parametrize(("rows", "columns"), [(48, 32), (64, 300), (1, 16), (7, 5)])
def test_the_product_is_that_of_the_stored_rows_bit_for_bit(rows: int, columns: int) -> None:
    stored, bias = weight(rows, columns), torch.randn(rows)
    small = packed(stored, bias)
    steps, scales, _, found = unpacked(small)
    assert torch.equal(steps, stored.detach())
    assert torch.equal(scales, stored.scales)
    assert torch.equal(found, bias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zero = torch.zeros(rows, dtype=torch.int64)
        whole = torch.quantize_per_channel(floats(stored), stored.scales.double(), zero, 0, torch.qint8)
        same = torch.ops.quantized.linear_prepack(whole, bias)
    x = torch.randn(9, columns)
    assert torch.equal(torch.ops.quantized.linear_dynamic(x, small), torch.ops.quantized.linear_dynamic(x, same))


def test_what_is_done_to_rows_is_done_to_what_they_stand_for() -> None:
    one, other = weight(6, 4), weight(5, 4, seed=1)
    both = joined([one, other])
    assert isinstance(both, EightBits)
    assert torch.equal(floats(both), torch.cat([floats(one), floats(other)]))
    mixed = joined([one, torch.ones(2, 4)])
    assert not isinstance(mixed, EightBits)
    assert torch.equal(mixed, torch.cat([floats(one), torch.ones(2, 4)]))
    part = between(both, 4, 9)
    assert isinstance(part, EightBits)
    assert torch.equal(floats(part), floats(both)[4:9])
    larger = scaled(one, torch.full((6,), 0.25))
    assert isinstance(larger, EightBits)
    assert torch.equal(floats(larger), floats(one) * 0.25)
    longer = lengthened(one, 3)
    assert isinstance(longer, EightBits)
    assert torch.equal(floats(longer), torch.cat([floats(one), torch.zeros(3, 4)]))
    assert lengthened(one, 0) is one
    ids = torch.tensor([3, 0, 3])
    assert torch.equal(rows_at(one, ids), floats(one)[ids])


@pytest.mark.parametrize("small", [True, False])
def test_a_table_gives_vectors_times_their_factor(small: bool) -> None:
    rows = weight(6, 4)
    table = Table.of(rows if small else torch.nn.Parameter(floats(rows)), 3.0)
    assert table.values.dtype == (torch.int8 if small else torch.float32)
    found = table[torch.tensor([[2, -1], [0, 5]])]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0, 0], floats(rows)[2] * 3)
    assert not found[0, 1].any()
    torch.testing.assert_close(found[1], floats(rows)[[0, 5]] * 3)


def stored(network: Network) -> Network:
    """Return the network with its matrices in 8-bit rows."""
    weights: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        weights[name] = tensor
        if tensor.dim() == 2:
            scales = tensor.abs().amax(1).clamp(min=1e-12) / 127
            weights[name] = eight_bits((tensor / scales[:, None]).round().to(torch.int8), scales)
    with torch.device("meta"):
        made = build(network.config)
    made.requires_grad_(False)
    made.load_state_dict(weights, assign=True)
    return made.eval()


def plain(network: Network) -> Network:
    """Return the network of what its 8-bit rows stand for."""
    with torch.device("meta"):
        made = build(network.config)
    made.requires_grad_(False)
    made.load_state_dict({name: floats(weight) for name, weight in network.named_parameters()}, assign=True)
    return made.eval()


@pytest.mark.parametrize("name", list(CONFIGS))
@pytest.mark.parametrize("candidates", [None, torch.tensor([0, 1, 4, 7, 8, 15, 16, 20])])
@torch.inference_mode()
def test_a_network_of_stored_rows_is_that_of_what_they_stand_for(name: str, candidates: Tensor | None) -> None:
    rows = stored(random_network(CONFIGS[name]))
    full = plain(rows)
    never = torch.tensor([1])
    quick: list[Compiled | CompiledRecurrent] = []
    if isinstance(rows, Transformer) and isinstance(full, Transformer):
        quick = [Compiled(rows, "int8"), Compiled(full, "int8"), Compiled(rows, "fp32"), Compiled(full, "fp32")]
    elif isinstance(rows, Recurrent) and isinstance(full, Recurrent):
        quick = [CompiledRecurrent(one, "int8") for one in (rows, full)]
        quick += [CompiledRecurrent(one, "fp32") for one in (rows, full)]
    toy = toy_sources([7, 12], 4)
    for one, other, bound in ((quick[0], quick[1], 0.02), (quick[2], quick[3], 1e-5)):
        mine, theirs = one.encode(toy.source, toy.lengths), other.encode(toy.source, toy.lengths)
        for t in range(4):
            step = one.step(toy.target[:, t], mine, candidates)
            expected = other.step(toy.target[:, t], theirs, candidates)
            torch.testing.assert_close(step.logits, expected.logits, atol=bound, rtol=0)
            mine, theirs = step.state, expected.state
        first = one.run(one.begin((5, 9, 2, 17), 8, never, candidates), -1, 1, eos=-9)  # type: ignore[arg-type]
        second = other.run(other.begin((5, 9, 2, 17), 8, never, candidates), -1, 1, eos=-9)  # type: ignore[arg-type]
        assert first.log_probs == pytest.approx(second.log_probs, abs=2 * bound)
        torch.testing.assert_close(first.attention, second.attention, atol=bound, rtol=0)
