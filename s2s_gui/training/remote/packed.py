"""The Transformer and its loss over rows laid end to end, in a form that never asks the device for a value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor, nn

from s2s_gui.networks.transformer import DecoderLayer, EncoderLayer, Residual, Transformer
from s2s_gui.training.remote.examples import IGNORED, LONGEST, Batch
from s2s_gui.training.remote.ragged import attend_padded, scan_padded


class PackedTransformer(Transformer):
    """The same network and weights, for ``Batch``: ids of all rows in one line, [N], vectors in one matrix, [N, d]."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.fast: Parts | None = None

    def speed_up(self) -> None:
        """Learn with kernels that need CUDA, and with what is done at each position compiled."""
        from s2s_gui.training.remote import kernels

        self.fast = replace(compiled("inductor"), attend=kernels.attend, scan=kernels.scan)

    def losses(self, batch: Batch, smoothing: float) -> tuple[Tensor, Tensor]:
        """Return the label-smoothed loss a token (Szegedy et al. 2016) and, without gradient, sums float32 [3].

        The sums: plain loss in nats, target tokens, source tokens.
        """
        weight, bias = self.output_layer()
        parts = self.fast if self.training and self.fast else PLAIN
        total, plain, count = parts.score(self._decoded(batch, parts), weight, bias, batch.labels, smoothing)
        sources = batch.source.offsets[-1].float()
        return total / count.clamp(min=1), torch.stack([plain.detach(), count.detach(), sources])

    def _decoded(self, batch: Batch, parts: "Parts") -> Tensor:
        """Return the decoder's outputs [N, d]."""
        x = self._vectors(parts, self._source_table().weight, batch.source.ids, batch.source.places)
        offsets, wide, heads = batch.source.offsets, batch.block, self.config.heads
        for encoder_layer in cast("Iterable[EncoderLayer]", self.encoder):
            y = parts.attend(
                encoder_layer.attention(encoder_layer.attention_residual.before(x)),
                None,
                (offsets, offsets),
                heads,
                wide,
                False,
            )
            x = parts.finish(encoder_layer, encoder_layer.attention_residual, encoder_layer.attention_output, x, y)
        memory = self.encoder_norm(x) if self.config.norm == "pre" else x
        x = self._vectors(parts, self.target_embedding.weight, batch.target.ids, batch.target.places)
        own = batch.target.offsets
        for layer in self._decoder_layers():
            if layer.is_ssru:
                cells = parts.scan(
                    layer.recurrence.project(layer.own_residual.before(x)), layer.recurrence.forget_bias, own, wide
                )
                x = parts.end_own(layer.own_residual, x, cells)
            else:
                y = parts.attend(layer.attention(layer.own_residual.before(x)), None, (own, own), heads, wide, True)
                x = layer.own_residual.after(x, layer.attention_output(y))
            query = layer.cross_query(layer.cross_residual.before(x))
            y = parts.attend(query, layer.cross_memory(memory), (own, offsets), heads, wide, False)
            x = parts.finish(layer, layer.cross_residual, layer.cross_output, x, y)
        return self.decoder_norm(x) if self.config.norm == "pre" else x

    def _vectors(self, parts: "Parts", table: Tensor, ids: Tensor, places: Tensor) -> Tensor:
        found = cast("Tensor", _Lookup.apply(table, ids))  # type: ignore[no-untyped-call]
        if self.config.positions == "learned":
            first = self.config.first_position
            added = cast("Tensor", _Lookup.apply(self.position_table.weight[first:], places))  # type: ignore[no-untyped-call]
        else:
            added = self.sinusoids(self.config.first_position, LONGEST, found)[places]
        return parts.place(self.dropout, found, added, self.scale)


class _Lookup(torch.autograd.Function):
    """Rows of a table, zero for id -1. The gradient is summed in float32, and without sorting, which would wait."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        ctx.table = table.shape, table.dtype
        return table[ids.clamp(min=0)] * (ids >= 0)[:, None].to(table.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (ids,) = ctx.saved_tensors
        shape, dtype = ctx.table
        slope = gradients[0].float() * (ids >= 0)[:, None]
        summed = slope.new_zeros(shape).index_add_(0, ids.clamp(min=0), slope)
        return summed.to(dtype), None


def _place(dropout: nn.Dropout, found: Tensor, added: Tensor, scale: float) -> Tensor:
    return dropout(found * scale + added)


def _finish(
    layer: EncoderLayer | DecoderLayer, residual: Residual, output: nn.Linear, x: Tensor, attended: Tensor
) -> Tensor:
    """What a layer does after its last attention."""
    x = residual.after(x, output(attended))
    return layer.feed_forward_residual.after(x, layer.feed_forward(layer.feed_forward_residual.before(x)))


def _end_own(residual: Residual, x: Tensor, cells: Tensor) -> Tensor:
    return residual.after(x, nn.functional.relu(cells))


def _score(
    features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, smoothing: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return sums over the labels that count: the smoothed loss, the plain one, how many.

    The label's score is picked by comparing, not by gathering: so the gradient needs no scattering over all scores.
    """
    scores = nn.functional.linear(features, weight, bias).float()
    kept = labels != IGNORED
    above = scores.logsumexp(-1)
    is_label = torch.arange(scores.shape[1], device=scores.device) == labels[:, None]
    plain = ((above - (scores * is_label).sum(-1)) * kept).sum()
    total = plain
    if smoothing:
        total = (1 - smoothing) * plain + smoothing * ((above - scores.mean(-1)) * kept).sum()
    return total, plain, kept.sum().float()


@dataclass(frozen=True)
class Parts:
    """What the network calls for the work between its products."""

    attend: Callable[..., Tensor] = attend_padded
    scan: Callable[..., Tensor] = scan_padded
    place: Callable[..., Tensor] = _place
    finish: Callable[..., Tensor] = _finish
    end_own: Callable[..., Tensor] = _end_own
    score: Callable[..., tuple[Tensor, Tensor, Tensor]] = _score


PLAIN = Parts()


def compiled(backend: str | Callable[..., Any]) -> Parts:
    """Return parts whose small operations at each position are joined by torch.compile."""
    parts = (torch.compile(part, backend=backend, dynamic=False) for part in (_place, _finish, _end_own, _score))
    return Parts(attend_padded, scan_padded, *cast("Any", parts))


def build(config: dict[str, Any]) -> PackedTransformer:
    """Return a network with fresh weights from a configuration's fields."""
    return PackedTransformer(SimpleNamespace(**config))


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
