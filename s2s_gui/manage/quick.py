"""Choose in what precision a model computes a single sentence: 8 bits where this processor multiplies them faster."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import torch

from s2s_gui.engine.model import Model, quickened, widened
from s2s_gui.manage.opening import build_model, described
from s2s_gui.networks.products import Precision, packed
from s2s_gui.storage import timing
from s2s_gui.storage.timing import Timing, processor

Wanted = Literal["auto", "fp32", "int8"]
SHAPE = (1536, 512)
ROUNDS = 30


def open_quick(path: Path, wanted: Wanted, *, shortlist: bool = True) -> Model:
    """Return the model at ``path`` ready for work, without its shortlist if none is wanted; raise ``ModelError``."""
    precision = best_precision() if wanted == "auto" else wanted
    with described(path) as found:
        model = build_model(found, precision)
    model = model if shortlist else replace(model, shortlist=None)
    try:
        return quickened(model, precision)
    except RuntimeError:  # TorchScript or the 8-bit kernels are missing from this build of torch
        return widened(model)


@lru_cache(maxsize=1)
def best_precision() -> Precision:
    """Return the quicker precision for one row: as remembered for this torch and processor, else timed now."""
    here = Timing(torch=str(torch.__version__), processor=f"{processor()}, {torch.backends.cpu.get_cpu_capability()}")
    known = timing.read()
    if (known.torch, known.processor) == (here.torch, here.processor):
        return known.precision
    found = timed_precision()
    timing.write(msgspec.structs.replace(here, precision=found))
    return found


def timed_precision() -> Precision:
    """Return the quicker precision for one row, by a timing of some milliseconds."""
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
