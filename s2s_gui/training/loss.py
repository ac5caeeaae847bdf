"""Output layer and label-smoothed cross entropy in one, in chunks, so that all logits never stand in memory at once."""

from typing import Any, cast

import torch
from torch import Tensor

from s2s_gui.training.batches import IGNORED

CHUNK_TOKENS = 512


class _OutputLoss(torch.autograd.Function):
    """The gradient of a chunk's logits is written over them and used at once: no second pass over the output layer."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        count, vocabulary = len(labels), len(weight)
        feature_gradient = torch.empty_like(features)
        weight_gradient = torch.zeros_like(weight)
        bias_gradient = torch.zeros_like(bias, dtype=torch.float32)
        smooth_loss = features.new_zeros((), dtype=torch.float32)
        plain_loss = smooth_loss.clone()
        for first in range(0, count, CHUNK_TOKENS):
            part = slice(first, first + CHUNK_TOKENS)
            x, y = features[part], labels[part]
            slope = torch.addmm(bias, x, weight.t()).float()
            slope -= slope.amax(1, keepdim=True)
            chosen = slope.gather(1, y[:, None])
            if smoothing:
                smooth_loss -= smoothing / vocabulary * slope.sum()
            sums = slope.exp_().sum(1, keepdim=True)
            chosen_loss = (sums.log() - chosen).sum()
            plain_loss += chosen_loss
            smooth_loss += (1 - smoothing) * chosen_loss + smoothing * sums.log().sum()
            slope.div_(sums * count)
            if smoothing:
                slope.sub_(smoothing / vocabulary / count)
            slope.scatter_add_(1, y[:, None], torch.full_like(chosen, (smoothing - 1) / count))
            bias_gradient += slope.sum(0)
            slope = slope.to(weight.dtype)
            torch.mm(slope, weight, out=feature_gradient[part])
            weight_gradient.addmm_(slope.t(), x)
        ctx.save_for_backward(feature_gradient, weight_gradient, bias_gradient.to(bias.dtype))
        return smooth_loss / count, plain_loss / count

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        features, weight, bias = ctx.saved_tensors
        scale = gradients[0]
        return features * scale, weight * scale, bias * scale, None, None


def output_loss(
    features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, smoothing: float
) -> tuple[Tensor, Tensor]:
    """Return the label-smoothed loss (Szegedy et al. 2016), and the plain one without gradient, per counted label.

    Features [B, T, d], weight [V, d], bias [V], labels int64 [B, T] with ``IGNORED`` where nothing counts. The
    smoothed target is 1 - s on the label plus s / V everywhere.
    """
    kept = labels.flatten() != IGNORED
    smooth, plain = cast(
        "tuple[Tensor, Tensor]",
        _OutputLoss.apply(  # type: ignore[no-untyped-call]
            features.flatten(0, 1)[kept], weight, bias, labels.flatten()[kept], smoothing
        ),
    )
    return smooth, plain.detach()


def guided_loss(attention: Tensor, wanted: Tensor, labels: Tensor) -> Tensor:
    """Return the cross entropy of attention [B, T, S] with that of a guide, per counted label (Chen et al. 2016)."""
    kept = labels != IGNORED
    return -(wanted[kept] * attention[kept].clamp(min=1e-6).log()).sum() / kept.sum()
