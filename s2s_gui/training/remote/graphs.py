"""An update's work, recorded once for each block of rows as a CUDA graph and played back: small kernels start at once.

On a processor, or with ``is_eager``, the same work is done step by step.
"""

from collections.abc import Callable
from time import perf_counter

import torch
from torch import Tensor

from s2s_gui.training.remote.examples import Batch
from s2s_gui.training.remote.masters import Masters
from s2s_gui.training.remote.packed import PackedTransformer

WARM_UP = 3


class Updates:
    """Updates of a network. ``sums`` float32 [3] adds up what the network's ``losses`` return until it is taken."""

    def __init__(self, network: PackedTransformer, masters: Masters, smoothing: float, *, is_eager: bool) -> None:
        self.network, self.masters, self.smoothing = network, masters, smoothing
        self.is_eager = is_eager
        self.sums = masters.factor.new_zeros(3)
        self._blocks: dict[int, tuple[Batch, torch.cuda.CUDAGraph]] = {}
        self._step: torch.cuda.CUDAGraph | None = None
        self._memory = None if is_eager else torch.cuda.graph_pool_handle()

    def __call__(self, batch: Batch, factor: float) -> None:
        """Learn from a batch, at the rates times ``factor``."""
        self.masters.factor.fill_(factor)
        if self.is_eager:
            self._learn(batch)
            self.masters.step()
            return
        if batch.block not in self._blocks:
            kept = self.sums.clone()
            self._blocks[batch.block] = batch, self._recorded(lambda: self._learn(batch), WARM_UP)
            self.sums.copy_(kept)
        own, graph = self._blocks[batch.block]
        for ours, theirs in zip(own.tensors(), batch.tensors(), strict=True):
            ours.copy_(theirs)
        graph.replay()
        if self._step is None:
            self.masters.step()  # once by hand, so that every library it uses is ready
            self._step = self._recorded(self.masters.step, 0)
        else:
            self._step.replay()

    def taken(self) -> list[float]:
        """Return the sums and begin anew; waits for the device."""
        found: list[float] = self.sums.tolist()
        self.sums.zero_()
        return found

    def _learn(self, batch: Batch) -> None:
        for weight in self.masters.weights:
            assert weight.grad is not None
            weight.grad.zero_()
        loss, sums = self.network.losses(batch, self.smoothing)
        torch.autograd.backward(loss)
        self.sums.add_(sums)

    def _recorded(self, work: Callable[[], None], warm_up: int) -> torch.cuda.CUDAGraph:
        """Record ``work``; recording does not do it."""
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(warm_up):
                work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._memory):
            work()
        return graph


def matrix_rate(device: torch.device, dtype: torch.dtype, size: int, repeats: int) -> float:
    """Return the operations a second of a large matrix product: what the chip could do at best."""
    a = torch.randn(size, size, device=device).to(dtype)
    b: Tensor = a @ a
    seconds = _timed(device, lambda: [torch.mm(a, a, out=b) for _ in range(repeats)])
    return 2 * size**3 * repeats / seconds


def _timed(device: torch.device, work: Callable[[], object]) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return perf_counter() - started
