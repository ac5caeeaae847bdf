"""Read and write Bergamot's models, which Firefox and translateLocally use: 8-bit binaries, vocabulary, shortlist."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import yaml

from s2s_gui.description import Direction, ModelCard, ModelDescription, Shortlist, TransformerConfig
from s2s_gui.errors import ModelError
from s2s_gui.formats.eight_bits import Floats
from s2s_gui.formats.lazy import Array
from s2s_gui.formats.marian import export
from s2s_gui.formats.marian import npz as marian
from s2s_gui.formats.marian.bergamot_file import BinaryFile, Stored, is_binary, write_binary
from s2s_gui.formats.marian.bergamot_rows import rows_of
from s2s_gui.formats.marian.folder import find
from s2s_gui.formats.marian.model import describe, renamed
from s2s_gui.formats.marian.names import Tables, parameters_of
from s2s_gui.formats.shortlist import write_shortlist

BEAM_SIZE = 1
MAX_LENGTH_RATIO = 2.0
MAX_FILES = 1000
# Inner sizes of products must be multiples of this number, so that processors' wide registers are full.
INNER = 64
CONFIGURATION = "config.intgemm8bitalpha.yml"


def recognises(path: Path) -> bool:
    """Say whether ``path`` is a Bergamot binary, or a folder with one."""
    try:
        files = [one for one, _ in zip(path.iterdir(), range(MAX_FILES), strict=False)] if path.is_dir() else [path]
        return any(one.is_file() and is_binary(one) for one in files)
    except OSError:
        return False


def read(path: Path) -> ModelDescription:
    """Return the model in a folder, or the model that is a binary file with its vocabulary beside it.

    Raises ``ModelError`` for damaged files and for networks that this program does not have.
    """
    try:
        package = find(path, is_binary)
        if marian.recognises(package.model):
            return marian.read(path)
        binary = BinaryFile(package.model)
        return describe(
            package,
            binary,
            binary.options(),
            format="Bergamot",
            precision=binary.precision,
            beam_size=BEAM_SIZE,
            max_length_ratio=MAX_LENGTH_RATIO,
        )
    except ModelError as error:
        raise renamed(path, error) from error


def write(
    description: ModelDescription, folder: Path, alphas: Mapping[str, float], shortlist: Shortlist | None = None
) -> None:
    """Write a model for Bergamot, Firefox and translateLocally to ``folder``.

    ``alphas`` are the activation multipliers by the name of our weight (``engine/calibration.py``); with none at all
    the engine finds one for every product as it goes. Without ``shortlist`` the model's own is written, if it has one.
    Raises ``ModelError`` with everything that the format cannot hold.
    """
    card = description.card
    found = [*export.faults(description), *_size_faults(export.network_of(description))]
    pieces = export.own_pieces(description, found)
    network = export.network_of(description)
    if pieces is not None and export.are_own_ids(description):
        found.extend(export.symbol_faults(pieces, card.decoding))
    if found or network is None or pieces is None:
        raise ModelError(card.id, found)
    rows = rows_of(description, network, pieces)
    tensors = list(_tensors(rows.network, rows.weights(Floats(description.weights)), alphas, found))
    if found:
        raise ModelError(card.id, found)
    pair = export.pair_name(card.own_ways()[0])
    names = [f"vocab.{pair}.spm"] * 2 if pieces.is_joint else [f"srcvocab.{pair}.spm", f"trgvocab.{pair}.spm"]
    model = f"model.{pair}.intgemm{'.alphas' if alphas else '8'}.bin"
    lists = rows.shortlist(shortlist or description.shortlist)
    lexicon = "" if lists is None else f"lex.50.50.{pair}.s2t.bin"
    files: dict[str, str | bytes] = {
        names[0]: pieces.source,
        names[1]: pieces.target,
        CONFIGURATION: _settings(card, model, names, lexicon, with_alphas=bool(alphas)),
        "model_info.json": _information(card, card.own_ways()[0]),
        "README.md": export.readme(
            card, "A model for Bergamot's engine, Firefox and translateLocally.", text_tags=True
        ),
    }
    export.write_files(files, folder)
    write_binary(tensors, export.options_text(rows.network), folder / model)
    if lists is not None:
        write_shortlist(lists, folder / lexicon)


def _size_faults(network: TransformerConfig | None) -> list[str]:
    if network is None:
        return []
    found = [
        f"Its {name} is {size}; the engine's 8-bit products need a multiple of {INNER}."
        for name, size in (("width", network.width), ("feed-forward width", network.feed_forward))
        if size % INNER
    ]
    if network.tied == "none":
        found.append("Its output matrix is its own; the engine's 8-bit output layer needs the target embedding's.")
    return found


def _tensors(
    network: TransformerConfig, weights: Mapping[str, Array], alphas: Mapping[str, float], found: list[str]
) -> Iterator[Stored]:
    """Yield all tensors by name; a matrix without a multiplier of its activations goes to ``found``."""
    tables = Tables.of(network.tied)
    for name, weight, array in sorted(parameters_of(network, weights, tables), key=lambda one: one[0]):
        if not weight.endswith(".weight") or array.shape[0] == 1:
            yield Stored.floats(name, array)
            continue
        yield Stored.quantised(name, array)
        if not alphas or weight == "source_embedding.weight":
            continue
        if not np.isfinite(alphas.get(weight, np.inf)) or alphas[weight] <= 0:
            found.append(f"There is no activation multiplier for {weight}.")
            continue
        alpha = np.full((1, 1), alphas[weight], np.float32)
        if name == tables.target:
            # The engines differ in the name that they look for, and take every name with "Wemb" for a quantised one.
            yield Stored.quantised(f"{name}_QuantMultA", alpha)
            yield Stored.floats("none_QuantMultA", alpha)
        else:
            yield Stored.floats(f"{name}_QuantMultA", alpha)


def _settings(card: ModelCard, model: str, vocabularies: list[str], lexicon: str, *, with_alphas: bool) -> str:
    settings = {
        "relative-paths": True,
        "models": [model],
        "vocabs": vocabularies,
        **({"shortlist": [lexicon, False]} if lexicon else {}),
        "beam-size": card.decoding.beam_size,
        "normalize": card.decoding.length_penalty,
        "word-penalty": 0.0,
        "max-length-break": card.decoding.max_source,
        "mini-batch-words": 1024,
        "workspace": 128,
        "max-length-factor": card.decoding.max_length_ratio,
        "skip-cost": True,
        "gemm-precision": "int8shiftAlphaAll" if with_alphas else "int8shiftAll",
    }
    return yaml.safe_dump(settings, sort_keys=False)


def _information(card: ModelCard, direction: Direction) -> str:
    """Return what translateLocally shows of a model."""
    source, target = direction.source, direction.target
    info = {
        "modelName": card.name,
        "shortName": card.id,
        "type": "tiny",
        "src": str(source),
        "trg": str(target),
        "srcTags": {str(source): str(source)},
        "trgTag": str(target),
        "version": 1,
        "API": 1,
    }
    return json.dumps(info, ensure_ascii=False, indent=1) + "\n"
