import json
import shutil
import zipfile
from pathlib import Path

import pytest

from s2s_gui.errors import ModelError
from s2s_gui.formats.opening import describe
from tests.formats.damage import JPEG

MARIAN = Path(__file__).parents[1] / "oracles" / "recorded" / "base"


def refusal(path: Path, tmp_path: Path) -> str:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(ModelError) as caught:
        describe(path, scratch)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.zip", b"", "empty or only half there"),
        ("model.safetensors.part", b"abc", "wait until the download has ended"),
        ("model.bin", b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer"),
        ("model.argosmodel", b"\n <!DOCTYPE html><html>", "web page"),
        ("model.keras", JPEG, "a picture"),
        ("model.bin", b"%PDF-1.7", "PDF document"),
        ("model.exe", b"MZ\x90", "a program"),
        ("model.7z", b"7z\xbc\xaf\x27\x1c", "must be unpacked"),
        ("source.spm", b"\n\x0e\n\x05<unk>", "a tokenizer or vocabulary"),
        ("notes.txt", b"hello", "not a model of a known format"),
    ],
)
def test_what_people_take_for_models(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    path = tmp_path / "place" / name
    path.write_bytes(content)
    assert words in refusal(path, tmp_path)


def test_half_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "whole.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(MARIAN / "model.safetensors", "model.safetensors")
    path.write_bytes(path.read_bytes()[:5000])
    assert "only the beginning of an archive" in refusal(path, tmp_path)


def test_another_task_and_missing_parts(tmp_path: Path) -> None:
    (tmp_path / "t5").mkdir()
    (tmp_path / "t5" / "config.json").write_text(json.dumps({"model_type": "t5"}))
    assert "type 't5'" in refusal(tmp_path / "t5", tmp_path)


def test_every_way_to_name_a_folder_model(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    shutil.copytree(MARIAN, outer / "inner")
    for number, path in enumerate(
        (outer, outer / "inner", outer / "inner" / "model.safetensors", outer / "inner" / "config.json")
    ):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        found = describe(path, scratch).description
        assert found is not None
        assert found.card.name == "inner"


def test_the_name_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in MARIAN.iterdir():
            archive.write(file, file.name)
    (tmp_path / "scratch").mkdir()
    found = describe(path, tmp_path / "scratch").description
    assert found is not None
    assert found.format == "Hugging Face Marian"
