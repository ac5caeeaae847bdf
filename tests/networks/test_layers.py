"""The parts, against formulas written out."""

import math

import pytest
import torch
from torch.testing import assert_close

from s2s_gui.networks.layers import SimplerRecurrence, Sinusoids, attend


@pytest.mark.parametrize(("variant", "divisor"), [("marian", 3), ("halves", 4)])
def test_sinusoids_in_halves(variant: str, divisor: int) -> None:
    table = Sinusoids(8, variant)(0, 5, torch.zeros(1))
    for t in range(5):
        for i in range(4):
            angle = t * 10000 ** (-i / divisor)
            assert table[t, i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[t, 4 + i].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_sinusoids_interleaved_as_in_the_paper() -> None:
    table = Sinusoids(6, "interleaved")(2, 1, torch.zeros(1))[0]
    wanted = [f(2 / 10000 ** (2 * i / 6)) for i in range(3) for f in (math.sin, math.cos)]
    assert_close(table, torch.tensor(wanted))


def test_sinusoids_have_no_last_position() -> None:
    table = Sinusoids(8, "marian")
    assert_close(table(1000, 3, torch.zeros(1)), Sinusoids(8, "marian")(0, 1003, torch.zeros(1))[1000:])


def test_ssru_is_the_published_recurrence_and_its_own_gradient_is_right() -> None:
    torch.manual_seed(0)
    unit = SimplerRecurrence(4).double()
    x = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    wf, w = unit.project.weight[4:], unit.project.weight[:4]
    cell = torch.zeros(2, 4, dtype=torch.float64)
    wanted = []
    for t in range(5):
        forget = torch.sigmoid(x[:, t] @ wf.t() + unit.forget_bias)
        cell = forget * cell + (1 - forget) * (x[:, t] @ w.t())
        wanted.append(cell.relu())
    assert_close(unit(x), torch.stack(wanted, dim=1))
    assert torch.autograd.gradcheck(unit, (x,))


def test_attention_ignores_masked_places() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, 4, 8).unbind(0)
    bias = torch.tensor([0.0, 0.0, 0.0, -1e9])
    out, weights = attend(query, key, value, bias)
    short, _ = attend(query, key[:, :, :3], value[:, :, :3], None)
    assert_close(out, short)
    assert weights[..., 3].abs().max() == 0
