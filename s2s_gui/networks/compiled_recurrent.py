"""A recurrent network's quick form as TorchScript: encoder, single steps, and several greedy steps in one call.

What it computes is what ``Recurrent`` computes, in float32 or with 8-bit products as in ``compiled.py``, which also
says why the code is text; tests hold the two together. One loop serves all cells, as PyTorch's own modules cannot: the
input's share of the gates is one product for all positions, and only the state's share is left for each. A source
fed backwards is read from its end, so that the memory comes out in the source's order.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from s2s_gui.description import RecurrentConfig
from s2s_gui.networks.cells import SLOPES, Cells
from s2s_gui.networks.eight_bits import Table, between, floats, rows_at
from s2s_gui.networks.layers import MASKED
from s2s_gui.networks.network import State, Step, padding_mask
from s2s_gui.networks.products import BEST, LINEAR, Parts, Precision, Steps, as_it_stands, in_blocks
from s2s_gui.networks.recurrent import Recurrent, RecurrentState

LSTM, GRU_RESET_AFTER, GRU_RESET_BEFORE = range(3)
ATTENTIONS = ("none", "luong", "concat", "bahdanau")
# There are no positions to run out of; this is beyond what any search asks for.
LONGEST = 1 << 16

PRODUCTS = """packed: List[__torch__.torch.classes.quantized.LinearPackedParamsBase], weights: List[Tensor],
    biases: List[Tensor]"""

CODE = (
    LINEAR
    + BEST
    + """
def gate(x: Tensor, slope: float) -> Tensor:
    if slope == 0.0:
        return torch.sigmoid_(x)
    return torch.clamp_(x * slope + 0.5, 0.0, 1.0)

def cell(
    x: Tensor, h: Tensor, c: Tensor, at: int, PRODUCTS, kind: int, slope: float,
) -> Tuple[Tensor, Tensor]:
    size = h.size(-1)
    again = linear(h, at, packed, weights, biases)
    if kind == 0:
        again.add_(x)
        new = torch.tanh(again[:, 2 * size : 3 * size])
        enter, keep, _, leave = torch.chunk(gate(again, slope), 4, -1)
        c = (keep * c).addcmul_(enter, new)
        return torch.tanh(c).mul_(leave), c
    open = gate(x[:, : 2 * size] + again[:, : 2 * size], slope)
    reset = open[:, :size]
    if kind == 1:
        n = torch.addcmul(x[:, 2 * size :], reset, again[:, 2 * size :])
    else:
        n = x[:, 2 * size :] + linear(reset * h, at + 1, packed, weights, biases)
    h = torch.lerp(torch.tanh(n), h, open[:, size:])
    return h, h

def encode(
    x: Tensor, past: Tensor, initial: List[int], layers: int, sides: int, turned: bool, hidden: int, stride: int,
    PRODUCTS, kind: int, slope: float,
) -> Tuple[Tensor, Tensor, Tensor]:
    length, batch = x.size(0), x.size(1)
    is_padded = past.size(0) > 0
    hs: List[Tensor] = []
    cs: List[Tensor] = []
    for l in range(layers):
        outputs: List[Tensor] = []
        last_h: List[Tensor] = []
        last_c: List[Tensor] = []
        for side in range(sides):
            at = (l * sides + side) * stride
            backwards = (side == 1) != turned
            gates = torch.unbind(linear(x, at, packed, weights, biases))
            h = torch.zeros([batch, hidden // sides])
            c = h
            seen: List[Tensor] = []
            for n in range(length):
                t = length - 1 - n if backwards else n
                new_h, new_c = cell(gates[t], h, c, at + 1, packed, weights, biases, kind, slope)
                if is_padded:
                    new_h, new_c = torch.where(past[t], h, new_h), torch.where(past[t], c, new_c)
                h, c = new_h, new_c
                seen.append(h)
            if backwards:
                seen.reverse()
            outputs.append(torch.stack(seen))
            last_h.append(h)
            last_c.append(c)
        x = torch.cat(outputs, -1)
        hs.append(torch.cat(last_h, -1))
        cs.append(torch.cat(last_c, -1))
    return x, torch.stack([hs[l] for l in initial]), torch.stack([cs[l] for l in initial])

def attend(
    query: Tensor, memory: Tensor, keys: Tensor, bias: Tensor, score: Tensor, at: int, PRODUCTS, attention: int,
) -> Tuple[Tensor, Tensor]:
    if attention == 1:
        scores = torch.bmm(keys, query.unsqueeze(2)).squeeze(2)
    else:
        mixed = torch.tanh(linear(query, at, packed, weights, biases).unsqueeze(1) + keys)
        scores = torch.matmul(mixed, score)
    weight = torch.softmax(scores + bias, -1)
    return torch.bmm(weight.unsqueeze(1), memory).squeeze(1), weight

def advance(
    x: Tensor, hs: List[Tensor], cs: List[Tensor], memory: Tensor, keys: Tensor, bias: Tensor, score: Tensor,
    stride: int, readout: bool, attention: int, PRODUCTS, kind: int, slope: float,
) -> Tuple[Tensor, Tensor]:
    at = len(hs) * stride
    looked = bias
    context = x
    if attention == 3:
        context, looked = attend(hs[-1], memory, keys, bias, score, at, packed, weights, biases, attention)
        x = torch.cat([x, context], -1)
    for l in range(len(hs)):
        gates = linear(x, l * stride, packed, weights, biases)
        hs[l], cs[l] = cell(gates, hs[l], cs[l], l * stride + 1, packed, weights, biases, kind, slope)
        x = hs[l]
    if attention == 1 or attention == 2:
        context, looked = attend(x, memory, keys, bias, score, at, packed, weights, biases, attention)
    if attention > 0:
        x = torch.cat([x, context], -1)
    if readout:
        x = torch.tanh(linear(x, at + (1 if attention > 1 else 0), packed, weights, biases))
    return x, looked

def output(x: Tensor, PRODUCTS, rows: List[Tensor]) -> Tensor:
    if len(rows) > 0:
        return torch.ops.aten.linear(x, rows[0], rows[1])
    return linear(x, max(len(packed), len(weights)) - 1, packed, weights, biases)

def step(
    tokens: Tensor, h: Tensor, c: Tensor, memory: Tensor, keys: Tensor, bias: Tensor, rows: List[Tensor],
    table: Tensor, factors: Tensor, score: Tensor, stride: int, readout: bool, attention: int, PRODUCTS, kind: int,
    slope: float,
) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    places = torch.clamp(tokens, min=0)
    x = table[places] * (factors[places] * (tokens >= 0).unsqueeze(1))
    hs, cs = torch.unbind(h), torch.unbind(c)
    x, looked = advance(
        x, hs, cs, memory, keys, bias, score, stride, readout, attention, packed, weights, biases, kind, slope
    )
    return output(x, packed, weights, biases, rows), torch.stack(hs), torch.stack(cs), looked

def decode(
    last: int, steps: int, eos: int, never: Tensor, ids: Tensor, h: Tensor, c: Tensor, memory: Tensor, keys: Tensor,
    bias: Tensor, rows: List[Tensor], table: Tensor, factors: Tensor, score: Tensor, stride: int, readout: bool,
    attention: int, PRODUCTS, kind: int, slope: float,
) -> Tuple[List[int], List[float], Tensor, Tensor, Tensor]:
    hs, cs = torch.unbind(h), torch.unbind(c)
    tokens: List[int] = []
    log_probs: List[float] = []
    seen: List[Tensor] = []
    for n in range(steps):
        x = torch.zeros([1, table.size(1)])
        if last >= 0:
            x = table[last : last + 1] * factors[last : last + 1]
        x, looked = advance(
            x, hs, cs, memory, keys, bias, score, stride, readout, attention, packed, weights, biases, kind, slope
        )
        log_prob, place = best(output(x, packed, weights, biases, rows)[0], never, len(rows) == 0)
        log_probs.append(log_prob)
        seen.append(looked[0])
        last = int(ids[place]) if len(rows) > 0 else place
        tokens.append(last)
        if last == eos:
            break
    return tokens, log_probs, torch.stack(seen), torch.stack(hs), torch.stack(cs)
"""
).replace("PRODUCTS", PRODUCTS)


@dataclass(slots=True)
class Sentence:
    """One sentence while it is decoded: the state of its one row, and what is true of all its steps.

    ``rows`` and ``ids`` are the output layer's rows and their ids for a shortlist, nothing and an empty tensor without
    one; ``never`` int64 [N] are places in the logits that must not be chosen.
    """

    state: RecurrentState
    never: Tensor
    ids: Tensor
    rows: list[Tensor]


class CompiledRecurrent:
    """A recurrent network ready for quick steps; ``precision`` is that of the products."""

    def __init__(self, network: Recurrent, precision: Precision) -> None:
        self.config: RecurrentConfig = network.config
        self.precision = precision
        self._output = network.output_layer()
        self._unit = torch.jit.CompilationUnit(CODE)
        config = self.config
        kind = LSTM if config.cell == "lstm" else GRU_RESET_AFTER if config.reset_after else GRU_RESET_BEFORE
        self._cell = (kind, SLOPES.get(config.gates, 0.0))
        self._stride = 3 if kind == GRU_RESET_BEFORE else 2
        encoder, decoder = Parts(precision), Parts(precision)
        _cells(encoder, network.encoder, kind)
        _cells(decoder, network.decoder, kind)
        score = torch.empty(0)
        if config.attention != "none":
            encoder.add(network.attention.key.weight, torch.zeros(config.hidden))
            if network.attention.is_additive:
                decoder.add(network.attention.query.weight, network.attention.query.bias)
                score = floats(network.attention.score.weight)[0]
        if config.readout:
            decoder.add(network.readout.weight, network.readout.bias)
        decoder.add(*in_blocks(*self._output))
        self._key = encoder.count - 1
        self._encoder, self._decoder = encoder.ready()[:3], decoder.ready()[:3]
        table = Table.of(network.target_embedding.weight, network.scale)
        self._source = table if config.tied == "all" else Table.of(network.source_embedding.weight, network.scale)
        reads_attention = ATTENTIONS.index(config.attention)
        self._steps = (table.values, table.factors, score, self._stride, config.readout, reads_attention)

    @property
    def longest(self) -> int:
        """The most positions that a source or target may have here."""
        return LONGEST

    @torch.inference_mode()
    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Read sources [B, S] of ``lengths`` [B]; padding never runs through a cell."""
        return self._encode(source, padding_mask(lengths, source.shape[1]))

    @torch.inference_mode()
    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        """Decode one position; attention is [R, S], None in a network without any."""
        assert isinstance(state, RecurrentState)
        with as_it_stands():
            logits, h, c, looked = self._unit.step(
                tokens,
                *_ends(state),
                *_source(state),
                self._rows(candidates),
                *self._steps,
                *self._decoder,
                *self._cell,
            )
        if candidates is None:
            logits = logits[:, : self.config.target_vocabulary]
        return Step(logits, self._moved(state, h, c), None if self.config.attention == "none" else looked)

    @torch.inference_mode()
    def begin(self, source: tuple[int, ...], limit: int, never: Tensor, candidates: Tensor | None) -> Sentence:
        """Read ``source`` and return the state before the first step; ``limit`` is not needed here.

        ``never`` int64 [N] are ids that must not be produced, ``candidates`` int64 [K] those that alone may be.
        """
        state = self._encode(torch.tensor([source]), None)
        if candidates is None:
            return Sentence(state, never, torch.arange(0), [])
        places = torch.isin(candidates, never).nonzero()[:, 0]
        return Sentence(state, places, candidates, self._rows(candidates))

    @torch.inference_mode()
    def run(self, sentence: Sentence, last: int, steps: int, eos: int) -> Steps:
        """Take up to ``steps`` steps after the token ``last`` (-1: zeros); ends early after ``eos``.

        In a network without attention its rows are empty, [n, 0].
        """
        state = sentence.state
        with as_it_stands():
            tokens, log_probs, looked, h, c = self._unit.decode(
                last,
                steps,
                eos,
                sentence.never,
                sentence.ids,
                *_ends(state),
                *_source(state),
                sentence.rows,
                *self._steps,
                *self._decoder,
                *self._cell,
            )
        sentence.state = self._moved(state, h, c)
        return Steps(tokens, log_probs, looked)

    def _encode(self, source: Tensor, past: Tensor | None) -> RecurrentState:
        """Read sources [B, S]; ``past`` bool [B, S] is true where a row has ended, None where none has."""
        config = self.config
        x = self._source[source.t()]
        with as_it_stands():
            outputs, h, c = self._unit.encode(
                x,
                torch.empty(0) if past is None else past.t()[..., None],
                list(config.initial or range(config.layers)),
                config.layers,
                2 if config.bidirectional else 1,
                config.reverse_source,
                config.hidden,
                self._stride,
                *self._encoder,
                *self._cell,
            )
            cells = (h, c) if config.cell == "lstm" else (h,)
            if config.attention == "none":
                nothing = x.new_zeros(len(source), 0)
                return RecurrentState(cells, nothing[:, :, None], nothing[:, :, None], nothing)
            memory = outputs.transpose(0, 1).contiguous()
            keys = self._unit.linear(memory, self._key, *self._encoder)
        bias = x.new_zeros(source.shape) if past is None else past.to(x.dtype) * MASKED
        return RecurrentState(cells, memory, keys, bias)

    def _rows(self, candidates: Tensor | None) -> list[Tensor]:
        """Return the output layer's weight and bias for ``candidates`` int64 [K], nothing for the whole of it."""
        if candidates is None:
            return []
        weight, bias = self._output
        return [rows_at(weight, candidates), bias[candidates]]

    def _moved(self, state: RecurrentState, h: Tensor, c: Tensor) -> RecurrentState:
        return replace(state, cells=(h, c) if self.config.cell == "lstm" else (h,))


def _ends(state: RecurrentState) -> tuple[Tensor, Tensor]:
    """Return h and c, each [layers, R, hidden]; a GRU, which has no c, passes h in its place."""
    return state.cells[0], state.cells[-1]


def _source(state: RecurrentState) -> tuple[Tensor, Tensor, Tensor]:
    return state.memory, state.keys, state.bias


def _cells(parts: Parts, cells: torch.nn.LSTM | torch.nn.GRU | Cells, kind: int) -> None:
    """Add the products of every layer and side: of its input, of its state, and for some GRUs of the reset state."""
    weights = dict(cells.named_parameters())
    for name in [name.removeprefix("weight_ih") for name in weights if name.startswith("weight_ih")]:
        weight, bias = weights["weight_hh" + name], weights["bias_hh" + name]
        parts.add(weights["weight_ih" + name], weights["bias_ih" + name])
        if kind == GRU_RESET_BEFORE:
            gates = 2 * weight.shape[1]
            parts.add(between(weight, 0, gates), bias[:gates])
            parts.add(between(weight, gates, len(weight)), bias[gates:])
        else:
            parts.add(weight, bias)
