"""What Marian calls the parts of a network, and what we call them: one table for readers and writers.

Names and equations are those of marian-nmt's transformer.h and rnn/cells.h. Matrices are [input, output] there and
[output, input] here; a vector of n values is [1, n] there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec
import numpy as np

from s2s_gui.description import TransformerConfig
from s2s_gui.errors import ModelError
from s2s_gui.formats.lazy import Array, LazyWeights, stacked, zeros
from s2s_gui.formats.marian.plain_yaml import read_options

OPTIONS = "special:model.yml"
ACTIVATIONS: dict[str, Literal["relu", "swish", "gelu-sigmoid"]] = {
    "relu": "relu",
    "swish": "swish",
    "gelu": "gelu-sigmoid",
}
BIAS = "decoder_ff_logit_out_b"
# Writers fill matrices up to a multiple of 8 rows.
MAX_SPARE_ROWS = 7


class Parameters(Protocol):
    """An open file of Marian parameters."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each parameter by name."""
        ...

    def array(self, name: str) -> Array:
        """Return a parameter as float32; raise ``ModelError`` if its bytes are damaged."""
        ...


class Options(msgspec.Struct, frozen=True, rename="kebab"):
    """The entries of ``special:model.yml`` that a Transformer's function depends on, with Marian's defaults."""

    type: str
    enc_depth: int
    dec_depth: int
    dim_emb: int
    input_types: tuple[str, ...] = ()
    lemma_dim_emb: int = 0
    right_left: bool = False
    ulr: bool = False
    tied_embeddings: bool = False
    tied_embeddings_all: bool = False
    tied_embeddings_src: bool = False
    output_omit_bias: bool = False
    layer_normalization: bool = False
    dec_cell: str = "gru"
    transformer_heads: int = 8
    transformer_dim_ffn: int = 2048
    transformer_decoder_dim_ffn: int = 0
    transformer_ffn_depth: int = 2
    transformer_decoder_ffn_depth: int = 0
    transformer_ffn_activation: str = "swish"
    transformer_preprocess: str = ""
    transformer_postprocess: str = "dan"
    transformer_postprocess_emb: str = "d"
    transformer_postprocess_top: str = ""
    transformer_decoder_autoreg: str = "self-attention"
    transformer_tied_layers: tuple[int, ...] = ()
    transformer_no_projection: bool = False
    transformer_no_bias: bool = False
    transformer_no_affine: bool = False
    transformer_rnn_projection: bool = False
    transformer_pool: bool = False
    transformer_train_position_embeddings: bool = False
    transformer_train_positions: bool = False

    @property
    def norm(self) -> Literal["post", "pre"] | None:
        """Where the norms are, None for an order of operations that our network does not have."""
        parts = tuple(
            one.replace("d", "")
            for one in (
                self.transformer_preprocess,
                self.transformer_postprocess,
                self.transformer_postprocess_emb,
                self.transformer_postprocess_top,
            )
        )
        orders: dict[tuple[str, ...], Literal["post", "pre"]] = {
            ("", "an", "", ""): "post",
            ("n", "a", "", "n"): "pre",
        }
        return orders.get(parts)

    @property
    def tied(self) -> Literal["none", "target", "all"]:
        """Which of the three vocabulary matrices are one."""
        if not (self.tied_embeddings_all or self.tied_embeddings):
            return "none"
        return "all" if self.tied_embeddings_all or self.tied_embeddings_src else "target"

    def faults(self) -> list[str]:
        """Return what this program's network cannot do, one sentence each."""
        if self.type != "transformer":
            return [f"It is a network of the type {self.type!r}; of Marian's types only transformer can be read."]
        autoreg = self.transformer_decoder_autoreg
        order = (self.transformer_preprocess, self.transformer_postprocess, self.transformer_postprocess_emb)
        checks = [
            (any("h" in part for part in order), "highway connections ('h' in transformer-postprocess)"),
            (
                self.norm is None and not any("h" in part for part in order),
                f"the order of operations {(*order, self.transformer_postprocess_top)} (transformer-preprocess,"
                " -postprocess, -postprocess-emb, -postprocess-top)",
            ),
            (autoreg not in ("self-attention", "rnn"), f"the decoder {autoreg!r} (transformer-decoder-autoreg)"),
            (
                autoreg == "rnn" and self.dec_cell != "ssru",
                f"the decoder's recurrent cell {self.dec_cell!r} (dec-cell)",
            ),
            (autoreg == "rnn" and self.layer_normalization, "a norm inside the SSRU (layer-normalization)"),
            (
                self.transformer_ffn_activation not in ACTIVATIONS,
                f"the activation {self.transformer_ffn_activation!r} (transformer-ffn-activation)",
            ),
            (
                self.transformer_ffn_depth != 2 or self.transformer_decoder_ffn_depth not in (0, 2),
                "feed-forward blocks of other than two layers (transformer-ffn-depth)",
            ),
            (
                self.transformer_decoder_dim_ffn not in (0, self.transformer_dim_ffn),
                "another feed-forward width in the decoder (transformer-decoder-dim-ffn)",
            ),
            (
                len(self.transformer_tied_layers) not in (0, self.dec_depth)
                or any(not 1 <= layer <= self.dec_depth for layer in self.transformer_tied_layers),
                f"the tied layers {list(self.transformer_tied_layers)} (transformer-tied-layers)",
            ),
            (bool(self.input_types) or self.lemma_dim_emb > 0, "factors (input-types, lemma-dim-emb)"),
            (self.right_left, "writing from right to left (right-left)"),
            (self.ulr, "universal representations (ulr)"),
            (self.transformer_no_projection, "attention without an output matrix (transformer-no-projection)"),
            (self.transformer_no_bias, "layers without biases (transformer-no-bias)"),
            (self.transformer_no_affine, "norms without scales (transformer-no-affine)"),
            (self.transformer_rnn_projection, "an output matrix of the SSRU (transformer-rnn-projection)"),
            (self.transformer_pool, "pooling instead of attention (transformer-pool)"),
            (
                self.transformer_train_position_embeddings or self.transformer_train_positions,
                "learned positions (transformer-train-position-embeddings)",
            ),
        ]
        return [f"It needs {what}, which this program's networks do not have." for holds, what in checks if holds]


def parse_options(content: bytes, where: str) -> Options:
    """Return the options in the text of ``special:model.yml``; raise ``ModelError`` for what cannot be had here."""
    try:
        options = msgspec.convert(read_options(content, f"{where}: {OPTIONS}"), Options, strict=False)
    except msgspec.ValidationError as error:
        raise ModelError(where, [f"{OPTIONS} inside {where}: {error}."]) from error
    if options.faults():
        raise ModelError(where, options.faults())
    return options


@dataclass(frozen=True, slots=True)
class Entry:
    """The Marian parameters that are stacked in one of our weights, all of one ``shape`` (Marian's).

    "matrix" is transposed, "vector" loses its first axis, "table" stays as it is.
    """

    names: tuple[str, ...]
    kind: Literal["matrix", "vector", "table"]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of the vocabulary matrices; ``output`` is "" where it is the target's."""

    source: str
    target: str
    output: str = ""

    @classmethod
    def of(cls, tied: str, *, shared: bool = False) -> "Tables":
        """Return Marian's names; ``shared``: source and target are one even if the output is not."""
        output = "decoder_ff_logit_out_Wt" if tied == "none" else ""
        if tied == "all" or shared:
            return cls("Wemb", "Wemb", output)
        return cls("encoder_Wemb", "decoder_Wemb", output)


def table(config: TransformerConfig, tables: Tables, decoder_layers: Sequence[int] = ()) -> dict[str, Entry]:
    """Return our weights by name; decoder layer i has Marian's number ``decoder_layers[i]``, i + 1 if there is none."""
    width, inner = config.width, config.feed_forward
    rows = (config.target_vocabulary, width)
    found = {"target_embedding.weight": Entry((tables.target,), "table", rows)}
    if config.tied != "all":
        found["source_embedding.weight"] = Entry((tables.source,), "table", (config.source_vocabulary, width))
    if tables.output.endswith("_Wt"):
        found["output.weight"] = Entry((tables.output,), "table", rows)
    elif tables.output:
        found["output.weight"] = Entry((tables.output,), "matrix", (width, config.target_vocabulary))
    found["output_bias"] = Entry((BIAS,), "vector", (1, config.target_vocabulary))

    def linear(ours: str, stem: str, letters: str, shape: tuple[int, int]) -> None:
        found[f"{ours}.weight"] = Entry(tuple(f"{stem}_W{letter}" for letter in letters), "matrix", shape)
        found[f"{ours}.bias"] = Entry(tuple(f"{stem}_b{letter}" for letter in letters), "vector", (1, shape[1]))

    def norm(ours: str, stem: str, suffix: str) -> None:
        found[f"{ours}.weight"] = Entry((f"{stem}_ln_scale{suffix}",), "vector", (1, width))
        found[f"{ours}.bias"] = Entry((f"{stem}_ln_bias{suffix}",), "vector", (1, width))

    suffix = "_pre" if config.norm == "pre" else ""
    square = (width, width)
    layers = [("encoder", i, i + 1) for i in range(config.encoder_layers)]
    layers += [("decoder", i, (decoder_layers or range(1, 65))[i]) for i in range(config.decoder_layers)]
    for side, index, number in layers:
        ours, theirs = f"{side}.{index}", f"{side}_l{number}"
        own = f"{ours}.attention_residual.norm" if side == "encoder" else f"{ours}.own_residual.norm"
        if side == "decoder" and config.decoder == "ssru":
            rnn = f"{theirs}_rnn"
            found[f"{ours}.recurrence.project.weight"] = Entry((f"{rnn}_W", f"{rnn}_Wf"), "matrix", square)
            found[f"{ours}.recurrence.forget_bias"] = Entry((f"{rnn}_bf",), "vector", (1, width))
            norm(own, rnn if suffix else f"{rnn}_ffn", suffix)
        else:
            linear(f"{ours}.attention", f"{theirs}_self", "qkv", square)
            linear(f"{ours}.attention_output", f"{theirs}_self", "o", square)
            norm(own, f"{theirs}_self_Wo", suffix)
        if side == "decoder":
            linear(f"{ours}.cross_query", f"{theirs}_context", "q", square)
            linear(f"{ours}.cross_memory", f"{theirs}_context", "kv", square)
            linear(f"{ours}.cross_output", f"{theirs}_context", "o", square)
            norm(f"{ours}.cross_residual.norm", f"{theirs}_context_Wo", suffix)
        linear(f"{ours}.feed_forward.inner", f"{theirs}_ffn", "1", (width, inner))
        linear(f"{ours}.feed_forward.outer", f"{theirs}_ffn", "2", (inner, width))
        norm(f"{ours}.feed_forward_residual.norm", f"{theirs}_ffn_ffn", suffix)
    if suffix:
        norm("encoder_norm", "encoder_top", "")
        norm("decoder_norm", "decoder_top", "")
    return found


def configuration(options: Options, source_vocabulary: int, target_vocabulary: int) -> TransformerConfig:
    """Return the network that ``options`` describe; raise ``ModelError`` for sizes out of all bounds."""
    config = TransformerConfig(
        source_vocabulary,
        target_vocabulary,
        width=options.dim_emb,
        heads=options.transformer_heads,
        feed_forward=options.transformer_dim_ffn,
        encoder_layers=options.enc_depth,
        decoder_layers=options.dec_depth,
        decoder="ssru" if options.transformer_decoder_autoreg == "rnn" else "attention",
        norm=options.norm or "post",
        activation=ACTIVATIONS[options.transformer_ffn_activation],
        tied=options.tied,
    )
    try:
        msgspec.convert(msgspec.to_builtins(config), TransformerConfig)
    except msgspec.ValidationError as error:
        raise ModelError(OPTIONS, [f"{OPTIONS} describes an impossible network: {error}."]) from error
    if config.faults():
        raise ModelError(OPTIONS, config.faults())
    return config


def tables_of(options: Options, parameters: Parameters) -> Tables:
    """Return the names of the vocabulary matrices in a file; older ones have the output matrix untransposed."""
    tables = Tables.of(options.tied, shared=options.tied_embeddings_all or options.tied_embeddings_src)
    older = "decoder_ff_logit_out_W"
    return Tables(tables.source, tables.target, older) if tables.output and older in parameters.shapes else tables


def weights(options: Options, config: TransformerConfig, parameters: Parameters, where: str) -> LazyWeights:
    """Return our weights, each made from the file when asked for; raise ``ModelError`` with all that is missing.

    Rows of vocabulary matrices beyond the vocabulary's size are padding and left out.
    """
    entries = table(config, tables_of(options, parameters), options.transformer_tied_layers)
    makers: dict[str, Callable[[], Array]] = {}
    faults: list[str] = []
    if options.output_omit_bias:
        makers["output_bias"] = zeros(config.target_vocabulary)
    for ours, entry in entries.items():
        if ours in makers:
            continue
        for name in entry.names:
            faults.extend(_shape_faults(name, entry, parameters, of_vocabulary=ours in VOCABULARY))
        makers[ours] = stacked(*(_maker(parameters, name, entry) for name in entry.names))
    if faults:
        shown = list(dict.fromkeys(faults))
        more = [f"There are {len(shown) - 8} more faults like these."] if len(shown) > 8 else []
        raise ModelError(where, shown[:8] + more)
    return LazyWeights(makers)


VOCABULARY = ("target_embedding.weight", "source_embedding.weight", "output.weight", "output_bias")


def parameters_of(
    config: TransformerConfig, ours: Mapping[str, Any], tables: Tables
) -> Iterator[tuple[str, str, Array]]:
    """Yield (Marian's name, our weight's name, float32 array of Marian's shape) for every parameter of a network."""
    for weight, entry in table(config, tables).items():
        whole = np.asarray(ours[weight], np.float32)
        for name, part in zip(entry.names, np.split(whole, len(entry.names)), strict=True):
            array = part.T if entry.kind == "matrix" else part
            yield name, weight, np.ascontiguousarray(array.reshape(entry.shape))


def _shape_faults(name: str, entry: Entry, parameters: Parameters, *, of_vocabulary: bool) -> list[str]:
    shape = parameters.shapes.get(name)
    if shape is None:
        return [f"The parameter {name} is missing."]
    given = shape if len(shape) == 2 else (1, *shape)
    axis = 0 if entry.kind == "table" else 1
    wide_enough = of_vocabulary and len(given) == 2 and given[axis] >= entry.shape[axis]
    if given == entry.shape or (wide_enough and given[1 - axis] == entry.shape[1 - axis]):
        return []
    return [f"{name} has the shape {list(shape)}; the configuration needs {list(entry.shape)}."]


def _maker(parameters: Parameters, name: str, entry: Entry) -> Callable[[], Array]:
    def make() -> Array:
        array = np.atleast_2d(parameters.array(name))[: entry.shape[0], : entry.shape[1]]
        if entry.kind == "matrix":
            return array.T
        return array.reshape(-1) if entry.kind == "vector" else array

    return make
