"""What ``tests/fuzz`` has found: each once made a reader hang, crash or raise something that is no ``ModelError``."""

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sentencepiece import SentencePieceTrainer

from s2s_gui.engine.model import assemble
from s2s_gui.errors import ModelError
from s2s_gui.formats.huggingface import marian as hf_marian
from s2s_gui.formats.keras.hdf5_heap import HEADER, SIGNATURE
from s2s_gui.formats.opening import describe
from s2s_gui.formats.safetensors import SafetensorsFile
from s2s_gui.text.sentencepiece import PieceTokenizer
from tests.formats import onmt_files
from tests.formats.keras_files import classic
from tests.formats.marian_small import replaced

BASE = Path(__file__).parents[1] / "oracles" / "recorded" / "base"


def refused(path: Path, scratch: Path) -> str:
    with pytest.raises(ModelError) as caught:
        describe(path, scratch)
    return str(caught.value)


@pytest.mark.parametrize("size", [0, 1 << 20, (1 << 64) - 16])
@pytest.mark.parametrize("number", [0, 1])
def test_texts_in_hdf5_that_do_not_advance(number: int, size: int, tmp_path: Path) -> None:
    path = classic().write(tmp_path / "model.h5")
    content = path.read_bytes()
    object_header = number.to_bytes(8, "little") + size.to_bytes(8, "little")
    path.write_bytes(replaced(content, {content.index(SIGNATURE) + HEADER: object_header}))
    assert "cannot be read" in refused(path, tmp_path)


def test_hdf5_with_short_lengths(tmp_path: Path) -> None:
    path = classic().write(tmp_path / "model.h5")
    path.write_bytes(replaced(path.read_bytes(), {14: b"\4"}))
    assert "cannot be read" in refused(path, tmp_path)


def test_a_pickle_that_asks_for_an_unknown_encoding(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(onmt_files.small().content(), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    encode = b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x06\0\0\0lathn1\x86R."
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, encode + b"argparse\nNamespace vocab" if name.endswith("/data.pkl") else content)
    assert "half there" in refused(path, tmp_path)


def test_a_zip_of_several_disks(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"PK\3\4" + bytes(26) + b"PK\6\7" + bytes(12) + b"\2\0\0\0" + b"PK\5\6" + bytes(18))
    assert refused(path, tmp_path)


def test_blocks_of_different_shapes(tmp_path: Path) -> None:
    folder = shutil.copytree(BASE, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    name = "model.encoder.layers.0.self_attn.k_proj.weight"
    save_file(weights | {name: np.ones((32, 31), np.float32)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="belong together"):
        assemble(hf_marian.read(folder))


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": np.ones(8, np.float32)}, path)
    file = SafetensorsFile(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ModelError, match="shorter"):
        file["a"]


def test_normalisation_rules_that_make_no_text() -> None:
    made = io.BytesIO()
    SentencePieceTrainer.Train(
        sentence_iterator=iter(["hello world", "アメリカ"] * 20),
        model_writer=made,
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    whole = made.getvalue()
    # Half-width kana become wide ones; the rule's result, with a NUL around it, is broken.
    damaged = whole.replace("\0ア\0".encode(), b"\0\xe3\xff\xff\0")
    assert damaged != whole
    tokenizer = PieceTokenizer(damaged, ["</s>", "<unk>"], where="a", eos=0, unk=1, specials=(), blanks="\u2581")
    assert tokenizer.encode("hello")
    with pytest.raises(ModelError, match="damaged"):
        tokenizer.encode("ｱ")
