"""What a model is before it is one: its card, the configuration of its network, its weights still in the file.

Standard library and msgspec only: the window reads cards without numpy or torch. ``card.json`` is a ``ModelCard``
and nothing else; unknown fields are refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

FORMAT_VERSION = 1

Depth = Annotated[int, msgspec.Meta(ge=1, le=64)]
Width = Annotated[int, msgspec.Meta(ge=1, le=8192)]
VocabularySize = Annotated[int, msgspec.Meta(ge=2, le=1 << 21)]
Rate = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class RecurrentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="rnn"):
    """An encoder-decoder of LSTM or GRU cells (Sutskever et al. 2014; Bahdanau et al. 2015; Luong et al. 2015).

    ``width`` is the embedding's, ``hidden`` the decoder's. A bidirectional encoder has ``hidden / 2`` units a side,
    so that its final state fits the decoder. ``reverse_source`` feeds the source backwards (Sutskever et al.).
    Without attention the encoder's final state, a vector of fixed length, is all that the decoder sees.
    """

    source_vocabulary: VocabularySize
    target_vocabulary: VocabularySize
    cell: Literal["lstm", "gru"] = "lstm"
    layers: Depth = 2
    width: Width = 256
    hidden: Width = 512
    bidirectional: bool = True
    reverse_source: bool = False
    attention: Literal["none", "bahdanau", "luong"] = "luong"
    tied: Literal["none", "target", "all"] = "all"
    dropout: Rate = 0.0

    def faults(self) -> list[str]:
        """Return what does not fit together, one sentence each."""
        found = []
        if self.bidirectional and self.hidden % 2:
            found.append(f"hidden is {self.hidden}; a bidirectional encoder needs an even number.")
        if self.tied == "all" and self.source_vocabulary != self.target_vocabulary:
            found.append('tied "all" needs source and target vocabularies of one size.')
        return found


class TransformerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="transformer"):
    """A Transformer (Vaswani et al. 2017) whose decoder has causal self-attention or an SSRU (Kim et al. 2019).

    ``positions``: "marian" has sines in the first half and cosines in the second with divisor d/2 - 1, "halves"
    the same with divisor d/2 (transformers' Marian), "interleaved" sine and cosine in turn with divisor d/2 (the
    paper), "learned" a table of ``max_positions`` rows. ``first_position`` is the number of the first token.
    """

    source_vocabulary: VocabularySize
    target_vocabulary: VocabularySize
    width: Width = 256
    heads: Annotated[int, msgspec.Meta(ge=1, le=128)] = 8
    feed_forward: Annotated[int, msgspec.Meta(ge=1, le=32768)] = 1536
    encoder_layers: Depth = 6
    decoder_layers: Depth = 2
    decoder: Literal["attention", "ssru"] = "ssru"
    norm: Literal["post", "pre"] = "post"
    activation: Literal["relu", "gelu", "swish"] = "relu"
    tied: Literal["none", "target", "all"] = "all"
    positions: Literal["marian", "halves", "interleaved", "learned"] = "marian"
    first_position: Annotated[int, msgspec.Meta(ge=0, le=16)] = 0
    max_positions: Annotated[int, msgspec.Meta(ge=1, le=1 << 16)] = 1024
    scale_embedding: bool = True
    norm_epsilon: Annotated[float, msgspec.Meta(gt=0, lt=0.1)] = 1e-6
    dropout: Rate = 0.0

    def faults(self) -> list[str]:
        """Return what does not fit together, one sentence each."""
        found = []
        if self.width % self.heads:
            found.append(f"width {self.width} cannot be shared by {self.heads} heads.")
        if self.width % 2 or self.width < 4:
            found.append(f"width is {self.width}; it must be even and at least 4.")
        if self.tied == "all" and self.source_vocabulary != self.target_vocabulary:
            found.append('tied "all" needs source and target vocabularies of one size.')
        return found


NetworkConfig = RecurrentConfig | TransformerConfig


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A language by ISO 639 code, with an ISO 15924 script where the language has several ("zh", "Hans")."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")]
    script: Annotated[str, msgspec.Meta(pattern=r"^([A-Z][a-z]{3})?$")] = ""

    def __str__(self) -> str:
        return f"{self.code}-{self.script}" if self.script else self.code


class Direction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way that a model goes; ``tag`` is a piece put before the source, "" for none ("<2zh>")."""

    source: Language
    target: Language
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.source} > {self.target}"


class TokenizerFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokenizers of both sides: kind and file names inside the model's folder; one name may serve both.

    "sentencepiece": SentencePiece models. "words": one token a line, text is split at blanks; line n is id n.
    "characters": one character a line, written as a JSON string; line n is id n.
    """

    source: str
    target: str
    kind: Literal["sentencepiece", "words", "characters"] = "sentencepiece"


class DecodingDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model likes to be decoded when the user has not said otherwise.

    ``start`` is the id of the decoder's first input, -1 a vector of zeros (Marian). ``never`` are ids that must not
    be produced (``<unk>``, direction tags). ``max_source`` is the longest segment in tokens, the end symbol included.
    """

    eos: int = 0
    unk: int = 1
    start: int = -1
    never: tuple[int, ...] = ()
    beam_size: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    length_penalty: float = 1.0
    max_length_ratio: Annotated[float, msgspec.Meta(gt=0, le=100)] = 2.0
    max_source: Annotated[int, msgspec.Meta(ge=4, le=4096)] = 128


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measured figure of a card: metric on a test set for a direction, with the metric's own signature."""

    test_set: str
    direction: str
    metric: Literal["BLEU", "chrF"]
    value: float
    signature: str


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a user may ask of a model before it is loaded."""

    format_version: int = FORMAT_VERSION
    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    task: Literal["translate", "summarise", "generate"] = "translate"
    directions: Annotated[tuple[Direction, ...], msgspec.Meta(min_length=1)]
    network: NetworkConfig
    tokenizer: TokenizerFiles
    decoding: DecodingDefaults = DecodingDefaults()
    licence: str
    training_data: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model as a reader hands it over: card, weights by name (numpy arrays, read when asked for), tokenizer paths.

    Weight names and shapes are those of the network's ``state_dict``.
    """

    card: ModelCard
    weights: Mapping[str, Any]
    source_tokenizer: Path
    target_tokenizer: Path
