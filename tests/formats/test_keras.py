"""Keras files: the stored answers of Keras itself, small models recomputed in numpy, and damage of every kind."""

import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from s2s_gui.cards import LFS_POINTER, card_faults
from s2s_gui.engine.model import assemble
from s2s_gui.errors import ModelError
from s2s_gui.formats import native
from s2s_gui.formats.keras import model as keras
from tests.formats.decoding import hypotheses
from tests.formats.keras_files import (
    HIDDEN,
    KerasModel,
    attentive,
    attentive_log_probs,
    classic,
    classic_log_probs,
    layer,
    write_zip,
)
from tests.shared import shared

TOLERANCE = 1e-4
STORED = [
    *(f"keras2/{name}.h5" for name in ("lstm_characters", "gru_attention", "lstm_blank_padding")),
    *(
        f"keras3/{name}.{kind}"
        for name in ("lstm_characters", "gru_attention", "lstm_blank_padding")
        for kind in ("keras", "h5")
    ),
]


def faults(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        assemble(keras.read(path))
    return " ".join(caught.value.faults)


@pytest.mark.parametrize("name", STORED)
def test_keras_own_answers(name: str, tmp_path: Path) -> None:
    file = shared("interop", "keras", *name.split("/"))
    table = json.loads((file.parent / "expected.json").read_text())
    side = "characters_blank_padding.json" if "blank" in name else "characters.json"
    shutil.copy(file, tmp_path / file.name)
    shutil.copy(file.parent / side, tmp_path / "characters.json")
    assert keras.recognises(tmp_path / file.name)
    model = assemble(keras.read(tmp_path / file.name))
    end = model.target.piece(model.card.decoding.eos)
    for row in table["models"][file.stem]:
        (found,) = hypotheses(model, row["source"], model.card.ways()[0])
        assert found.text + end == row["output"][1:]
        log_probs = [token.log_prob for token in found.tokens]
        assert log_probs == pytest.approx(row["log_probabilities"], abs=TOLERANCE)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("make", "compute", "version"),
    [
        (classic, classic_log_probs, "3.15.1"),
        (classic, classic_log_probs, "2.15.0"),
        (attentive, attentive_log_probs, "3.15.1"),
        (attentive, attentive_log_probs, "2.2.4"),
    ],
)
def test_every_step_is_that_of_the_formulas(
    make: Callable[[str], KerasModel],
    compute: Callable[[KerasModel, str, str], Any],
    version: str,
    suffix: str,
    tmp_path: Path,
) -> None:
    made = make(version)
    description = keras.read(made.write(tmp_path / f"model{suffix}"))
    assert card_faults(description.card) == []
    model = assemble(description)
    for source in ("a", "bca", "cccc"):
        (found,) = hypotheses(model, source, model.card.ways()[0])
        tokens = [token.text for token in found.tokens]
        rows = compute(made, source, made.characters["start"] + "".join(tokens[:-1]))
        listed = made.characters["target_characters"]
        offset = rows.shape[1] - len(listed)
        expected = [row[offset + listed.index(token)] for row, token in zip(rows, tokens, strict=True)]
        assert [token.log_prob for token in found.tokens] == pytest.approx(expected, abs=TOLERANCE)
        allowed = [i for i in range(offset, rows.shape[1]) if listed[i - offset] != made.characters["start"]]
        assert all(row[allowed].max() == row[offset + listed.index(t)] for row, t in zip(rows, tokens, strict=True))


def test_a_keras_model_can_be_kept_as_our_own(tmp_path: Path) -> None:
    made = classic()
    description = keras.read(made.write(tmp_path / "model.keras"))
    files = {
        name: "".join(f"{json.dumps(token)}\n" for token in side.tokens).encode()
        for name, side in (("source.json", description.source), ("target.json", description.target))
    }
    native.write(description.card, description.weights, files, "", tmp_path / "own")
    ways = description.card.ways()
    before = hypotheses(assemble(description), "abca", ways[0])
    assert hypotheses(assemble(native.read(tmp_path / "own")), "abca", ways[0]) == before


def test_unknown_characters_are_vectors_of_zeros(tmp_path: Path) -> None:
    made = classic()
    model = assemble(keras.read(made.write(tmp_path / "model.keras")))
    (found,) = hypotheses(model, "aQb", model.card.ways()[0])
    rows = classic_log_probs(made, "aQb", "\t")
    assert found.tokens[0].log_prob == pytest.approx(rows[0, [1, 2, 3, 4]].max(), abs=TOLERANCE)


def test_words_and_languages(tmp_path: Path) -> None:
    made = attentive("3.15.1")
    made.characters = {
        "source_words": ["one", "two", "three", "[UNK]"],
        "target_words": ["<start>", "<end>", "uno", "[UNK]"],
        "start": "<start>",
        "end": "<end>",
        "longest_source": 9,
        "source_language": "en",
        "target_language": "es",
        "name": "Numbers",
        "licence": "CC0-1.0",
    }
    description = keras.read(made.write(tmp_path / "model.keras"))
    assert [str(way) for way in description.card.directions] == ["en > es"]
    assert (description.card.name, description.card.licence) == ("Numbers", "CC0-1.0")
    model = assemble(description)
    assert [piece.id for piece in model.source.encode("two nine <pad>")] == [4, 0, 0]
    (found,) = hypotheses(model, "one two", model.card.ways()[0])
    assert set(found.text.split()) <= {"uno"}


def test_vocabularies_of_keras_own_layer_for_text(tmp_path: Path) -> None:
    made = attentive("3.15.1")
    made.characters |= {
        "source_characters": ["", "[UNK]", "a", "b", "c"],
        "target_characters": ["", "[UNK]", "#", ".", "x"],
    }
    model = assemble(keras.read(made.write(tmp_path / "model.keras")))
    assert [piece.id for piece in model.source.encode("aZ")] == [3, 0]
    assert model.target.id_of("<pad>") in model.card.decoding.never
    assert set(hypotheses(model, "abc", model.card.ways()[0])[0].text) <= {"x"}


def test_the_missing_list_of_characters_is_explained(tmp_path: Path) -> None:
    path = classic().write(tmp_path / "model.keras")
    (tmp_path / "characters.json").unlink()
    found = faults(path)
    assert "characters.json" in found
    assert "model.json" in found
    assert "source_characters must list 3 and target_characters 5" in found
    example = json.loads(found[found.index("{") : found.index("}") + 1])
    (tmp_path / "model.json").write_text(json.dumps(example | {"source_padding": None}))
    assert "source_characters has 4 entries, but the model needs 3" in faults(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source_characters": ["a"]}, "source_characters has 1 entries, but the model needs 3"),
        ({"target_characters": ["\t", "\n", "x", "y", "x"]}, "more than once"),
        ({"source_characters": ["a", "b", "cd"]}, "single characters"),
        ({"start": "?"}, "start is '?'"),
        ({"end": "?"}, "end is '?'"),
        ({"source_padding": "?"}, "source_padding is '?'"),
        ({"longest_source": 0}, "longest_source is missing"),
        ({"longest_source": 99999}, "between 0 and 4096"),
        ({"longest_source": "5"}, "Expected `int`"),
        ({"colour": 1}, "unknown field `colour`"),
        ({"source_words": ["a", "b", "c"]}, "or source_words and target_words"),
    ],
)
def test_lists_that_do_not_fit(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    made = classic()
    made.characters |= changes
    assert words in faults(made.write(tmp_path / "model.keras"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, LFS_POINTER])
def test_lists_that_are_none(content: bytes, tmp_path: Path) -> None:
    path = classic().write(tmp_path / "model.h5")
    (tmp_path / "characters.json").write_bytes(content)
    assert "characters.json" in faults(path)


def change(index: int, **config: Any) -> Callable[[KerasModel], None]:
    return lambda made: made.layers[index]["config"].update(config)


def replace(index: int, **fields: Any) -> Callable[[KerasModel], None]:
    return lambda made: made.layers[index].update(fields)


def wire(index: int, *edges: list[Any]) -> Callable[[KerasModel], None]:
    """Let a layer read other outputs, the first as its input and the rest as its states."""

    def damage(made: KerasModel) -> None:
        one = made.layers[index]
        fresh = layer(one["class_name"], one["name"], made.version, [edges[0]], list(edges[1:]))
        one["inbound_nodes"] = fresh["inbound_nodes"]

    return damage


def insert_lambda(made: KerasModel) -> None:
    made.layers.insert(2, layer("Lambda", "evil", made.version, [["source", 0]], function=["4wEAAA==", None, None]))
    made.layers[3] = layer("LSTM", "read", made.version, [["evil", 0]], units=HIDDEN, return_state=True)


def insert_loop(made: KerasModel) -> None:
    made.layers.append(layer("Dropout", "loop", made.version, [["loop", 0]]))
    made.layers[4] = layer("Dense", "out", made.version, [["loop", 0]], units=5, activation="softmax")


@pytest.mark.parametrize("version", ["2.15.0", "3.15.1"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (insert_lambda, "program code, which is never run"),
        (insert_loop, "feed themselves"),
        (replace(2, class_name="Conv1D"), "'read' of the kind Conv1D"),
        (replace(2, class_name="my_package>LSTM"), "cannot be read"),
        (replace(2, registered_name="evil>LSTM"), "author's own kind 'evil>LSTM'"),
        (replace(2, module="os"), "author's own kind"),
        (replace(2, inbound_nodes=[]), "'read'"),
        (replace(2, inbound_nodes=[[["nowhere", 0, 0, {}]]]), "'nowhere' is used but not described"),
        (replace(2, inbound_nodes=7), "'read'"),
        (replace(2, config=3), "makes no sense"),
        (change(2, units=7), "different sizes of states: 6, 7"),
        (change(2, units=10**12), "1000000000000 units"),
        (change(2, units="many"), "'many' units"),
        (change(2, activation="relu"), "activation 'relu'"),
        (change(2, recurrent_activation={"class_name": "function"}), "gates by"),
        (change(2, time_major=True), "time_major=True"),
        (change(2, go_backwards=True), ""),
        (change(3, go_backwards=True), "target backwards"),
        (change(3, return_sequences=False), "'write' of its decoder gives only its last output"),
        (wire(4, ["write", 1]), "a last state of the layer 'write'"),
        (wire(3, ["target", 0], ["read", 2], ["read", 1]), "last states as they are, in their order"),
        (wire(3, ["target", 0]), "does not begin with the encoder's last state"),
        (wire(3, ["source", 0], ["read", 1], ["read", 2]), "same input"),
        (change(4, activation="relu"), "softmax over the vocabulary"),
        (change(4, units=6), "reads 5 target tokens but writes 6"),
        (change(0, batch_shape=[None, None], batch_input_shape=[None, None]), "neither one-hot vectors"),
        (change(0, batch_shape=[None, None, 10**9], batch_input_shape=[None, None, 10**9]), "neither one-hot"),
        (lambda made: made.inputs.pop(), "1 inputs"),
        (lambda made: setattr(made, "output", "nowhere"), "'nowhere'"),
        (lambda made: made.layers.__delitem__(3), "'write' is used but not described"),
        (lambda made: made.arrays["read"].pop(), "'read' has arrays"),
        (lambda made: made.arrays.pop("out"), "'out' has arrays of the shapes none"),
        (lambda made: made.arrays["read"].reverse(), "'read' has arrays"),
        (lambda made: made.arrays["out"][1].fill(np.nan), "not finite"),
        (lambda made: made.arrays["out"][1].fill(np.inf), "not finite"),
        (lambda made: made.arrays["write"].__setitem__(0, np.zeros((5, 3))), "'write' has arrays"),
    ],
)
def test_models_that_are_not_understood(
    damage: Callable[[KerasModel], Any], words: str, version: str, tmp_path: Path
) -> None:
    made = classic(version)
    damage(made)
    path = made.write(tmp_path / ("model.keras" if version[0] == "3" else "model.h5"))
    if words:
        assert words in faults(path)
    else:
        assert assemble(keras.read(path)).card.network.reverse_source  # type: ignore[union-attr]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_truncated_anywhere(suffix: str, tmp_path: Path) -> None:
    path = classic().write(tmp_path / f"model{suffix}")
    content = path.read_bytes()
    for part in range(24):
        path.write_bytes(content[: len(content) * part // 24])
        keras.recognises(path)
        assert path.name in faults(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_flipped_bytes_never_crash(suffix: str, tmp_path: Path) -> None:
    path = classic().write(tmp_path / f"model{suffix}")
    content = path.read_bytes()
    random = np.random.default_rng(3)
    for _ in range(60):
        damaged = bytearray(content)
        for at in random.integers(0, len(content), 6):
            damaged[at] = int(random.integers(0, 256))
        path.write_bytes(damaged)
        with suppress(ModelError):
            assemble(keras.read(path))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither a .keras nor an .h5"),
        (b"\xff\xd8\xff\xe0 a picture", "neither a .keras nor an .h5"),
        (LFS_POINTER + b"\noid sha256:1\n", "Git LFS"),
        (b"PK\3\4", "truncated"),
        (b"\x89HDF\r\n\x1a\n", "cannot be read"),
    ],
)
def test_files_that_are_no_models(content: bytes, words: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    assert words in faults(path)


def test_absent_files_and_folders(tmp_path: Path) -> None:
    assert not keras.recognises(tmp_path)
    assert not keras.recognises(tmp_path / "none.h5")
    assert "cannot be read" in faults(tmp_path / "none.h5")
    assert "cannot be read" in faults(tmp_path)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "C:\\evil", "assets/x.txt"])
def test_archives_with_more_than_belongs_there(name: str, tmp_path: Path) -> None:
    path = classic().write(tmp_path / "model.keras")
    write_zip(path, members(path) | {name: b"x"})
    assert "does not belong into a .keras file" in faults(path)


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_parts_of_archives(name: str, tmp_path: Path) -> None:
    path = classic().write(tmp_path / "model.keras")
    whole = members(path)
    write_zip(path, {key: value for key, value in whole.items() if key != name})
    assert f"lacks its part {name}" in faults(path)
    for content in (b"", b"[]", b"{", b"[" * 100_000, b"\x89HDF\r\n\x1a\n"):
        write_zip(path, whole | {name: content})
        assert "damaged" in faults(path) or "only models made with" in faults(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for key, value in whole.items():
            archive.writestr(key, bytes(50 << 20) if key == name else value)
    assert "claims to have 52,428,800 bytes" in faults(path)


def h5(path: Path, damage: Callable[[h5py.File], None]) -> str:
    with h5py.File(path, "r+") as root:
        damage(root)
    return faults(path)


KERNEL = "model_weights/read/read/cell/array_0:0"


def test_nothing_leads_out_of_an_h5_file(tmp_path: Path) -> None:
    def linked(link: Any) -> Callable[[h5py.File], None]:
        def damage(root: h5py.File) -> None:
            del root[KERNEL]
            root[KERNEL] = link

        return damage

    def virtual(root: h5py.File) -> None:
        del root[KERNEL]
        layout = h5py.VirtualLayout((3, 24), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (3, 24))
        root.create_virtual_dataset(KERNEL, layout)

    def external(root: h5py.File) -> None:
        del root[KERNEL]
        root.create_dataset(KERNEL, (3, 24), "f4", external=[("other.bin", 0, 288)])

    for damage, words in (
        (linked(h5py.SoftLink("/elsewhere")), "link to another place"),
        (linked(h5py.ExternalLink("other.h5", "/x")), "link to another place"),
        (virtual, "lie in another file"),
        (external, "lie in another file"),
    ):
        assert words in h5(classic("2.15.0").write(tmp_path / "model.h5"), damage)


def test_arrays_that_are_not_what_they_seem(tmp_path: Path) -> None:
    def remade(*args: Any, **kwargs: Any) -> Callable[[h5py.File], None]:
        def damage(root: h5py.File) -> None:
            del root[KERNEL]
            root.create_dataset(KERNEL, *args, **kwargs)

        return damage

    for damage, words in (
        (remade((1 << 40, 24), "f4", chunks=(64, 24)), "the file holds only"),
        (remade((1 << 40, 1 << 20), "f4", chunks=(1, 1), compression="gzip"), "the file holds only"),
        (remade((3, 24), "i4"), "not an array of numbers"),
        (remade((3, 24), h5py.string_dtype()), "not an array of numbers"),
        (remade((1, 1, 1, 1, 1), "f4"), "not an array of numbers"),
        (remade(data=np.zeros((3, 24), "f4"), chunks=(3, 24), compression="lzf"), "filter that is not part of HDF5"),
        (lambda root: root.__delitem__(KERNEL), "lacks the array"),
        (lambda root: root.create_group("x") and root.__delitem__("model_weights"), "shapes none"),
        (lambda root: root.attrs.__delitem__("model_config"), "weights alone"),
        (lambda root: root.attrs.__setitem__("model_config", "{"), "not JSON"),
        (lambda root: root.attrs.__setitem__("model_config", np.zeros(5)), "weights alone"),
        (lambda root: root["model_weights/read"].attrs.__setitem__("weight_names", "x"), "not listed"),
        (lambda root: root["model_weights/read"].attrs.__setitem__("weight_names", ["../../x"]), "lacks the array"),
        (lambda root: root["model_weights/read"].attrs.__setitem__("weight_names", ["x"] * 99), "not listed"),
    ):
        assert words in h5(classic("2.15.0").write(tmp_path / "model.h5"), damage)


def test_arrays_may_be_compressed_and_of_half_precision(tmp_path: Path) -> None:
    path = classic("2.15.0").write(tmp_path / "model.h5")
    with h5py.File(path, "r+") as root:
        values = root[KERNEL][()]
        del root[KERNEL]
        root.create_dataset(KERNEL, data=values.astype("f2"), compression="gzip", shuffle=True)
    description = keras.read(path)
    assert description.precision == "fp16, fp32"
    kernel = description.weights["encoder.weight_ih_l0"][:, : len(values)]
    np.testing.assert_allclose(kernel, values.T, rtol=1e-3, atol=1e-3)


def test_long_lists_are_split_over_attributes(tmp_path: Path) -> None:
    path = classic("2.15.0").write(tmp_path / "model.h5")
    with h5py.File(path, "r+") as root:
        attributes = root["model_weights/read"].attrs
        names = list(attributes["weight_names"])
        del attributes["weight_names"]
        attributes["weight_names0"], attributes["weight_names1"] = names[:2], names[2:]
    assemble(keras.read(path))


def test_small_files_do_not_make_large_tables(tmp_path: Path) -> None:
    made = attentive("2.15.0")
    made.layers[2]["config"].update(input_dim=1 << 20, output_dim=1)
    made.layers[3]["config"].update(output_dim=8192)
    made.arrays["see"] = [np.zeros((1 << 20, 1))]
    made.arrays["say"] = [np.zeros((5, 8192))]
    made.arrays["read"][0] = np.zeros((1, 3 * HIDDEN))
    made.arrays["write"][0] = np.zeros((8192, 3 * HIDDEN))
    path = tmp_path / "model.h5"
    made.characters["source_characters"] = ["a"]
    assert "tables" in faults(made.write(path))
