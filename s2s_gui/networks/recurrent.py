"""The recurrent encoder-decoder: LSTM or GRU, without attention or with Bahdanau's or Luong's."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from s2s_gui.description import RecurrentConfig
from s2s_gui.networks.cells import Cells
from s2s_gui.networks.layers import MASKED, Embedding, Stacked
from s2s_gui.networks.network import Network, State, Step, padding_mask


@dataclass(frozen=True, slots=True)
class RecurrentState:
    """State of R hypotheses: ``cells`` are h, and c for LSTM, each [layers, R, hidden].

    ``memory`` [R, S, hidden] are the encoder's outputs, ``keys`` [R, S, hidden] what the attention compares with, and
    ``bias`` [R, S] masks padding; all three have no columns in a network without attention.
    """

    cells: tuple[Tensor, ...]
    memory: Tensor
    keys: Tensor
    bias: Tensor

    def select(self, rows: Tensor) -> Self:
        """Return the state of rows int64 [R']."""
        return replace(
            self,
            cells=tuple(cell.index_select(1, rows) for cell in self.cells),
            memory=self.memory.index_select(0, rows),
            keys=self.keys.index_select(0, rows),
            bias=self.bias.index_select(0, rows),
        )


class Attention(nn.Module):
    """Where to look in the source: additive (Bahdanau et al. 2015) or general multiplicative (Luong et al. 2015).

    "bahdanau", and "concat" of Luong et al.: score = v . tanh(Wq q + Wk m). "luong": score = q . Wk m.
    """

    def __init__(self, hidden: int, kind: str) -> None:
        super().__init__()
        self.is_additive = kind != "luong"
        self.key = Stacked(hidden, hidden, 1, bias=False)
        if self.is_additive:
            self.query = Stacked(hidden, hidden, 1)
            self.score = Stacked(hidden, 1, 1, bias=False)

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Return context [R, T, hidden] and weights [R, T, S] for queries [R, T, hidden]."""
        if self.is_additive:
            mixed = torch.tanh(self.query(query)[:, :, None] + keys[:, None])
            scores = self.score(mixed)[..., 0]
        else:
            scores = query @ keys.transpose(1, 2)
        weights = (scores + bias[:, None]).softmax(-1)
        return weights @ memory, weights


class Recurrent(Network):
    """Sutskever et al. 2014, with the variants of ``RecurrentConfig``.

    Without attention the decoder knows the source by the encoder's final state alone. Luong's attention looks with
    the decoder's new output, after the cell; Bahdanau's with the output before, and its context is an input of the
    cell. Neither feeds the attentional vector back (no input feeding), so that Luong's target is computed at once.
    """

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config: RecurrentConfig = config
        self.target_embedding = Embedding(config.target_vocabulary, config.width)
        if config.tied != "all":
            self.source_embedding = Embedding(config.source_vocabulary, config.width)
        seen = config.hidden if config.attention == "none" else 2 * config.hidden
        if config.tied == "none":
            self.output = Stacked(config.width if config.readout else seen, config.target_vocabulary, 1, bias=False)
        self.output_bias = nn.Parameter(torch.zeros(config.target_vocabulary))
        side = config.hidden // 2 if config.bidirectional else config.hidden
        self.encoder = _cells(config, config.width, side, config.layers, bidirectional=config.bidirectional)
        fed = config.width + (config.hidden if config.attention == "bahdanau" else 0)
        self.decoder = _cells(config, fed, config.hidden, len(config.initial) or config.layers, bidirectional=False)
        if config.attention != "none":
            self.attention = Attention(config.hidden, config.attention)
        if config.readout:
            self.readout = Stacked(seen, config.width, 1)
        self.scale = config.width**0.5 if config.scale_embedding else 1.0
        self.dropout = nn.Dropout(config.dropout)

    def output_layer(self) -> tuple[Tensor, Tensor]:
        """Return weight [V, width], without a readout [V, what the decoder and the attention give], and bias [V]."""
        weight = self.output.weight if self.config.tied == "none" else self.target_embedding.weight
        return weight, self.output_bias

    def _source_table(self) -> Embedding:
        return self.target_embedding if self.config.tied == "all" else self.source_embedding

    def encode(self, source: Tensor, lengths: Tensor) -> State:
        """Read sources [B, S] of ``lengths`` [B]; padding never runs through a cell."""
        if self.config.reverse_source:
            source = _reverse(source, lengths)
        x = self.dropout(self._source_table()(source) * self.scale)
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, last = self.encoder(packed)
        cells = tuple(self._handed_over(cell) for cell in (last if isinstance(last, tuple) else (last,)))
        if self.config.attention == "none":
            nothing = x.new_zeros(len(source), 0)
            return RecurrentState(cells, nothing[:, :, None], nothing[:, :, None], nothing)
        memory, _ = pad_packed_sequence(outputs, batch_first=True, total_length=source.shape[1])
        if self.config.reverse_source:
            memory = _reverse(memory, lengths)
        bias = padding_mask(lengths, source.shape[1]).to(x.dtype) * MASKED
        return RecurrentState(cells, memory, self.attention.key(memory), bias)

    def step(self, tokens: Tensor, state: State, candidates: Tensor | None = None) -> Step:
        """Decode one position; attention is [R, S], None in a network without any."""
        assert isinstance(state, RecurrentState)
        x = self.dropout(self.target_embedding(tokens[:, None]) * self.scale)
        features, state, attention = self._advance(x, state)
        logits = self.logits(features[:, 0], candidates)
        return Step(logits, state, None if attention is None else attention[:, 0])

    def features(self, source: Tensor, lengths: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what the output layer reads [B, T, d] and the attention [B, T, S] for decoder inputs [B, T]."""
        state = self.encode(source, lengths)
        assert isinstance(state, RecurrentState)
        x = self.dropout(self.target_embedding(target) * self.scale)
        if self.config.attention != "bahdanau":
            features, _, attention = self._advance(x, state)
            return features, attention
        found, looked = [], []
        for t in range(target.shape[1]):
            features, state, attention = self._advance(x[:, t : t + 1], state)
            found.append(features)
            looked.append(attention)
        return torch.cat(found, dim=1), torch.cat([weights for weights in looked if weights is not None], dim=1)

    def _advance(self, x: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState, Tensor | None]:
        """Run the decoder over embedded inputs [R, T, width]; with Bahdanau's attention T must be 1."""
        context = weights = None
        if self.config.attention == "bahdanau":
            query = state.cells[0][-1][:, None]
            context, weights = self.attention(query, state.keys, state.memory, state.bias)
            x = torch.cat((x, context), dim=-1)
        cells = tuple(cell.contiguous() for cell in state.cells)
        outputs, last = self.decoder(x, cells if self.config.cell == "lstm" else cells[0])
        if self.config.attention in ("luong", "concat"):
            context, weights = self.attention(outputs, state.keys, state.memory, state.bias)
        seen = outputs if context is None else torch.cat((outputs, context), dim=-1)
        features = self.dropout(seen)
        if self.config.readout:
            features = torch.tanh(self.readout(features))
        return features, replace(state, cells=last if isinstance(last, tuple) else (last,)), weights

    def _handed_over(self, cell: Tensor) -> Tensor:
        """Turn the encoder's last states [layers * sides, B, side] into the decoder's first, [layers, B, hidden]."""
        if self.config.bidirectional:
            cell = torch.cat((cell[0::2], cell[1::2]), dim=-1)
        return cell[list(self.config.initial)] if self.config.initial else cell


def _cells(
    config: RecurrentConfig, width: int, hidden: int, layers: int, *, bidirectional: bool
) -> nn.LSTM | nn.GRU | Cells:
    """Return PyTorch's own module where it fits, being much faster in training."""
    dropout = config.dropout if layers > 1 else 0.0
    if config.gates == "sigmoid" and (config.cell == "lstm" or config.reset_after):
        kind = nn.LSTM if config.cell == "lstm" else nn.GRU
        return kind(width, hidden, layers, batch_first=True, dropout=dropout, bidirectional=bidirectional)
    return Cells(
        config.cell,
        width,
        hidden,
        layers,
        dropout=dropout,
        bidirectional=bidirectional,
        gates=config.gates,
        reset_after=config.reset_after,
    )


def _reverse(rows: Tensor, lengths: Tensor) -> Tensor:
    """Turn each row of [B, S, ...] round within its length; padding stays at the end."""
    places = torch.arange(rows.shape[1], device=rows.device)[None, :]
    turned = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    return rows[torch.arange(len(rows), device=rows.device)[:, None], turned]
