"""What is fuzzed: small valid models, and in each the file, or the part of a file, that is exchanged."""

import io
import pickle
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import torch

from s2s_gui.formats import native
from s2s_gui.formats.ctranslate2 import export as ctranslate2_export
from s2s_gui.formats.eight_bits import in_eight_bits
from s2s_gui.formats.huggingface import marian as hf_marian
from s2s_gui.formats.marian import bergamot
from s2s_gui.formats.marian import npz as marian
from s2s_gui.storage.record import Record, write_record
from s2s_gui.text.sentencepiece import piece_facts
from tests.engine import small
from tests.formats import marian_small, onmt_files
from tests.formats.keras_files import KerasModel, attentive, classic

BASE = Path(__file__).parents[1] / "oracles" / "recorded" / "base"
INTEROP = Path(__file__).parents[3] / "shared" / "interop"


@dataclass(frozen=True, slots=True)
class Target:
    """``make`` writes a valid model to a new folder and returns what is to be opened.

    ``name`` is the file that is exchanged, and ``member`` its part if it is a zip, whose other parts stay as they are.
    ``seeds`` are further contents to begin with.
    """

    make: Callable[[Path], Path]
    name: str
    member: str = ""
    seeds: Callable[[], list[bytes]] = list


def _hugging_face(folder: Path) -> Path:
    shutil.copytree(BASE, folder)
    (folder / "answers.json").unlink()
    return folder


def _native(folder: Path) -> Path:
    return small.write(folder.parent, folder)


def _eight_bits(folder: Path) -> Path:
    found = native.read(small.write(folder.parent, folder))
    weights = in_eight_bits(found.weights)
    native.write_description(replace(found, weights=weights), folder)
    return folder


def _linked(folder: Path) -> Path:
    _hugging_face(folder)
    write_record(Record(card=hf_marian.read(BASE).card, format="Hugging Face Marian"), folder)
    return folder


def _bergamot(folder: Path) -> Path:
    made = marian_small.description(marian_small.sentencepiece(folder.parent))
    size = made.card.network.source_vocabulary
    bergamot.write(made, folder, marian_small.alphas(made), marian_small.shortlist(size))
    return folder


def _marian(folder: Path) -> Path:
    """Return a model with its vocabularies as YAML."""
    content = marian_small.sentencepiece(folder.parent)
    made = marian_small.description(content, tags=False)
    side = replace(made.source, tokens=piece_facts(content, "tiny").pieces)
    files = msgspec.structs.replace(made.card.tokenizer, source_tokens="v.json", target_tokens="v.json")
    card = msgspec.structs.replace(made.card, tokenizer=files)
    marian.write(replace(made, card=card, source=side, target=side), folder)
    return folder


def _ctranslate2(folder: Path) -> Path:
    ctranslate2_export.write(hf_marian.read(BASE), folder)
    return folder


def _keras(suffix: str, made: Callable[[], KerasModel], folder: Path) -> Path:
    folder.mkdir()
    return made().write(folder / f"model{suffix}")


def _opennmt(folder: Path) -> Path:
    folder.mkdir()
    torch.save(onmt_files.small().content(), folder / "model.pt")
    return folder / "model.pt"


def _nllb(folder: Path) -> Path:
    shutil.copytree(INTEROP / "synthetic" / "nllb", folder)
    folder.chmod(0o755)
    (folder / "sentencepiece.bpe.model").unlink()
    return folder


def _archive(suffix: str, folder: Path) -> Path:
    folder.mkdir()
    (folder / f"model{suffix}").write_bytes(_packed(suffix))
    return folder / f"model{suffix}"


def _packed(suffix: str) -> bytes:
    """Return an archive of two files and a folder, which are no model."""
    members = {"inner/config.json": b'{"model_type": "marian"}', "inner/vocab.yml": b"a: 0\nb: 1\n" * 20}
    written = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return written.getvalue()
    with tarfile.open(fileobj=written, mode="w:gz" if suffix == ".tar.gz" else "w") as tar:
        for name, content in members.items():
            information = tarfile.TarInfo(name)
            information.size = len(content)
            tar.addfile(information, io.BytesIO(content))
    return written.getvalue()


def _array(array: object) -> bytes:
    written = io.BytesIO()
    np.save(written, np.asarray(array))
    return written.getvalue()


def _arrays() -> list[bytes]:
    return [_array(np.ones(8, kind)) for kind in ("<f4", "<f2", "<f8", "|i1", ">f4")]


def _pickles() -> list[bytes]:
    return [pickle.dumps(value, 2) for value in ({"model": {"a": [1.5, None]}}, ("b", {1}, b"c"))]


def _other_tokenizers() -> list[bytes]:
    files = (BASE / "target.spm", INTEROP / "synthetic" / "hf-marian" / "source.spm")
    with tempfile.TemporaryDirectory() as place:
        return [marian_small.sentencepiece(Path(place)), *(path.read_bytes() for path in files if path.is_file())]


TARGETS: dict[str, Target] = {
    "safetensors": Target(_hugging_face, "model.safetensors"),
    "config": Target(_hugging_face, "config.json"),
    "vocabulary": Target(_hugging_face, "vocab.json"),
    "sentencepiece": Target(_hugging_face, "source.spm", seeds=_other_tokenizers),
    "tokenizer-json": Target(_nllb, "tokenizer.json"),
    "bergamot": Target(_bergamot, "model.*.bin"),
    "shortlist": Target(_bergamot, "lex.*.bin"),
    "marian": Target(_marian, "*.npz"),
    "marian-options": Target(_marian, "*.npz", "special:model.yml.npy"),
    "marian-array": Target(_marian, "*.npz", "encoder_l1_ffn_W1.npy", _arrays),
    "marian-vocabulary": Target(_marian, "vocab.yml"),
    "ctranslate2": Target(_ctranslate2, "model.bin"),
    "zip": Target(partial(_archive, ".zip"), "model.zip"),
    "tar": Target(partial(_archive, ".tar"), "model.tar"),
    "gzip": Target(partial(_archive, ".tar.gz"), "model.tar.gz"),
    "keras": Target(partial(_keras, ".keras", classic), "model.keras"),
    "keras-config": Target(partial(_keras, ".keras", attentive), "model.keras", "config.json"),
    "keras-weights": Target(partial(_keras, ".keras", classic), "model.keras", "model.weights.h5"),
    "h5": Target(partial(_keras, ".h5", classic), "model.h5"),
    "opennmt": Target(_opennmt, "model.pt"),
    "opennmt-pickle": Target(_opennmt, "model.pt", "model/data.pkl", _pickles),
    "card": Target(_native, "card.json"),
    "eight-bits": Target(_eight_bits, native.WEIGHTS),
    "record": Target(_linked, "imported.json"),
}


def contents(target: Target, file: Path) -> list[bytes]:
    """Return what the corpus of a target begins with."""
    if not target.member:
        return [file.read_bytes(), *target.seeds()]
    with zipfile.ZipFile(file) as archive:
        return [archive.read(target.member), *target.seeds()]


def exchange(target: Target, file: Path, valid: bytes, content: bytes) -> None:
    """Put ``content`` in its place; ``valid`` is what the file holds otherwise."""
    if not target.member:
        file.write_bytes(content)
        return
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(valid)) as archive, zipfile.ZipFile(written, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, content if name == target.member else archive.read(name))
    file.write_bytes(written.getvalue())
