"""What all Hugging Face transformers folders have alike: config, weights in one file or several, BART's names.

The layers of MarianMT, M2M-100 and NLLB are named alike in their checkpoints (transformers' ``modeling_marian.py`` and
``modeling_m2m_100.py``); matrices are [output, input].
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from s2s_gui.cards import is_plain, range_faults
from s2s_gui.description import TransformerConfig
from s2s_gui.errors import ModelError
from s2s_gui.formats.json_file import MAX_CONFIG, read_object, value
from s2s_gui.formats.lazy import Array, LazyWeights, stacked, zeros
from s2s_gui.formats.pytorch import checkpoint
from s2s_gui.formats.safetensors import SafetensorsFile

ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "quick_gelu": "gelu-sigmoid",
    "swish": "swish",
    "silu": "swish",
}
MAX_INDEX = 16 << 20
Makers = Mapping[str, Callable[[], Array]]


@dataclass(frozen=True, slots=True)
class Folder:
    """A transformers folder: its config and generation settings, its tensors by their own names, its files."""

    path: Path
    config: dict[str, Any]
    generation: dict[str, Any]
    tensors: Makers
    precision: str
    files: tuple[Path, ...]


def model_type(path: Path) -> str:
    """Return "marian", "m2m_100" ... of the folder, "" if it is no transformers folder."""
    try:
        kind = read_object(path / "config.json").get("model_type")
    except (ModelError, OSError):
        return ""
    return kind if isinstance(kind, str) else ""


def read_folder(path: Path) -> Folder:
    """Look at everything in the folder but the weights themselves."""
    config = read_object(path / "config.json", MAX_CONFIG)
    generation = path / "generation_config.json"
    files = [path / "config.json"]
    settings = dict(config)
    if generation.is_file():
        settings |= read_object(generation)
        files.append(generation)
    tensors, precision, weights = _tensors(path)
    return Folder(path, config, settings, tensors, precision, (*files, *weights))


def ending(generation: dict[str, Any]) -> Literal["count", "bound"]:
    """Return how transformers' beam search ends with these settings."""
    return "count" if generation.get("early_stopping") is True else "bound"


def network_config(folder: Folder, defaults: TransformerConfig) -> TransformerConfig:
    """Return the network's configuration; what config.json leaves out is as in ``defaults``."""
    config, where = folder.config, "config.json"

    def size(name: str, default: int) -> int:
        return value(config, name, default, where)

    activation = value(config, "activation_function", defaults.activation, where)
    if activation not in ACTIVATIONS:
        raise ModelError(str(folder.path), [f"config.json: the activation {activation!r} is not known here."])
    width, heads = size("d_model", defaults.width), size("encoder_attention_heads", defaults.heads)
    inner = size("encoder_ffn_dim", defaults.feed_forward)
    for name, other in (("decoder_attention_heads", heads), ("decoder_ffn_dim", inner)):
        if size(name, other) != other:
            raise ModelError(str(folder.path), [f"config.json: {name} differs from the encoder's, which cannot be."])
    source = size("vocab_size", defaults.source_vocabulary)
    shares = value(config, "share_encoder_decoder_embeddings", True, where)
    is_tied = value(config, "tie_word_embeddings", True, where)
    target = source if shares else size("decoder_vocab_size", source)
    network = TransformerConfig(
        source_vocabulary=source,
        target_vocabulary=target,
        width=width,
        heads=heads,
        feed_forward=inner,
        encoder_layers=size("encoder_layers", defaults.encoder_layers),
        decoder_layers=size("decoder_layers", defaults.decoder_layers),
        decoder="attention",
        norm=defaults.norm,
        activation=ACTIVATIONS[activation],  # type: ignore[arg-type]
        tied="none" if not is_tied else "all" if shares else "target",
        positions=defaults.positions,
        first_position=defaults.first_position,
        scale_embedding=value(config, "scale_embedding", defaults.scale_embedding, where),
        norm_epsilon=1e-5,
    )
    faults = range_faults(network) or network.faults()
    if faults:
        raise ModelError(str(folder.path), [f"config.json: {fault}" for fault in faults])
    return network


def weights(folder: Folder, network: TransformerConfig) -> LazyWeights:
    """Return the folder's tensors under our names; raise ``ModelError`` naming those that are missing."""
    tensors = folder.tensors
    wanted: dict[str, Callable[[], Array]] = {}
    missing: list[str] = []

    def take(*names: str) -> Callable[[], Array]:
        for name in names:
            if name in tensors:
                return tensors[name]
        missing.append(names[0])
        return zeros(0)

    def linear(ours: str, *theirs: str) -> None:
        for kind in ("weight", "bias"):
            parts = [take(f"{name}.{kind}") for name in theirs]
            wanted[f"{ours}.{kind}"] = parts[0] if len(parts) == 1 else stacked(*parts)

    def attention(ours: str, theirs: str) -> None:
        linear(ours, *(f"{theirs}.{part}_proj" for part in "qkv"))
        linear(f"{ours}_output", f"{theirs}.out_proj")

    def feed_forward(ours: str, theirs: str) -> None:
        linear(f"{ours}.feed_forward.inner", f"{theirs}.fc1")
        linear(f"{ours}.feed_forward.outer", f"{theirs}.fc2")
        linear(f"{ours}.feed_forward_residual.norm", f"{theirs}.final_layer_norm")

    shared = "model.shared.weight"
    source, target = "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"
    if network.tied == "all":
        wanted["target_embedding.weight"] = take(shared, target, source, "lm_head.weight")
    else:
        wanted["source_embedding.weight"] = take(source, shared)
        wanted["target_embedding.weight"] = take(
            target, *(("lm_head.weight",) if network.tied == "target" else (shared,))
        )
    if network.tied == "none":
        wanted["output.weight"] = take("lm_head.weight")
    bias = tensors.get("final_logits_bias")
    wanted["output_bias"] = zeros(network.target_vocabulary) if bias is None else partial(_flat, bias)
    for i in range(network.encoder_layers):
        ours, theirs = f"encoder.{i}", f"model.encoder.layers.{i}"
        attention(f"{ours}.attention", f"{theirs}.self_attn")
        linear(f"{ours}.attention_residual.norm", f"{theirs}.self_attn_layer_norm")
        feed_forward(ours, theirs)
    for i in range(network.decoder_layers):
        ours, theirs = f"decoder.{i}", f"model.decoder.layers.{i}"
        attention(f"{ours}.attention", f"{theirs}.self_attn")
        linear(f"{ours}.own_residual.norm", f"{theirs}.self_attn_layer_norm")
        linear(f"{ours}.cross_query", f"{theirs}.encoder_attn.q_proj")
        linear(f"{ours}.cross_memory", f"{theirs}.encoder_attn.k_proj", f"{theirs}.encoder_attn.v_proj")
        linear(f"{ours}.cross_output", f"{theirs}.encoder_attn.out_proj")
        linear(f"{ours}.cross_residual.norm", f"{theirs}.encoder_attn_layer_norm")
        feed_forward(ours, theirs)
    if network.norm == "pre":
        linear("encoder_norm", "model.encoder.layer_norm")
        linear("decoder_norm", "model.decoder.layer_norm")
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise ModelError(str(folder.path), [f"The weights lack what config.json promises: {shown}."])
    return LazyWeights(wanted)


def _flat(array: Callable[[], Array]) -> Array:
    return array().reshape(-1)


def _tensors(path: Path) -> tuple[Makers, str, tuple[Path, ...]]:
    """Return the tensors of the folder's weight files, of safetensors if it has both kinds."""
    for name, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if (path / name).is_file():
            tensors, precision = _one_file(path / name)
            return tensors, precision, (path / name,)
        if (path / index).is_file():
            files = _shards(path, index)
            makers: dict[str, Callable[[], Array]] = {}
            kinds = set()
            for file in files:
                tensors, precision = _one_file(file)
                makers |= tensors
                kinds.add(precision)
            return makers, ", ".join(sorted(kinds)), (path / index, *files)
    raise ModelError(
        str(path),
        [
            "The weights are missing: model.safetensors or pytorch_model.bin must lie in the folder"
            " (TensorFlow's and Flax's files are not read)."
        ],
    )


def _shards(path: Path, index: str) -> list[Path]:
    table = read_object(path / index, MAX_INDEX).get("weight_map")
    names = list(dict.fromkeys(table.values())) if isinstance(table, dict) else []
    if not names or not all(isinstance(name, str) and is_plain(name) for name in names):
        raise ModelError(str(path), [f"{index} does not say in which files the weights are."])
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        raise ModelError(str(path), [f"These parts of the weights are missing: {', '.join(missing)}."])
    return [path / name for name in names]


def _one_file(path: Path) -> tuple[Makers, str]:
    if path.suffix == ".safetensors":
        file = SafetensorsFile(path)
        return {name: partial(file.__getitem__, name) for name in file}, file.precision
    state = checkpoint.load(path)
    if not isinstance(state, dict):
        raise ModelError(str(path), [f"{path.name} does not hold weights by name."])
    return checkpoint.tensors_of(state, path.name), "fp32"
