"""Weights that keep the 8-bit rows of their file, for networks that are there only to be compiled.

The functions here do to any weight, float or of such rows, what the compiled forms do with them: all of it leaves rows
as they are or gives them another factor, so that nothing is rounded twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class EightBits(nn.Parameter):
    """A weight in 8 bits, int8 [out, in]: row r stands for ``weight[r] * scales[r]``, ``scales`` float32 [out]."""

    scales: Tensor


def eight_bits(values: Tensor, scales: Tensor) -> EightBits:
    """Return the weight of ``values`` int8 [out, in] and ``scales`` float32 [out]; both are taken over."""
    made = EightBits(values, requires_grad=False)
    made.scales = scales
    return made


def floats(weight: Tensor) -> Tensor:
    """Return a weight in float32, without gradients; one that is so already is not copied."""
    return weight * weight.scales[:, None] if isinstance(weight, EightBits) else weight.detach()


def rows_at(weight: Tensor, ids: Tensor) -> Tensor:
    """Return the rows ``ids`` int64 [K] of a weight, float32 [K, in]."""
    rows = weight.detach().index_select(0, ids)  # weight[ids] takes ten times as long
    return rows * weight.scales[ids][:, None] if isinstance(weight, EightBits) else rows


def between(weight: Tensor, start: int, end: int) -> Tensor:
    """Return the weight of the rows from ``start`` up to ``end``."""
    part = weight[start:end]
    return eight_bits(part, weight.scales[start:end]) if isinstance(weight, EightBits) else part


def joined(weights: Sequence[Tensor]) -> Tensor:
    """Return weights one upon the other."""
    small = [weight for weight in weights if isinstance(weight, EightBits)]
    if len(small) < len(weights):
        return torch.cat([floats(weight) for weight in weights])
    return eight_bits(torch.cat(list(weights)), torch.cat([weight.scales for weight in small]))


def scaled(weight: Tensor, factors: Tensor) -> Tensor:
    """Return a weight whose row r is multiplied by ``factors[r]``."""
    if isinstance(weight, EightBits):
        return eight_bits(weight.detach(), weight.scales * factors)
    return weight.detach() * factors[:, None]


def lengthened(weight: Tensor, count: int) -> Tensor:
    """Return a weight with ``count`` rows of zeros after its own; with none it is not copied."""
    if count == 0:
        return weight
    longer = nn.functional.pad(weight, (0, 0, 0, count))
    if isinstance(weight, EightBits):
        return eight_bits(longer, nn.functional.pad(weight.scales, (0, count), value=1.0))
    return longer


@dataclass(frozen=True, slots=True)
class Table:
    """Vectors of tokens, float32 or int8 [V, d], each to be multiplied by its factor, float32 [V, 1]."""

    values: Tensor
    factors: Tensor

    @staticmethod
    def of(weight: Tensor, factor: float) -> "Table":
        """Return the table of an embedding's weight [V, d], all of which is multiplied by ``factor``."""
        if isinstance(weight, EightBits):
            return Table(weight.detach(), weight.scales[:, None] * factor)
        return Table(weight.detach(), torch.full((1, 1), factor).expand(len(weight), 1))

    def parts(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the values [..., d] of ids int64 [...] and their factors [..., 1], 0 for the id -1."""
        places = ids.clamp(min=0)
        return self.values[places], self.factors[places] * (ids >= 0)[..., None]

    def __getitem__(self, ids: Tensor) -> Tensor:
        """Return the vectors of ids int64 [...], float32 [..., d], zeros for the id -1."""
        values, factors = self.parts(ids)
        return values * factors
