import dataclasses
import io
import json
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from s2s_gui.cards import card_faults
from s2s_gui.description import DecodingDefaults, TokenizerFiles, TransformerConfig, Vocabulary
from s2s_gui.engine.model import assemble
from s2s_gui.errors import ModelError
from s2s_gui.formats import native
from s2s_gui.formats.marian import bergamot
from s2s_gui.formats.marian import npz as marian
from s2s_gui.formats.marian.names import OPTIONS
from s2s_gui.text.sentencepiece import piece_facts
from tests.formats import marian_small as small
from tests.formats.decoding import hypotheses, source_ids
from tests.shared import shared

TOLERANCE = 1e-4
MODEL, VOCABULARY = "model.zhen.npz", "vocab.yml"
BUNDLED = Path(__file__).parents[2] / "models" / "zh-en-fast"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "en-es"
    shutil.copytree(shared("interop", "synthetic", "marian-npz"), folder)
    for name in ("source.spm", "target.spm"):
        shutil.copy(shared("interop", "synthetic", "hf-marian", name), folder)
    return folder


@pytest.mark.parametrize("again", [False, True], ids=["read", "written and read"])
@pytest.mark.parametrize(("beam", "key"), [(1, "greedy"), (4, "beam_4")])
def test_decodes_with_marians_positions(toy: Path, tmp_path: Path, beam: int, key: str, again: bool) -> None:
    description = marian.read(toy)
    if again:
        marian.write(description, tmp_path / "again")
        description = marian.read(tmp_path / "again")
    model = assemble(description)
    ways = {way.tag: way for way in model.card.ways()}
    rows = json.loads(shared("interop", "synthetic", "expected.json").read_text())["marian_npz_rows"]
    assert len(rows) == 28
    for row in rows:
        tag, text = row["source"].split(" ", 1)
        (found,) = hypotheses(model, text, ways[tag], beam)
        assert source_ids(model, text, ways[tag]) == row["source_ids"]
        assert [token.id for token in found.tokens] == row[key]["ids"][1:]
        assert found.text == row[key]["text"]
        log_probs = [token.log_prob for token in found.tokens]
        assert log_probs == pytest.approx(row[key]["token_log_probabilities"], abs=TOLERANCE)


def test_tags_become_directions(toy: Path) -> None:
    description = marian.read(toy)
    assert {str(way): way.tag for way in description.card.ways()} == {"en > es": ">>spa<<", "es > en": ">>eng<<"}
    assert (description.format, description.precision) == ("Marian", "fp32")
    assert description.card.decoding == DecodingDefaults(
        beam_size=4, length_penalty=1.0, max_length_ratio=3.0, never=(1, 2, 3)
    )
    assert description.card.tokenizer.specials[:2] == (">>eng<<", ">>spa<<")


def test_without_its_pieces_it_takes_tokens(toy: Path, tmp_path: Path) -> None:
    copy = tmp_path / "toy"
    shutil.copytree(toy, copy, ignore=shutil.ignore_patterns("*.spm"))
    description = marian.read(copy)
    assert description.card.tokenizer.kind == "tokens"
    assert "tokens with blanks between" in description.card.notes
    model = assemble(description)
    (found,) = hypotheses(model, "▁I ▁see ▁the ▁cat .", next(w for w in model.card.ways() if w.target.code == "es"))
    assert found.tokens


def test_float_weights_of_the_bergamot_toy() -> None:
    description = marian.read(shared("interop", "bergamot", "toy-enes", "model.npz"))
    assert str(description.card.directions[0]) == "en > es"
    model = assemble(description)
    rows = json.loads(shared("interop", "bergamot", "toy-enes", "expected.json").read_text())["sets"][1]["rows"]
    for row in rows[:16]:
        assert hypotheses(model, row["source"], model.card.ways()[0])[0].text == row["wasm"]


LINES = (
    ("zh", "你好，世界。"),
    ("zh", "我今天很忙。"),
    ("zh", "谢谢你。"),
    ("zh", "他在哪里？"),
    ("en", "Where are you going?"),
    ("en", "Thank you very much."),
    ("en", "I don't know."),
    ("en", "She is my sister."),
)


def test_the_bundled_model_goes_out_and_comes_back(tmp_path: Path) -> None:
    original = native.read(BUNDLED)
    marian.write(original, tmp_path / "npz")
    bergamot.write(original, tmp_path / "int8", {})
    models = [assemble(one) for one in (original, marian.read(tmp_path / "npz"), bergamot.read(tmp_path / "int8"))]
    same = 0
    for source, text in LINES:
        ways = [next(way for way in model.card.ways() if way.source.code == source) for model in models]
        ours, npz, int8 = (hypotheses(model, text, way)[0] for model, way in zip(models, ways, strict=True))
        assert [token.id for token in npz.tokens] == [token.id for token in ours.tokens]
        assert npz.text == ours.text
        same += int8.text == ours.text
    assert same >= len(LINES) / 2  # rounding changes a word here and there; a broken export would leave none alike


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return small.sentencepiece(tmp_path_factory.mktemp("pieces"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "pre", "decoder": "attention", "activation": "swish"},
        {"norm": "pre", "tied": "target"},
        {"tied": "none", "decoder": "attention", "activation": "gelu-sigmoid", "width": 12, "feed_forward": 20},
    ],
)
def test_every_network_survives(pieces: bytes, tmp_path: Path, changes: dict[str, Any]) -> None:
    description = small.description(pieces, **changes)
    marian.write(description, tmp_path)
    found = marian.read(tmp_path)
    assert found.card.network == description.card.network
    assert found.card.decoding.never == description.card.decoding.never
    assert set(found.weights) == set(description.weights)
    for name, array in description.weights.items():
        np.testing.assert_array_equal(found.weights[name], array)
    models = assemble(found), assemble(description)
    for text in ("hello world", "你好", "the cat"):
        there, here = (hypotheses(model, text, model.card.ways()[0])[0] for model in models)
        assert there == here


def change_npz(path: Path, **changes: Any) -> None:
    """Replace arrays of an archive, or remove those that are None."""
    with np.load(path) as archive:
        arrays = dict(archive)
    for name, array in changes.items():
        arrays.pop(name)
        if array is not None:
            arrays[name] = array
    np.savez(path, allow_pickle=True, **arrays)


def change_options(path: Path, **changes: Any) -> None:
    """Change entries of ``special:model.yml``."""
    with np.load(path) as archive:
        lines = bytes(archive[OPTIONS]).rstrip(b"\0").decode().splitlines()
    keys = {key.replace("_", "-"): value for key, value in changes.items()}
    kept = [line for line in lines if line.split(":")[0] not in keys]
    text = "\n".join([*kept, *(f"{key}: {json.dumps(value)}" for key, value in keys.items())])
    change_npz(path, **{OPTIONS: np.frombuffer(text.encode() + b"\0", np.int8)})


@pytest.fixture
def folder(pieces: bytes, tmp_path: Path) -> Path:
    """A model whose vocabulary is a YAML list, with the SentencePiece model beside it."""
    own = small.description(pieces, tags=False, encoder_layers=1, decoder_layers=2)
    tokens = piece_facts(pieces, "joint.spm").pieces
    vocabulary = Vocabulary("joint.spm", pieces, tokens)
    files = TokenizerFiles("joint.spm", "joint.spm", source_tokens="v.json", target_tokens="v.json")
    card = msgspec.structs.replace(own.card, tokenizer=files)
    marian.write(dataclasses.replace(own, card=card, source=vocabulary, target=vocabulary), tmp_path / "model")
    return tmp_path / "model"


def fault(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        assemble(marian.read(path))
    assert all(fault.endswith(".") for fault in caught.value.faults), caught.value.faults
    return "\n".join(caught.value.faults)


def test_tied_layers_and_omitted_bias(folder: Path) -> None:
    change_options(folder / MODEL, transformer_tied_layers=[1, 1], output_omit_bias=True)
    with np.load(folder / MODEL) as archive:
        unused = [name for name in archive if name.startswith("decoder_l2_")]
    change_npz(folder / MODEL, **dict.fromkeys([*unused, "decoder_ff_logit_out_b"]))
    found = marian.read(folder)
    name = "decoder.{}.cross_memory.weight"
    np.testing.assert_array_equal(found.weights[name.format(0)], found.weights[name.format(1)])
    assert not found.weights["output_bias"].any()
    assemble(found)


def test_an_output_matrix_of_its_own_in_the_older_form(pieces: bytes, tmp_path: Path) -> None:
    description = small.description(pieces, tied="none")
    marian.write(description, tmp_path)
    with np.load(tmp_path / MODEL) as archive:
        arrays = dict(archive)
    arrays["decoder_ff_logit_out_W"] = arrays.pop("decoder_ff_logit_out_Wt").T
    np.savez(tmp_path / MODEL, allow_pickle=False, **arrays)
    np.testing.assert_array_equal(marian.read(tmp_path).weights["output.weight"], description.weights["output.weight"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "s2s"}, "type 's2s'"),
        ({"type": "amun"}, "type 'amun'"),
        ({"transformer_postprocess": "dhn"}, "highway"),
        ({"transformer_postprocess": "na"}, "order of operations"),
        ({"transformer_postprocess_emb": "n"}, "order of operations"),
        ({"transformer_postprocess_top": "n"}, "order of operations"),
        ({"transformer_decoder_autoreg": "average-attention"}, "'average-attention'"),
        ({"transformer_decoder_autoreg": "rnn", "dec_cell": "gru"}, "cell 'gru'"),
        ({"layer_normalization": True}, "norm inside the SSRU"),
        ({"transformer_ffn_activation": "tanh"}, "activation 'tanh'"),
        ({"transformer_ffn_depth": 3}, "transformer-ffn-depth"),
        ({"transformer_decoder_dim_ffn": 128}, "transformer-decoder-dim-ffn"),
        ({"transformer_tied_layers": [1]}, "tied layers [1]"),
        ({"transformer_tied_layers": [1, 3]}, "tied layers [1, 3]"),
        ({"input_types": ["class"]}, "factors"),
        ({"lemma_dim_emb": 4}, "factors"),
        ({"right_left": True}, "right to left"),
        ({"transformer_no_projection": True}, "transformer-no-projection"),
        ({"transformer_train_position_embeddings": True}, "learned positions"),
        ({"transformer_heads": 7}, "7 heads"),
        ({"transformer_heads": 0}, "impossible network"),
        ({"enc_depth": 1000}, "impossible network"),
        ({"enc_depth": 2}, "encoder_l2_self_Wq is missing"),
        ({"dim_emb": 128}, "has the shape"),
        ({"dim_emb": "wide"}, "dim-emb"),
        ({"tied_embeddings_all": False}, "encoder_Wemb is missing"),
        ({"input_types": [[[["deep"] * 9] * 9] * 9]}, "input-types"),
    ],
)
def test_networks_that_we_do_not_have(folder: Path, changes: dict[str, Any], words: str) -> None:
    change_options(folder / MODEL, **changes)
    assert words in fault(folder)


def npz(**arrays: Any) -> bytes:
    memory = io.BytesIO()
    np.savez(memory, **arrays)
    return memory.getvalue()


def zipped(*members: tuple[str, bytes], packed: bool = False) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return memory.getvalue()


def header(text: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_archives(folder: Path) -> None:
    content = (folder / MODEL).read_bytes()
    options = f"{OPTIONS}.npy"
    good = header("{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }\n", b"a:1")
    deep = header("{'descr': '|i1', 'fortran_order': False, 'shape': " + "(" * 5000 + "3,)}")
    float_of = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"
    damage = {
        **small.NOTHING_LIKE_A_MODEL,
        **small.cut(content),
        "no options": npz(Wemb=np.zeros((4, 4), np.float32)),
        "options are floats": npz(**{OPTIONS: np.zeros((4, 4), np.float32)}),
        "options are long": npz(**{OPTIONS: np.zeros(1 << 17, np.int8)}),
        "options only": zipped((options, good)),
        "options are objects": npz(**{OPTIONS: np.array([{}], dtype=object)}),
        "an array of objects": zipped((options, good), ("a.npy", npz_member(np.array([{}], dtype=object)))),
        "an array of words": zipped((options, good), ("a.npy", npz_member(np.array(["word"])))),
        "upwards": zipped((options, good), ("../a.npy", good)),
        "absolute": zipped((options, good), ("/a.npy", good)),
        "folder": zipped((options, good), ("b/a.npy", good)),
        "long name": zipped((options, good), ("a" * 300 + ".npy", good)),
        "other file": zipped((options, good), ("readme.txt", b"text")),
        "twice": zipped((options, good), (options, good)),
        "many": zipped((options, good), *((f"{i}.npy", b"") for i in range(4100))),
        "bomb": zipped((options, good), ("a.npy", bytes(5_000_000)), packed=True),
        "no magic": zipped((options, good), ("a.npy", b"text, not numbers")),
        "deep header": zipped((options, good), ("a.npy", deep)),
        "huge shape": zipped((options, good), ("a.npy", header(float_of % "(1099511627776, 1099511627776)"))),
        "negative shape": zipped((options, good), ("a.npy", header(float_of % "(-1, 4)"))),
        "wide shape": zipped((options, good), ("a.npy", header(float_of % "(1, 1, 1, 1, 1)", bytes(4)))),
        "short data": zipped((options, good), ("a.npy", header(float_of % "(4,)", bytes(4)))),
        "code": zipped((options, good), ("a.npy", header("__import__('os').getcwd()"))),
    }
    assert len(damage) > 30
    for name, damaged in damage.items():
        (folder / MODEL).write_bytes(damaged)
        assert fault(folder / MODEL), name
        assert fault(folder), name
    (folder / MODEL).write_bytes(small.NOTHING_LIKE_A_MODEL["pointer"])
    assert "Git LFS" in fault(folder)
    (folder / MODEL).write_bytes(small.replaced(content, {len(content) // 2: bytes(64)}))
    assert fault(folder)


def npz_member(array: Any) -> bytes:
    memory = io.BytesIO()
    np.save(memory, array, allow_pickle=True)
    return memory.getvalue()


def test_weights_that_do_not_fit(folder: Path) -> None:
    wrong = {
        "encoder_l1_self_Wq": np.zeros((64, 32), np.float32),
        "encoder_l1_ffn_b1": np.zeros(3, np.float32),
        "decoder_l1_rnn_Wf": None,
    }
    change_npz(folder / MODEL, **wrong)
    found = fault(folder)
    assert "encoder_l1_self_Wq has the shape [64, 32]; the configuration needs [64, 64]" in found
    assert "encoder_l1_ffn_b1 has the shape [3]" in found
    assert "The parameter decoder_l1_rnn_Wf is missing" in found


def test_values_that_are_no_numbers(folder: Path) -> None:
    change_npz(folder / MODEL, encoder_l1_ffn_b1=np.full((1, 64), np.nan, np.float16))
    assert "encoder.0.feed_forward.inner.bias holds values that are not finite" in fault(folder)


def test_keys_that_yaml_takes_for_something_else(folder: Path) -> None:
    odd = [
        "yes",
        "null",
        "~",
        "1.0",
        "2001-01-01",
        "0x10",
        "'",
        '"',
        "#",
        "- a",
        "? b",
        "\x85",
        "\u2028",
        "\ufeff",
        "!!x",
    ]
    description = marian.read(folder)
    tokens = (*description.source.tokens[: -len(odd)], *odd)
    changed = Vocabulary("", description.source.model, tokens)
    marian.write(dataclasses.replace(description, source=changed, target=changed), folder)
    assert marian.read(folder).source.tokens == tokens
    text = (folder / VOCABULARY).read_text(encoding="utf-8").replace("\n? ", "\n")
    (folder / VOCABULARY).write_text(text.replace('"yes"', "yes").replace('"null"', "? null\n"), encoding="utf-8")
    assert marian.read(folder).source.tokens == tokens


def test_damaged_vocabularies(folder: Path) -> None:
    content = (folder / VOCABULARY).read_bytes()
    lines = content.decode().splitlines(keepends=True)
    size = len(lines)
    damage: dict[str, bytes] = {
        **small.NOTHING_LIKE_A_MODEL,
        **small.cut(content.rstrip(), 8),
        "no end symbol": "".join(lines[1:]).encode(),
        "no unknown": "".join([lines[0], *lines[2:]]).encode(),
        "too many": content + b"".join(f'"extra {i}": {size + i}\n'.encode() for i in range(5)),
        "one number twice": content + b'"extra": 7\n',
        "huge number": content + b'"extra": 99999999999\n',
        "a million": content + b'"extra": 1000000\n',
        "negative": content + b'"extra": -1\n',
        "fraction": content + b'"extra": 1.5\n',
        "word": content + b'"extra": many\n',
        "list": content + b'"extra": [1, 2]\n',
        "mapping": content + b'"extra": {a: 1}\n',
        "list of tokens": b"- a\n- b\n",
        "scalar": b"text\n",
        "alias": content + b'"extra": &a 400\n"more": *a\n',
        "deep": b"[" * 100_000,
        "deep mapping": b"{a: " * 100_000,
        "tab": b"a:\t- b\n\tc: 1\n",
        "not UTF-8": content + b"\xff\xfe\xff: 3\n",
        "JSON list": b"[1, 2, 3]",
        "JSON": b'{"</s>": 0, "<unk>": 1}',
        "broken JSON": b'{"</s>": 0, "<unk>": ',
        "JSON with words": b'{"</s>": "zero"}',
        "deep JSON": b'{"a":' * 100_000,
        "the pieces": (folder / "source.spm").read_bytes(),
    }
    assert len(damage) > 30
    for name, damaged in damage.items():
        (folder / VOCABULARY).write_bytes(damaged)
        assert fault(folder), name


def test_a_vocabulary_in_json(folder: Path) -> None:
    expected = marian.read(folder).source.tokens
    (folder / "vocab.json").write_text(json.dumps({token: id for id, token in enumerate(expected)}))
    config = folder / "decoder.yml"
    config.write_text(config.read_text().replace("vocab.yml", "/somewhere/else/vocab.json"))
    assert marian.read(folder).source.tokens == expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"models: [\n", "not plain YAML"),
        (b"- a\n", "not a YAML mapping"),
        (b"models: [other.npz]\n", "names the file other.npz"),
        (b"models: [../../model.npz]\n", "names the file model.npz"),
        (b"a: &a [1]\nb: *a\n", "not plain YAML"),
        (b"beam-size: many\n", "beam-size"),
        (b"x" * 70_000, "at most"),
        (b"[" * 60_000, "not plain YAML"),
    ],
    ids=range(8),
)
def test_damaged_configurations(folder: Path, content: bytes, words: str) -> None:
    (folder / "decoder.yml").write_bytes(content)
    assert words in fault(folder)


def test_recognised_by_content(folder: Path, tmp_path: Path) -> None:
    assert marian.recognises(folder)
    renamed = (folder / MODEL).rename(folder / "anything")
    assert marian.recognises(renamed)
    renamed.unlink()
    assert not marian.recognises(folder)
    for content in (*small.NOTHING_LIKE_A_MODEL.values(), b"PK", zipped(("a", b""))):
        (tmp_path / "x.npz").write_bytes(content)
        assert not marian.recognises(tmp_path / "x.npz")
    assert not marian.recognises(tmp_path / "absent")


def test_what_yaml_vocabularies_cannot_hold(folder: Path, tmp_path: Path) -> None:
    description = marian.read(folder)
    assert isinstance(description.card.network, TransformerConfig)
    tokens = (*description.source.tokens[:-1], description.source.tokens[5])
    twice = Vocabulary("v", description.source.model, tokens)
    with pytest.raises(ModelError, match="twice"):
        marian.write(dataclasses.replace(description, source=twice, target=twice), tmp_path / "out")


def test_an_opus_folder_without_its_configuration(folder: Path) -> None:
    expected = marian.read(folder)
    (folder / "decoder.yml").unlink()
    (folder / VOCABULARY).rename(folder / "opus.vocab.yml")
    for one, joint in ((folder / "source.spm", folder / "joint.spm"), (folder / "target.spm", None)):
        found = marian.read(folder)
        assert found.card.tokenizer == expected.card.tokenizer
        assert found.source.tokens == expected.source.tokens
        if joint:
            one.rename(joint)
            (folder / "target.spm").unlink()


def test_translatelocally_with_an_archive(folder: Path) -> None:
    (folder / "decoder.yml").rename(folder / "config.intgemm8bitalpha.yml")
    (folder / "model_info.json").write_text('{"shortName": "x", "srcTags": {"fr": "French"}, "trgTag": "en"}')
    found = bergamot.read(folder)
    assert found.format == "Marian"
    assert str(found.card.directions[0]) == "fr > en"


@pytest.mark.parametrize("name", ["synthetic/marian-npz", "bergamot/toy-enes", "bergamot/from-hf"])
def test_cards_are_whole(name: str) -> None:
    path = shared("interop", *name.split("/"))
    for reader in (marian, bergamot):
        if reader.recognises(path):
            assert card_faults(reader.read(path).card) == []
