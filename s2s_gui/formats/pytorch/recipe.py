"""The recipe beside a plain PyTorch state dict: what the names and shapes of its tensors do not tell.

A state dict holds tensors by name and nothing of how they are used. The recipe is JSON, ``<stem>.json`` or
``model.json`` beside the weights. The defaults of the names are those of two well-known tutorials: an encoder with
``embedding`` and ``rnn``, a decoder with ``embedding``, ``rnn`` and ``fc_out`` (bentrevett/pytorch-seq2seq, part 1),
and an encoder and decoder with ``embedding``, ``gru`` and ``out`` (pytorch.org, "NLP from scratch", with and without
its ``attention``).
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from s2s_gui.errors import ModelError
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_limited

NAMES = {
    "source_embedding": ("encoder.embedding", "encoder.embed"),
    "encoder": ("encoder.rnn", "encoder.lstm", "encoder.gru"),
    "target_embedding": ("decoder.embedding", "decoder.embed"),
    "decoder": ("decoder.rnn", "decoder.lstm", "decoder.gru"),
    "output": ("decoder.fc_out", "decoder.out", "decoder.fc", "decoder.linear"),
    "attention": ("decoder.attention",),
}


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the parts are called in the state dict; "" is whichever of the usual names is there."""

    source_embedding: str = ""
    encoder: str = ""
    target_embedding: str = ""
    decoder: str = ""
    output: str = ""
    attention: str = ""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The recipe. ``source_start`` and ``source_end`` are tokens put around a source, in reading order of the text.

    ``reverse_source`` turns only the text's own tokens round, as the tutorial does, not what is put around them.
    ``attention`` "bahdanau" is that of "NLP from scratch": layers ``Wa``, ``Ua`` and ``Va``, looking with the output
    before, and a context that is an input of the decoder's cell alone.
    """

    cell: Literal["lstm", "gru"]
    source_vocabulary: tuple[str, ...]
    target_vocabulary: tuple[str, ...]
    layers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    tokens: Literal["words", "characters"] = "words"
    attention: Literal["none", "bahdanau"] = "none"
    bidirectional: bool = False
    reverse_source: bool = False
    decoder_embedding_relu: bool = False
    start: str = "<sos>"
    end: str = "<eos>"
    unknown: str = ""
    padding: str = ""
    source_start: str = ""
    source_end: str = ""
    longest_source: Annotated[int, msgspec.Meta(ge=4, le=4096)] = 64
    names: Names = Names()
    source_language: str = ""
    target_language: str = ""
    name: str = ""
    licence: str = ""


def read_recipe(model: Path, tensors: Collection[str]) -> tuple[Recipe, Path]:
    """Return the recipe beside ``model`` and where it is; a ``ModelError`` explains one that is missing or wrong."""
    places = [model.with_suffix(".json"), model.with_name("model.json")]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        shown = ", ".join(list(tensors)[:8])
        raise ModelError(
            str(model),
            [
                f"{model.name} holds weights alone ({shown}, ...) and not how they are used. Write that into a file"
                f" {model.stem}.json beside it. {_example()}"
            ],
        )
    try:
        recipe = msgspec.json.decode(read_limited(path, MAX_VOCABULARY), type=Recipe)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(str(model), [f"{path.name} cannot be used: {error}.", _example()]) from error
    faults = _faults(recipe, path.name)
    if faults:
        raise ModelError(str(model), faults)
    return recipe, path


def named(recipe: Recipe, tensors: Collection[str], model: Path) -> Names:
    """Return the names that the state dict really uses; raise ``ModelError`` for a part that is not there."""
    found, faults = {}, []
    for part, usual in NAMES.items():
        if part == "attention" and recipe.attention == "none":
            continue
        given = getattr(recipe.names, part)
        candidates = (given,) if given else usual
        present = [name for name in candidates if any(tensor.startswith(f"{name}.") for tensor in tensors)]
        if not present:
            faults.append(
                f"No tensor's name begins with {' or '.join(candidates)}: say in the recipe, under names.{part}, how"
                f" the {part.replace('_', ' ')} is called."
            )
        found[part] = present[0] if present else ""
    if faults:
        raise ModelError(str(model), [*faults, f"The names are: {', '.join(list(tensors)[:16])}."])
    return Names(**found)


def _faults(recipe: Recipe, name: str) -> list[str]:
    faults = []
    for side, tokens in (("source", recipe.source_vocabulary), ("target", recipe.target_vocabulary)):
        if not 2 <= len(tokens) <= 1 << 20:
            faults.append(f"{name}: {side}_vocabulary has {len(tokens)} tokens; it must list all of them by number.")
        if len(set(tokens)) != len(tokens):
            faults.append(f"{name}: {side}_vocabulary lists a token twice.")
    faults += [
        f"{name}: {field} is {token!r}, which is not in the {side}_vocabulary."
        for field, token, side, tokens in (
            ("start", recipe.start, "target", recipe.target_vocabulary),
            ("end", recipe.end, "target", recipe.target_vocabulary),
            ("source_start", recipe.source_start, "source", recipe.source_vocabulary),
            ("source_end", recipe.source_end, "source", recipe.source_vocabulary),
        )
        if token not in tokens and (token or side == "target")
    ]
    return faults


def _example() -> str:
    example = {
        "cell": "lstm",
        "layers": 2,
        "source_vocabulary": ["<unk>", "<pad>", "<sos>", "<eos>", "ein"],
        "target_vocabulary": ["<unk>", "<pad>", "<sos>", "<eos>", "a"],
        "start": "<sos>",
        "end": "<eos>",
        "unknown": "<unk>",
        "padding": "<pad>",
        "source_start": "<sos>",
        "source_end": "<eos>",
        "reverse_source": True,
        "source_language": "de",
        "target_language": "en",
    }
    return f"An example: {json.dumps(example)}. The vocabularies list every token in the order of its number."
