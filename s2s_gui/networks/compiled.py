"""A Transformer as TorchScript: one step for many rows, or several greedy steps for one; in 8 bits if wanted.

From Python a step costs more for asking than for computing; inside TorchScript the asking nearly vanishes. What it
computes is what ``Transformer`` computes; tests hold the two together. Softmaxes, norms and the
recurrence stay in float32 whatever the products are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from s2s_gui.description import TransformerConfig
from s2s_gui.networks.eight_bits import Table, floats, joined, rows_at, scaled
from s2s_gui.networks.layers import MASKED
from s2s_gui.networks.network import State, Step, padding_mask
from s2s_gui.networks.products import Parts, Precision, Steps, as_it_stands, in_blocks, unpacked
from s2s_gui.networks.rows import ROOM, Listed, Rows
from s2s_gui.networks.script import CODE, VERIFY
from s2s_gui.networks.transformer import DecoderLayer, EncoderLayer, Transformer

ACTIVATIONS = ("relu", "gelu", "swish", "gelu-tanh", "gelu-sigmoid")
LONGEST = 1024


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
        encoder, decoder = Parts(precision), Parts(precision)
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
            joined([layer.cross_memory.weight for layer in layers]),
            torch.cat([layer.cross_memory.bias for layer in layers]),
        )
        self._output = network.output_layer()
        decoder.add(*in_blocks(*self._output))
        self._memory = decoder.count - 2
        self._encoder, self._decoder = encoder.ready(), decoder.ready()
        self._table = Table.of(network.target_embedding.weight, network.scale)
        is_one = self.config.tied == "all"
        self._source = self._table if is_one else Table.of(network.source_embedding.weight, network.scale)
        first = self.config.first_position
        if self.config.positions == "learned":
            self._places = floats(network.position_table.weight)[first:]
        else:
            self._places = network.sinusoids(first, LONGEST, self._table.factors)
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
        x = self._source[source] + self._places[:length]
        padding = padding_mask(lengths, length)
        bias = (padding * MASKED)[:, None, None] if bool(padding.any()) else x[:0]
        layers, size = config.decoder_layers, config.width // config.heads
        with as_it_stands():
            memory = self._unit.encode(x, bias, *self._encoder, config.encoder_layers, *self._settings)
            both = self._unit.linear(memory, self._memory, *self._decoder[:3])
        both = both.view(batch, length, layers, 2, config.heads, size).permute(2, 3, 0, 4, 1, 5).flatten(2, 3)
        if config.decoder == "ssru":
            own = torch.zeros(layers, batch, config.width)
        else:
            own = torch.empty(ROOM, 2 * layers, batch, config.width)
        keys, values = both[:, 0].transpose(-1, -2).contiguous(), both[:, 1].contiguous()
        return Rows(config.heads, keys, values, bias, own, 0, 0, bias[:0], (0,) * batch, tuple(range(batch)))

    @torch.inference_mode()
    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        """Feed one token a row (int64 [R]); return logits [R, V] or [R, K], the state and attention [R, S]."""
        assert isinstance(state, Rows)
        state = state.ready()
        # Rows that are done may be older than there are positions.
        ages = (state.position - torch.tensor(state.starts)).clamp(max=len(self._places) - 1)
        places = self._places[ages]
        x = torch.addcmul(places, *self._table.parts(tokens))
        with as_it_stands():
            memory = (state.own, state.own_mask(), state.keys, state.values, state.bias)
            x, own, attention = self._unit.step(x, state.column, *memory, *self._decoder, *self._steps)
            if candidates is None:
                listed = None
                logits = self._unit.linear(x, self._memory + 1, *self._decoder[:3])[:, : self.config.target_vocabulary]
            else:
                listed = state.listed
                if listed is None or listed.ids is not candidates:
                    listed = Listed(candidates, *self._rows(candidates))
                logits = nn.functional.linear(x, listed.weight, listed.bias)
        return Step(logits, replace(state.after(), own=own, listed=listed), attention)

    @torch.inference_mode()
    def begin(self, source: tuple[int, ...], limit: int, never: Tensor, candidates: Tensor | None) -> Sentence:
        """Read ``source`` and return the state before the first of at most ``limit`` greedy steps."""
        state = self.encode(torch.tensor([source]), torch.tensor([len(source)]))
        if not state.is_recurrent:
            state = replace(state, own=torch.empty(limit, *state.own.shape[1:]))
        if candidates is None:
            return Sentence(state, 0, never, torch.arange(0), [])
        places = torch.isin(candidates, never).nonzero()[:, 0]
        return Sentence(state, 0, places, candidates, self._rows(candidates))

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
                self._table.values,
                self._table.factors,
                self._places,
                steps,
                eos,
                sentence.never,
                sentence.ids,
                sentence.rows,
            )
        sentence.position += len(tokens)
        return Steps(tokens, log_probs, attention)

    @torch.inference_mode()
    def verify(self, sentence: Sentence, start: int, draft: Sequence[int], eos: int) -> Steps:
        """Take the first steps of ``sentence`` along ``draft``, all in one pass.

        Returns what ``run`` gives: the draft as far as it is what greedy search finds, and the token after that.
        """
        inputs = torch.tensor([start, *draft])
        places = self._places[: len(inputs)]
        x = torch.addcmul(places, *self._table.parts(inputs))
        future = torch.full((len(inputs), len(inputs)), MASKED).triu(1)
        state = sentence.state
        with as_it_stands():
            logits, attention, own = self._verifier.verify(
                x, future, state.own, state.keys, state.values, *self._exact, *self._steps, sentence.rows
            )
        totals = logits.logsumexp(-1)
        logits.index_fill_(1, sentence.never, -torch.inf)
        places = logits.argmax(-1)
        log_probs = logits.gather(1, places[:, None])[:, 0] - totals
        found = (sentence.ids[places] if len(sentence.ids) else places).tolist()
        count = 1
        while count < len(found) and found[count - 1] == draft[count - 1] and found[count - 1] != eos:
            count += 1
        if state.is_recurrent:
            state.own[:, 0] = own[:, count - 1]
        sentence.position = count
        return Steps(found[:count], log_probs[:count].tolist(), attention[:count])

    def _rows(self, candidates: Tensor) -> list[Tensor]:
        """Return the output layer's weight float32 [K, d] and bias [K] for ``candidates`` int64 [K]."""
        weight, bias = self._output
        return [rows_at(weight, candidates), bias[candidates]]

    @cached_property
    def _verifier(self) -> Any:
        return torch.jit.CompilationUnit(VERIFY)

    @cached_property
    def _exact(self) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """The decoder's weights for ``verify``; made when a draft first comes."""
        packed, weights, biases, norms = self._decoder
        return [tensor for weight in packed for tensor in unpacked(weight)], weights, biases, norms


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
    return scaled(module.weight, factor), module.bias.detach() * factor
