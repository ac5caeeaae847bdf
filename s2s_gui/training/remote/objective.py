"""The Transformer and its loss in a form that never asks the device for a value: fixed shapes, no waiting."""

from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor

from s2s_gui.networks.layers import MASKED
from s2s_gui.networks.network import padding_mask
from s2s_gui.networks.transformer import Transformer
from s2s_gui.training.remote.examples import IGNORED, Batch


class FixedTransformer(Transformer):
    """The same network; sources are always masked, since looking whether they need it would stop the device."""

    def _encode(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        x = self._embed(self._source_table(), source, 0)
        bias = padding_mask(lengths, source.shape[1])[:, None, None, :].to(x.dtype) * MASKED
        for layer in self.encoder:
            x = layer(x, bias)
        return (self.encoder_norm(x) if self.config.norm == "pre" else x), bias


def build(config: dict[str, Any]) -> FixedTransformer:
    """Return a network with fresh weights from a configuration's fields."""
    return FixedTransformer(cast("Any", SimpleNamespace(**config)))


def losses(network: FixedTransformer, batch: Batch, smoothing: float) -> tuple[Tensor, Tensor]:
    """Return the label-smoothed loss a token (Szegedy et al. 2016) and, without gradient, sums float32 [3].

    The sums: plain loss in nats, target tokens, source tokens of rows that are not blank.
    """
    features, _ = network.features(batch.source, batch.lengths, batch.inputs)
    weight, bias = network.output_layer()
    scores = torch.nn.functional.linear(features, weight, bias).float().log_softmax(-1)
    kept = batch.labels != IGNORED
    chosen = -scores.gather(-1, batch.labels.clamp(min=0)[..., None])[..., 0]
    plain, count = (chosen * kept).sum(), kept.sum()
    total = plain
    if smoothing:
        total = (1 - smoothing) * plain - smoothing * (scores.mean(-1) * kept).sum()
    sources = (batch.lengths * kept.any(1)).sum()
    return total / count.clamp(min=1), torch.stack([plain.detach(), count.float(), sources.float()])


def operations(config: dict[str, Any]) -> tuple[float, float]:
    """Return the operations that a source and a target token cost, forward and backward: 6 for each weight they meet.

    The products inside attention, a few per cent at usual lengths, are not counted.
    """
    width, inner = config["width"], config["feed_forward"]
    layers = config["decoder_layers"]
    own = 2 if config["decoder"] == "ssru" else 4
    source = config["encoder_layers"] * (4 * width**2 + 2 * width * inner) + layers * 2 * width**2
    target = layers * ((own + 2) * width**2 + 2 * width * inner) + width * config["target_vocabulary"]
    return 6.0 * source, 6.0 * target
