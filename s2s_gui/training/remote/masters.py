"""Master weights in float32 and their optimisers: as ``training/optimise.py``, but few large operations and no waiting.

All vectors and tables are one long vector for AdamW; all matrices of a shape are one stack for Muon. Nothing here asks
the device for a value, so a step can be recorded once and played back.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from s2s_gui.training.optimise import MOMENTUM, matrices_of, orthogonalise

BETAS = (0.9, 0.98)
EPSILON = 1e-9


class Masters:
    """The masters of a network's weights. ``originals`` are its weights before they were rounded, in their order.

    ``factor`` float32 [] scales both rates; set it before each step.
    """

    def __init__(self, network: nn.Module, originals: Sequence[Tensor], schedule: dict[str, Any]) -> None:
        self.schedule = schedule
        self.weights = list(network.parameters())
        exact = {id(weight): original.float() for weight, original in zip(self.weights, originals, strict=True)}
        self.groups: dict[tuple[int, int], list[tuple[nn.Parameter, int]]] = {}
        for weight, blocks in matrices_of(network):
            assert isinstance(weight, nn.Parameter)
            self.groups.setdefault((weight.shape[0] // blocks, weight.shape[1]), []).append((weight, blocks))
        taken = {id(weight) for group in self.groups.values() for weight, _ in group}
        self.rest = [weight for weight in self.weights if id(weight) not in taken]
        stacks = [_stacked([(exact[id(w)], blocks) for w, blocks in group]) for group in self.groups.values()]
        vector = torch.cat([exact[id(weight)].flatten() for weight in self.rest])
        self.factor = vector.new_zeros(())
        self.values = [vector, *stacks]
        self.momenta = [torch.zeros_like(value) for value in self.values]
        self.squares = torch.zeros_like(vector)
        self.count = vector.new_zeros(())
        self.norm = vector.new_zeros(())
        for weight in self.weights:
            weight.grad = torch.zeros_like(weight)

    @torch.no_grad()
    def step(self) -> None:
        """Apply the weights' gradients, all of them clipped together, and round the masters into the weights."""
        gradients = [torch.cat([_gradient(weight).flatten() for weight in self.rest]).float()]
        for group in self.groups.values():
            gradients.append(_stacked([(_gradient(weight), blocks) for weight, blocks in group]).float())
        total = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
        self.norm.copy_(total)
        scale = (self.schedule["clip"] / (total + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient.mul_(scale)
        self._adamw(gradients[0])
        for value, momentum, gradient in zip(self.values[1:], self.momenta[1:], gradients[1:], strict=True):
            self._muon(value, momentum, gradient)
        for weight, master in zip(self.weights, self.masters(), strict=True):
            weight.copy_(master)

    @torch.no_grad()
    def masters(self) -> list[Tensor]:
        """Return the masters one by one, views in the order of the network's weights."""
        views: dict[int, Tensor] = {}
        place = 0
        for weight in self.rest:
            views[id(weight)] = self.values[0][place : place + weight.numel()].view_as(weight)
            place += weight.numel()
        for group, stack in zip(self.groups.values(), self.values[1:], strict=True):
            place = 0
            for weight, blocks in group:
                views[id(weight)] = stack[place : place + blocks].reshape(weight.shape)
                place += blocks
        return [views[id(weight)] for weight in self.weights]

    def state(self) -> dict[str, Any]:
        """Return all that a resumed run needs."""
        return {"values": self.values, "momenta": self.momenta, "squares": self.squares, "count": self.count}

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Take over what ``state`` returned."""
        for ours, theirs in zip([*self.values, *self.momenta], [*state["values"], *state["momenta"]], strict=True):
            ours.copy_(theirs)
        self.squares.copy_(state["squares"])
        self.count.copy_(state["count"])
        for weight, master in zip(self.weights, self.masters(), strict=True):
            weight.copy_(master)

    def _adamw(self, gradient: Tensor) -> None:
        """Loshchilov & Hutter 2019."""
        value, momentum, rate = self.values[0], self.momenta[0], self.factor * self.schedule["rate"]
        self.count.add_(1)
        momentum.lerp_(gradient, 1 - BETAS[0])
        self.squares.lerp_(gradient.square(), 1 - BETAS[1])
        spread = (self.squares / (1 - BETAS[1] ** self.count)).sqrt_().add_(EPSILON)
        value.mul_(1 - rate * self.schedule["weight_decay"])
        value.sub_(momentum / spread * (rate / (1 - BETAS[0] ** self.count)))

    def _muon(self, value: Tensor, momentum: Tensor, gradient: Tensor) -> None:
        """Jordan et al. 2024; the products are in the precision of the network."""
        rate = self.factor * self.schedule["matrix_rate"]
        momentum.lerp_(gradient, 1 - MOMENTUM)
        update = orthogonalise(gradient.lerp(momentum, MOMENTUM).to(self.weights[0].dtype)).float()
        value.mul_(1 - rate * self.schedule["weight_decay"])
        value.sub_(update * (rate * 0.2 * max(value.shape[1:]) ** 0.5))


def _stacked(tensors: Sequence[tuple[Tensor, int]]) -> Tensor:
    return torch.cat([tensor.reshape(blocks, -1, tensor.shape[1]) for tensor, blocks in tensors])


def _gradient(weight: nn.Parameter) -> Tensor:
    assert weight.grad is not None
    return weight.grad
