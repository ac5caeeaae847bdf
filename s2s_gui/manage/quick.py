"""Choose in what precision a model computes a single sentence: 8 bits where this processor multiplies them faster."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import torch

from s2s_gui.engine.model import Model, quickened
from s2s_gui.networks.products import Precision, packed

Wanted = Literal["auto", "fp32", "int8"]
SHAPE = (1536, 512)
ROUNDS = 30


def quick(model: Model, wanted: Wanted) -> Model:
    """Return ``model`` with the quick form of its network; as it is where this system or network has none."""
    try:
        return quickened(model, best_precision() if wanted == "auto" else wanted)
    except RuntimeError:  # TorchScript or the 8-bit kernels are missing from this build of torch
        return model


@lru_cache(maxsize=1)
def best_precision() -> Precision:
    """Return the quicker precision for one row, by a timing of about a millisecond."""
    weight, bias, row = torch.ones(SHAPE), torch.zeros(SHAPE[0]), torch.ones(1, SHAPE[1])
    try:
        small = packed(weight, bias)
        if not is_exact(product(row, small)):
            return "fp32"
        eight_bits = _least(lambda: product(row, small))
    except RuntimeError:
        return "fp32"
    return "int8" if eight_bits < _least(lambda: torch.nn.functional.linear(row, weight, bias)) else "fp32"


def product(row: torch.Tensor, weight: Any) -> torch.Tensor:
    """Return the 8-bit product of a row and a packed weight."""
    found: torch.Tensor = torch.ops.quantized.linear_dynamic(row, weight)
    return found


def is_exact(sums: torch.Tensor) -> bool:
    """Say whether sums of the largest values came out right.

    Processors without instructions for 8-bit sums add neighbours in 16 bits, where large ones are cut off.
    """
    return bool(((sums - SHAPE[1]).abs() < 0.02 * SHAPE[1]).all())


def _least(call: Callable[[], torch.Tensor]) -> float:
    best = float("inf")
    with torch.inference_mode():
        for _ in range(ROUNDS):
            began = time.perf_counter()
            call()
            best = min(best, time.perf_counter() - began)
    return best
