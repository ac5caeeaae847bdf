"""Hugging Face and CTranslate2 folders, broken in every way that has been seen or thought of."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from s2s_gui.formats.ctranslate2 import export as ctranslate2_export
from s2s_gui.formats.huggingface import marian as hf_marian
from tests.formats.damage import Damage, of_config, of_file, refusal
from tests.shared import shared

BASE = Path(__file__).parents[1] / "oracles" / "recorded" / "base"


def spoil(folder: Path, value: float) -> None:
    weights = load_file(folder / "model.safetensors")
    name = sorted(weights)[len(weights) // 2]
    weights[name].flat[1] = value
    save_file(weights, folder / "model.safetensors")


def swap(folder: Path, name: str, other: str) -> None:
    first, second = (folder / name).read_bytes(), (folder / other).read_bytes()
    (folder / name).write_bytes(second)
    (folder / other).write_bytes(first)


def twice(folder: Path) -> None:
    table = json.loads((folder / "vocab.json").read_text())
    first, second, *_ = table
    table[first] = table[second]
    (folder / "vocab.json").write_text(json.dumps(table))


def without(folder: Path, name: str) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({key: array for key, array in weights.items() if key != name}, folder / "model.safetensors")


def other_vocabulary(folder: Path) -> None:
    (folder / "vocab.json").write_text('{"a": 0, "b": 100000}')


HUGGING_FACE = [
    *(
        one
        for name in ("config.json", "model.safetensors", "vocab.json", "source.spm", "target.spm")
        for one in of_file(name)
    ),
    *of_config(
        "config.json",
        model_type=["t5", "", None, 7],
        d_model=[0, -8, 33, 31, 1 << 40, "32", None, 1.5],
        encoder_layers=[0, 1 << 30, -1, 3, "2"],
        decoder_layers=[1 << 30, 3],
        encoder_attention_heads=[0, 5, 1 << 20],
        decoder_attention_heads=[2],
        encoder_ffn_dim=[1, 1 << 40],
        activation_function=["tanh", 3],
        vocab_size=[1, 50, 1 << 40, -5],
        decoder_start_token_id=[1 << 20, -2],
        share_encoder_decoder_embeddings=["yes"],
    ),
    *of_config("generation_config.json", eos_token_id=[[0], "0", 1 << 20, -1], num_beams=["4"]),
    Damage("not a number in the weights", lambda folder: spoil(folder, float("nan"))),
    Damage("infinity in the weights", lambda folder: spoil(folder, float("inf"))),
    Damage("weights and vocabulary swapped", lambda folder: swap(folder, "model.safetensors", "vocab.json")),
    Damage("config and vocabulary swapped", lambda folder: swap(folder, "config.json", "vocab.json")),
    Damage("another model's vocabulary", other_vocabulary),
    Damage("two tokens with one number", twice),
    Damage("a tensor is missing", lambda folder: without(folder, "model.decoder.layers.1.fc1.weight")),
]


@pytest.mark.parametrize("damage", HUGGING_FACE, ids=lambda damage: damage.name)
def test_hugging_face(damage: Damage, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "model", tmp_path / "scratch"
    shutil.copytree(BASE, folder)
    damage.apply(folder)
    scratch.mkdir()
    assert "model" in refusal(folder, scratch)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ct2") / "model"
    ctranslate2_export.write(hf_marian.read(BASE), folder)
    return folder


def patch(folder: Path, at: int, content: bytes) -> None:
    whole = bytearray((folder / "model.bin").read_bytes())
    whole[at : at + len(content)] = content
    (folder / "model.bin").write_bytes(whole)


def after(folder: Path, name: bytes, skip: int, content: bytes) -> None:
    """Overwrite what follows a variable's name in model.bin."""
    whole = (folder / "model.bin").read_bytes()
    patch(folder, whole.index(name + b"\0") + len(name) + 1 + skip, content)


def append(folder: Path) -> None:
    with (folder / "model.bin").open("ab") as file:
        file.write(b"more")


def shorten_vocabulary(folder: Path) -> None:
    tokens = json.loads((folder / "shared_vocabulary.json").read_text())
    (folder / "shared_vocabulary.json").write_text(json.dumps(tokens[:-3]))


HUGE = (0xFFFFFFFF).to_bytes(4, "little")
EMBEDDING = b"decoder/embeddings/weight"
CTRANSLATE2 = [
    *(one for name in ("model.bin", "shared_vocabulary.json") for one in of_file(name)),
    *of_config(
        "config.json",
        unk_token=["absent", 5],
        eos_token=["absent"],
        decoder_start_token=["absent"],
        layer_norm_epsilon=["x", -1.0],
    ),
    Damage("version 7", lambda folder: patch(folder, 0, b"\7")),
    Damage("version 0", lambda folder: patch(folder, 0, b"\0")),
    Damage("a name without an end", lambda folder: patch(folder, 4, b"\xff\xff")),
    Damage("another spec", lambda folder: patch(folder, 6, b"Transcriber")),
    Damage("four thousand million variables", lambda folder: patch(folder, 26, HUGE)),
    Damage("a huge dimension", lambda folder: after(folder, EMBEDDING, 1, HUGE)),
    Damage("many dimensions", lambda folder: after(folder, EMBEDDING, 0, b"\xff")),
    Damage("an unknown type", lambda folder: after(folder, EMBEDDING, 9, b"\x09")),
    Damage("a wrong length", lambda folder: after(folder, EMBEDDING, 10, HUGE)),
    Damage("not a number", lambda folder: after(folder, EMBEDDING, 14, np.float32("nan").tobytes())),
    Damage("no heads", lambda folder: after(folder, b"encoder/num_heads", 6, b"\0\0")),
    Damage("seven heads", lambda folder: after(folder, b"encoder/num_heads", 6, b"\7\0")),
    Damage("an unknown activation", lambda folder: after(folder, b"encoder/activation", 6, b"\x32")),
    Damage("something after the end", append),
    Damage("too few tokens", shorten_vocabulary),
]


@pytest.mark.parametrize("damage", CTRANSLATE2, ids=lambda damage: damage.name)
def test_ctranslate2(damage: Damage, converted: Path, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "model", tmp_path / "scratch"
    shutil.copytree(converted, folder)
    damage.apply(folder)
    scratch.mkdir()
    assert "model" in refusal(folder, scratch)


END: dict[str, list[Any]] = {"</s>": [None, -1, 1 << 40, "2"], "<unk>": [1 << 30]}
MANY = [
    *(
        one
        for name in ("config.json", "model.safetensors", "vocab.json", "sentencepiece.bpe.model")
        for one in of_file(name)
    ),
    *of_config("config.json", d_model=[0, 47, 1 << 40], encoder_layers=[0, 9, 1 << 30], vocab_size=[10, 1 << 40]),
    *of_config("vocab.json", **END),
]
SINGLE = [
    *(one for name in ("config.json", "model.safetensors", "tokenizer.json") for one in of_file(name)),
    *of_config(
        "tokenizer.json", model=[None, {}, {"type": "WordPiece"}, {"type": "BPE", "vocab": {"a": "b"}, "merges": []}]
    ),
    *of_config("tokenizer.json", added_tokens=[5, [{"content": "x", "id": 1 << 40}], [{"content": "x", "id": -3}]]),
]
# Without metadata.json the folder inside is still a CTranslate2 model, and opens as one.
PACKAGE = [
    *(one for name in ("sentencepiece.model", "model/model.bin") for one in of_file(name)),
    *(one for one in of_file("metadata.json") if "missing" not in one.name),
    *of_config(
        "metadata.json",
        type=["sbd", 4],
        from_code=["", None, "??", 1],
        to_code=["klingon"],
        target_prefix=["__absent__", 3],
    ),
]


@pytest.mark.parametrize("damage", MANY, ids=lambda damage: damage.name)
def test_m2m(damage: Damage, tmp_path: Path) -> None:
    shutil.copytree(shared("interop", "synthetic", "m2m"), tmp_path / "model")
    (tmp_path / "scratch").mkdir()
    damage.apply(tmp_path / "model")
    assert "model" in refusal(tmp_path / "model", tmp_path / "scratch")


@pytest.mark.parametrize("damage", SINGLE, ids=lambda damage: damage.name)
def test_nllb(damage: Damage, tmp_path: Path) -> None:
    shutil.copytree(shared("interop", "synthetic", "nllb"), tmp_path / "model")
    (tmp_path / "model" / "sentencepiece.bpe.model").unlink()
    (tmp_path / "scratch").mkdir()
    damage.apply(tmp_path / "model")
    assert "model" in refusal(tmp_path / "model", tmp_path / "scratch")


@pytest.mark.parametrize("damage", PACKAGE, ids=lambda damage: damage.name)
def test_argos(damage: Damage, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared("interop", "packages", "translate-en_es-1_0.argosmodel")) as archive:
        archive.extractall(tmp_path / "packed")
    (folder,) = (tmp_path / "packed").iterdir()
    folder.rename(tmp_path / "model")
    (tmp_path / "scratch").mkdir()
    damage.apply(tmp_path / "model")
    assert "model" in refusal(tmp_path / "model", tmp_path / "scratch")
