"""A whole folder survives; every kind of damage is named, and all of it at once."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from s2s_gui.cards import LFS_POINTER
from s2s_gui.errors import ModelError
from s2s_gui.formats import native
from s2s_gui.manage.opening import open_model
from tests.engine import small


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("native")
    return small.write(place, place / "model")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in made.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def faults(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        open_model(folder)
    assert all(fault.endswith((".", ").")) for fault in caught.value.faults), caught.value.faults
    return "\n".join(caught.value.faults)


def change_card(folder: Path, **changes: Any) -> None:
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    tensors = load_file(folder / native.WEIGHTS)
    change(tensors)
    save_file(tensors, folder / native.WEIGHTS)


def change_header(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / native.WEIGHTS
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    change(header)
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + content[8 + length :])


def first(header: dict[str, Any]) -> dict[str, Any]:
    return next(entry for name, entry in sorted(header.items()) if name != "__metadata__")


def test_what_is_written_is_read(made: Path) -> None:
    description = native.read(made)
    wanted = small.weights(description.card)
    assert set(description.weights) == set(wanted)
    assert len(description.weights) == len(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(description.weights[name], array)
    assert description.source.model == (made / "joint.spm").read_bytes()
    assert description.source is description.target
    assert (made / "README.md").read_text() == "# Small\n"


def test_half_precision(made: Path, tmp_path: Path) -> None:
    card = native.read(made).card
    halves = {name: array.astype(np.float16) for name, array in small.weights(card).items()}
    native.write(card, halves, {"joint.spm": (made / "joint.spm").read_bytes()}, "", tmp_path / "half")
    assert open_model(tmp_path / "half").parameters == open_model(made).parameters


def test_bfloat16_is_widened(folder: Path) -> None:
    values = np.array([1.0, -2.5, 0.0078125], dtype=np.float32)
    data = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = json.dumps({"a": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    (folder / native.WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header + data)
    np.testing.assert_array_equal(native.read(folder).weights["a"], values)


def test_writing_replaces_whole_or_not_at_all(folder: Path) -> None:
    description = native.read(folder)
    before = (folder / native.WEIGHTS).read_bytes()
    card = msgspec.structs.replace(description.card, shortlist="no such folder/lex.bin")
    with pytest.raises(ModelError, match="no such folder"):
        native.write(card, description.weights, {"joint.spm": description.source.model}, "", folder)
    with pytest.raises(UnicodeEncodeError):
        native.write(description.card, description.weights, {"joint.spm": description.source.model}, "\ud800", folder)
    assert (folder / native.WEIGHTS).read_bytes() == before
    (folder / "old file").touch()
    native.write(
        description.card, small.weights(description.card, 1), {"joint.spm": description.source.model}, "", folder
    )
    assert (folder / native.WEIGHTS).read_bytes() != before
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "card.json", "joint.spm", native.WEIGHTS]
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_writing_refuses_what_could_not_be_read(made: Path, tmp_path: Path) -> None:
    card = native.read(made).card
    with pytest.raises(ModelError, match=r"float64[\s\S]*joint.spm"):
        native.write(card, {"a": np.zeros(2)}, {}, "", tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_all_faults_come_at_once(folder: Path) -> None:
    def damage(tensors: dict[str, Any]) -> None:
        names = sorted(tensors)
        del tensors[names[0]]
        tensors[names[1]] = np.zeros((3, 1), dtype=np.float32)
        tensors[names[2]] = np.full_like(tensors[names[2]], np.nan)
        tensors["stranger"] = np.zeros(1, dtype=np.float32)

    names = sorted(native.read(folder).weights)
    change_weights(folder, damage)
    (folder / "joint.spm").unlink()
    found = faults(folder)
    assert "joint.spm is missing" in found
    assert f"missing: {names[0]}" in found
    assert f"{names[1]} has the shape [3, 1]" in found
    assert f"{names[2]} holds values that are not finite" in found
    assert "stranger" in found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff{}", "not JSON"),
        (b"[]", "object"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "lacks the field 'network'"),
        (b'{"format_version": 3}', "newer version of the program"),
        (b'{"format_version": "x"}', "format_version is 'x'"),
        (LFS_POINTER + b"\noid sha256:1\n", "Git LFS"),
        (b" " * ((1 << 20) + 1), "more than"),
    ],
)
def test_broken_cards(folder: Path, content: bytes, words: str) -> None:
    (folder / "card.json").write_bytes(content)
    assert words in faults(folder)


def test_absent_files(folder: Path, tmp_path: Path) -> None:
    (folder / "card.json").rename(folder / "other")
    assert "card.json is missing" in faults(folder)
    (folder / "other").rename(folder / "card.json")
    (folder / native.WEIGHTS).unlink()
    assert "weights.safetensors is missing" in faults(folder)
    assert "no such file or folder" in faults(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": 1, "size": 2}, "unknown field 'size'"),
        ({"id": "../x"}, "id"),
        ({"directions": []}, "directions"),
        ({"decoding": {"eos": 99999}}, "decoding.eos is 99999"),
        ({"decoding": {"never": [0]}}, "no translation could end"),
        ({"decoding": {"start": -2}}, "decoding.start is -2"),
        ({"tokenizer": {"source": "../joint.spm", "target": "joint.spm"}}, "not a plain name"),
        ({"tokenizer": {"source": "C:joint.spm", "target": "joint.spm"}}, "not a plain name"),
        ({"tokenizer": {"source": "", "target": "other.spm"}}, "other.spm is missing"),
        ({"network": {"kind": "transformer", "source_vocabulary": 9, "target_vocabulary": 9, "width": 7}}, "width"),
        ({"network": {"kind": "cnn"}}, "kind"),
    ],
)
def test_cards_that_do_not_fit(folder: Path, changes: dict[str, Any], words: str) -> None:
    change_card(folder, **changes)
    assert words in faults(folder)


def test_unknown_tag_and_repeated_direction(folder: Path) -> None:
    way = {"source": {"code": "zh"}, "target": {"code": "en"}, "tag": "<2xx>"}
    change_card(folder, directions=[way, way])
    found = faults(folder)
    assert "joint.spm lacks the pieces that stand for languages: '<2xx>'" in found
    assert "listed twice" in found


def test_vocabulary_of_another_model(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    size = card["network"]["source_vocabulary"]
    change_card(folder, network=card["network"] | {"source_vocabulary": size + 8, "target_vocabulary": size + 8})
    assert f"source vocabulary has {size + 8} entries, but joint.spm has {size}" in faults(folder)


def test_damaged_tokenizer_and_pointer(folder: Path) -> None:
    (folder / "joint.spm").write_bytes(b"damage")
    assert "joint.spm: The file is damaged" in faults(folder)
    (folder / "joint.spm").write_bytes(LFS_POINTER)
    assert "Git LFS" in faults(folder)


def test_tokenizer_outside_the_folder(folder: Path, made: Path) -> None:
    (folder / "joint.spm").unlink()
    (folder / "joint.spm").symlink_to(made / "joint.spm")
    assert "outside" in faults(folder)


def test_truncated_weights_say_both_sizes(folder: Path) -> None:
    path = folder / native.WEIGHTS
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    found = faults(folder)
    assert f"{len(content):,}" in found
    assert f"{len(content) - 5:,}" in found
    path.write_bytes(content + b"x")
    assert "damaged" in faults(folder)
    path.write_bytes(content[:20])
    assert "its header alone needs" in faults(folder)
    path.write_bytes(content[:3])
    assert "only 3 bytes" in faults(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (struct.pack("<Q", 1 << 40) + b"x" * 100, "16 MiB"),
        (struct.pack("<Q", 3) + b"[1]", "object"),
        (struct.pack("<Q", 3) + b"{x}", "not JSON"),
        (LFS_POINTER + b"\noid sha256:1\nsize 5\n", "Git LFS"),
        (struct.pack("<Q", 2) + b"{}", "holds no weights"),
    ],
)
def test_weights_that_are_none(folder: Path, content: bytes, words: str) -> None:
    (folder / native.WEIGHTS).write_bytes(content)
    assert words in faults(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": "I64"}, "element type 'I64'"),
        ({"dtype": ["F32"]}, "element type"),
        ({"shape": [-1]}, "not a list of up to 4 sizes"),
        ({"shape": [1, 1, 1, 1, 1]}, "not a list"),
        ({"shape": [1 << 40, 1 << 40]}, "does not fit"),
        ({"shape": [True]}, "not a list"),
        ({"data_offsets": [8, 4]}, "not a range"),
        ({"data_offsets": [0]}, "not a range"),
        ({"surprise": 1}, "damaged header entry"),
    ],
)
def test_lying_headers(folder: Path, change: dict[str, Any], words: str) -> None:
    change_header(folder, lambda header: first(header).update(change))
    assert words in faults(folder)


def test_overlapping_tensors(folder: Path) -> None:
    def overlap(header: dict[str, Any]) -> None:
        entries = [entry for name, entry in sorted(header.items()) if name != "__metadata__"]
        entries[1].update(dict(entries[0]))

    change_header(folder, overlap)
    assert "does not begin where" in faults(folder)
