"""Hand-written cells against PyTorch's own, and the variants that PyTorch lacks against formulas written out."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.testing import assert_close

from s2s_gui.networks.cells import Cells


def cells(
    kind: str, *, layers: int = 1, bidirectional: bool = False, gates: str = "sigmoid", after: bool = True
) -> Cells:
    torch.manual_seed(1)
    made = Cells(kind, 3, 4, layers, dropout=0.0, bidirectional=bidirectional, gates=gates, reset_after=after)
    return made.requires_grad_(False)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_with_sigmoids_they_are_those_of_pytorch(kind: str, bidirectional: bool) -> None:
    ours = cells(kind, layers=2, bidirectional=bidirectional)
    theirs = (nn.LSTM if kind == "lstm" else nn.GRU)(3, 4, 2, batch_first=True, bidirectional=bidirectional)
    theirs.load_state_dict(ours.state_dict())
    theirs.requires_grad_(False)
    packed = pack_padded_sequence(torch.randn(3, 6, 3), torch.tensor([4, 6, 1]), batch_first=True, enforce_sorted=False)
    (found, last), (wanted, end) = ours(packed), theirs(packed)
    assert_close(pad_packed_sequence(found), pad_packed_sequence(wanted))
    assert_close(last, end)
    again = torch.randn(3, 5, 3)
    assert_close(ours(again, last)[0], theirs(again, end)[0])


@pytest.mark.parametrize(("gates", "slope"), [("clipped-fifth", 0.2), ("clipped-sixth", 1 / 6)])
def test_an_lstm_with_clipped_gates(gates: str, slope: float) -> None:
    made = cells("lstm", gates=gates)
    weights = made.state_dict()
    x, h, c = 9 * torch.randn(1, 3), torch.randn(1, 4), torch.randn(1, 4)
    z = x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"] + h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"]
    i, f, g, o = z.chunk(4, dim=-1)
    i, f, o = ((one * slope + 0.5).clamp(0, 1) for one in (i, f, o))
    assert {0.0, 1.0} & set(torch.cat((i, f, o)).flatten().tolist())
    outputs, (_, last) = made(x[:, None], (h[None], c[None]))
    assert_close(last[0], f * c + i * torch.tanh(g))
    assert_close(outputs[:, 0], o * torch.tanh(f * c + i * torch.tanh(g)))


def test_a_gru_that_resets_before_its_product() -> None:
    made = cells("gru", after=False)
    weights = made.state_dict()
    x, h = torch.randn(1, 3), torch.randn(1, 4)
    r, z, n = (x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]).chunk(3, dim=-1)
    again = weights["weight_hh_l0"].chunk(3)
    bias = weights["bias_hh_l0"].chunk(3)
    r = torch.sigmoid(r + h @ again[0].T + bias[0])
    z = torch.sigmoid(z + h @ again[1].T + bias[1])
    n = torch.tanh(n + (r * h) @ again[2].T + bias[2])
    assert_close(made(x[:, None], h[None])[1][0], (1 - z) * n + z * h)
