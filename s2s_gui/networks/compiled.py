"""A Transformer's greedy loop for one sentence as TorchScript: several steps in one call, 8-bit products if wanted.

From Python a step costs more for asking than for computing; inside TorchScript the asking nearly vanishes. The code is
text and not a decorated function, since TorchScript reads a function's source at run time, which a packed program may
not have. What it computes is what ``Transformer`` computes, for one row; tests hold the two together.

With 8 bits the weights of every product are rounded to 127 steps a row, and activations as they come
(``quantized::linear_dynamic``). Softmaxes, norms and the recurrence stay in float32.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from s2s_gui.description import TransformerConfig
from s2s_gui.networks.products import LINEAR, Parts, Precision, Steps, as_it_stands
from s2s_gui.networks.transformer import DecoderLayer, EncoderLayer, Transformer

ACTIVATIONS = ("relu", "gelu", "swish", "gelu-tanh", "gelu-sigmoid")
LONGEST = 1024

CODE = (
    LINEAR
    + """
def activated(x: Tensor, kind: int) -> Tensor:
    if kind == 0:
        return torch.relu_(x)
    if kind == 1:
        return torch.ops.aten.gelu(x)
    if kind == 2:
        return torch.ops.aten.silu(x)
    if kind == 3:
        return torch.ops.aten.gelu(x, approximate="tanh")
    return x * torch.sigmoid(x * 1.702)

def norm(x: Tensor, i: int, norms: List[Tensor], epsilon: float) -> Tensor:
    return torch.layer_norm(x, [x.size(-1)], norms[2 * i], norms[2 * i + 1], epsilon)

def encode(
    x: Tensor, packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
) -> Tensor:
    length, width = x.size(0), x.size(1)
    for l in range(layers):
        y = norm(x, 2 * l, norms, epsilon) if pre else x
        parts = linear(y, 4 * l, packed, weights, biases).view(length, 3, heads, width // heads).permute(1, 2, 0, 3)
        y = torch.bmm(torch.softmax(torch.bmm(parts[0], parts[1].transpose(1, 2)), -1), parts[2])
        y = linear(y.transpose(0, 1).reshape(length, width), 4 * l + 1, packed, weights, biases)
        x = x + y if pre else norm(x + y, 2 * l, norms, epsilon)
        y = norm(x, 2 * l + 1, norms, epsilon) if pre else x
        y = activated(linear(y, 4 * l + 2, packed, weights, biases), kind)
        y = linear(y, 4 * l + 3, packed, weights, biases)
        x = x + y if pre else norm(x + y, 2 * l + 1, norms, epsilon)
    return norm(x, 2 * layers, norms, epsilon) if pre else x

def decode(
    last: int, position: int, own: Tensor, keys: Tensor, values: Tensor, table: Tensor, scale: Tensor, places: Tensor,
    packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool, steps: int, eos: int, mask: Tensor, ids: Tensor, rows: List[Tensor],
) -> Tuple[Tensor, Tensor, Tensor]:
    width = table.size(1)
    size = width // heads
    tokens: List[Tensor] = []
    log_probs: List[Tensor] = []
    looked: List[Tensor] = []
    for n in range(steps):
        x = places[position : position + 1]
        if last >= 0:
            x = torch.addcmul(x, table[last : last + 1], scale)
        seen = x
        for l in range(layers):
            at = 5 * l if ssru else 6 * l
            y = norm(x, 3 * l, norms, epsilon) if pre else x
            if ssru:
                gates = linear(y, at, packed, weights, biases)
                cell = torch.lerp(gates[:, :width], own[l], torch.sigmoid(gates[:, width:]))
                own[l] = cell
                y = torch.relu(cell)
            else:
                parts = linear(y, at, packed, weights, biases).view(3, heads, 1, size)
                own[l, 0, :, position : position + 1] = parts[1]
                own[l, 1, :, position : position + 1] = parts[2]
                past = own[l, :, :, : position + 1]
                y = torch.bmm(torch.softmax(torch.bmm(parts[0], past[0].transpose(1, 2)), -1), past[1])
                y = linear(y.view(1, width), at + 1, packed, weights, biases)
                at += 1
            x = x + y if pre else norm(x + y, 3 * l, norms, epsilon)
            y = norm(x, 3 * l + 1, norms, epsilon) if pre else x
            query = linear(y, at + 1, packed, weights, biases).view(heads, 1, size)
            seen = torch.softmax(torch.bmm(query, keys[l]), -1)
            y = linear(torch.bmm(seen, values[l]).view(1, width), at + 2, packed, weights, biases)
            x = x + y if pre else norm(x + y, 3 * l + 1, norms, epsilon)
            y = norm(x, 3 * l + 2, norms, epsilon) if pre else x
            y = activated(linear(y, at + 3, packed, weights, biases), kind)
            y = linear(y, at + 4, packed, weights, biases)
            x = x + y if pre else norm(x + y, 3 * l + 2, norms, epsilon)
        if pre:
            x = norm(x, 3 * layers, norms, epsilon)
        if len(rows) > 0:
            logits = torch.ops.aten.linear(x, rows[0], rows[1])[0]
        else:
            logits = linear(x, (5 if ssru else 6) * layers + 1, packed, weights, biases)[0]
        best = torch.argmax(logits + mask)
        log_probs.append(logits[best] - torch.logsumexp(logits, 0))
        looked.append(torch.mean(seen, 0)[0])
        if len(rows) > 0:
            best = ids[best]
        tokens.append(best)
        last = int(best)
        position += 1
        if last == eos:
            break
    return torch.stack(tokens), torch.stack(log_probs), torch.stack(looked)
"""
)


@dataclass(slots=True)
class Sentence:
    """One sentence while it is decoded: the encoder's keys and values [layers, h, ...], the decoder's own state.

    ``rows`` and ``ids`` are the output layer's rows and their ids for a shortlist, nothing and an empty tensor without
    one; ``mask`` is added to the logits, minus infinity for what must not be produced.
    """

    keys: Tensor
    values: Tensor
    own: Tensor
    position: int
    mask: Tensor
    ids: Tensor
    rows: list[Tensor]


class Compiled:
    """A Transformer ready for its greedy loop; ``precision`` is that of the products."""

    def __init__(self, network: Transformer, precision: Precision) -> None:
        self.config: TransformerConfig = network.config
        self.precision = precision
        self._network = network
        self._unit = torch.jit.CompilationUnit(CODE)
        encoder, decoder = Parts(), Parts()
        for layer in network.encoder:
            assert isinstance(layer, EncoderLayer)
            _encoder_layer(encoder, layer, self.config)
        layers = [layer for layer in network.decoder if isinstance(layer, DecoderLayer)]
        for layer in layers:
            _decoder_layer(decoder, layer, self.config)
        if self.config.norm == "pre":
            encoder.norms += [network.encoder_norm.weight, network.encoder_norm.bias]
            decoder.norms += [network.decoder_norm.weight, network.decoder_norm.bias]
        decoder.add(
            torch.cat([layer.cross_memory.weight for layer in layers]),
            torch.cat([layer.cross_memory.bias for layer in layers]),
        )
        decoder.add(*network.output_layer())
        self._memory = len(decoder.weights) - 2
        self._encoder, self._decoder = encoder.ready(precision), decoder.ready(precision)
        self._table = network.target_embedding.weight
        self._source = self._table if self.config.tied == "all" else network.source_embedding.weight
        self._scale = torch.tensor(network.scale)
        first = self.config.first_position
        if self.config.positions == "learned":
            self._places = network.position_table.weight[first:]
        else:
            self._places = network.sinusoids(first, LONGEST, self._table)
        kind = ACTIVATIONS.index(self.config.activation)
        self._settings = (self.config.heads, kind, self.config.norm == "pre", self.config.norm_epsilon)

    @property
    def longest(self) -> int:
        """The most positions that a source or target may have here; longer ones take the plain way."""
        return min(len(self._places), LONGEST)

    @torch.inference_mode()
    def begin(self, source: tuple[int, ...], limit: int, never: Tensor, candidates: Tensor | None) -> Sentence:
        """Read ``source`` and return the state before the first of at most ``limit`` steps.

        ``never`` int64 [N] are ids that must not be produced, ``candidates`` int64 [K] those that alone may be.
        """
        config = self.config
        ids = torch.tensor(source)
        x = self._source[ids.clamp(min=0)] * (ids >= 0)[:, None] * self._scale + self._places[: len(source)]
        with as_it_stands():
            memory = self._unit.encode(x, *self._encoder, config.encoder_layers, *self._settings)
            both = self._unit.linear(memory, self._memory, *self._decoder[:3])
        size = config.width // config.heads
        both = both.view(len(source), config.decoder_layers, 2, config.heads, size).permute(1, 2, 3, 0, 4)
        if config.decoder == "ssru":
            own = torch.zeros(config.decoder_layers, 1, config.width)
        else:
            own = torch.zeros(config.decoder_layers, 2, config.heads, limit, size)
        rows: list[Tensor] = []
        allowed = torch.arange(0) if candidates is None else candidates
        if candidates is not None:
            weight, bias = self._network.output_layer()
            rows = [weight[candidates], bias[candidates]]
        mask = torch.zeros(config.target_vocabulary).index_fill_(0, never, -torch.inf)
        mask = mask if candidates is None else mask[candidates]
        return Sentence(both[:, 0].transpose(-1, -2).contiguous(), both[:, 1].contiguous(), own, 0, mask, allowed, rows)

    @torch.inference_mode()
    def run(self, sentence: Sentence, last: int, steps: int, eos: int) -> Steps:
        """Take up to ``steps`` steps after the token ``last`` (-1: zeros); ends early after ``eos``."""
        with as_it_stands():
            tokens, log_probs, attention = self._unit.decode(
                last,
                sentence.position,
                sentence.own,
                sentence.keys,
                sentence.values,
                self._table,
                self._scale,
                self._places,
                *self._decoder,
                self.config.decoder_layers,
                *self._settings,
                self.config.decoder == "ssru",
                steps,
                eos,
                sentence.mask,
                sentence.ids,
                sentence.rows,
            )
        sentence.position += len(tokens)
        return Steps(tokens.tolist(), log_probs.tolist(), attention)


def _encoder_layer(parts: Parts, layer: EncoderLayer, config: TransformerConfig) -> None:
    parts.add(*_scaled(layer.attention, config))
    for module in (layer.attention_output, layer.feed_forward.inner, layer.feed_forward.outer):
        parts.add(module.weight, module.bias)
    for frame in (layer.attention_residual, layer.feed_forward_residual):
        parts.norms += [frame.norm.weight, frame.norm.bias]


def _decoder_layer(parts: Parts, layer: DecoderLayer, config: TransformerConfig) -> None:
    if layer.is_ssru:
        forget = layer.recurrence.forget_bias
        parts.add(layer.recurrence.project.weight, torch.cat((torch.zeros_like(forget), forget)))
    else:
        parts.add(*_scaled(layer.attention, config))
        parts.add(layer.attention_output.weight, layer.attention_output.bias)
    parts.add(*_scaled(layer.cross_query, config))
    for module in (layer.cross_output, layer.feed_forward.inner, layer.feed_forward.outer):
        parts.add(module.weight, module.bias)
    for frame in (layer.own_residual, layer.cross_residual, layer.feed_forward_residual):
        parts.norms += [frame.norm.weight, frame.norm.bias]


def _scaled(module: torch.nn.Linear, config: TransformerConfig) -> tuple[Tensor, Tensor]:
    """Return weight and bias with the queries, which come first, divided by the root of a head's width."""
    factor = torch.ones(len(module.weight))
    factor[: config.width] = (config.width // config.heads) ** -0.5
    return module.weight.detach() * factor[:, None], module.bias.detach() * factor
