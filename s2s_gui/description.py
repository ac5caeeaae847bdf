"""What a model is before it is one: its card, the configuration of its network, its weights still in the file.

Standard library and msgspec only: the window reads cards without numpy or torch. ``card.json`` is a ``ModelCard``
and nothing else; unknown fields are refused by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

# The newest that is read. 2 came with weights in 8 bits; a folder without any says 1, so that older programs read it.
FORMAT_VERSION = 2

Depth = Annotated[int, msgspec.Meta(ge=1, le=64)]
Width = Annotated[int, msgspec.Meta(ge=1, le=8192)]
VocabularySize = Annotated[int, msgspec.Meta(ge=2, le=1 << 21)]
Rate = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class RecurrentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="rnn"):
    """An encoder-decoder of LSTM or GRU cells (Sutskever et al. 2014; Bahdanau et al. 2015; Luong et al. 2015).

    ``width`` is the embedding's, ``hidden`` the decoder's. A bidirectional encoder has ``hidden / 2`` units a side,
    so that its final state fits the decoder. ``reverse_source`` feeds the source backwards (Sutskever et al.).
    Without attention the encoder's final state, a vector of fixed length, is all that the decoder sees.
    ``attention``: "luong" and "concat" are two scores of Luong et al., both used after the cell.

    ``initial`` says for each of the decoder's layers from which of the encoder's its first state comes; () is layer
    by layer. Without ``readout`` the output layer reads the decoder and the context as they are, with it through a
    tanh layer of ``width`` values. ``gates`` and ``reset_after`` are explained in ``networks/cells.py``.
    """

    source_vocabulary: VocabularySize
    target_vocabulary: VocabularySize
    cell: Literal["lstm", "gru"] = "lstm"
    layers: Depth = 2
    width: Width = 256
    hidden: Width = 512
    bidirectional: bool = True
    reverse_source: bool = False
    attention: Literal["none", "bahdanau", "luong", "concat"] = "luong"
    tied: Literal["none", "target", "all"] = "all"
    dropout: Rate = 0.0
    scale_embedding: bool = True
    readout: bool = True
    gates: Literal["sigmoid", "clipped-fifth", "clipped-sixth"] = "sigmoid"
    reset_after: bool = True
    initial: Annotated[tuple[int, ...], msgspec.Meta(max_length=64)] = ()

    def faults(self) -> list[str]:
        """Return what does not fit together, one sentence each."""
        found = []
        if self.bidirectional and self.hidden % 2:
            found.append(f"hidden is {self.hidden}; a bidirectional encoder needs an even number.")
        if self.tied == "all" and self.source_vocabulary != self.target_vocabulary:
            found.append('tied "all" needs source and target vocabularies of one size.')
        if self.tied != "none" and not self.readout:
            found.append('Without a readout the output layer must be its own: tied "none".')
        if any(not 0 <= layer < self.layers for layer in self.initial):
            found.append(f"initial is {list(self.initial)}, but the encoder's layers are 0 to {self.layers - 1}.")
        return found


class TransformerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="transformer"):
    """A Transformer (Vaswani et al. 2017) whose decoder has causal self-attention or an SSRU (Kim et al. 2019).

    ``positions``: "marian" has sines in the first half and cosines in the second with divisor d/2 - 1, "halves"
    the same with divisor d/2 (transformers' Marian), "interleaved" sine and cosine in turn with divisor d/2 (the
    paper), "learned" a table of ``max_positions`` rows. ``first_position`` is the number of the first token.
    ``activation``: "gelu-tanh" and "gelu-sigmoid" (x sigmoid(1.702 x)) are approximations of "gelu".
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
    activation: Literal["relu", "gelu", "gelu-tanh", "gelu-sigmoid", "swish"] = "relu"
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


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A language by ISO 639 code; script (ISO 15924) and region (ISO 3166) where they matter ("zh-Hans", "pt-BR")."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$")]
    script: Annotated[str, msgspec.Meta(pattern=r"^([A-Z][a-z]{3})?$")] = ""
    region: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{2}|[0-9]{3})?$")] = ""

    def __str__(self) -> str:
        return "-".join(part for part in (self.code, self.script, self.region) if part)


# Not tracked by the garbage collector: a model of many languages has tens of thousands, and the collection that they
# would set off stops all threads.
class Direction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One way that a model goes; ``tag`` is a piece put before the source, "" for none ("<2zh>").

    ``prefix`` is a piece that every target begins with and that is no part of its text ("spa_Latn"), "" for none.
    """

    source: Language
    target: Language
    tag: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.source} > {self.target}"


class Tongue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the languages of a model that goes from any of them to any other, and the token that names it there."""

    language: Language
    token: str


class TokenizerFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokenizers of both sides: kind and file names inside the model's folder; one name may serve both.

    "sentencepiece": SentencePiece models. "words": one token a line, text is split at blanks; line n is id n.
    "characters": one character a line, written as a JSON string; line n is id n. "tokens": as "words", for a model
    whose tokenizer is not known: a line of text is tokens with blanks between, and every token may stand in it.

    ``source_tokens``, ``target_tokens``: files with a JSON list, the piece of each id, where a SentencePiece model's
    own numbers do not count. ``specials`` are tokens that no text becomes and that show nothing. ``blanks`` are the
    characters that stand for a blank in pieces.
    """

    source: str
    target: str
    kind: Literal["sentencepiece", "words", "characters", "tokens"] = "sentencepiece"
    source_tokens: str = ""
    target_tokens: str = ""
    specials: tuple[str, ...] = ()
    blanks: str = "\u2581"


class DecodingDefaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model likes to be decoded when the user has not said otherwise.

    ``eos`` and ``unk`` are target ids, ``start`` is the id of the decoder's first input, -1 a vector of zeros
    (Marian). ``never`` are ids that must not be produced (direction tags), and so is ``unk`` unless ``allow_unk``.
    ``max_source`` is the longest segment in tokens, the end symbol included.

    ``ending`` is how a beam of n ends. "shrink": what ended leaves the beam, which gets smaller, until it is empty
    (Marian). "count": the beam stays full until n have ended (CTranslate2). "bound": until none alive scores better
    than the worst of the n best that have ended (transformers).

    Source ids: ``source_start``, the direction's tag, the pieces, ``source_end`` (None: ``eos``), with ``tag_last``
    the tag after all. Sources shorter than ``pad_source_to`` are filled up with ``pad_source_with``, -1 for vectors
    of zeros: a network that was trained on padding without a mask needs it.

    ``copies_marks``: the model has learnt to copy the marks of ``text/protected.py``, and reads them for addresses,
    code and the like.
    """

    eos: int = 0
    unk: int = 1
    start: int = -1
    ending: Literal["shrink", "count", "bound"] = "shrink"
    never: tuple[int, ...] = ()
    allow_unk: bool = False
    source_start: tuple[int, ...] = ()
    source_end: tuple[int, ...] | None = None
    tag_last: bool = False
    pad_source_to: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 0
    pad_source_with: int = -1
    beam_size: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    length_penalty: float = 1.0
    max_length_ratio: Annotated[float, msgspec.Meta(gt=0, le=100)] = 2.0
    max_source: Annotated[int, msgspec.Meta(ge=4, le=4096)] = 128
    copies_marks: bool = False


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measured figure of a card: metric on a test set for a direction, with the metric's own signature."""

    test_set: str
    direction: str
    metric: Literal["BLEU", "chrF"]
    value: float
    signature: str


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far a direction's token probabilities can be believed; ``training/confidence.py`` says how it is measured.

    A token of probability p deserves the confidence 1 / (1 + exp(-(logit(p) / temperature + bias))): so often is such
    a token the one that a person wrote there. ``ece``: expected calibration error on ``tokens`` tokens that the fit
    has not seen, before and after. A confidence less than ``doubtful_below`` is worth a mark: of the tokens so marked
    the share ``precision`` was not what a person wrote; ``marked`` of all were. 0 if no mark is right often enough.
    """

    direction: str
    test_set: str
    tokens: Annotated[int, msgspec.Meta(ge=0)]
    temperature: Annotated[float, msgspec.Meta(gt=0)]
    bias: float
    ece_before: Share
    ece_after: Share
    doubtful_below: Share = 0.0
    precision: Share = 0.0
    marked: Share = 0.0


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a user may ask of a model before it is loaded.

    A model goes the ways listed in ``directions`` and from any of ``languages`` to any other.
    """

    format_version: int = 1
    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    task: Literal["translate", "summarise", "generate"] = "translate"
    directions: tuple[Direction, ...] = ()
    languages: tuple[Tongue, ...] = ()
    network: NetworkConfig
    tokenizer: TokenizerFiles
    decoding: DecodingDefaults = DecodingDefaults()
    shortlist: str = ""
    licence: str
    training_data: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    notes: str = ""

    def ways(self) -> tuple[Direction, ...]:
        """Return every direction that the model goes, also by way of the other script of Chinese."""
        return _all_ways(self.directions, self.languages)

    def own_ways(self) -> tuple[Direction, ...]:
        """Return every direction that the model itself has learnt."""
        return _ways(self.directions, self.languages)

    def fitting(self, source: str | None, target: str | None) -> list[Direction]:
        """Return the ways between two languages ("zh" finds "zh-Hans"), None being any.

        Another script of Chinese than the model's own counts only where it is asked for.
        """
        wanted = [None if side is None else side.lower() for side in (source, target)]
        found = [
            way
            for way in self.ways()
            if wanted[0] in (None, way.source.code, str(way.source).lower())
            and wanted[1] in (None, way.target.code, str(way.target).lower())
        ]
        return [way for way in found if self.learnt(way) == way] or found

    def learnt(self, direction: Direction) -> Direction:
        """Return the direction that the model itself knows for one of ``ways``: the script may be another."""
        return _in_traditional_script(self.directions, self.languages).get(direction, direction)

    def files(self) -> tuple[str, ...]:
        """Return the names of the files that the card speaks of: tokenizers and shortlist."""
        tokenizer = self.tokenizer
        names = (tokenizer.source, tokenizer.target, tokenizer.source_tokens, tokenizer.target_tokens, self.shortlist)
        return tuple(dict.fromkeys(name for i, name in enumerate(names) if name or i < 2))

    def offer(self) -> str:
        """Return the directions for people, on one line."""
        parts = [str(direction) for direction in self.directions]
        if self.languages:
            parts.append(f"from any of {len(self.languages)} languages to any other")
        return ", ".join(parts)


@lru_cache(maxsize=16)
def _ways(directions: tuple[Direction, ...], languages: tuple[Tongue, ...]) -> tuple[Direction, ...]:
    between = (
        Direction(source.language, target.language, source.token, target.token)
        for source in languages
        for target in languages
        if source is not target
    )
    return (*directions, *between)


@lru_cache(maxsize=16)
def _all_ways(directions: tuple[Direction, ...], languages: tuple[Tongue, ...]) -> tuple[Direction, ...]:
    return (*_ways(directions, languages), *_in_traditional_script(directions, languages))


# Known by directions and languages: a model of 200 languages has 40,000 ways, too many to be hashed at each key.
@lru_cache(maxsize=16)
def _in_traditional_script(
    directions: tuple[Direction, ...], languages: tuple[Tongue, ...]
) -> dict[Direction, Direction]:
    """Return those ways in simplified Chinese by what they are in traditional, unless the model has that too."""
    own = _ways(directions, languages)
    known = {(way.source, way.target) for way in own}
    found = {}
    for way in own:
        source, target = (
            msgspec.structs.replace(side, script="Hant") if (side.code, side.script) == ("zh", "Hans") else side
            for side in (way.source, way.target)
        )
        if (source, target) not in known:
            found[msgspec.structs.replace(way, source=source, target=target)] = way
    return found


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One side's tokenizer as a reader hands it over; how to use it is in the card's ``TokenizerFiles``.

    ``name`` is for messages. ``model`` is a serialised SentencePiece model, b"" for the other kinds. ``tokens`` is the
    token of each id; empty where the SentencePiece model's own numbers count.
    """

    name: str
    model: bytes = b""
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shortlist:
    """A lexical shortlist (Jean et al. 2015 as Marian has it): which target ids a source id may lead to.

    Target ids below ``frequent`` are always among the candidates; those of source id i are
    ``ids[offsets[i] : offsets[i + 1]]``. ``offsets`` is uint64 [V_source + 1], ``ids`` uint32 [n], both numpy arrays.
    """

    frequent: int
    offsets: Any
    ids: Any


@dataclass(frozen=True, slots=True)
class EightBitRows:
    """A weight in 8 bits, numpy arrays: row r is ``values[r] * scales[r]``, int8 [out, in] and float32 [out]."""

    values: Any
    scales: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weight, (out, in)."""
        return tuple(self.values.shape)

    def floats(self) -> Any:
        """Return the weight as a new array, float32 [out, in]."""
        return self.values * self.scales[:, None]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model as a reader hands it over: card, weights by name (read when asked for), tokenizers.

    Weight names and shapes are those of the network's ``state_dict``; the weights are numpy arrays of any float type,
    or ``EightBitRows`` where our own files hold such. ``source`` and ``target`` are one object where both sides share a
    tokenizer. ``format`` and ``precision`` are for people ("Bergamot", "int8"); ``files`` are all that the model was
    read from.
    """

    card: ModelCard
    weights: Mapping[str, Any]
    source: Vocabulary
    target: Vocabulary
    shortlist: Shortlist | None = None
    format: str = "s2s"
    precision: str = ""
    files: tuple[Path, ...] = ()
