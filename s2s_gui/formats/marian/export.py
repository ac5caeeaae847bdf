"""What Marian's formats can hold of a model, and the parts that both writers have in common."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from s2s_gui.description import DecodingDefaults, Direction, ModelCard, ModelDescription, TransformerConfig, Vocabulary
from s2s_gui.formats.marian.folder import EOS, UNK
from s2s_gui.formats.marian.names import ACTIVATIONS
from s2s_gui.text.sentencepiece import BLANK, PieceFacts, piece_facts, with_word_start

POSITIONS = {
    "halves": "sines with the divisor d/2",
    "interleaved": "sines and cosines in turn",
    "learned": "a table that was learned",
}
# Marian divides by sqrt(variance + 1e-9); a small number of ours makes no visible difference.
MAX_EPSILON = 2e-5
NOT_PRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def network_of(description: ModelDescription) -> TransformerConfig | None:
    """Return the network's configuration if it is a Transformer."""
    network = description.card.network
    return network if isinstance(network, TransformerConfig) else None


def faults(description: ModelDescription) -> list[str]:
    """Return what Marian's formats cannot hold of a model, one sentence each."""
    network = network_of(description)
    if network is None:
        return ["Only Transformers can be written in Marian's formats; this model is a recurrent network."]
    card, decoding = description.card, description.card.decoding
    checks = [
        (
            network.positions != "marian",
            f"Its positions are {POSITIONS.get(network.positions)}; Marian's engines compute sines with the divisor"
            " d/2 - 1 and would translate differently with the same weights.",
        ),
        (network.first_position != 0, "It counts positions from another number than 0, unlike Marian's engines."),
        (not network.scale_embedding, "It does not scale embeddings by the root of their width, as Marian does."),
        (
            network.activation not in ACTIVATIONS.values(),
            f"Marian does not have the activation {network.activation}, only {', '.join(ACTIVATIONS.values())}.",
        ),
        (
            network.norm_epsilon > MAX_EPSILON,
            f"Its norms add {network.norm_epsilon}, where Marian adds next to nothing.",
        ),
        (decoding.start != -1, "Its decoder starts with a token, Marian's with a vector of zeros."),
        (
            bool(decoding.source_start) or len(decoding.source_end or (0,)) != 1 or decoding.tag_last,
            "It puts other tokens around a source than Marian, which only adds the end symbol.",
        ),
        (decoding.pad_source_to > 0, "It fills up short sources, which Marian does not."),
        (
            bool(card.languages) or any(direction.prefix for direction in card.directions),
            "Its targets begin with a token that names the language; Marian's engines cannot force one.",
        ),
        (
            card.tokenizer.kind == "characters",
            "It reads characters; Marian reads pieces of a SentencePiece model or tokens with blanks between.",
        ),
    ]
    return [sentence for holds, sentence in checks if holds]


@dataclass(frozen=True, slots=True)
class OwnPieces:
    """SentencePiece models that can be written as they are, since a network's ids are theirs; facts of both."""

    source: bytes
    target: bytes
    source_facts: PieceFacts
    target_facts: PieceFacts

    @property
    def is_joint(self) -> bool:
        return self.source == self.target


def own_pieces(description: ModelDescription, found: list[str]) -> OwnPieces | None:
    """Return the SentencePiece models of both sides; what Marian's engines would read otherwise goes to ``found``.

    The tags of directions can only be written into the text there, so each must be a user-defined piece.
    """
    source, target = description.source, description.target
    if not source.model or not target.model:
        found.append("It has no SentencePiece model, which alone these engines read.")
        return None
    facts = piece_facts(source.model, source.name), piece_facts(target.model, target.name)
    tags = tags_of(description.card)
    found.extend(
        f"The tag {tag} is no user-defined piece of the SentencePiece model: no text could become it."
        for tag in tags
        if tag not in facts[0].user_defined
    )
    bare = [tag for tag in tags if not tag.startswith(BLANK)]
    models = with_word_start(source.model, bare), target.model
    if target is source or source.model == target.model:
        models = models[0], models[0]
    return OwnPieces(*models, *facts)


def are_own_ids(description: ModelDescription) -> bool:
    """Say whether both sides' ids are those of their SentencePiece models."""
    sides = (description.source, description.target)
    return all(side.model and not side.tokens for side in sides)


def symbol_faults(pieces: OwnPieces, decoding: DecodingDefaults) -> list[str]:
    """Marian takes the ids of end and unknown from the SentencePiece models; they must be the network's."""
    source_end = decoding.eos if decoding.source_end is None else decoding.source_end[0]
    wanted = (source_end, decoding.eos, decoding.unk)
    if wanted == (pieces.source_facts.eos, pieces.target_facts.eos, pieces.target_facts.unk):
        return []
    return ["Its end symbol or its unknown token is not the one that its SentencePiece model names."]


def tags_of(card: ModelCard) -> list[str]:
    """Return the tags of all directions."""
    return list(dict.fromkeys(direction.tag for direction in card.directions if direction.tag))


def token_faults(side: Vocabulary) -> list[str]:
    """A YAML vocabulary gives each token one number."""
    seen: set[str] = set()
    twice = [token for token in side.tokens if token in seen or seen.add(token)]  # type: ignore[func-returns-value]
    return [f"The vocabulary {side.name} holds the token {twice[0]!r} twice."] if twice else []


def yaml_vocabulary(tokens: Sequence[str], eos: int, unk: int) -> str:
    """Return a Marian vocabulary; the end symbol and the unknown token get the names that Marian looks for."""
    names = {eos: EOS, unk: UNK}
    return "".join(f"{_quoted(names.get(id, token))}: {id}\n" for id, token in enumerate(tokens))


def options_text(network: TransformerConfig) -> str:
    """Return the text of ``special:model.yml``. Engines want every key of their training options, used or not."""
    pre = network.norm == "pre"
    activation = next(theirs for theirs, ours in ACTIVATIONS.items() if ours == network.activation)
    options: dict[str, Any] = {
        "bert-train-type-embeddings": True,
        "dec-cell": "ssru" if network.decoder == "ssru" else "gru",
        "dec-cell-base-depth": 2,
        "dec-cell-high-depth": 1,
        "dec-depth": network.decoder_layers,
        "dim-emb": network.width,
        "dim-rnn": 1024,
        "dim-vocabs": [network.source_vocabulary, network.target_vocabulary],
        "enc-cell": "gru",
        "enc-cell-depth": 1,
        "enc-depth": network.encoder_layers,
        "enc-type": "bidirectional",
        "factors-combine": "sum",
        "factors-dim-emb": 0,
        "input-types": [],
        "layer-normalization": False,
        "lemma-dim-emb": 0,
        "output-omit-bias": False,
        "right-left": False,
        "skip": False,
        "tied-embeddings": network.tied == "target",
        "tied-embeddings-all": network.tied == "all",
        "tied-embeddings-src": False,
        "transformer-aan-activation": "swish",
        "transformer-aan-depth": 2,
        "transformer-aan-nogate": False,
        "transformer-decoder-autoreg": "rnn" if network.decoder == "ssru" else "self-attention",
        "transformer-depth-scaling": False,
        "transformer-dim-aan": network.feed_forward,
        "transformer-dim-ffn": network.feed_forward,
        "transformer-ffn-activation": activation,
        "transformer-ffn-depth": 2,
        "transformer-guided-alignment-layer": "last",
        "transformer-heads": network.heads,
        "transformer-no-projection": False,
        "transformer-postprocess": "da" if pre else "dan",
        "transformer-postprocess-emb": "d",
        "transformer-postprocess-top": "n" if pre else "",
        "transformer-preprocess": "n" if pre else "",
        "transformer-tied-layers": [],
        "transformer-train-position-embeddings": False,
        "type": "transformer",
        "ulr": False,
        "ulr-dim-emb": 0,
        "ulr-trainable-transformation": False,
        "version": "v1.9.0",
    }
    return yaml.safe_dump(options)


def pair_name(direction: Direction) -> str:
    """Return what file names call a direction: "enes", "en-yue"."""
    codes = direction.source.code, direction.target.code
    return ("" if all(len(code) == 2 for code in codes) else "-").join(codes)


def readme(card: ModelCard, what: str, *, text_tags: bool) -> str:
    """Return a README for people; ``text_tags``: the tags of directions have to be written into the text."""
    lines = [f"# {card.name}", "", what, "", f"Licence: {card.licence}", ""]
    for direction in card.directions:
        if direction.tag and text_tags:
            lines.append(
                f"To translate {direction}, begin every sentence with `{direction.tag.lstrip(BLANK)}` and a blank."
            )
        elif direction.tag:
            lines.append(f"To translate {direction}, put the token `{direction.tag}` before the source's tokens.")
    return "\n".join(lines).rstrip("\n") + "\n"


def write_files(files: Mapping[str, str | bytes], folder: Path) -> None:
    """Write small files by name; text is UTF-8."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def _quoted(token: str) -> str:
    """Return a token as a double-quoted scalar of YAML; its escapes are JSON's."""
    escaped = json.dumps(token, ensure_ascii=False)
    return NOT_PRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)
