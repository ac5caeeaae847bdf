"""A ready model: network, tokenizers and card, made whole from a description and never changed afterwards.

Everything that can be wrong with a description is found here at once, by name and in plain words: tensors against
what the configuration demands, vocabularies, tags, weights that are not numbers. The network itself is built without
memory of its own and takes over the tensors that were read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import torch

from s2s_gui.description import (
    Direction,
    EightBitRows,
    ModelCard,
    ModelDescription,
    TokenizerFiles,
    TransformerConfig,
    Vocabulary,
)
from s2s_gui.engine.constraints import numeric_ids
from s2s_gui.engine.shortlist import LexicalShortlist
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.networks.build import build
from s2s_gui.networks.compiled import Compiled
from s2s_gui.networks.compiled_recurrent import CompiledRecurrent
from s2s_gui.networks.eight_bits import EightBits, eight_bits, floats
from s2s_gui.networks.network import Network
from s2s_gui.networks.products import Precision
from s2s_gui.networks.quick import Quick
from s2s_gui.networks.recurrent import Recurrent
from s2s_gui.networks.transformer import Transformer
from s2s_gui.text.opening import open_tokenizer
from s2s_gui.text.protected import PIECES
from s2s_gui.text.tokenizer import ListedTokenizer, Tokenizer

NAMES_SHOWN = 8
MOST_TOKENS = 1 << 16


@dataclass(frozen=True, slots=True)
class Model:
    """A model that translates. ``numeric`` are the target ids without letters.

    ``compiled`` is the quick form of its network for a single sentence, where there is one; the plain one is the
    reference and serves all else.
    """

    card: ModelCard
    network: Network
    source: Tokenizer
    target: Tokenizer
    numeric: frozenset[int]
    shortlist: LexicalShortlist | None = None
    compiled: Quick | None = None

    @property
    def parameters(self) -> int:
        """Number of weights, tied ones counted once."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def most_tokens(self) -> int:
        """Number of target tokens for which the network has positions."""
        network = self.card.network
        if isinstance(network, TransformerConfig) and network.positions == "learned":
            return min(network.max_positions - network.first_position, self._longest)
        return self._longest

    @property
    def max_source(self) -> int:
        """The most source tokens that are read at once."""
        return min(self.card.decoding.max_source, self._longest)

    @property
    def _longest(self) -> int:
        """How far a network goes whose plain form was given up."""
        is_alone = self.compiled is not None and self.compiled.precision == "int8"
        return self.compiled.longest if is_alone and self.compiled is not None else MOST_TOKENS

    def direction(self, source: str, target: str) -> Direction:
        """Return the direction between two languages ("zh" finds "zh-Hans"); raise ``RequestError`` if none fits."""
        for exact in (True, False):
            for direction in self.card.ways():
                sides = ((source, direction.source), (target, direction.target))
                if all(
                    wanted == str(language) or (not exact and wanted == language.code) for wanted, language in sides
                ):
                    return direction
        raise RequestError(
            f"The model {self.card.name} does not translate {source} > {target}; it offers {self.card.offer()}."
        )


def quickened(model: Model, precision: Precision) -> Model:
    """Return the same model with the quick form of its network, if it is of a kind that has one.

    With 8 bits the plain form is given up, since it would take several times the memory; what it alone could do,
    sentences of more than ``longest`` tokens, is given up with it.
    """
    compiled: Quick
    model = widened(model) if precision == "fp32" else model
    if isinstance(model.network, Transformer):
        compiled = Compiled(model.network, precision)
    elif isinstance(model.network, Recurrent):
        compiled = CompiledRecurrent(model.network, precision)
    else:
        return model
    if precision == "fp32":
        return replace(model, compiled=compiled)
    with torch.device("meta"):
        shell = build(model.card.network)
    return replace(model, network=shell, compiled=compiled)


def widened(model: Model) -> Model:
    """Return the same model with weights that the plain network can use: those that are in 8 bits become float32."""
    weights = dict(model.network.named_parameters())
    if not any(isinstance(weight, EightBits) for weight in weights.values()):
        return model
    return replace(model, network=_filled(model.card, {name: floats(weight) for name, weight in weights.items()}))


def of_tokens(model: Model) -> Model:
    """Return the same model without its tokenizers: text is its tokens with blanks between, in and out."""
    decoding = model.card.decoding
    sides = [
        ListedTokenizer([side.piece(id) for id in range(side.size)], "tokens", eos=decoding.eos, unk=decoding.unk)
        for side in (model.source, model.target)
    ]
    card = msgspec.structs.replace(model.card, tokenizer=TokenizerFiles("source.txt", "target.txt", "tokens"))
    return replace(model, card=card, source=sides[0], target=sides[1])


def assemble(description: ModelDescription, faults: Sequence[str] = (), precision: Precision = "fp32") -> Model:
    """Build the network and load its weights.

    ``faults`` are those that the reader has found already; all are raised together in one ``ModelError``. With 8 bits,
    weights that come in 8 bits stay so: that network is only for ``quickened``, or for ``widened``, and runs not.
    """
    card = description.card
    found = [*faults]
    source = _tokenizer(card, description.source, card.tokenizer.source, found)
    same = description.source is description.target
    target = source if same else _tokenizer(card, description.target, card.tokenizer.target, found)
    _check_vocabularies(card, source, target, found)
    _check_marks(card, source, target, found)
    if card.network.faults():
        raise ModelError(card.id, list(dict.fromkeys([*found, *card.network.faults()])))
    tensors = _tensors(card, description.weights, precision, found)
    if found or source is None or target is None:
        raise ModelError(card.id, found)
    network = _filled(card, tensors)
    numeric = numeric_ids([target.piece(id) for id in range(target.size)])
    lists = description.shortlist
    shortlist = LexicalShortlist(lists, target.size, same) if lists is not None else None
    return Model(card, network, source, target, numeric, shortlist)


def _tokenizer(card: ModelCard, vocabulary: Vocabulary, name: str, found: list[str]) -> Tokenizer | None:
    if not vocabulary.model and not vocabulary.tokens:
        return None
    try:
        return open_tokenizer(
            vocabulary, card.tokenizer, eos=card.decoding.eos, unk=card.decoding.unk, tags=_tags(card)
        )
    except ModelError as error:
        found.extend(f"{name}: {fault}" for fault in error.faults if f"{name}: {fault}" not in found)
        return None


def _tags(card: ModelCard) -> list[str]:
    tags = [tag for direction in card.directions for tag in (direction.tag, direction.prefix) if tag]
    return list(dict.fromkeys([*tags, *(tongue.token for tongue in card.languages)]))


def _check_vocabularies(card: ModelCard, source: Tokenizer | None, target: Tokenizer | None, found: list[str]) -> None:
    sides = (
        ("source", source, card.network.source_vocabulary, card.tokenizer.source),
        ("target", target, card.network.target_vocabulary, card.tokenizer.target),
    )
    for side, tokenizer, size, name in sides:
        if tokenizer is not None and tokenizer.size != size:
            found.append(
                f"The network's {side} vocabulary has {size} entries, but {name} has {tokenizer.size}:"
                " they belong to different models."
            )
    tags = [direction.tag for direction in card.directions] + [tongue.token for tongue in card.languages]
    prefixes = [direction.prefix for direction in card.directions] + [tongue.token for tongue in card.languages]
    for tokenizer, pieces, name in ((source, tags, card.tokenizer.source), (target, prefixes, card.tokenizer.target)):
        if tokenizer is not None:
            missing = [repr(piece) for piece in dict.fromkeys(pieces) if piece and tokenizer.id_of(piece) is None]
            _name(f"{name} lacks the pieces that stand for languages", missing, found)


def _check_marks(card: ModelCard, source: Tokenizer | None, target: Tokenizer | None, found: list[str]) -> None:
    if card.decoding.copies_marks:
        for tokenizer, name in ((source, card.tokenizer.source), (target, card.tokenizer.target)):
            missing = [] if tokenizer is None else [piece for piece in PIECES if tokenizer.id_of(piece) is None]
            _name(f"{name} lacks the pieces that stand for what is to be copied", missing, found)


def _filled(card: ModelCard, tensors: Mapping[str, torch.Tensor]) -> Network:
    """Return the network with ``tensors`` for its weights, which are taken over."""
    with torch.device("meta"):
        network = build(card.network)
    network.requires_grad_(False)
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def _tensors(
    card: ModelCard, weights: Mapping[str, Any], precision: Precision, found: list[str]
) -> dict[str, torch.Tensor]:
    """Return the weights, after comparing names and shapes with the network's: float32, or ``EightBits``.

    A float32 array that can be written to is taken over and not copied, and so are 8-bit rows that stay so.
    """
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in build(card.network).state_dict().items()}
    present = set(weights)
    _name("These weights are missing", sorted(wanted.keys() - present), found)
    _name("These weights do not belong to such a network", sorted(present - wanted.keys()), found)
    tensors: dict[str, torch.Tensor] = {}
    for name in sorted(wanted.keys() & present):
        array = weights[name]
        if tuple(array.shape) != wanted[name]:
            found.append(f"{name} has the shape {_shape(array.shape)}; the network needs {_shape(wanted[name])}.")
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            if isinstance(array, EightBitRows):
                if not ((array.scales > 0) & np.isfinite(array.scales * 128)).all():
                    found.append(f"{name}.scale holds values that are not finite numbers above zero, or are too large.")
                    continue
                if precision == "int8":
                    tensors[name] = eight_bits(torch.from_numpy(array.values), torch.from_numpy(array.scales))
                    continue
                array = array.floats()
            array = np.require(array, np.float32, ["C", "W"])
            # A finite sum proves that all are; an infinite one may have overflowed.
            if not np.isfinite(array.sum()) and not np.isfinite(array).all():
                found.append(f"{name} holds values that are not finite numbers.")
        tensors[name] = torch.from_numpy(array)
    return tensors


def _name(words: str, names: list[str], found: list[str]) -> None:
    if names:
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        found.append(f"{words}: {', '.join(names[:NAMES_SHOWN])}{more}.")


def _shape(shape: Sequence[int]) -> str:
    return "[" + ", ".join(str(size) for size in shape) + "]"
