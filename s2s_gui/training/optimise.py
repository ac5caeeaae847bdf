"""Optimisers over fp32 master weights: AdamW for vectors and tables, Muon for matrices; and the rate's schedule.

Muon (Jordan et al. 2024): the momentum of a matrix is made orthogonal by Newton-Schulz steps before it is applied;
the scale 0.2 sqrt(max(rows, columns)) gives its updates the size of AdamW's (Liu et al. 2025).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from s2s_gui.networks.layers import Stacked

if TYPE_CHECKING:  # at run time this file needs torch alone, so that it can go where nothing else is
    from s2s_gui.training.recipe import Schedule

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def rate_factor(schedule: "Schedule", update: int, spent: float) -> float:
    """Return the rates' factor at ``update`` (from 0) when the share ``spent`` of the budget is gone."""
    warm = min(1.0, (update + 1) / schedule.warmup) if schedule.warmup else 1.0
    if spent <= schedule.hold or schedule.hold >= 1:
        return warm
    left = max(0.0, (1 - spent) / (1 - schedule.hold))
    return min(warm, schedule.floor + (1 - schedule.floor) * left)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Bring the singular values of each of [N, rows, columns] near 1 by quintic Newton-Schulz steps."""
    a, b, c = NEWTON_SCHULZ
    turned = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if turned else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if turned else x


class Muon(torch.optim.Optimizer):
    """Muon over matrices; each block of a stacked weight is a matrix of its own.

    Among several processes each orthogonalises its share of the matrices, and the results are added up.
    """

    def __init__(self, weights: Iterable[tuple[Tensor, int]], rate: float, weight_decay: float) -> None:
        pairs = list(weights)
        self.blocks = [blocks for _, blocks in pairs]
        super().__init__([weight for weight, _ in pairs], {"lr": rate, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Apply one update from the gradients."""
        group = self.param_groups[0]
        weights: list[Tensor] = group["params"]
        mine, of = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        updates = []
        for place, (weight, blocks) in enumerate(zip(weights, self.blocks, strict=True)):
            state = self.state[weight]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(weight)
            gradient = weight.grad
            assert gradient is not None
            state["momentum"].lerp_(gradient, 1 - MOMENTUM)
            if place % of == mine:
                ahead = gradient.lerp(state["momentum"], MOMENTUM)
                updates.append(orthogonalise(ahead.view(blocks, -1, weight.shape[1])).reshape(weight.shape))
            else:
                updates.append(torch.zeros_like(weight))
        if of > 1:
            flat = torch.cat([update.flatten() for update in updates])
            dist.all_reduce(flat)
            parts = torch.split(flat, [weight.numel() for weight in weights])
            updates = [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
        for weight, blocks, update in zip(weights, self.blocks, updates, strict=True):
            scale = 0.2 * max(weight.shape[0] // blocks, weight.shape[1]) ** 0.5
            weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)


class Optimisers:
    """The optimisers of a network's weights, over fp32 masters where the network itself is bfloat16."""

    def __init__(self, network: nn.Module, schedule: "Schedule") -> None:
        self.schedule = schedule
        self.pairs = [
            (weight, weight if weight.dtype == torch.float32 else nn.Parameter(weight.detach().float()))
            for weight in network.parameters()
        ]
        masters = {id(weight): master for weight, master in self.pairs}
        matrices = [] if schedule.optimiser == "adamw" else list(matrices_of(network))
        taken = {id(weight) for weight, _ in matrices}
        rest = [master for weight, master in self.pairs if id(weight) not in taken]
        self.adamw = torch.optim.AdamW(
            rest, schedule.rate, betas=(0.9, 0.98), eps=1e-9, weight_decay=schedule.weight_decay, fused=True
        )
        self.muon = None
        if matrices:
            self.muon = Muon(
                [(masters[id(weight)], blocks) for weight, blocks in matrices],
                schedule.matrix_rate,
                schedule.weight_decay,
            )

    def step(self, factor: float) -> float:
        """Clip, apply the gradients with the rates times ``factor``, clear them; return the gradients' norm."""
        for weight, master in self.pairs:
            if master is not weight:
                master.grad = None if weight.grad is None else weight.grad.float()
        masters = [master for _, master in self.pairs]
        norm = float(nn.utils.clip_grad_norm_(masters, self.schedule.clip))
        self.adamw.param_groups[0]["lr"] = self.schedule.rate * factor
        self.adamw.step()
        if self.muon is not None:
            self.muon.param_groups[0]["lr"] = self.schedule.matrix_rate * factor
            self.muon.step()
        with torch.no_grad():
            for weight, master in self.pairs:
                weight.grad = master.grad = None
                if master is not weight:
                    weight.copy_(master)
        return norm

    def state(self) -> dict[str, Any]:
        """Return all that a resumed run needs."""
        return {
            "masters": [master.detach() for _, master in self.pairs],
            "adamw": self.adamw.state_dict(),
            "muon": None if self.muon is None else self.muon.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what ``state`` returned."""
        with torch.no_grad():
            for (weight, master), saved in zip(self.pairs, state["masters"], strict=True):
                master.copy_(saved)
                weight.copy_(saved)
        self.adamw.load_state_dict(state["adamw"])
        if self.muon is not None:
            self.muon.load_state_dict(state["muon"])


def matrices_of(network: nn.Module) -> Iterable[tuple[Tensor, int]]:
    """Yield the weights that Muon is made for, with the number of matrices in each: not tables, not output layers."""
    for module in network.modules():
        if isinstance(module, Stacked) and min(module.weight.shape) > 1 and module.weight.shape[0] < 8192:
            yield module.weight, module.blocks
        elif isinstance(module, nn.LSTM | nn.GRU):
            gates = 4 if isinstance(module, nn.LSTM) else 3
            for name, weight in module.named_parameters():
                if name.startswith("weight"):
                    yield weight, gates
