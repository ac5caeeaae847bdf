"""Write a Transformer as a Hugging Face MarianMT folder, for ``MarianMTModel`` and ``MarianTokenizer``."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from s2s_gui.description import ModelDescription, TransformerConfig
from s2s_gui.formats.eight_bits import Floats
from s2s_gui.formats.huggingface.files import ACTIVATIONS
from s2s_gui.formats.huggingface.marian import TAG
from s2s_gui.formats.lazy import Array
from s2s_gui.formats.written import refusal, tokens_of, transformer_of, whole_folder

FORM = "Hugging Face Marian"
PAD, EOS, UNK = "<pad>", "</s>", "<unk>"


def write(description: ModelDescription, folder: Path) -> None:
    """Write ``folder``; raise ``ModelError`` for what the format cannot hold."""
    network = transformer_of(description, FORM)
    card, decoding = description.card, description.card.decoding
    _refuse(description, network)
    source, target = tokens_of(description.source), tokens_of(description.target)
    tables, target, pad = _tables(description, network, target)
    shared = network.tied == "all"
    source = target if shared else source
    settings = {
        "decoder_start_token_id": pad if decoding.start < 0 else decoding.start,
        "pad_token_id": pad,
        "eos_token_id": decoding.eos,
        "forced_eos_token_id": decoding.eos,
        "bad_words_ids": [
            [id] for id in sorted({pad, *decoding.never, *(() if decoding.allow_unk else (decoding.unk,))})
        ],
        "num_beams": decoding.beam_size,
        "length_penalty": decoding.length_penalty,
        "max_length": 512,
    }
    config = {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "is_encoder_decoder": True,
        "d_model": network.width,
        "encoder_layers": network.encoder_layers,
        "decoder_layers": network.decoder_layers,
        "encoder_attention_heads": network.heads,
        "decoder_attention_heads": network.heads,
        "encoder_ffn_dim": network.feed_forward,
        "decoder_ffn_dim": network.feed_forward,
        "activation_function": next(theirs for theirs, ours in ACTIVATIONS.items() if ours == network.activation),
        "scale_embedding": network.scale_embedding,
        "normalize_before": False,
        "static_position_embeddings": True,
        "share_encoder_decoder_embeddings": shared,
        "tie_word_embeddings": network.tied != "none",
        "vocab_size": len(source),
        "decoder_vocab_size": len(target),
        "max_position_embeddings": max(decoding.max_source, 512),
        "dtype": "float32",
        **{name: settings[name] for name in ("decoder_start_token_id", "pad_token_id", "eos_token_id")},
    }
    way = card.own_ways()[0]
    tokenizer = {
        "tokenizer_class": "MarianTokenizer",
        "source_lang": str(way.source),
        "target_lang": "+".join(dict.fromkeys(str(way.target) for way in card.own_ways())),
        "separate_vocabs": not shared,
        "eos_token": EOS,
        "unk_token": UNK,
        "pad_token": PAD,
        "model_max_length": 512,
    }
    with whole_folder(folder) as aside:
        save_file(_weights(description, network, tables), aside / "model.safetensors", {"format": "pt"})
        _write(aside / "config.json", config)
        _write(aside / "generation_config.json", settings)
        _write(aside / "tokenizer_config.json", tokenizer)
        _write(aside / "vocab.json", {token: id for id, token in enumerate(source)})
        if not shared:
            _write(aside / "target_vocab.json", {token: id for id, token in enumerate(target)})
        (aside / "source.spm").write_bytes(description.source.model)
        (aside / "target.spm").write_bytes(description.target.model)


def _refuse(description: ModelDescription, network: TransformerConfig) -> None:
    card, decoding = description.card, description.card.decoding
    source, target = tokens_of(description.source), tokens_of(description.target)
    tags = [way.tag for way in card.own_ways() if way.tag]
    end = (decoding.eos,) if decoding.source_end is None else decoding.source_end
    reasons = [
        (network.norm != "post", "it normalises before its layers, transformers' Marian after them"),
        (network.positions != "halves", f'its positions are of the kind "{network.positions}", not transformers\' own'),
        (network.first_position != 0, f"it counts positions from {network.first_position}"),
        (card.tokenizer.kind != "sentencepiece", "it has no SentencePiece model"),
        (
            bool(card.languages) or any(way.prefix for way in card.own_ways()),
            "its targets begin with a language's token",
        ),
        (
            any(not TAG.fullmatch(tag) for tag in tags),
            f"its tags ({', '.join(dict.fromkeys(tags))}) are not of the form >>xxx<<, which alone transformers knows",
        ),
        ([source[id] for id in end] != [EOS], f"its sources do not end in {EOS}"),
        (
            target[decoding.eos] != EOS or target[decoding.unk] != UNK,
            f"its end symbol is not {EOS} or its {UNK} another",
        ),
        (bool(decoding.source_start) or decoding.tag_last or decoding.pad_source_to > 0, "it frames its sources"),
    ]
    for holds, why in reasons:
        if holds:
            raise refusal(description, FORM, why)


def _tables(
    description: ModelDescription, network: TransformerConfig, target: tuple[str, ...]
) -> tuple[dict[str, Array], tuple[str, ...], int]:
    """Return embeddings and bias, the target's tokens, the id of ``<pad>``.

    A start from zeros becomes a start from ``<pad>``, whose row is all zeros; it is added where it is missing.
    """
    names = ["target_embedding.weight", "output_bias"]
    names += ["source_embedding.weight"] if network.tied != "all" else []
    names += ["output.weight"] if network.tied == "none" else []
    weights = Floats(description.weights)
    tables = {name: np.asarray(weights[name], np.float32) for name in names}
    start = description.card.decoding.start
    if start >= 0 and target[start] == PAD:
        return tables, target, start
    if start >= 0 or PAD in target:
        raise refusal(description, FORM, f"its decoder does not start with {PAD}")
    for name, table in tables.items():
        if name != "source_embedding.weight":
            tables[name] = np.concatenate((table, np.zeros((1, *table.shape[1:]), np.float32)))
    return tables, (*target, PAD), len(target)


def _weights(description: ModelDescription, network: TransformerConfig, tables: dict[str, Array]) -> dict[str, Array]:
    weights = Floats(description.weights)
    found: dict[str, Array] = {}

    def linear(ours: str, *theirs: str) -> None:
        for kind in ("weight", "bias"):
            parts = np.split(np.asarray(weights[f"{ours}.{kind}"], np.float32), len(theirs))
            found.update(
                {f"{name}.{kind}": np.ascontiguousarray(part) for name, part in zip(theirs, parts, strict=True)}
            )

    def feed_forward(ours: str, theirs: str) -> None:
        linear(f"{ours}.feed_forward.inner", f"{theirs}.fc1")
        linear(f"{ours}.feed_forward.outer", f"{theirs}.fc2")
        linear(f"{ours}.feed_forward_residual.norm", f"{theirs}.final_layer_norm")

    if network.tied == "all":
        found["model.shared.weight"] = tables["target_embedding.weight"]
    else:
        found["model.encoder.embed_tokens.weight"] = tables["source_embedding.weight"]
        found["model.decoder.embed_tokens.weight"] = tables["target_embedding.weight"]
    if network.tied == "none":
        found["lm_head.weight"] = tables["output.weight"]
    found["final_logits_bias"] = tables["output_bias"][None]
    for i in range(network.encoder_layers):
        ours, theirs = f"encoder.{i}", f"model.encoder.layers.{i}"
        linear(f"{ours}.attention", *(f"{theirs}.self_attn.{part}_proj" for part in "qkv"))
        linear(f"{ours}.attention_output", f"{theirs}.self_attn.out_proj")
        linear(f"{ours}.attention_residual.norm", f"{theirs}.self_attn_layer_norm")
        feed_forward(ours, theirs)
    for i in range(network.decoder_layers):
        ours, theirs = f"decoder.{i}", f"model.decoder.layers.{i}"
        linear(f"{ours}.attention", *(f"{theirs}.self_attn.{part}_proj" for part in "qkv"))
        linear(f"{ours}.attention_output", f"{theirs}.self_attn.out_proj")
        linear(f"{ours}.own_residual.norm", f"{theirs}.self_attn_layer_norm")
        linear(f"{ours}.cross_query", f"{theirs}.encoder_attn.q_proj")
        linear(f"{ours}.cross_memory", f"{theirs}.encoder_attn.k_proj", f"{theirs}.encoder_attn.v_proj")
        linear(f"{ours}.cross_output", f"{theirs}.encoder_attn.out_proj")
        linear(f"{ours}.cross_residual.norm", f"{theirs}.encoder_attn_layer_norm")
        feed_forward(ours, theirs)
    return found


def _write(path: Path, table: object) -> None:
    path.write_bytes((json.dumps(table, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
