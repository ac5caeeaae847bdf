"""Products of a row with a weight, in float32 or 8 bits, and what the TorchScript loops built on them share.

With 8 bits a weight is rounded to 127 steps a row, unless it comes so, and activations as they come
(``quantized::linear_dynamic``).
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from s2s_gui.networks.eight_bits import EightBits, floats, lengthened

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

# What ``linear_dynamic`` gives for each row alone: the row's range, with 0 in it, in 255 steps (FBGEMM, QuantUtils.cc).
# ``exact`` are four tensors a weight, as ``unpacked`` returns them.
EXACT = """
def linear(x: Tensor, i: int, exact: List[Tensor], weights: List[Tensor], biases: List[Tensor]) -> Tensor:
    if len(exact) == 0:
        return torch.ops.aten.linear(x, weights[i], biases[i])
    low = torch.clamp_max(torch.amin(x, 1, True), 0.0)
    high = torch.clamp_min(torch.amax(x, 1, True), 0.0)
    step = torch.clamp_min((high - low) / 255.0, 1.1754944e-38)
    zero = torch.clamp(torch.round(-low / step), 0, 255)
    rounded = torch.clamp(torch.round(torch.addcmul(zero, x, torch.reciprocal(step))), 0, 255).to(torch.uint8)
    sums = torch._int_mm(rounded, exact[4 * i].t()).float() - zero * exact[4 * i + 2]
    return torch.addcmul(exact[4 * i + 3], sums * exact[4 * i + 1], step)

"""

# The most probable token of one row's logits [K]: its log-probability and its place. ``never`` int64 [N] are places
# that must not be taken; as Marian does it, they count in the sum, which is exact as it is where it is no extreme
# number. ``is_whole``: the logits are whole blocks of 64, by whose maxima a place is found several times as quickly.
BEST = """
def best(logits: Tensor, never: Tensor, is_whole: bool) -> Tuple[float, int]:
    sum = float(torch.sum(torch.exp(logits)))
    total = torch.log(sum) if sum > 1e-20 and sum < float("inf") else float(torch.logsumexp(logits, 0))
    logits.index_fill_(0, never, -float("inf"))
    first = 0
    if is_whole:
        blocks = logits.view(-1, 64)
        first = int(torch.argmax(torch.amax(blocks, 1)))
        logits = blocks[first]
    greatest, place = torch.max(logits, 0)
    return float(greatest) - total, 64 * first + int(place)

"""
BLOCK = 64


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
    """Weights in the order in which the loop counts them; with 8 bits each is packed as it comes, and not kept."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision
        self.count = 0
        self.packed: list[Any] = []
        self.weights: list[Tensor] = []
        self.biases: list[Tensor] = []
        self.norms: list[Tensor] = []

    def add(self, weight: Tensor, bias: Tensor) -> None:
        self.count += 1
        if self.precision == "int8":
            self.packed.append(packed(weight, bias.detach()))
        else:
            self.weights.append(floats(weight))
            self.biases.append(bias.detach())

    def ready(self) -> tuple[list[Any], list[Tensor], list[Tensor], list[Tensor]]:
        """Return packed weights, plain weights, biases, norms; one of the first two is empty."""
        return self.packed, self.weights, self.biases, [norm.detach() for norm in self.norms]


def packed(weight: Tensor, bias: Tensor) -> Any:
    """Return a weight [out, in] in 8 bits a row and packed for the processor, with its bias."""
    zero = torch.zeros(len(weight), dtype=torch.int64)
    with warnings.catch_warnings():
        # PyTorch warns that its quantised dtypes will go one day; the version is pinned.
        warnings.simplefilter("ignore")
        if isinstance(weight, EightBits):
            rounded = torch._make_per_channel_quantized_tensor(weight.detach(), weight.scales.double(), zero, 0)
        else:
            weight = weight.detach()
            low, high = weight.aminmax(dim=1)  # no copy of the weight, as its absolute values would be
            scale = (torch.maximum(high, -low).clamp(min=1e-12) / 127).double()
            rounded = torch.quantize_per_channel(weight.contiguous(), scale, zero, 0, torch.qint8)
        return torch.ops.quantized.linear_prepack(rounded, bias.contiguous())


def in_blocks(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Fill the output layer up to whole blocks with words of no probability: the best is sought block by block."""
    missing = -len(bias) % BLOCK
    return lengthened(weight, missing), nn.functional.pad(bias, (0, missing), value=-torch.inf)


def unpacked(weight: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return a packed weight's steps int8 [out, in], the scales, the sums of the steps and the bias, float [out]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, bias = torch.ops.quantized.linear_unpack(weight)
    steps = whole.int_repr()
    return steps, whole.q_per_channel_scales().float(), steps.sum(1, dtype=torch.int32).float(), bias
