"""Our own folders with matrices in 8 bits: what is written is read, in both precisions; damage is named."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from s2s_gui.cards import read_card
from s2s_gui.description import FORMAT_VERSION, EightBitRows, ModelDescription
from s2s_gui.engine.model import Model, assemble, quickened, widened
from s2s_gui.errors import ModelError
from s2s_gui.formats import native
from s2s_gui.formats.ctranslate2 import export as ctranslate2_export
from s2s_gui.formats.eight_bits import Floats, OwnWeights, in_eight_bits, rounded
from s2s_gui.formats.huggingface import marian as hf_marian
from s2s_gui.formats.huggingface import marian_export as hf_marian_export
from s2s_gui.formats.marian import bergamot, npz
from s2s_gui.formats.safetensors import SafetensorsFile
from s2s_gui.manage.exporting import export
from s2s_gui.manage.importing import import_model, verify
from s2s_gui.manage.opening import open_model
from s2s_gui.manage.quick import open_quick
from s2s_gui.networks.eight_bits import EightBits
from s2s_gui.training.development import translate_all
from tests.manage.test_exporting import bridge
from tests.manage.test_importing import finished

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
MARIAN = Path(__file__).parents[1] / "oracles" / "recorded" / "base"
FAMILIES = pytest.mark.parametrize("family", EXPECTED)
TABLE = "target_embedding.weight"


def shrink(family: str, folder: Path) -> Path:
    """Write a golden model with its matrices in 8 bits."""
    found = native.read(GOLDEN / family)
    files = {name: (GOLDEN / family / name).read_bytes() for name in found.card.files()}
    native.write(found.card, in_eight_bits(found.weights), files, "", folder)
    return folder


def as_floats(found: ModelDescription) -> ModelDescription:
    return dataclasses.replace(found, weights=Floats(found.weights))


def same(one: Model, other: Model) -> bool:
    first, second = one.network.state_dict(), other.network.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@settings(deadline=None)
@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.floats(-(2.0**60), 2.0**60, width=32, allow_subnormal=False),
    )
)
def test_rounding_keeps_within_half_a_step(matrix: NDArray[Any]) -> None:
    found = rounded(matrix)
    assert (found.values.dtype, found.scales.dtype, found.shape) == (np.int8, np.float32, matrix.shape)
    assert np.isfinite(found.scales).all()
    assert (found.scales > 0).all()
    assert (np.abs(found.floats() - matrix) <= found.scales[:, None] * 0.5001).all()
    again = rounded(found.floats())
    kept = np.abs(matrix).max(axis=1) > 1e-10
    np.testing.assert_array_equal(again.values[kept], found.values[kept])


@FAMILIES
def test_what_is_written_is_read(family: str, tmp_path: Path) -> None:
    wanted = in_eight_bits(native.read(GOLDEN / family).weights)
    found = native.read(shrink(family, tmp_path / "small"))
    assert set(found.weights) == set(wanted)
    assert len(found.weights) == len(wanted)
    assert found.precision == "int8"
    assert found.card.format_version == FORMAT_VERSION
    kinds = set()
    for name, weight in wanted.items():
        read = found.weights[name]
        kinds.add(type(read))
        assert type(read) is type(weight)
        if isinstance(weight, EightBitRows):
            np.testing.assert_array_equal(read.values, weight.values)
            np.testing.assert_array_equal(read.scales, weight.scales)
        else:
            assert read.dtype == np.float16
            np.testing.assert_array_equal(read, weight)
    assert kinds == {EightBitRows, np.ndarray}


def test_names_are_known_without_reading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = shrink("gru", tmp_path / "small")
    monkeypatch.setattr(SafetensorsFile, "__getitem__", lambda self, name: pytest.fail(f"{name} was read"))
    weights = native.read(folder).weights
    assert TABLE in weights
    assert f"{TABLE}.scale" not in weights
    assert len(list(weights)) == len(weights)


def test_factors_are_no_weights(tmp_path: Path) -> None:
    weights = native.read(shrink("gru", tmp_path / "small")).weights
    with pytest.raises(KeyError):
        weights[f"{TABLE}.scale"]


def test_a_folder_without_8_bits_is_for_older_programs_too(tmp_path: Path) -> None:
    found = native.read(shrink("gru", tmp_path / "small"))
    files = {name: (GOLDEN / "gru" / name).read_bytes() for name in found.card.files()}
    floats = {name: np.asarray(weight) for name, weight in Floats(found.weights).items()}
    assert native.write(found.card, floats, files, "", tmp_path / "large").format_version == 1
    card, _ = read_card(tmp_path / "large")
    assert card is not None
    assert card.format_version == 1


@FAMILIES
def test_in_full_precision_values_are_steps_times_factors(family: str, tmp_path: Path) -> None:
    found = native.read(shrink(family, tmp_path / "small"))
    state = open_model(tmp_path / "small").network.state_dict()
    for name, weight in found.weights.items():
        if isinstance(weight, EightBitRows):
            weight = weight.values.astype(np.float32) * weight.scales[:, None]
        np.testing.assert_array_equal(state[name].numpy(), weight)


@FAMILIES
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_learnt_task_survives(family: str, precision: Any, tmp_path: Path) -> None:
    model = open_quick(shrink(family, tmp_path / "small"), precision)
    assert model.compiled is not None
    assert model.parameters == open_model(GOLDEN / family).parameters
    sources, texts = list(EXPECTED[family]), list(EXPECTED[family].values())
    found = translate_all(model, sources, model.card.directions[0])
    assert sum(a == b for a, b in zip(found, texts, strict=True)) >= 0.9 * len(texts)


@FAMILIES
def test_rows_go_to_the_products_as_they_are_stored(family: str, tmp_path: Path) -> None:
    found = native.read(shrink(family, tmp_path / "small"))
    kept = assemble(found, precision="int8")
    small = {name for name, weight in found.weights.items() if isinstance(weight, EightBitRows)}
    assert {name for name, weight in kept.network.named_parameters() if isinstance(weight, EightBits)} == small
    plain = widened(kept)
    assert same(plain, open_model(tmp_path / "small"))
    assert widened(plain) is plain
    full = quickened(kept, "fp32")
    assert same(full, plain)
    sources = list(EXPECTED[family])
    way = full.card.directions[0]
    assert translate_all(full, sources, way) == translate_all(plain, sources, way)


def test_without_the_kernels_the_plain_network_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none(model: Model, precision: str) -> Model:
        raise RuntimeError("no engine for quantized operations")

    monkeypatch.setattr("s2s_gui.manage.quick.quickened", none)
    model = open_quick(shrink("gru", tmp_path / "small"), "int8")
    assert model.compiled is None
    assert same(model, open_model(tmp_path / "small"))


def remove(tensors: dict[str, Any], name: str) -> None:
    del tensors[name]


def factor(value: float) -> Callable[[dict[str, Any]], None]:
    def change(tensors: dict[str, Any]) -> None:
        tensors[f"{TABLE}.scale"][1] = value

    return change


def replaced(name: str, make: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[dict[str, Any]], None]:
    def change(tensors: dict[str, Any]) -> None:
        tensors[name] = np.ascontiguousarray(make(tensors[name]))

    return change


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no factors": (lambda tensors: remove(tensors, f"{TABLE}.scale"), f"'{TABLE}.scale' with the factors of its rows"),
    "no matrix": (lambda tensors: remove(tensors, TABLE), f"missing: {TABLE}."),
    "factors of nothing": (lambda tensors: remove(tensors, TABLE), f"network: {TABLE}.scale."),
    "too few factors": (replaced(f"{TABLE}.scale", lambda scale: scale[1:]), "of F32; the rows need"),
    "a table of factors": (replaced(f"{TABLE}.scale", lambda scale: scale[:, None]), "of F32; the rows need"),
    "half factors": (replaced(f"{TABLE}.scale", lambda scale: scale.astype("f2")), "of F16; the rows need"),
    "8-bit factors": (replaced(f"{TABLE}.scale", lambda scale: scale.astype("i1")), f"'{TABLE}.scale' has the shape"),
    "a vector in 8 bits": (replaced("output_bias", lambda bias: bias.astype("i1")), "only matrices can be in 8 bits"),
    "a cube in 8 bits": (replaced(TABLE, lambda rows: rows[None]), "only matrices can be in 8 bits"),
    "too few rows": (replaced(TABLE, lambda rows: rows[1:]), "the rows need"),
    "too few columns": (replaced(TABLE, lambda rows: rows[:, 1:]), f"{TABLE} has the shape"),
    "floats with factors": (replaced(TABLE, lambda rows: rows.astype("f4")), f"network: {TABLE}.scale."),
    "NaN": (factor(np.nan), f"{TABLE}.scale holds values that are not"),
    "infinity": (factor(np.inf), f"{TABLE}.scale holds values that are not"),
    "zero": (factor(0.0), f"{TABLE}.scale holds values that are not"),
    "below zero": (factor(-1.0), f"{TABLE}.scale holds values that are not"),
    "too large": (factor(1e38), f"{TABLE}.scale holds values that are not"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_damage_is_named(damage: str, precision: Any, tmp_path: Path) -> None:
    folder = shrink("transformer", tmp_path / "small")
    change, words = DAMAGE[damage]
    tensors = load_file(folder / native.WEIGHTS)
    change(tensors)
    save_file(tensors, folder / native.WEIGHTS)
    with pytest.raises(ModelError) as caught:
        open_quick(folder, precision)
    assert words in str(caught.value)
    assert all(fault.endswith(".") for fault in caught.value.faults)


def test_the_other_readers_take_no_8_bits(tmp_path: Path) -> None:
    path = shrink("gru", tmp_path / "small") / native.WEIGHTS
    with pytest.raises(ModelError, match="'I8'; only F32, F16 and BF16 can be read"):
        SafetensorsFile(path)
    assert OwnWeights(path).precision == "int8"


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"a": np.zeros((2, 2), np.int8)}, "a is int8"),
        ({"a": EightBitRows(np.zeros((2, 2), np.int8), np.ones(3, np.float32))}, "a is no matrix of int8 rows"),
        ({"a": EightBitRows(np.zeros((2, 2), np.int8), np.ones(2))}, "a is no matrix of int8 rows"),
        ({"a": EightBitRows(np.zeros((2, 2), np.int16), np.ones(2, np.float32))}, "a is no matrix of int8 rows"),
        (
            {"a": rounded(np.ones((2, 2), np.float32)), "a.scale": np.ones(2, np.float32)},
            "a.scale is the name of the factors of a",
        ),
    ],
)
def test_writing_refuses_what_could_not_be_read(weights: dict[str, Any], words: str, tmp_path: Path) -> None:
    card = native.read(GOLDEN / "gru").card
    with pytest.raises(ModelError, match=words):
        native.write(card, weights, dict.fromkeys(card.files(), b""), "", tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_a_copy_stays_in_8_bits_and_can_be_verified(tmp_path: Path) -> None:
    folder = shrink("transformer", tmp_path / "small")
    export(folder, "native", tmp_path / "copy")
    assert (tmp_path / "copy" / native.WEIGHTS).read_bytes() == (folder / native.WEIGHTS).read_bytes()
    done, _ = finished(import_model(1, folder, link=False))
    assert native.read(Path(done.folder)).precision == "int8"
    checked, _ = finished(verify(1, Path(done.folder)))
    assert checked.faults == ()


def _bergamot(found: ModelDescription, folder: Path) -> None:
    folder.mkdir()
    bergamot.write(found, folder, {})


def _npz(found: ModelDescription, folder: Path) -> None:
    folder.mkdir()
    npz.write(found, folder)


@pytest.mark.parametrize("write", [ctranslate2_export.write, hf_marian_export.write, _bergamot, _npz])
def test_other_formats_get_the_values_that_the_rows_stand_for(
    write: Callable[[ModelDescription, Path], None], tmp_path: Path
) -> None:
    original = hf_marian.read(MARIAN)
    if write in (_bergamot, _npz):
        original = native.read(bridge(tmp_path))
    native.write_description(dataclasses.replace(original, weights=in_eight_bits(original.weights)), tmp_path / "small")
    found = native.read(tmp_path / "small")
    write(found, tmp_path / "small.out")
    write(as_floats(found), tmp_path / "large.out")
    assert same(open_model(tmp_path / "small.out"), open_model(tmp_path / "large.out"))
