"""CTranslate2 folders: ``model.bin``, vocabularies, and whatever SentencePiece models lie beside them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from s2s_gui.cards import range_faults
from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    ModelDescription,
    TokenizerFiles,
    Tongue,
    TransformerConfig,
    Vocabulary,
)
from s2s_gui.errors import ModelError
from s2s_gui.formats.ctranslate2.file import ModelFile, begins_as_model, read_model_file
from s2s_gui.formats.huggingface.m2m_languages import NLLB
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_limited, read_object, value
from s2s_gui.formats.lazy import Array, LazyWeights, zeros
from s2s_gui.formats.naming import card_id, directions_of, language

MODEL = "model.bin"
SPECS = {"": 8, "TransformerSpec": 8, "TransformerBase": 8, "TransformerBig": 16}
ACTIVATIONS = {0: "relu", 1: "gelu-tanh", 2: "swish", 3: "gelu", 4: "gelu-sigmoid"}
REFUSED = ("alibi", "multi_query_attention", "embeddings_merge")
REFUSED_PARTS = ("linear_0_noact", "relative_position_keys", "rotary", "queries_scale", "layernorm_embedding")
SENTENCEPIECE = (
    ("source.spm", "target.spm"),
    ("source.model", "target.model"),
    *(
        (name, name)
        for name in ("sentencepiece.model", "spm.model", "joint.spm", "sentencepiece.bpe.model", "spm.spm", "bpe.model")
    ),
)
MAX_TOKENS = 1 << 21
MOST_SOURCE = 512
UNKNOWN = Language("und")
MANY = 20


@dataclass(frozen=True, slots=True)
class Symbols:
    """The special tokens, and what is put around a source."""

    unk: str
    bos: str
    eos: str
    start: str
    source_bos: bool
    source_eos: bool


def recognises(path: Path) -> bool:
    """Say whether ``path`` is such a folder, or the ``model.bin`` in it."""
    folder = path if path.is_dir() else path.parent
    return (
        (path.is_dir() or path.name == MODEL) and begins_as_model(folder / MODEL) and any(folder.glob("*vocabulary.*"))
    )


def read(path: Path) -> ModelDescription:
    """Return the model in the folder ``path``."""
    folder = path if path.is_dir() else path.parent
    file = read_model_file(folder / MODEL)
    if file.spec not in SPECS:
        raise ModelError(str(path), [f"{MODEL} holds a {file.spec}, which is not a network for translation."])
    table = read_object(folder / "config.json") if (folder / "config.json").is_file() else {}
    network, weights = _network(file, table)
    symbols = _symbols(file, table)
    names, sides = _tokens(folder, network, symbols.unk)
    spm = next((pair for pair in SENTENCEPIECE if all((folder / name).is_file() for name in pair)), None)
    tongues = _tongues(sides[1]) if spm else ()
    source, target = _vocabularies(folder, names, sides, spm)
    number = source.tokens.index
    # Converters of transformers leave the source's end symbol to the tokenizer; their decoders start with it.
    is_transformers = not symbols.source_eos and symbols.start == symbols.eos
    ends = symbols.source_eos or (spm is not None and is_transformers)
    card = ModelCard(
        id=card_id(folder.resolve().name),
        name=folder.resolve().name,
        directions=() if tongues else directions_of(folder.resolve().name) or (Direction(UNKNOWN, UNKNOWN),),
        languages=tongues,
        network=network,
        tokenizer=_files(spm, symbols, source is target),
        decoding=DecodingDefaults(
            eos=_number(target, symbols.eos),
            unk=_number(target, symbols.unk),
            start=-1 if file.number("decoder/start_from_zero_embedding", 0) else _number(target, symbols.start),
            ending="count",
            allow_unk=True,
            source_start=(number(symbols.bos),) if symbols.source_bos and symbols.bos in source.tokens else (),
            source_end=(number(symbols.eos),) if ends and symbols.eos in source.tokens else (),
            beam_size=2,
            max_source=min(MOST_SOURCE, network.max_positions if network.positions == "learned" else MOST_SOURCE),
        ),
        licence="unknown",
        notes="" if spm else "This model came without a tokenizer: it takes and gives tokens with blanks between.",
    )
    kinds = {variable.kind for variable in file.variables.values() if len(variable.shape) == 2}
    config = ["config.json"] if table else []
    return ModelDescription(
        card,
        weights,
        source,
        target,
        format=f"CTranslate2 (version {file.version})",
        precision=", ".join(sorted(kinds)),
        files=tuple(folder / name for name in dict.fromkeys([MODEL, *config, *names, *(spm or ())])),
    )


def _network(file: ModelFile, table: dict[str, Any]) -> tuple[TransformerConfig, LazyWeights]:
    """Return configuration and weights; raise ``ModelError`` for what our network has not."""
    prefix = "encoder/" if file.stored("encoder/num_heads") else ""
    for name in REFUSED:
        if any(file.number(f"{side}/{name}", 0) for side in ("encoder", "decoder")):
            raise _error(file, f"uses {name}, which this program does not have")
    for part in REFUSED_PARTS:
        if any(part in name for name in file.variables):
            raise _error(file, f"uses {part}, which this program does not have")
    if table.get("quantization_type"):
        raise _error(file, f"is packed as {table['quantization_type']!r}, which this program does not read")
    embedding = (
        "encoder/embeddings_0/weight" if file.stored("encoder/embeddings_0/weight") else "encoder/embeddings/weight"
    )
    if file.stored("encoder/embeddings_1/weight"):
        raise _error(file, "takes features beside its words, which this program does not")
    source, target = _matrix(file, embedding), _matrix(file, "decoder/embeddings/weight")
    own, projection = file.stored("decoder/embeddings/weight"), file.stored("decoder/projection/weight")
    tied = "none" if projection != own else "all" if file.stored(embedding) == own else "target"
    activation = ACTIVATIONS.get(int(file.number(f"{prefix}activation", 0)))
    if activation is None:
        raise _error(file, "uses an activation that this program does not have")
    table_shape = file.shape("encoder/position_encodings/encodings")
    if table_shape != file.shape("decoder/position_encodings/encodings"):
        raise _error(file, "has other positions in the encoder than in the decoder")
    network = TransformerConfig(
        source_vocabulary=source[0],
        target_vocabulary=target[0],
        width=source[1],
        heads=int(file.number(f"{prefix}num_heads", SPECS[file.spec])),
        feed_forward=_matrix(file, "encoder/layer_0/ffn/linear_0/weight")[0],
        encoder_layers=_layers(file, "encoder"),
        decoder_layers=_layers(file, "decoder"),
        decoder="attention",
        norm="pre" if file.number(f"{prefix}pre_norm", 1) else "post",
        activation=activation,  # type: ignore[arg-type]
        tied=tied,  # type: ignore[arg-type]
        positions="learned" if table_shape else "marian",
        first_position=0 if table_shape else 1,
        max_positions=table_shape[0] if table_shape else 1024,
        scale_embedding=_is_scaled(file, source[1]),
        norm_epsilon=value(table, "layer_norm_epsilon", 1e-5, "config.json"),
    )
    faults = range_faults(network) or network.faults()
    if faults:
        raise ModelError(str(file.path), faults)
    return network, _weights(file, network, embedding)


def _weights(file: ModelFile, network: TransformerConfig, embedding: str) -> LazyWeights:
    wanted: dict[str, Callable[[], Array]] = {}
    missing: list[str] = []

    def take(name: str, *, default: Callable[[], Array] | None = None) -> Callable[[], Array]:
        if file.stored(name) is not None:
            return partial(file.array, name)
        if default is None:
            missing.append(name)
        return default or zeros(0)

    def linear(ours: str, theirs: str) -> None:
        wanted[f"{ours}.weight"] = take(f"{theirs}/weight")
        rows = file.shape(f"{theirs}/weight")
        wanted[f"{ours}.bias"] = take(f"{theirs}/bias", default=zeros(rows[0]) if rows else None)

    def norm(ours: str, theirs: str) -> None:
        wanted[f"{ours}.weight"], wanted[f"{ours}.bias"] = take(f"{theirs}/gamma"), take(f"{theirs}/beta")

    def feed_forward(ours: str, theirs: str) -> None:
        linear(f"{ours}.feed_forward.inner", f"{theirs}/ffn/linear_0")
        linear(f"{ours}.feed_forward.outer", f"{theirs}/ffn/linear_1")
        norm(f"{ours}.feed_forward_residual.norm", f"{theirs}/ffn/layer_norm")

    wanted["target_embedding.weight"] = take("decoder/embeddings/weight")
    if network.tied != "all":
        wanted["source_embedding.weight"] = take(embedding)
    if network.tied == "none":
        wanted["output.weight"] = take("decoder/projection/weight")
    wanted["output_bias"] = take("decoder/projection/bias", default=zeros(network.target_vocabulary))
    if network.positions == "learned":
        wanted["position_table.weight"] = partial(_positions, file)
    for i in range(network.encoder_layers):
        ours, theirs = f"encoder.{i}", f"encoder/layer_{i}"
        linear(f"{ours}.attention", f"{theirs}/self_attention/linear_0")
        linear(f"{ours}.attention_output", f"{theirs}/self_attention/linear_1")
        norm(f"{ours}.attention_residual.norm", f"{theirs}/self_attention/layer_norm")
        feed_forward(ours, theirs)
    for i in range(network.decoder_layers):
        ours, theirs = f"decoder.{i}", f"decoder/layer_{i}"
        linear(f"{ours}.attention", f"{theirs}/self_attention/linear_0")
        linear(f"{ours}.attention_output", f"{theirs}/self_attention/linear_1")
        norm(f"{ours}.own_residual.norm", f"{theirs}/self_attention/layer_norm")
        linear(f"{ours}.cross_query", f"{theirs}/attention/linear_0")
        linear(f"{ours}.cross_memory", f"{theirs}/attention/linear_1")
        linear(f"{ours}.cross_output", f"{theirs}/attention/linear_2")
        norm(f"{ours}.cross_residual.norm", f"{theirs}/attention/layer_norm")
        feed_forward(ours, theirs)
    if network.norm == "pre":
        norm("encoder_norm", "encoder/layer_norm")
        norm("decoder_norm", "decoder/layer_norm")
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise _error(file, f"lacks these variables: {shown}")
    return LazyWeights(wanted)


def _positions(file: ModelFile) -> Array:
    encoder, decoder = (file.array(f"{side}/position_encodings/encodings") for side in ("encoder", "decoder"))
    if not np.array_equal(encoder, decoder):
        raise _error(file, "has other positions in the encoder than in the decoder")
    return encoder


def _matrix(file: ModelFile, name: str) -> tuple[int, int]:
    shape = file.shape(name)
    if shape is None or len(shape) != 2 or 0 in shape:
        raise _error(file, f"has no matrix {name}")
    return shape[0], shape[1]


def _layers(file: ModelFile, side: str) -> int:
    count = 0
    while file.stored(f"{side}/layer_{count}/ffn/linear_0/weight"):
        count += 1
    if not 1 <= count <= 64:
        raise _error(file, f"has {count} layers in its {side}; 1 to 64 can be read")
    return count


def _is_scaled(file: ModelFile, width: int) -> bool:
    name = "encoder/scale_embeddings"
    if file.stored(name) is None:
        return bool(file.number("encoder/embeddings/multiply_by_sqrt_depth", 1))
    factor = file.number(name, 1)
    if file.variables[file.stored(name) or name].kind == "int8":
        return bool(factor)
    if abs(factor - width**0.5) < 1e-3 * width**0.5:
        return True
    if factor != 1:
        raise _error(file, f"scales its embeddings by {factor}, which this program does not")
    return False


def _symbols(file: ModelFile, table: dict[str, Any]) -> Symbols:
    where = "config.json"
    if file.version >= 6:
        eos = value(table, "eos_token", "</s>", where)
        return Symbols(
            value(table, "unk_token", "<unk>", where),
            value(table, "bos_token", "<s>", where),
            eos,
            value(table, "decoder_start_token", eos, where),
            value(table, "add_source_bos", False, where),
            value(table, "add_source_eos", False, where),
        )
    bos, eos = file.text("bos_token", "<s>"), file.text("eos_token", "</s>")
    return Symbols(
        file.text("unk_token", "<unk>"),
        bos,
        eos,
        bos if file.number("with_target_bos", 1) else eos,
        bool(file.number("with_source_bos", 0)),
        bool(file.number("with_source_eos", 0)),
    )


def _tokens(
    folder: Path, network: TransformerConfig, unk: str
) -> tuple[list[str], tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the names of the vocabulary files and both sides' tokens, one object where they are shared."""
    shared = _vocabulary_file(folder, "shared_vocabulary")
    if shared:
        tokens = _listed(folder / shared, network.source_vocabulary, unk)
        if network.target_vocabulary != network.source_vocabulary:
            raise ModelError(str(folder), [f"{shared} serves both languages, but the model has two vocabularies."])
        return [shared], (tokens, tokens)
    names = [_vocabulary_file(folder, f"{side}_vocabulary") for side in ("source", "target")]
    if not all(names):
        raise ModelError(
            str(folder), ["The vocabulary is missing: shared_vocabulary.json, or source_ and target_vocabulary.json."]
        )
    source = _listed(folder / names[0], network.source_vocabulary, unk)
    return names, (source, _listed(folder / names[1], network.target_vocabulary, unk))


def _vocabulary_file(folder: Path, stem: str) -> str:
    return next((f"{stem}.{kind}" for kind in ("json", "txt") if (folder / f"{stem}.{kind}").is_file()), "")


def _listed(path: Path, size: int, unk: str) -> tuple[str, ...]:
    content = read_limited(path, MAX_VOCABULARY)
    if path.suffix == ".json":
        try:
            tokens = json.loads(content)
        except (ValueError, RecursionError):
            tokens = None
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ModelError(str(path), [f"{path.name} is not a JSON list of tokens."])
    else:
        try:
            tokens = content.decode("utf-8").removesuffix("\n").split("\n")
        except UnicodeDecodeError as error:
            raise ModelError(str(path), [f"{path.name} is not UTF-8 text."]) from error
        if all(token.endswith("\r") for token in tokens):
            tokens = [token[:-1] for token in tokens]
    if unk not in tokens:
        tokens.append(unk)
    if len(tokens) != size or len(tokens) > MAX_TOKENS:
        raise ModelError(
            str(path),
            [f"{path.name} has {len(tokens):,} tokens, but the model has {size:,}: they belong to different models."],
        )
    return tuple(tokens)


def _vocabularies(
    folder: Path,
    names: list[str],
    sides: tuple[tuple[str, ...], tuple[str, ...]],
    spm: tuple[str, str] | None,
) -> tuple[Vocabulary, Vocabulary]:
    models = [read_limited(folder / name, MAX_VOCABULARY) for name in spm] if spm else [b"", b""]
    source = Vocabulary(names[0], models[0], sides[0])
    if sides[0] is sides[1] and (spm is None or spm[0] == spm[1]):
        return source, source
    return source, Vocabulary(names[-1], models[1], sides[1])


def _files(spm: tuple[str, str] | None, symbols: Symbols, shared: bool) -> TokenizerFiles:
    if spm is None:
        return TokenizerFiles("source.txt", "source.txt" if shared else "target.txt", "tokens")
    specials = tuple(dict.fromkeys((symbols.bos, symbols.start, "<pad>", "<blank>")))
    if shared:
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


def _tongues(tokens: tuple[str, ...]) -> tuple[Tongue, ...]:
    """Return the languages of a converted M2M-100 or NLLB model, nothing for other models."""
    nllb = frozenset(NLLB)
    found: dict[str, Tongue] = {}
    for token in tokens:
        code = token[2:-2] if token.startswith("__") and token.endswith("__") else token if token in nllb else ""
        known = language(code) if code else None
        if known is not None:
            found.setdefault(str(known), Tongue(known, token))
    return tuple(found.values()) if len(found) >= MANY else ()


def _number(vocabulary: Vocabulary, token: str) -> int:
    if token not in vocabulary.tokens:
        raise ModelError(vocabulary.name, [f"{vocabulary.name} lacks the token {token!r}, which the model needs."])
    return vocabulary.tokens.index(token)


def _error(file: ModelFile, words: str) -> ModelError:
    return ModelError(str(file.path), [f"{file.path.name} {words}."])
