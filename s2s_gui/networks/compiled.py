"""A Transformer as TorchScript: one step for many rows, or several greedy steps for one; in 8 bits if wanted.

From Python a step costs more for asking than for computing; inside TorchScript the asking nearly vanishes. The code is
text and not a decorated function, since TorchScript reads a function's source at run time, which a packed program may
not have. What it computes is what ``Transformer`` computes; tests hold the two together. Softmaxes, norms and the
recurrence stay in float32 whatever the products are.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from s2s_gui.description import TransformerConfig
from s2s_gui.networks.layers import MASKED
from s2s_gui.networks.network import State, Step, padding_mask
from s2s_gui.networks.products import LINEAR, Parts, Precision, Steps, as_it_stands
from s2s_gui.networks.rows import ROOM, Listed, Rows
from s2s_gui.networks.transformer import DecoderLayer, EncoderLayer, Transformer

ACTIVATIONS = ("relu", "gelu", "swish", "gelu-tanh", "gelu-sigmoid")
LONGEST = 1024
BLOCK = 64

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
    x: Tensor, bias: Tensor, packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase],
    weights: List[Tensor], biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool,
    epsilon: float,
) -> Tensor:
    batch, length, width = x.size(0), x.size(1), x.size(2)
    size = width // heads
    x = x.reshape(batch * length, width)
    for l in range(layers):
        y = norm(x, 2 * l, norms, epsilon) if pre else x
        parts = linear(y, 4 * l, packed, weights, biases).view(batch, length, 3, heads, size)
        parts = parts.permute(2, 0, 3, 1, 4).reshape(3, batch * heads, length, size)
        scores = torch.bmm(parts[0], parts[1].transpose(1, 2))
        if bias.numel() > 0:
            scores = (scores.view(batch, heads, length, length) + bias).view(batch * heads, length, length)
        y = torch.bmm(torch.softmax(scores, -1), parts[2]).view(batch, heads, length, size)
        y = linear(y.transpose(1, 2).reshape(batch * length, width), 4 * l + 1, packed, weights, biases)
        x = x + y if pre else norm(x + y, 2 * l, norms, epsilon)
        y = norm(x, 2 * l + 1, norms, epsilon) if pre else x
        y = activated(linear(y, 4 * l + 2, packed, weights, biases), kind)
        y = linear(y, 4 * l + 3, packed, weights, biases)
        x = x + y if pre else norm(x + y, 2 * l + 1, norms, epsilon)
    return norm(x, 2 * layers, norms, epsilon) if pre else x

def advance(
    x: Tensor, column: int, own: Tensor, own_bias: Tensor, keys: Tensor, values: Tensor, bias: Tensor,
    packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool,
) -> Tuple[Tensor, Tensor]:
    rows, width = x.size(0), x.size(1)
    size = width // heads
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
            parts = linear(y, at, packed, weights, biases)
            own[column, 2 * l : 2 * l + 2] = parts[:, width:].view(rows, 2, width).transpose(0, 1)
            past = own[: column + 1, 2 * l : 2 * l + 2].view(column + 1, 2, rows * heads, size).permute(1, 2, 0, 3)
            query = parts[:, :width].reshape(rows * heads, 1, size)
            scores = torch.bmm(query, past[0].transpose(1, 2))
            if own_bias.numel() > 0:
                scores = (scores.view(rows, heads, -1) + own_bias).view(rows * heads, 1, -1)
            y = torch.bmm(torch.softmax(scores, -1), past[1]).view(rows, width)
            y = linear(y, at + 1, packed, weights, biases)
            at += 1
        x = x + y if pre else norm(x + y, 3 * l, norms, epsilon)
        y = norm(x, 3 * l + 1, norms, epsilon) if pre else x
        query = linear(y, at + 1, packed, weights, biases).view(rows * heads, 1, size)
        scores = torch.bmm(query, keys[l])
        if bias.numel() > 0:
            scores = (scores.view(rows, heads, -1) + bias).view(rows * heads, 1, -1)
        seen = torch.softmax(scores, -1)
        y = linear(torch.bmm(seen, values[l]).view(rows, width), at + 2, packed, weights, biases)
        x = x + y if pre else norm(x + y, 3 * l + 1, norms, epsilon)
        y = norm(x, 3 * l + 2, norms, epsilon) if pre else x
        y = activated(linear(y, at + 3, packed, weights, biases), kind)
        y = linear(y, at + 4, packed, weights, biases)
        x = x + y if pre else norm(x + y, 3 * l + 2, norms, epsilon)
    if pre:
        x = norm(x, 3 * layers, norms, epsilon)
    return x, seen.view(rows, heads, -1).mean(1)

def greedy(
    last: int, column: int, own: Tensor, keys: Tensor, values: Tensor,
    packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor], norms: List[Tensor], layers: int, heads: int, kind: int, pre: bool, epsilon: float,
    ssru: bool, table: Tensor, scale: Tensor, places: Tensor, steps: int, eos: int, never: Tensor, ids: Tensor,
    rows: List[Tensor],
) -> Tuple[Tensor, Tensor, Tensor]:
    nothing = table[0, :0]
    tokens: List[Tensor] = []
    log_probs: List[Tensor] = []
    looked: List[Tensor] = []
    for n in range(steps):
        x = places[column : column + 1]
        if last >= 0:
            x = torch.addcmul(x, table[last : last + 1], scale)
        x, seen = advance(
            x, column, own, nothing, keys, values, nothing, packed, weights, biases, norms, layers, heads, kind, pre,
            epsilon, ssru,
        )
        if len(rows) > 0:
            logits = torch.ops.aten.linear(x, rows[0], rows[1])[0]
        else:
            logits = linear(x, (5 if ssru else 6) * layers + 1, packed, weights, biases)[0]
        total = torch.logsumexp(logits, 0)
        logits = logits.index_fill_(0, never, -float("inf"))
        if len(rows) > 0:
            place = torch.argmax(logits)
        else:
            blocks = logits.view(-1, 64)
            block = torch.argmax(torch.amax(blocks, 1))
            place = torch.argmax(blocks[block]) + 64 * block
        log_probs.append(logits[place] - total)
        looked.append(seen[0])
        best = ids[place] if len(rows) > 0 else place
        tokens.append(best)
        last = int(best)
        column += 1
        if last == eos:
            break
    return torch.stack(tokens), torch.stack(log_probs), torch.stack(looked)
"""
)


@dataclass(slots=True)
class Sentence:
    """One sentence in the greedy loop: its state, the number of steps taken, what may be produced.

    ``never`` int64 [N] are places in the logits that must not be chosen, ``ids`` [K] the ids of their places with a
    shortlist, whose rows of the output layer are ``rows``; both are empty without one.
    """

    state: Rows
    position: int
    never: Tensor
    ids: Tensor
    rows: list[Tensor]


class Compiled:
    """A Transformer in its quick form; ``precision`` is that of the products. See ``Quick``."""

    def __init__(self, network: Transformer, precision: Precision) -> None:
        self.config: TransformerConfig = network.config
        self.precision = precision
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
        self._output = network.output_layer()
        decoder.add(*_in_blocks(*self._output))
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
        self._steps = (self.config.decoder_layers, *self._settings, self.config.decoder == "ssru")

    @property
    def longest(self) -> int:
        """The most positions that a source or target may have here; longer ones take the plain way."""
        return min(len(self._places), LONGEST)

    @torch.inference_mode()
    def encode(self, source: Tensor, lengths: Tensor) -> Rows:
        """Read sources [B, S] of ``lengths`` [B], S within ``longest``; return the state before the first step."""
        config = self.config
        batch, length = source.shape
        x = self._source[source.clamp(min=0)] * (source >= 0)[..., None] * self._scale + self._places[:length]
        padding = padding_mask(lengths, length)
        bias = (padding * MASKED)[:, None] if bool(padding.any()) else x[:0, :0]
        layers, size = config.decoder_layers, config.width // config.heads
        with as_it_stands():
            memory = self._unit.encode(x, bias[:, None], *self._encoder, config.encoder_layers, *self._settings)
            both = self._unit.linear(memory, self._memory, *self._decoder[:3])
        both = both.view(batch, length, layers, 2, config.heads, size).permute(2, 3, 0, 4, 1, 5).flatten(2, 3)
        if config.decoder == "ssru":
            own = torch.zeros(layers, batch, config.width)
        else:
            own = torch.empty(ROOM, 2 * layers, batch, config.width)
        keys, values = both[:, 0].transpose(-1, -2).contiguous(), both[:, 1].contiguous()
        return Rows(config.heads, keys, values, bias, own, 0, (0,) * batch, tuple(range(batch)))

    @torch.inference_mode()
    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        """Feed one token a row (int64 [R]); return logits [R, V] or [R, K], the state and attention [R, S]."""
        assert isinstance(state, Rows)
        state = state.ready()
        places = self._places[state.column - torch.tensor(state.starts)]
        x = torch.addcmul(places, self._table[tokens.clamp(min=0)] * (tokens >= 0)[:, None], self._scale)
        with as_it_stands():
            memory = (state.own, state.own_mask(), state.keys, state.values, state.bias)
            x, attention = self._unit.advance(x, state.column, *memory, *self._decoder, *self._steps)
            if candidates is None:
                listed = None
                logits = self._unit.linear(x, self._memory + 1, *self._decoder[:3])[:, : self.config.target_vocabulary]
            else:
                listed = state.listed
                if listed is None or listed.ids is not candidates:
                    listed = Listed(candidates, *(part[candidates] for part in self._output))
                logits = nn.functional.linear(x, listed.weight, listed.bias)
        return Step(logits, replace(state, column=state.column + 1, listed=listed), attention)

    @torch.inference_mode()
    def begin(self, source: tuple[int, ...], limit: int, never: Tensor, candidates: Tensor | None) -> Sentence:
        """Read ``source`` and return the state before the first of at most ``limit`` greedy steps."""
        state = self.encode(torch.tensor([source]), torch.tensor([len(source)]))
        if not state.is_recurrent:
            state = replace(state, own=torch.empty(limit, *state.own.shape[1:]))
        if candidates is None:
            return Sentence(state, 0, never, torch.arange(0), [])
        rows = [part[candidates] for part in self._output]
        return Sentence(state, 0, torch.isin(candidates, never).nonzero()[:, 0], candidates, rows)

    @torch.inference_mode()
    def run(self, sentence: Sentence, last: int, steps: int, eos: int) -> Steps:
        """Take up to ``steps`` steps after the token ``last`` (-1: zeros); ends early after ``eos``."""
        with as_it_stands():
            tokens, log_probs, attention = self._unit.greedy(
                last,
                sentence.position,
                sentence.state.own,
                sentence.state.keys,
                sentence.state.values,
                *self._decoder,
                *self._steps,
                self._table,
                self._scale,
                self._places,
                steps,
                eos,
                sentence.never,
                sentence.ids,
                sentence.rows,
            )
        sentence.position += len(tokens)
        return Steps(tokens.tolist(), log_probs.tolist(), attention)


def _in_blocks(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Fill the output layer up to whole blocks with words of no probability: the best is sought block by block."""
    missing = -len(bias) % BLOCK
    return nn.functional.pad(weight, (0, 0, 0, missing)), nn.functional.pad(bias, (0, missing), value=-torch.inf)


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
