"""Read and write Marian's ``.npz`` models (marian-nmt.github.io), such as those of OPUS-MT."""

from pathlib import Path

import numpy as np
import yaml

from s2s_gui.description import ModelDescription
from s2s_gui.errors import ModelError
from s2s_gui.formats.eight_bits import Floats
from s2s_gui.formats.marian import export
from s2s_gui.formats.marian.folder import find
from s2s_gui.formats.marian.model import describe, renamed
from s2s_gui.formats.marian.names import OPTIONS, Tables, parameters_of
from s2s_gui.formats.marian.npz_file import NpzFile, has_member

MEMBER = f"{OPTIONS}.npy"
MAX_OPTIONS = 64 << 10
BEAM_SIZE = 4
MAX_LENGTH_RATIO = 3.0
MAX_FILES = 1000


def recognises(path: Path) -> bool:
    """Say whether ``path`` is a Marian archive, or a folder with one."""
    try:
        files = [one for one, _ in zip(path.iterdir(), range(MAX_FILES), strict=False)] if path.is_dir() else [path]
        return any(one.is_file() and _is_model(one) for one in files)
    except OSError:
        return False


def read(path: Path) -> ModelDescription:
    """Return the model in a folder, or the model that is an ``.npz`` file with its vocabularies beside it.

    Raises ``ModelError`` for damaged files and for networks that this program does not have.
    """
    try:
        package = find(path, _is_model)
        archive = NpzFile(package.model)
        shape = archive.shapes.get(OPTIONS, ())
        if len(shape) != 1 or shape[0] > MAX_OPTIONS:
            raise ModelError(str(path), [f"{package.model.name} lacks {OPTIONS}: it is not a model of Marian."])
        return describe(
            package,
            archive,
            archive.text(OPTIONS),
            format="Marian",
            precision=archive.precision,
            beam_size=BEAM_SIZE,
            max_length_ratio=MAX_LENGTH_RATIO,
        )
    except ModelError as error:
        raise renamed(path, error) from error


def _is_model(path: Path) -> bool:
    return has_member(path, MEMBER)


def write(description: ModelDescription, folder: Path) -> None:
    """Write ``model.XXYY.npz``, ``decoder.yml`` and the vocabularies to ``folder``.

    Raises ``ModelError`` with everything that the format cannot hold.
    """
    card = description.card
    found = export.faults(description)
    network = export.network_of(description)
    own = export.are_own_ids(description)
    files, vocabs = _own_vocabularies(description, found) if own else _listed_vocabularies(description, found)
    if found or network is None:
        raise ModelError(card.id, found)
    model = f"model.{export.pair_name(card.own_ways()[0])}.npz"
    settings = {
        "relative-paths": True,
        "models": [model],
        "vocabs": vocabs,
        "beam-size": card.decoding.beam_size,
        "normalize": card.decoding.length_penalty,
        "word-penalty": 0.0,
        "max-length-factor": card.decoding.max_length_ratio,
        "allow-unk": card.decoding.allow_unk,
    }
    what = "A model for marian-decoder (https://marian-nmt.github.io): `marian-decoder -c decoder.yml`."
    readme = export.readme(card, what, text_tags=own)
    export.write_files({**files, "decoder.yml": yaml.safe_dump(settings), "README.md": readme}, folder)
    weights = Floats(description.weights)
    arrays = {name: array for name, _, array in parameters_of(network, weights, Tables.of(network.tied))}
    options = np.frombuffer(export.options_text(network).encode() + b"\0", np.int8)
    np.savez(folder / model, allow_pickle=False, **arrays, **{OPTIONS: options})


def _own_vocabularies(description: ModelDescription, found: list[str]) -> tuple[dict[str, str | bytes], list[str]]:
    pieces = export.own_pieces(description, found)
    if pieces is None:
        return {}, []
    found.extend(export.symbol_faults(pieces, description.card.decoding))
    if pieces.is_joint:
        return {"vocab.spm": pieces.source}, ["vocab.spm"] * 2
    return {"srcvocab.spm": pieces.source, "trgvocab.spm": pieces.target}, ["srcvocab.spm", "trgvocab.spm"]


def _listed_vocabularies(description: ModelDescription, found: list[str]) -> tuple[dict[str, str | bytes], list[str]]:
    source, target, decoding = description.source, description.target, description.card.decoding
    if not source.tokens or not target.tokens:
        found.append("Only one of its sides has a list of tokens.")
    if decoding.source_end not in (None, (decoding.eos,)):
        found.append("Its two sides give the end of a sentence different numbers.")
    for side in (source, target) if target is not source else (source,):
        found.extend(export.token_faults(side))
    files: dict[str, str | bytes] = {}
    if source.model and target.model:
        files = {"source.spm": source.model, "target.spm": target.model}
    names = ["vocab.yml"] * 2 if source.tokens == target.tokens else ["source.vocab.yml", "target.vocab.yml"]
    for name, side in zip(names, (source, target), strict=True):
        files[name] = export.yaml_vocabulary(side.tokens, decoding.eos, decoding.unk)
    return files, names
