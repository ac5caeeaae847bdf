"""Products of a row with a weight, in float32 or 8 bits, and what the TorchScript loops built on them share.

With 8 bits a weight is rounded to 127 steps a row, and activations as they come (``quantized::linear_dynamic``).
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

Precision = Literal["fp32", "int8"]

LINEAR = """
def linear(
    x: Tensor, i: int, packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor],
) -> Tensor:
    if len(packed) > 0:
        return torch.ops.quantized.linear_dynamic(x, packed[i])
    return torch.ops.aten.linear(x, weights[i], biases[i])

"""


def as_it_stands() -> Any:
    """Run TorchScript without its optimiser, which makes the first calls slow and the later ones no faster."""
    return torch.jit.optimized_execution(False)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Steps:
    """What some steps gave: token ids int64 [n], natural log-probabilities [n], attention [n, S]."""

    tokens: list[int]
    log_probs: list[float]
    attention: Tensor


class Parts:
    """Weights in the order in which the loop counts them."""

    def __init__(self) -> None:
        self.weights: list[Tensor] = []
        self.biases: list[Tensor] = []
        self.norms: list[Tensor] = []

    def add(self, weight: Tensor, bias: Tensor) -> None:
        self.weights.append(weight.detach())
        self.biases.append(bias.detach())

    def ready(self, precision: Precision) -> tuple[list[Any], list[Tensor], list[Tensor], list[Tensor]]:
        """Return packed weights, plain weights, biases, norms; one of the first two is empty."""
        norms = [norm.detach() for norm in self.norms]
        if precision == "fp32":
            return [], self.weights, self.biases, norms
        return [packed(*pair) for pair in zip(self.weights, self.biases, strict=True)], [], [], norms


def packed(weight: Tensor, bias: Tensor) -> Any:
    """Return a weight [out, in] rounded to 8 bits a row and packed for the processor, with its bias."""
    low, high = weight.aminmax(dim=1)  # no copy of the weight, as its absolute values would be
    scale = (torch.maximum(high, -low).clamp(min=1e-12) / 127).double()
    with warnings.catch_warnings():
        # PyTorch warns that its quantised dtypes will go one day; the version is pinned.
        warnings.simplefilter("ignore")
        zero = torch.zeros(len(weight), dtype=torch.int64)
        rounded = torch.quantize_per_channel(weight.contiguous(), scale, zero, 0, torch.qint8)
        return torch.ops.quantized.linear_prepack(rounded, bias.contiguous())
