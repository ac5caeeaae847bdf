"""What an 8-bit export needs to know beyond the weights: how large the inputs of each product become.

An engine that multiplies integers of 8 bits rounds x * alpha; one alpha for each matrix, from sample sentences, as
Bergamot's own scripts take it: 127 / (mean + 1.1 standard deviations of the largest |x|).
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from s2s_gui.description import Direction
from s2s_gui.engine.greedy import greedy
from s2s_gui.engine.model import Model
from s2s_gui.engine.segments import make_task
from s2s_gui.messages import DecodeOptions
from s2s_gui.networks.layers import Stacked

DEVIATIONS = 1.1
LARGEST = 127
OUTPUT = "target_embedding.weight"


@torch.inference_mode()
def measure(model: Model, direction: Direction, texts: Iterable[str]) -> dict[str, float]:
    """Return alpha by weight name for every matrix that is multiplied with activations, the output matrix included.

    Each text is translated greedily; its maxima count once. An empty result means that no text gave anything.
    """
    network = model.network
    largest: dict[str, float] = {}
    maxima: dict[str, list[float]] = {}

    def watch(name: str) -> Any:
        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            largest[name] = float(inputs[0].abs().max())

        return note

    task = make_task(model, direction, DecodeOptions(beam_size=1))
    jobs = [
        task.prepare(planned, forced=False).job
        for text in texts
        for planned in task.plan(text)
        if not planned.is_copied
    ]
    for job in jobs:
        decoding = greedy(network, [job], task.search)
        tokens = _result(decoding)
        if not tokens:
            continue
        hooks = [
            module.register_forward_pre_hook(watch(f"{name}.weight"))
            for name, module in network.named_modules()
            if isinstance(module, Stacked)
        ]
        try:
            target = torch.tensor([[task.search.start, *tokens[:-1]]])
            features, _ = network.features(torch.tensor([job.source]), torch.tensor([len(job.source)]), target)
        finally:
            for hook in hooks:
                hook.remove()
        largest[OUTPUT] = float(features.abs().max())
        for name, value in largest.items():
            maxima.setdefault(name, []).append(value)
    return {name: _alpha(torch.tensor(values)) for name, values in maxima.items()}


def _alpha(maxima: Tensor) -> float:
    bound = float(maxima.mean() + DEVIATIONS * maxima.std(correction=0))
    return LARGEST / bound if bound > 0 else 1.0


def _result(decoding: Any) -> tuple[int, ...]:
    while True:
        try:
            next(decoding)
        except StopIteration as end:
            (decoded,) = end.value[0]
            return decoded.tokens
