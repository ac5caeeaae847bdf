"""LSTM and GRU cells that PyTorch does not have: clipped gates, and a GRU that resets before its product."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from s2s_gui.networks.network import padding_mask

SLOPES = {"clipped-fifth": 1 / 5, "clipped-sixth": 1 / 6}


class Cells(nn.Module):
    """A stand-in for ``nn.LSTM`` and ``nn.GRU`` with ``batch_first``: same calls, same names and shapes of weights.

    ``gates``: "sigmoid", or the line clip(x/5 + 1/2, 0, 1) or clip(x/6 + 1/2, 0, 1) in its place, which Keras 2 and 3
    call "hard_sigmoid". Without ``reset_after`` a GRU resets its state before the recurrent product (Cho et al. 2014,
    arXiv v3): n = tanh(W x + b + U (r h) + c).
    """

    def __init__(
        self,
        kind: str,
        width: int,
        hidden: int,
        layers: int,
        *,
        dropout: float,
        bidirectional: bool,
        gates: str,
        reset_after: bool,
    ) -> None:
        super().__init__()
        self.is_lstm = kind == "lstm"
        self.slope = SLOPES.get(gates)
        self.reset_after = reset_after
        self.layers = layers
        self.sides = ("", "_reverse") if bidirectional else ("",)
        self.dropout = nn.Dropout(dropout)
        rows = (4 if self.is_lstm else 3) * hidden
        for layer in range(layers):
            fed = width if layer == 0 else hidden * len(self.sides)
            for side in self.sides:
                for name, shape in (
                    ("weight_ih", (rows, fed)),
                    ("weight_hh", (rows, hidden)),
                    ("bias_ih", (rows,)),
                    ("bias_hh", (rows,)),
                ):
                    weight = nn.Parameter(torch.empty(shape))
                    if not weight.is_meta:
                        nn.init.uniform_(weight, -(hidden**-0.5), hidden**-0.5)
                    self.register_parameter(f"{name}_l{layer}{side}", weight)

    def forward(
        self, x: Tensor | PackedSequence, state: Tensor | tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor | tuple[Tensor, ...]]:
        """Map inputs [B, T, width] to outputs [B, T, sides * hidden] and last states [layers * sides, B, hidden].

        As with PyTorch's modules, packed inputs give packed outputs and are followed to their own ends.
        """
        lengths = None
        if isinstance(x, PackedSequence):
            x, lengths = pad_packed_sequence(x, batch_first=True)
        past = None if lengths is None else padding_mask(lengths, x.shape[1]).to(x.device)
        states = () if state is None else state if isinstance(state, tuple) else (state,)
        ends: list[tuple[Tensor, ...]] = []
        for layer in range(self.layers):
            x = self.dropout(x) if layer else x
            outputs = []
            for turn, side in enumerate(self.sides):
                start = tuple(cell[len(ends)] for cell in states)
                output, end = self._run(x, start, past, f"_l{layer}{side}", backwards=bool(turn))
                outputs.append(output)
                ends.append(end)
            x = torch.cat(outputs, dim=-1)
        last = tuple(torch.stack(cells) for cells in zip(*ends, strict=True))
        packed = x if lengths is None else pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return packed, last if self.is_lstm else last[0]

    def _run(
        self, x: Tensor, start: tuple[Tensor, ...], past: Tensor | None, name: str, *, backwards: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run one layer one way over [B, T, width]; where ``past`` [B, T] is true the state stays as it was."""
        weight, bias = self._weight("weight_hh", name), self._weight("bias_hh", name)
        gates = nn.functional.linear(x, self._weight("weight_ih", name), self._weight("bias_ih", name))
        empty = x.new_zeros(len(x), weight.shape[1])
        cells = start or ((empty, empty) if self.is_lstm else (empty,))
        step = self._lstm if self.is_lstm else self._gru
        outputs = []
        for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
            after = step(gates[:, t], cells, weight, bias)
            if past is not None:
                keep = past[:, t, None]
                after = tuple(torch.where(keep, old, new) for old, new in zip(cells, after, strict=True))
            cells = after
            outputs.append(cells[0])
        return torch.stack(outputs[::-1] if backwards else outputs, dim=1), cells

    def _lstm(self, x: Tensor, cells: tuple[Tensor, ...], weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        i, f, g, o = (x + nn.functional.linear(cells[0], weight, bias)).chunk(4, dim=-1)
        c = self._gate(f) * cells[1] + self._gate(i) * torch.tanh(g)
        return self._gate(o) * torch.tanh(c), c

    def _gru(self, x: Tensor, cells: tuple[Tensor, ...], weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        (h,) = cells
        hidden = h.shape[-1]
        first, new = x[:, : 2 * hidden], x[:, 2 * hidden :]
        gates = nn.functional.linear(h, weight[: 2 * hidden], bias[: 2 * hidden])
        r, z = self._gate(first + gates).chunk(2, dim=-1)
        seen = h if self.reset_after else r * h
        again = nn.functional.linear(seen, weight[2 * hidden :], bias[2 * hidden :])
        n = torch.tanh(new + (r * again if self.reset_after else again))
        return (torch.lerp(n, h, z),)

    def _gate(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x) if self.slope is None else (x * self.slope + 0.5).clamp(0, 1)

    def _weight(self, kind: str, name: str) -> Tensor:
        return cast("Tensor", getattr(self, kind + name))
