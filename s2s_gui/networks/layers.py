"""The parts that networks are made of: embeddings, positions, attention, feed-forward, the SSRU and its scan."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": nn.functional.relu,
    "gelu": nn.functional.gelu,
    "gelu-tanh": partial(nn.functional.gelu, approximate="tanh"),
    "gelu-sigmoid": lambda x: x * torch.sigmoid(1.702 * x),
    "swish": nn.functional.silu,
}
MASKED = -1e9


class Stacked(nn.Linear):
    """A linear layer whose weight is ``blocks`` equal matrices one upon the other, [blocks * n, input].

    One product serves them all; whoever treats matrices one by one (Muon, exporters) finds the count here.
    """

    def __init__(self, width_in: int, width_out: int, blocks: int, bias: bool = True) -> None:
        self.blocks = blocks
        super().__init__(width_in, blocks * width_out, bias)

    def reset_parameters(self) -> None:
        """Initialise each block by itself as Glorot & Bengio 2010 do, biases with zero."""
        if self.weight.is_meta:
            return
        for block in self.weight.detach().chunk(self.blocks):
            nn.init.xavier_uniform_(block)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Embedding(nn.Embedding):
    """A table of vectors, float [V, d]; id -1 gives a vector of zeros, the decoder's start in Marian."""

    def reset_parameters(self) -> None:
        """Initialise so that a row has the length 1 in the mean."""
        # On the meta device there is nothing to fill, and trying it imports seconds' worth of torch.
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)

    def forward(self, ids: Tensor) -> Tensor:
        """Return vectors [..., d] for ids int64 [...]."""
        vectors = nn.functional.embedding(ids.clamp(min=0), self.weight)
        return vectors * (ids >= 0).unsqueeze(-1).to(vectors.dtype)


class Sinusoids:
    """The fixed position vectors of Vaswani et al. 2017 in the variants of ``TransformerConfig.positions``."""

    def __init__(self, width: int, variant: str) -> None:
        self.width = width
        self.variant = variant
        self._table = torch.empty(0, width)

    def __call__(self, first: int, count: int, like: Tensor) -> Tensor:
        """Return the vectors of positions ``first`` to ``first + count - 1``, [count, d], in dtype of ``like``."""
        if first + count > len(self._table) or self._table.dtype != like.dtype or self._table.device != like.device:
            longest = max(first + count, 2 * len(self._table), 256)
            self._table = self._make(longest).to(like.device, like.dtype)
        return self._table[first : first + count]

    def _make(self, count: int) -> Tensor:
        half = self.width // 2
        divisor = half - 1 if self.variant == "marian" else half
        rates = torch.exp(torch.arange(half, dtype=torch.float64) * (-math.log(10000.0) / divisor))
        angles = torch.arange(count, dtype=torch.float64)[:, None] * rates
        if self.variant == "interleaved":
            return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1).float()
        return torch.cat((angles.sin(), angles.cos()), dim=-1).float()


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Turn [R, T, d] into [R, heads, T, d / heads]."""
    rows, length, width = x.shape
    return x.view(rows, length, heads, width // heads).transpose(1, 2)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention over heads (Vaswani et al. 2017, eq. 1).

    Query [R, h, T, k], key and value [R, h, S, k], ``bias`` added to the scores, broadcast to [R, h, T, S]. Returns
    the joined heads [R, T, h * k] and the weights [R, h, T, S]. Two products and a softmax: on short rows PyTorch's
    fused kernel with a mask costs several times as much on processors.
    """
    scores = query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias
    weights = scores.softmax(-1)
    return (weights @ value).transpose(1, 2).flatten(2), weights


class FeedForward(nn.Module):
    """Two linear layers with an activation between them: [..., d] to [..., d]."""

    def __init__(self, width: int, inner: int, activation: str, dropout: float) -> None:
        super().__init__()
        self.inner = Stacked(width, inner, 1)
        self.outer = Stacked(inner, width, 1)
        self.activation = ACTIVATIONS[activation]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return W2 act(W1 x + b1) + b2."""
        return self.outer(self.dropout(self.activation(self.inner(x))))


class _Scan(torch.autograd.Function):
    """c_t = f_t * c_{t-1} + (1 - f_t) * u_t for all t, with a backward loop of its own: half the work of autograd's."""

    @staticmethod
    def forward(ctx: Any, forget: Tensor, update: Tensor) -> Tensor:
        cells = torch.empty_like(update)
        cell = torch.zeros_like(update[:, 0])
        for t in range(update.shape[1]):
            cell = torch.lerp(update[:, t], cell, forget[:, t])
            cells[:, t] = cell
        ctx.save_for_backward(forget, update, cells)
        return cells

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        forget, update, cells = ctx.saved_tensors
        totals = torch.empty_like(update)
        total = torch.zeros_like(update[:, 0])
        for t in reversed(range(update.shape[1])):
            total = total + gradients[0][:, t]
            totals[:, t] = total
            total = total * forget[:, t]
        before = torch.cat((torch.zeros_like(cells[:, :1]), cells[:, :-1]), dim=1)
        return totals * (before - update), totals * (1 - forget)


class SimplerRecurrence(nn.Module):
    """The SSRU of Kim et al. 2019 (WNGT, D19-5632) as Marian has it: a recurrence with a constant state of d values.

    f = sigmoid(Wf x + bf), u = W x, c' = f c + (1 - f) u, output relu(c').
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = Stacked(width, width, 2, bias=False)
        self.forget_bias = nn.Parameter(torch.zeros(width))

    def gates(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return update u and forget gate f, each [..., d], for inputs [..., d]."""
        update, forget = self.project(x).chunk(2, dim=-1)
        return update, torch.sigmoid(forget + self.forget_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs [B, T, d] for a whole target [B, T, d]."""
        update, forget = self.gates(x)
        cells = cast("Tensor", _Scan.apply(forget, update))  # type: ignore[no-untyped-call]
        return nn.functional.relu(cells)

    def step(self, x: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Return output and new cell, both [R, d], for one input [R, d]."""
        update, forget = self.gates(x)
        cell = torch.lerp(update, cell, forget)
        return nn.functional.relu(cell), cell
