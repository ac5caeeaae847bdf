"""Read Transformer checkpoints of OpenNMT-py 3: ``.pt``, or ``.pt`` with its weights in a ``.safetensors`` beside it.

Names as in OpenNMT-py's ``encoders/transformer.py`` and ``decoders/transformer.py``; matrices are [output, input].
"""

import argparse
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    ModelDescription,
    TokenizerFiles,
    TransformerConfig,
    Vocabulary,
)
from s2s_gui.errors import ModelError
from s2s_gui.formats.content import beginning, is_zip
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_limited
from s2s_gui.formats.lazy import Array, LazyWeights, stacked, zeros
from s2s_gui.formats.naming import card_id, directions_of
from s2s_gui.formats.numbering import EOS, UNK, Numbering, gathered, numbering
from s2s_gui.formats.pytorch import checkpoint
from s2s_gui.formats.safetensors import SafetensorsFile

UNKNOWN = Language("und")
MAX_TOKENS = 1 << 21
MAX_TOKEN = 1024
MOST_SOURCE = 512
ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "fast_gelu": "gelu-tanh", "silu": "swish"}
# Options with the only values that our network can follow; what is absent has the first.
FIXED: dict[str, tuple[Any, ...]] = {
    "model_task": ("seq2seq",),
    "encoder_type": ("transformer",),
    "decoder_type": ("transformer",),
    "self_attn_type": ("scaled-dot", "scaled-dot-flash"),
    "layer_norm": ("standard",),
    "generator_function": ("softmax",),
    "max_relative_positions": (0,),
    "position_encoding": (True,),
    "parallel_residual": (False,),
    "shared_layer_norm": (False,),
    "multiquery": (False,),
    "num_kv": (0,),
    "num_experts": (0,),
    "sliding_window": (0,),
    "copy_attn": (False,),
    "quant_layers": ([], ""),
    "src_feats_vocab": (None, {}, ""),
}
SPECIALS = ("<blank>", "<s>", "</s>", "<unk>")
# OpenNMT-py fills its vocabularies up with these, and may have learned nothing for them.
FILLER = "averyunlikelytoken"
SENTENCEPIECE = (
    ("source.spm", "target.spm"),
    ("source.model", "target.model"),
    ("src.model", "tgt.model"),
    ("sentencepiece.model", "sentencepiece.model"),
    ("spm.model", "spm.model"),
    ("joint.spm", "joint.spm"),
)
Maker = Callable[[], Array]


def recognises(path: Path) -> bool:
    """Say whether ``path`` is a PyTorch file that holds the options of a training run beside its weights."""
    if not path.is_file() or not is_zip(path):
        return False
    content = _pickle(path)
    return b"argparse\nNamespace" in content and b"vocab" in content


def read(path: Path) -> ModelDescription:
    """Return the model in the checkpoint; raise ``ModelError`` for a network or file that is not usable."""
    if path.is_file() and b"torchtext" in _pickle(path):
        raise _error(path, "was written by OpenNMT-py 2 or older: convert it with OpenNMT-py's convertv2_v3.py first")
    whole = checkpoint.load(path)
    if not isinstance(whole, dict) or not isinstance(whole.get("opt"), argparse.Namespace):
        raise _error(path, "is no checkpoint of OpenNMT-py: it lacks the options of the training")
    options = {name: one for name, one in vars(whole["opt"]).items() if not isinstance(one, torch.Tensor)}
    vocabulary: Any = whole.get("vocab")
    tokens = _tokens(vocabulary, path)
    _check_options(options, vocabulary, path)
    tensors, precision, files = _tensors(whole, path)
    sides = tuple(numbering(side, _place(side, "<unk>"), _place(side, "</s>")) for side in tokens)
    network = _network(options, sides, tensors, path)
    start = str(vocabulary.get("decoder_start_token", "<s>"))
    if start not in sides[1].tokens or "</s>" not in tokens[1]:
        raise _error(path, f"lacks {start!r} or '</s>' in its target vocabulary, without which nothing can be decoded")
    spm = _sentencepiece(path, options)
    source, target = _vocabularies(path, sides, spm)
    card = ModelCard(
        id=card_id(path.stem),
        name=path.stem,
        directions=directions_of(path.stem.partition("_step_")[0]) or (Direction(UNKNOWN, UNKNOWN),),
        network=network,
        tokenizer=_files(spm, sides),
        decoding=DecodingDefaults(
            eos=EOS,
            unk=UNK,
            start=sides[1].tokens.index(start),
            ending="count",
            allow_unk=True,
            source_end=(),
            beam_size=2,
            max_source=min(MOST_SOURCE, network.max_positions),
        ),
        licence="unknown",
        notes="" if spm else "This model came without a tokenizer: it takes and gives tokens with blanks between.",
    )
    return ModelDescription(
        card,
        _weights(network, tensors, sides, path),
        source,
        target,
        format="OpenNMT-py 3",
        precision=precision,
        files=(path, *files, *dict.fromkeys(spm)),
    )


def _pickle(path: Path) -> bytes:
    """Return the description inside a PyTorch file, b"" if there is none that could be looked at."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = next((one for one in archive.infolist() if one.filename.endswith("data.pkl")), None)
            if member is None or member.file_size > checkpoint.MAX_PICKLE or member.compress_type:
                return b""
            return archive.read(member)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError):
        return b""


def _tokens(vocabulary: Any, path: Path) -> tuple[list[str], list[str]]:
    sides: list[Any] = [vocabulary.get(side) for side in ("src", "tgt")] if isinstance(vocabulary, dict) else []
    if not sides or any(not isinstance(side, list) or not 2 <= len(side) <= MAX_TOKENS for side in sides):
        raise _error(path, "holds no lists of its source and target tokens")
    for side in sides:
        if not all(isinstance(token, str) and len(token) <= MAX_TOKEN for token in side) or len(set(side)) != len(side):
            raise _error(path, "has a damaged vocabulary: a token is too long, no text or listed twice")
    return sides[0], sides[1]


def _check_options(options: Mapping[str, Any], vocabulary: Mapping[str, Any], path: Path) -> None:
    faults = [
        f"It was trained with {name} = {options[name]!r}, which this program cannot follow; it needs {allowed[0]!r}."
        for name, allowed in FIXED.items()
        if options.get(name, allowed[0]) not in allowed
    ]
    if options.get("word_vec_size", 0) not in (0, options.get("hidden_size")):
        faults.append("Its embeddings are of another width than its layers.")
    if options.get("pos_ffn_activation_fn", "relu") not in list(ACTIVATIONS):
        faults.append(f"Its activation {options['pos_ffn_activation_fn']!r} is not known here.")
    if vocabulary.get("src_feats"):
        faults.append("It takes features beside its words, which this program does not.")
    if faults:
        raise ModelError(str(path), faults)


def _tensors(whole: Mapping[str, Any], path: Path) -> tuple[Mapping[str, Maker], str, tuple[Path, ...]]:
    """Return all weights by name, the output layer's as "generator.*"; they may lie in a safetensors file."""
    state, generator = whole.get("model"), whole.get("generator")
    if isinstance(state, dict) and isinstance(generator, dict):
        joined = dict(state) | {f"generator.{name}": tensor for name, tensor in generator.items()}
        empty = [name for name, tensor in joined.items() if isinstance(tensor, torch.Tensor) and tensor.is_meta]
        if empty:
            raise _error(path, f"names the weight {empty[0]} but does not hold its values")
        kinds = {tensor.dtype for tensor in joined.values() if isinstance(tensor, torch.Tensor)}
        names = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}
        precision = ", ".join(sorted(names[kind] for kind in kinds if kind in names))
        return checkpoint.tensors_of(joined, path.name), precision, ()
    files = tuple(sorted(path.parent.glob(f"{_escaped(path.stem)}*.safetensors")))
    if not files:
        raise _error(path, f"holds no weights, and {path.stem}.safetensors, where they should be, is missing")
    opened = [SafetensorsFile(file) for file in files]
    makers = {name: partial(file.__getitem__, name) for file in opened for name in file}
    return makers, ", ".join(dict.fromkeys(file.precision for file in opened)), files


def _network(
    options: Mapping[str, Any], sides: tuple[Numbering, ...], tensors: Mapping[str, Maker], path: Path
) -> TransformerConfig:
    table = tensors.get("encoder.embeddings.make_embedding.pe.pe")
    if table is None:
        raise _error(path, "has no table of positions")
    is_tied = bool(options.get("share_decoder_embeddings"))
    shares = bool(options.get("share_embeddings")) and sides[0] == sides[1]
    config = {
        "kind": "transformer",
        "source_vocabulary": len(sides[0].tokens),
        "target_vocabulary": len(sides[1].tokens),
        "width": options.get("hidden_size"),
        "heads": options.get("heads"),
        "feed_forward": options.get("transformer_ff"),
        "encoder_layers": options.get("enc_layers"),
        "decoder_layers": options.get("dec_layers"),
        "decoder": "attention",
        "norm": "pre",
        "activation": ACTIVATIONS[options.get("pos_ffn_activation_fn", "relu")],
        "tied": "none" if not is_tied else "all" if shares else "target",
        "positions": "learned",
        "max_positions": len(table()),
        "norm_epsilon": options.get("norm_eps", 1e-6),
    }
    try:
        network = msgspec.convert(config, TransformerConfig)
    except msgspec.ValidationError as error:
        raise ModelError(str(path), [f"The options in {path.name} make no network: {error}."]) from error
    if network.faults():
        raise ModelError(str(path), network.faults())
    return network


def _weights(
    network: TransformerConfig, tensors: Mapping[str, Maker], sides: tuple[Numbering, ...], path: Path
) -> LazyWeights:
    wanted: dict[str, Maker] = {}
    missing: list[str] = []
    width = network.width

    def take(name: str, default: Maker | None = None) -> Maker:
        if name not in tensors and default is None:
            missing.append(name)
        return tensors.get(name, default or zeros(0))

    def linear(ours: str, rows: int, *theirs: str) -> None:
        for kind, default in (("weight", None), ("bias", zeros(rows))):
            parts = [take(f"{name}.{kind}", default) for name in theirs]
            wanted[f"{ours}.{kind}"] = parts[0] if len(parts) == 1 else stacked(*parts)

    def norm(ours: str, theirs: str) -> None:
        wanted[f"{ours}.weight"] = take(f"{theirs}.weight")
        wanted[f"{ours}.bias"] = take(f"{theirs}.bias", zeros(width))

    def attention(ours: str, theirs: str) -> None:
        linear(ours, width, *(f"{theirs}.linear_{part}" for part in ("query", "keys", "values")))
        linear(f"{ours}_output", width, f"{theirs}.final_linear")

    def feed_forward(ours: str, theirs: str) -> None:
        linear(f"{ours}.feed_forward.inner", network.feed_forward, f"{theirs}.feed_forward.w_1")
        linear(f"{ours}.feed_forward.outer", width, f"{theirs}.feed_forward.w_2")
        norm(f"{ours}.feed_forward_residual.norm", f"{theirs}.feed_forward.layer_norm")

    def rows(name: str, side: Numbering, default: Maker | None = None) -> Maker:
        return gathered(name, take(name, default), side.rows)

    table = "{}.embeddings.make_embedding.emb_luts.0.weight"
    source, target = sides
    wanted["target_embedding.weight"] = rows(table.format("decoder"), target)
    if network.tied != "all":
        wanted["source_embedding.weight"] = rows(table.format("encoder"), source)
    if network.tied == "none":
        wanted["output.weight"] = rows("generator.weight", target)
    wanted["output_bias"] = rows("generator.bias", target, zeros(sum(row >= 0 for row in target.rows)))
    wanted["position_table.weight"] = partial(_positions, tensors, width, path)
    for i in range(network.encoder_layers):
        ours, theirs = f"encoder.{i}", f"encoder.transformer.{i}"
        attention(f"{ours}.attention", f"{theirs}.self_attn")
        norm(f"{ours}.attention_residual.norm", f"{theirs}.layer_norm")
        feed_forward(ours, theirs)
    for i in range(network.decoder_layers):
        ours, theirs = f"decoder.{i}", f"decoder.transformer_layers.{i}"
        attention(f"{ours}.attention", f"{theirs}.self_attn")
        norm(f"{ours}.own_residual.norm", f"{theirs}.layer_norm_1")
        linear(f"{ours}.cross_query", width, f"{theirs}.context_attn.linear_query")
        linear(
            f"{ours}.cross_memory", width, f"{theirs}.context_attn.linear_keys", f"{theirs}.context_attn.linear_values"
        )
        linear(f"{ours}.cross_output", width, f"{theirs}.context_attn.final_linear")
        norm(f"{ours}.cross_residual.norm", f"{theirs}.layer_norm_2")
        feed_forward(ours, theirs)
    norm("encoder_norm", "encoder.layer_norm")
    norm("decoder_norm", "decoder.layer_norm")
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise _error(path, f"lacks weights that its options promise: {shown}")
    if any(name.endswith("feed_forward.w_3.weight") for name in tensors):
        raise _error(path, "has gated feed-forward layers (w_3), which this program does not")
    return LazyWeights(wanted)


def _positions(tensors: Mapping[str, Maker], width: int, path: Path) -> Array:
    tables = [tensors.get(f"{side}.embeddings.make_embedding.pe.pe", zeros(0))() for side in ("encoder", "decoder")]
    if not np.array_equal(tables[0], tables[1]) or tables[0].size != len(tables[0]) * width:
        raise _error(path, "has other positions in the encoder than in the decoder, or of another width")
    return tables[0].reshape(-1, width)


def _sentencepiece(path: Path, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the two SentencePiece models beside the checkpoint, nothing if there are none.

    The options tell where they lay on the machine of the training; only their names count here.
    """
    named = [options.get(f"{side}_subword_model") for side in ("src", "tgt")]
    names = [one.replace("\\", "/").rpartition("/")[2] for one in named if isinstance(one, str) and one]
    pairs = [(names[0], names[-1])] if names else []
    for pair in (*pairs, *SENTENCEPIECE):
        files = tuple(path.parent / name for name in pair)
        if all(file.is_file() and not _is_merges(file) for file in files):
            return files
    return ()


def _is_merges(path: Path) -> bool:
    """Say whether a file is a list of merges in text (subword-nmt), which is named like a model too."""
    return beginning(path, 8) == b"#version"


def _place(tokens: list[str], token: str) -> int:
    return tokens.index(token) if token in tokens else -1


def _vocabularies(path: Path, sides: tuple[Numbering, ...], spm: tuple[Path, ...]) -> tuple[Vocabulary, Vocabulary]:
    models = [read_limited(file, MAX_VOCABULARY) for file in spm] or [b"", b""]
    source = Vocabulary(path.name, models[0], sides[0].tokens)
    if sides[0] == sides[1] and models[0] == models[1]:
        return source, source
    return source, Vocabulary(path.name, models[1], sides[1].tokens)


def _files(spm: tuple[Path, ...], sides: tuple[Numbering, ...]) -> TokenizerFiles:
    is_joint = sides[0] == sides[1]
    if not spm:
        return TokenizerFiles("source.txt", "source.txt" if is_joint else "target.txt", "tokens")
    fillers = sorted({token for side in sides for token in side.tokens if token.startswith(FILLER)})
    specials = (*SPECIALS, *fillers)
    if is_joint and spm[0] == spm[1]:
        return TokenizerFiles(
            "joint.spm", "joint.spm", source_tokens="tokens.json", target_tokens="tokens.json", specials=specials
        )
    return TokenizerFiles(
        "source.spm",
        "target.spm",
        source_tokens="source.tokens.json",
        target_tokens="target.tokens.json",
        specials=specials,
    )


def _escaped(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _error(path: Path, words: str) -> ModelError:
    return ModelError(str(path), [f"{path.name} {words}."])
