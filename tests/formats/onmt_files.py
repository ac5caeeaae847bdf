"""OpenNMT-py 3 checkpoints made without it, and what the Transformer in them computes, written out in PyTorch."""

import argparse
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

WIDTH, HEADS, INNER, LAYERS = 8, 2, 12, 2
SOURCE = ["<unk>", "<blank>", "<s>", "</s>", "ein", "zwei", "drei"]
TARGET = ["<blank>", "<s>", "</s>", "one", "two", "three", "averyunlikelytoken0", "<unk>"]
MAKE = "embeddings.make_embedding"


@dataclass
class Checkpoint:
    """What such a file holds; ``biases``: whether attention and feed-forward layers have any."""

    biases: bool = True
    model: dict[str, Tensor] = field(default_factory=dict)
    generator: dict[str, Tensor] = field(default_factory=dict)
    vocabulary: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "generator": self.generator,
            "vocab": self.vocabulary,
            "opt": argparse.Namespace(**self.options),
            "optim": {"state": {}},
        }


def small(*, biases: bool = True) -> Checkpoint:
    """Return random weights; the table of positions is random too, so that it must be the one that is used."""
    torch.manual_seed(5)
    made = Checkpoint(biases)

    def matrix(name: str, rows: int, columns: int) -> None:
        made.model[f"{name}.weight"] = torch.randn(rows, columns) * columns**-0.5
        if biases:
            made.model[f"{name}.bias"] = torch.randn(rows) * 0.1

    def norm(name: str) -> None:
        made.model[f"{name}.weight"], made.model[f"{name}.bias"] = 1 + torch.randn(WIDTH) / 9, torch.randn(WIDTH) / 9

    table = torch.randn(40, 1, WIDTH)
    for side, stack, tokens in (("encoder", "transformer", SOURCE), ("decoder", "transformer_layers", TARGET)):
        made.model[f"{side}.{MAKE}.emb_luts.0.weight"] = torch.randn(len(tokens), WIDTH) * WIDTH**-0.5
        made.model[f"{side}.{MAKE}.pe.pe"] = table
        norm(f"{side}.layer_norm")
        for i in range(LAYERS):
            own = f"{side}.{stack}.{i}"
            for attention in ("self_attn", "context_attn") if side == "decoder" else ("self_attn",):
                for part in ("linear_query", "linear_keys", "linear_values", "final_linear"):
                    matrix(f"{own}.{attention}.{part}", WIDTH, WIDTH)
            for name in ("layer_norm_1", "layer_norm_2") if side == "decoder" else ("layer_norm",):
                norm(f"{own}.{name}")
            norm(f"{own}.feed_forward.layer_norm")
            matrix(f"{own}.feed_forward.w_1", INNER, WIDTH)
            matrix(f"{own}.feed_forward.w_2", WIDTH, INNER)
    made.generator = {"weight": torch.randn(len(TARGET), WIDTH), "bias": torch.randn(len(TARGET))}
    made.generator["bias"][2] -= 1
    made.vocabulary = {"src": [*SOURCE], "tgt": [*TARGET], "data_task": "seq2seq", "decoder_start_token": "<s>"}
    made.options = {
        **dict.fromkeys(("encoder_type", "decoder_type"), "transformer"),
        **dict.fromkeys(("enc_layers", "dec_layers"), LAYERS),
        **dict.fromkeys(("hidden_size", "word_vec_size"), WIDTH),
        "heads": HEADS,
        "transformer_ff": INNER,
        "pos_ffn_activation_fn": "gelu",
        "position_encoding": True,
        "max_relative_positions": 0,
        "model_task": "seq2seq",
        "norm_eps": 1e-6,
        "share_embeddings": False,
        "share_decoder_embeddings": False,
    }
    return made


def log_probs(made: Checkpoint, source: list[int], target: list[int]) -> Tensor:
    """Return log-probabilities [T, V] after each of ``target``, ids in the file's own numbering."""
    memory = _embed(made, "encoder", source)
    for i in range(LAYERS):
        own = f"encoder.transformer.{i}"
        x = _norm(made, f"{own}.layer_norm", memory)
        memory = _feed_forward(made, own, memory + _attend(made, f"{own}.self_attn", x, x))
    memory = _norm(made, "encoder.layer_norm", memory)
    y = _embed(made, "decoder", target)
    for i in range(LAYERS):
        own = f"decoder.transformer_layers.{i}"
        x = _norm(made, f"{own}.layer_norm_1", y)
        y = y + _attend(made, f"{own}.self_attn", x, x, causal=True)
        x = _norm(made, f"{own}.layer_norm_2", y)
        y = _feed_forward(made, own, y + _attend(made, f"{own}.context_attn", x, memory))
    y = _norm(made, "decoder.layer_norm", y)
    return (y @ made.generator["weight"].T + made.generator["bias"]).log_softmax(-1)


def _embed(made: Checkpoint, side: str, ids: list[int]) -> Tensor:
    rows = made.model[f"{side}.{MAKE}.emb_luts.0.weight"][ids]
    return rows * math.sqrt(WIDTH) + made.model[f"{side}.{MAKE}.pe.pe"][: len(ids), 0]


def _norm(made: Checkpoint, name: str, x: Tensor) -> Tensor:
    return nn.functional.layer_norm(x, (WIDTH,), made.model[f"{name}.weight"], made.model[f"{name}.bias"], 1e-6)


def _linear(made: Checkpoint, name: str, x: Tensor) -> Tensor:
    return nn.functional.linear(x, made.model[f"{name}.weight"], made.model.get(f"{name}.bias"))


def _attend(made: Checkpoint, name: str, x: Tensor, memory: Tensor, *, causal: bool = False) -> Tensor:
    query, key, value = (
        _linear(made, f"{name}.linear_{part}", of).view(len(of), HEADS, -1).transpose(0, 1)
        for part, of in (("query", x), ("keys", memory), ("values", memory))
    )
    context = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
    return _linear(made, f"{name}.final_linear", context.transpose(0, 1).flatten(1))


def _feed_forward(made: Checkpoint, own: str, x: Tensor) -> Tensor:
    inner = _linear(made, f"{own}.feed_forward.w_1", _norm(made, f"{own}.feed_forward.layer_norm", x))
    return x + _linear(made, f"{own}.feed_forward.w_2", nn.functional.gelu(inner))
