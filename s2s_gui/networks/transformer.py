"""The Transformer: encoder, and a decoder with causal self-attention (cached) or an SSRU (constant state)."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from s2s_gui.description import TransformerConfig
from s2s_gui.networks.layers import (
    MASKED,
    Embedding,
    FeedForward,
    SimplerRecurrence,
    Sinusoids,
    Stacked,
    attend,
    split_heads,
)
from s2s_gui.networks.network import Network, State, Step, padding_mask


@dataclass(frozen=True, slots=True)
class TransformerState:
    """State of R hypotheses that all stand at ``position``.

    ``keys`` and ``values`` of the memory, one [R, h, S, k] a layer; ``bias`` [R, 1, 1, S] masks padding, None if there
    is none. ``own``: for each layer the cached keys and values of self-attention, [2, R, h, t, k], or the SSRU's cell,
    [1, R, d]; rows are the second axis of both.
    """

    position: int
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    bias: Tensor | None
    own: tuple[Tensor, ...]

    def select(self, rows: Tensor) -> Self:
        """Return the state of rows int64 [R']."""
        return replace(
            self,
            keys=tuple(key.index_select(0, rows) for key in self.keys),
            values=tuple(value.index_select(0, rows) for value in self.values),
            bias=None if self.bias is None else self.bias.index_select(0, rows),
            own=tuple(cache.index_select(1, rows) for cache in self.own),
        )


class Residual(nn.Module):
    """A sublayer's frame: x + f(LN(x)) in a pre-norm network, LN(x + f(x)) in a post-norm one."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)
        self.is_pre = config.norm == "pre"

    def before(self, x: Tensor) -> Tensor:
        """Return what the sublayer reads."""
        return self.norm(x) if self.is_pre else x

    def after(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the frame's output for its input ``x`` and the sublayer's output ``y``."""
        total = x + self.dropout(y)
        return total if self.is_pre else self.norm(total)


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention = Stacked(config.width, config.width, 3)
        self.attention_output = Stacked(config.width, config.width, 1)
        self.attention_residual = Residual(config)
        self.feed_forward = FeedForward(config.width, config.feed_forward, config.activation, config.dropout)
        self.feed_forward_residual = Residual(config)

    def forward(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """Map [B, S, d] to [B, S, d]; ``bias`` [B, 1, 1, S] masks padding."""
        parts = self.attention(self.attention_residual.before(x)).chunk(3, dim=-1)
        query, key, value = (split_heads(part, self.heads) for part in parts)
        attended, _ = attend(query, key, value, bias)
        x = self.attention_residual.after(x, self.attention_output(attended))
        return self.feed_forward_residual.after(x, self.feed_forward(self.feed_forward_residual.before(x)))


class DecoderLayer(nn.Module):
    """Self-attention or SSRU over the target, attention to the source, feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.is_ssru = config.decoder == "ssru"
        if self.is_ssru:
            self.recurrence = SimplerRecurrence(config.width)
        else:
            self.attention = Stacked(config.width, config.width, 3)
            self.attention_output = Stacked(config.width, config.width, 1)
        self.own_residual = Residual(config)
        self.cross_query = Stacked(config.width, config.width, 1)
        self.cross_memory = Stacked(config.width, config.width, 2)
        self.cross_output = Stacked(config.width, config.width, 1)
        self.cross_residual = Residual(config)
        self.feed_forward = FeedForward(config.width, config.feed_forward, config.activation, config.dropout)
        self.feed_forward_residual = Residual(config)

    def remember(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Return this layer's keys and values [B, h, S, k] of the encoder's output [B, S, d]."""
        key, value = self.cross_memory(memory).chunk(2, dim=-1)
        return split_heads(key, self.heads).contiguous(), split_heads(value, self.heads).contiguous()

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor | None, causal: Tensor) -> tuple[Tensor, Tensor]:
        """Map a whole target [B, T, d] to [B, T, d] and attention [B, h, T, S]; ``causal`` [T, T] masks the future."""
        if self.is_ssru:
            y = self.recurrence(self.own_residual.before(x))
        else:
            query, key, value = self._own(x)
            y = self.attention_output(attend(query, key, value, causal)[0])
        key, value = self.remember(memory)
        return self._rest(self.own_residual.after(x, y), key, value, bias)

    def step(
        self, x: Tensor, cache: Tensor, key: Tensor, value: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Map one target position [R, 1, d]; returns the output, the new cache and attention weights [R, h, 1, S]."""
        if self.is_ssru:
            out, cell = self.recurrence.step(self.own_residual.before(x)[:, 0], cache[0])
            y, cache = out[:, None], cell[None]
        else:
            query, key_now, value_now = self._own(x)
            cache = torch.cat((cache, torch.stack((key_now, value_now))), dim=3)
            y = self.attention_output(attend(query, cache[0], cache[1], None)[0])
        out, weights = self._rest(self.own_residual.after(x, y), key, value, bias)
        return out, cache, weights

    def _own(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = self.attention(self.own_residual.before(x)).chunk(3, dim=-1)
        return split_heads(query, self.heads), split_heads(key, self.heads), split_heads(value, self.heads)

    def _rest(self, x: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        query = split_heads(self.cross_query(self.cross_residual.before(x)), self.heads)
        attended, weights = attend(query, key, value, bias)
        x = self.cross_residual.after(x, self.cross_output(attended))
        return self.feed_forward_residual.after(x, self.feed_forward(self.feed_forward_residual.before(x))), weights


class Transformer(Network):
    """Vaswani et al. 2017 with the variants of ``TransformerConfig``."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config: TransformerConfig = config
        self.target_embedding = Embedding(config.target_vocabulary, config.width)
        if config.tied != "all":
            self.source_embedding = Embedding(config.source_vocabulary, config.width)
        if config.tied == "none":
            self.output = Stacked(config.width, config.target_vocabulary, 1, bias=False)
        self.output_bias = nn.Parameter(torch.zeros(config.target_vocabulary))
        if config.positions == "learned":
            self.position_table = Embedding(config.max_positions, config.width)
        else:
            self.sinusoids = Sinusoids(config.width, config.positions)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        if config.norm == "pre":
            self.encoder_norm = nn.LayerNorm(config.width, config.norm_epsilon)
            self.decoder_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.scale = config.width**0.5 if config.scale_embedding else 1.0
        self.dropout = nn.Dropout(config.dropout)

    def output_layer(self) -> tuple[Tensor, Tensor]:
        """Return weight [V, d] and bias [V]."""
        weight = self.output.weight if self.config.tied == "none" else self.target_embedding.weight
        return weight, self.output_bias

    def _source_table(self) -> Embedding:
        return self.target_embedding if self.config.tied == "all" else self.source_embedding

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Read sources [B, S] and keep every decoder layer's keys and values of them."""
        memory, bias = self._encode(source, lengths)
        pairs = [layer.remember(memory) for layer in self._decoder_layers()]
        rows, heads = len(source), self.config.heads
        if self.config.decoder == "ssru":
            own = memory.new_zeros(1, rows, self.config.width)
        else:
            own = memory.new_zeros(2, rows, heads, 0, self.config.width // heads)
        return TransformerState(
            0, tuple(k for k, _ in pairs), tuple(v for _, v in pairs), bias, (own,) * len(self.decoder)
        )

    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        """Decode one position; attention [R, S] is the mean over the last layer's heads."""
        assert isinstance(state, TransformerState)
        x = self._embed(self.target_embedding, tokens[:, None], state.position)
        own: list[Tensor] = []
        weights = x
        for i, layer in enumerate(self._decoder_layers()):
            x, cache, weights = layer.step(x, state.own[i], state.keys[i], state.values[i], state.bias)
            own.append(cache)
        if self.config.norm == "pre":
            x = self.decoder_norm(x)
        logits = self.logits(x[:, 0], candidates)
        return Step(logits, replace(state, position=state.position + 1, own=tuple(own)), weights.mean(1)[:, 0])

    def features(self, source: Tensor, lengths: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the decoder's outputs [B, T, d] and the last layer's mean attention [B, T, S]."""
        memory, bias = self._encode(source, lengths)
        x = self._embed(self.target_embedding, target, 0)
        causal = torch.full((target.shape[1], target.shape[1]), MASKED, dtype=x.dtype, device=x.device).triu(1)
        weights = x
        for layer in self._decoder_layers():
            x, weights = layer(x, memory, bias, causal)
        return (self.decoder_norm(x) if self.config.norm == "pre" else x), weights.mean(1)

    def _encode(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        x = self._embed(self._source_table(), source, 0)
        bias = None
        if bool((lengths < source.shape[1]).any()):
            bias = padding_mask(lengths, source.shape[1])[:, None, None, :].to(x.dtype) * MASKED
        for layer in self.encoder:
            x = layer(x, bias)
        return (self.encoder_norm(x) if self.config.norm == "pre" else x), bias

    def _embed(self, table: Embedding, ids: Tensor, position: int) -> Tensor:
        x = table(ids) * self.scale
        first = position + self.config.first_position
        if self.config.positions == "learned":
            places = torch.arange(first, first + ids.shape[1], device=ids.device)
            return self.dropout(x + self.position_table(places))
        return self.dropout(x + self.sinusoids(first, ids.shape[1], x))

    def _decoder_layers(self) -> list[DecoderLayer]:
        return [layer for layer in self.decoder if isinstance(layer, DecoderLayer)]
