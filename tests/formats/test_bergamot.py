import dataclasses
import gzip
import json
import struct
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from s2s_gui.description import DecodingDefaults, Direction, TransformerConfig
from s2s_gui.engine.model import Model, assemble
from s2s_gui.errors import ModelError
from s2s_gui.formats.marian import bergamot
from s2s_gui.formats.marian import npz as marian
from s2s_gui.formats.marian.bergamot_file import BinaryFile
from s2s_gui.formats.shortlist import shortlist_bytes
from s2s_gui.text.sentencepiece import piece_facts
from tests.formats import marian_small as small
from tests.formats.decoding import hypotheses
from tests.shared import shared

FILES = ("model.enes.intgemm.alphas.bin", "vocab.enes.spm", "lex.50.12.enes.s2t.bin")
# The last four lines of the toy set are made of unknown words; engines of different processors disagree there.
STABLE = 16
# The engines round activations to 8 bits and saturate sums, which shows by this much in a log-probability.
TOLERANCE = 0.25


def toy_rows(number: int) -> list[dict[str, Any]]:
    expected = json.loads(shared("interop", "bergamot", "toy-enes", "expected.json").read_text())
    rows: list[dict[str, Any]] = expected["sets"][number]["rows"]
    return rows[:STABLE]


def texts(model: Model, rows: list[dict[str, Any]]) -> list[str]:
    (way,) = model.card.ways()
    return [hypotheses(model, row["source"], way)[0].text for row in rows]


@pytest.mark.parametrize("number", [0, 1], ids=["all tokens", "shortlist"])
def test_toy_model_translates_as_two_engines_do(number: int) -> None:
    description = bergamot.read(shared("interop", "bergamot", "toy-enes"))
    assert (description.format, description.precision) == ("Bergamot", "int8")
    assert [path.name for path in description.files] == list(FILES)
    model = assemble(description if number else dataclasses.replace(description, shortlist=None))
    (way,) = model.card.ways()
    assert str(way) == "en > es"
    gaps = []
    for row in toy_rows(number):
        (found,) = hypotheses(model, row["source"], way)
        assert found.text == row["wasm"] == row["fxtranslate"]
        # Where the engine stops at its length limit, this program's search may go on for a few tokens.
        tokens = found.tokens[: len(row["token_ids"])]
        assert [token.id for token in tokens] == row["token_ids"]
        log_probs = [token.log_prob for token in tokens]
        assert log_probs == pytest.approx(row["token_log_probabilities"], abs=TOLERANCE)
        gaps += [abs(a - b) for a, b in zip(log_probs, row["token_log_probabilities"], strict=True)]
        assert hypotheses(model, row["source"], way, 4)[0].text == row["wasm_beam_4"]
    assert np.median(gaps) < 0.005


def test_two_vocabularies_and_self_attention() -> None:
    model = assemble(bergamot.read(shared("interop", "bergamot", "from-hf")))
    rows = json.loads(shared("interop", "bergamot", "from-hf", "expected.json").read_text())
    assert (model.source.size, model.target.size, model.card.decoding.eos) == (119, 223, 2)
    # Line 11 names no target language to a model that wants one: two pieces are nearly as likely.
    same = [text == row["wasm"] for text, row in zip(texts(model, rows), rows, strict=True)]
    assert [i for i, one in enumerate(same) if not one] in ([], [11])


def test_a_package_of_translatelocally(tmp_path: Path) -> None:
    with tarfile.open(shared("interop", "packages", "enes.toy.tiny.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    description = bergamot.read(tmp_path / "enes.toy.tiny")
    assert description.card.name == "English-Spanish toy"
    assert str(description.card.directions[0]) == "en > es"
    assert description.card.decoding.max_length_ratio == 2.5
    assert description.shortlist is not None
    rows = toy_rows(1)
    assert texts(assemble(description), rows) == [row["wasm"] for row in rows]


@pytest.mark.parametrize("ending", [".gz", ""])
def test_files_stored_as_gzip(tmp_path: Path, ending: str) -> None:
    toy = shared("interop", "bergamot", "toy-enes")
    for name in FILES:
        (tmp_path / f"{name}{ending}").write_bytes(gzip.compress((toy / name).read_bytes()))
    assert bergamot.recognises(tmp_path)
    rows = toy_rows(1)[:4]
    for path in (tmp_path, tmp_path / f"{FILES[0]}{ending}"):
        description = bergamot.read(path)
        assert description.card.tokenizer.source == "vocab.enes.spm"
        assert texts(assemble(description), rows) == [row["wasm"] for row in rows]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return small.sentencepiece(tmp_path_factory.mktemp("pieces"))


@pytest.fixture(scope="module")
def made(pieces: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bergamot") / "export"
    description = small.description(pieces)
    size = description.card.network.source_vocabulary
    bergamot.write(description, folder, small.alphas(description), small.shortlist(size))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in made.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


MODEL, VOCABULARY, LEXICON = "model.zhen.intgemm.alphas.bin", "vocab.zhen.spm", "lex.50.50.zhen.s2t.bin"


def fault(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        assemble(bergamot.read(path))
    assert all(fault.endswith(".") and "Traceback" not in fault for fault in caught.value.faults)
    return "\n".join(caught.value.faults)


def test_what_is_written_is_read(made: Path, pieces: bytes) -> None:
    description = small.description(pieces)
    found = bergamot.read(made)
    assert sorted(path.name for path in made.iterdir()) == sorted(
        ["README.md", "config.intgemm8bitalpha.yml", "model_info.json", MODEL, VOCABULARY, LEXICON]
    )
    assert [str(one) for one in found.card.directions] == ["zh-Hans > en", "en > zh-Hans"]
    assert found.card.decoding.never == (1, 2, 3)
    assert set(found.weights) == set(description.weights)
    padding = -description.card.network.source_vocabulary % 8
    assert found.card.network == description.card.network
    assert BinaryFile(made / MODEL).shapes["Wemb"][0] == description.card.network.source_vocabulary + padding
    for name, array in description.weights.items():
        bound = np.abs(array).max() / 127 / 2 if array.ndim == 2 else 0
        np.testing.assert_allclose(found.weights[name], array, rtol=0, atol=bound * 1.01)
    assert found.shortlist is not None
    np.testing.assert_array_equal(found.shortlist.ids, small.shortlist(found.card.network.source_vocabulary).ids)
    assert "begin every sentence with `<2en>` and a blank" in (made / "README.md").read_text()


def test_the_same_weights_give_the_same_texts(made: Path, pieces: bytes) -> None:
    found = bergamot.read(made)
    original = dataclasses.replace(small.description(pieces), weights=found.weights)
    read_back, ours = assemble(dataclasses.replace(found, shortlist=None)), assemble(original)
    for text in ("hello world", "你好", "<2en> the cat"):
        there, here = (hypotheses(model, text, model.card.ways()[0])[0] for model in (read_back, ours))
        assert there.tokens[0].id == here.tokens[0].id
        assert there.text == here.text


def test_activation_multipliers_as_the_engines_want_them(made: Path, pieces: bytes) -> None:
    wanted = small.alphas(small.description(pieces))
    binary = BinaryFile(made / MODEL)
    given = {name: binary.array(name) for name in binary.shapes if name.endswith("_QuantMultA")}
    assert len(given) == 2 * 6 + 2 * (2 + 4 + 2) + 2
    for name in ("encoder_l1_self_Wq", "encoder_l1_self_Wk", "encoder_l1_self_Wv"):
        np.testing.assert_allclose(given[f"{name}_QuantMultA"], [[wanted["encoder.0.attention.weight"]]])
    np.testing.assert_allclose(given["Wemb_QuantMultA"], [[wanted["target_embedding.weight"]]], rtol=1e-6)
    np.testing.assert_array_equal(given["none_QuantMultA"], [[wanted["target_embedding.weight"]]])
    assert binary._items["Wemb_QuantMultA"].type.scaled
    assert not binary._items["none_QuantMultA"].type.scaled


def test_export_without_multipliers(pieces: bytes, tmp_path: Path) -> None:
    bergamot.write(small.description(pieces, decoder="attention", activation="swish", norm="pre"), tmp_path / "a", {})
    assert "int8shiftAll\n" in (tmp_path / "a" / "config.intgemm8bitalpha.yml").read_text()
    network = assemble(bergamot.read(tmp_path / "a" / "model.zhen.intgemm8.bin")).card.network
    assert isinstance(network, TransformerConfig)
    assert (network.decoder, network.activation, network.norm) == ("attention", "swish", "pre")


def test_ids_of_a_list_become_those_of_the_pieces(pieces: bytes, tmp_path: Path) -> None:
    """A Marian model with a YAML vocabulary goes out with its rows in the order of the SentencePiece model."""
    own = small.description(pieces, tags=False)
    tokens = piece_facts(pieces, "joint.spm").pieces
    order = [0, 1, *reversed(range(2, len(tokens)))]
    vocabulary = dataclasses.replace(own.source, tokens=tuple(tokens[id] for id in order))
    weights = dict(own.weights)
    for name in ("target_embedding.weight", "output_bias"):
        weights[name] = np.asarray(weights[name])[order]
    files = msgspec.structs.replace(own.card.tokenizer, source_tokens="v.json", target_tokens="v.json")
    card = msgspec.structs.replace(own.card, tokenizer=files)
    listed = dataclasses.replace(own, card=card, weights=weights, source=vocabulary, target=vocabulary)
    marian.write(listed, tmp_path / "npz")
    alphas = small.alphas(own)
    lists = small.shortlist(len(tokens))
    for number, description in enumerate((own, marian.read(tmp_path / "npz"))):
        bergamot.write(description, tmp_path / str(number), alphas, lists)
    first, second = bergamot.read(tmp_path / "0"), bergamot.read(tmp_path / "1")
    for name in first.weights:
        np.testing.assert_array_equal(first.weights[name], second.weights[name])
    assert second.shortlist is not None
    np.testing.assert_array_equal(second.shortlist.ids, lists.ids)


@pytest.mark.parametrize(
    ("network", "decoding", "words"),
    [
        ({"positions": "halves"}, {}, "sines with the divisor d/2;"),
        ({"positions": "learned"}, {}, "a table that was learned"),
        ({"first_position": 1}, {}, "counts positions"),
        ({"scale_embedding": False}, {}, "does not scale embeddings"),
        ({"activation": "gelu"}, {}, "the activation gelu"),
        ({"norm_epsilon": 1e-3}, {}, "norms add 0.001"),
        ({"width": 48}, {}, "width is 48"),
        ({"tied": "none"}, {}, "output matrix is its own"),
        ({}, {"start": 0}, "starts with a token"),
        ({}, {"source_start": (4,)}, "other tokens around a source"),
        ({}, {"pad_source_to": 4}, "fills up short sources"),
        ({}, {"unk": 2}, "unknown token is not the one"),
    ],
)
def test_models_that_the_format_cannot_hold(
    pieces: bytes, tmp_path: Path, network: dict[str, Any], decoding: dict[str, Any], words: str
) -> None:
    description = small.description(pieces, **network)
    card = msgspec.structs.replace(description.card, decoding=DecodingDefaults(**decoding))
    with pytest.raises(ModelError, match=words):
        bergamot.write(dataclasses.replace(description, card=card), tmp_path / "out", {})
    assert not (tmp_path / "out").exists()


def test_tags_that_no_text_becomes_are_refused(pieces: bytes, tmp_path: Path) -> None:
    description = small.description(pieces)
    ways = (Direction(small.ENGLISH, small.CHINESE, "▁hello"),)
    card = msgspec.structs.replace(description.card, directions=ways)
    with pytest.raises(ModelError, match="no user-defined piece"):
        bergamot.write(dataclasses.replace(description, card=card), tmp_path / "out", {})
    with pytest.raises(ModelError, match="no activation multiplier for"):
        bergamot.write(description, tmp_path / "out", {"target_embedding.weight": 3.0})


def test_recognised_by_content(folder: Path, tmp_path: Path) -> None:
    assert bergamot.recognises(folder)
    renamed = (folder / MODEL).rename(folder / "no name")
    assert bergamot.recognises(renamed)
    renamed.unlink()
    assert not bergamot.recognises(folder)
    for name, content in small.NOTHING_LIKE_A_MODEL.items():
        path = tmp_path / "model.enes.intgemm.alphas.bin"
        path.write_bytes(content)
        assert not bergamot.recognises(path), name
    assert not bergamot.recognises(tmp_path / "absent")


def binary_damage(content: bytes) -> dict[str, bytes]:
    count = struct.unpack_from("<Q", content, 8)[0]
    names_at = 16 + 32 * count
    lengths = [struct.unpack_from("<Q", content, 16 + 32 * i)[0] for i in range(count)]
    shapes_at = names_at + sum(lengths)
    ranks = [struct.unpack_from("<Q", content, 16 + 32 * i + 16)[0] for i in range(count)]
    padding_at = shapes_at + 4 * sum(ranks)
    huge = struct.pack("<Q", 1 << 60)
    first_type = 16 + 8
    data_at = padding_at + 8 + struct.unpack_from("<Q", content, padding_at)[0]
    multiplier_at = data_at + 64 * struct.unpack_from("<2i", content, shapes_at)[0]
    change = partial(small.replaced, content)
    return {
        **small.NOTHING_LIKE_A_MODEL,
        **small.cut(content),
        "cut in header": content[:60],
        "cut in names": content[: names_at + 5],
        "cut in shapes": content[: shapes_at + 5],
        "version": change({0: struct.pack("<Q", 2)}),
        "no tensors": change({8: struct.pack("<Q", 0)}),
        "too many tensors": change({8: struct.pack("<Q", 5000)}),
        "huge count": change({8: huge}),
        "one tensor more": change({8: struct.pack("<Q", count + 1)}),
        "name length 0": change({16: struct.pack("<Q", 0)}),
        "huge name": change({16: huge}),
        "unknown type": change({first_type: struct.pack("<Q", 0x7777)}),
        "FBGEMM": change({first_type: struct.pack("<Q", 0x1801)}),
        "rank 0": change({32: struct.pack("<Q", 0)}),
        "huge rank": change({32: huge}),
        "short data": change({40: struct.pack("<Q", 8)}),
        "huge data": change({40: huge}),
        "no NUL": change({names_at + lengths[0] - 1: b"x"}),
        "two NUL": change({names_at: b"\0"}),
        "not UTF-8": change({names_at: b"\xff"}),
        "other name": change({names_at: b"X"}),
        "negative dimension": change({shapes_at: struct.pack("<i", -4)}),
        "huge dimension": change({shapes_at: struct.pack("<i", (1 << 31) - 1)}),
        "other shape": change({shapes_at: struct.pack("<2i", 8, 64)}),
        "huge padding": change({padding_at: huge}),
        "NaN multiplier": change({multiplier_at: struct.pack("<f", float("nan"))}),
        "infinite multiplier": change({multiplier_at: struct.pack("<f", float("inf"))}),
        "zero multiplier": change({multiplier_at: bytes(4)}),
        "negative multiplier": change({multiplier_at: struct.pack("<f", -1)}),
        "more behind": content + b"more",
        "much behind": content + bytes(10_000),
        "options": content.replace(b"type: transformer", b"type: s2s        "),
        "options without depth": content.replace(b"enc-depth: 2", b"enc-depht: 2"),
        "options with words": content.replace(b"enc-depth: 2", b"enc-depth: x"),
        "options with an alias": content.replace(b"enc-depth: 2", b"enc-depth:*a"),
    }


def test_damaged_binaries(folder: Path) -> None:
    content = (folder / MODEL).read_bytes()
    damage = binary_damage(content)
    assert len(damage) > 40
    for name, damaged in damage.items():
        assert damaged != content, name
        (folder / MODEL).write_bytes(damaged)
        assert fault(folder / MODEL), name
    (folder / MODEL).write_bytes(damage["FBGEMM"])
    assert "packed8avx2, FBGEMM" in fault(folder)
    (folder / MODEL).write_bytes(damage["pointer"])
    assert "Git LFS" in fault(folder)
    (folder / MODEL).write_bytes(content[:-100])
    assert f"{len(content):,} bytes, but has {len(content) - 100:,}" in fault(folder)


def test_weights_that_are_no_numbers(folder: Path) -> None:
    content = (folder / MODEL).read_bytes()
    at = BinaryFile(folder / MODEL)._items["encoder_l1_ffn_b1"].offset
    (folder / MODEL).write_bytes(small.replaced(content, {at: struct.pack("<f", float("nan"))}))
    assert "encoder.0.feed_forward.inner.bias holds values that are not finite" in fault(folder)


def test_damaged_gzip(folder: Path) -> None:
    packed = gzip.compress((folder / MODEL).read_bytes())
    for damaged in (packed[:-20], packed[:100], small.replaced(packed, {2000: bytes(50)}), packed[:3]):
        (folder / MODEL).write_bytes(damaged)
        assert MODEL in fault(folder)
    (folder / MODEL).write_bytes(gzip.compress(bytes(50_000_000)))
    assert "too much" in fault(folder)


def test_damaged_shortlists(folder: Path) -> None:
    content = (folder / LEXICON).read_bytes()
    number = struct.Struct("<Q").pack
    count = struct.unpack_from("<Q", content, 32)[0]
    damage = {
        **small.NOTHING_LIKE_A_MODEL,
        **small.cut(content),
        "magic": small.replaced(content, {0: b"x"}),
        "count": small.replaced(content, {32: number(count - 1)}),
        "huge count": small.replaced(content, {32: number(1 << 61)}),
        "huge ids": small.replaced(content, {40: number(1 << 62)}),
        "falling": small.replaced(content, {48 + 8: number(5)}),
        "first": small.replaced(content, {48: number(3)}),
        "last": small.replaced(content, {48 + 8 * (count - 1): number(1)}),
        "beyond": small.replaced(content, {48 + 8 * 5: number(1 << 50)}),
        "unknown token": small.replaced(content, {48 + 8 * count: b"\xff\xff\xff\x7f"}),
        "behind": content + b"1234",
        "other model": shortlist_bytes(small.shortlist(100)),
    }
    assert len(damage) > 20
    for name, damaged in damage.items():
        (folder / LEXICON).write_bytes(damaged)
        assert LEXICON in fault(folder), name
    (folder / LEXICON).write_bytes(small.replaced(content, {8: b"checksum"}))
    assert bergamot.read(folder).shortlist is not None


def test_vocabularies_of_other_models(folder: Path, tmp_path: Path) -> None:
    other = shared("interop", "bergamot", "from-hf", "srcvocab.enes.spm").read_bytes()
    (folder / VOCABULARY).write_bytes(other)
    assert "they belong to different models" in fault(folder)
    for name, content in small.NOTHING_LIKE_A_MODEL.items():
        (folder / VOCABULARY).write_bytes(content)
        assert fault(folder), name
    (folder / VOCABULARY).unlink()
    assert f"names the file {VOCABULARY}, but it is not in the folder" in fault(folder)
    (folder / "config.intgemm8bitalpha.yml").unlink()
    assert f"no vocabulary of the source language, such as {VOCABULARY}" in fault(folder)


def test_swapped_vocabularies(tmp_path: Path) -> None:
    for name in ("srcvocab.enes.spm", "trgvocab.enes.spm", "model.enes.intgemm8.bin"):
        (tmp_path / name).write_bytes(shared("interop", "bergamot", "from-hf", name).read_bytes())
    (tmp_path / "srcvocab.enes.spm").rename(tmp_path / "other")
    (tmp_path / "trgvocab.enes.spm").rename(tmp_path / "srcvocab.enes.spm")
    (tmp_path / "other").rename(tmp_path / "trgvocab.enes.spm")
    assert "they belong to different models" in fault(tmp_path)


def test_several_models_in_one_folder(folder: Path) -> None:
    (folder / "config.intgemm8bitalpha.yml").unlink()
    for name in (MODEL, VOCABULARY, LEXICON):
        (folder / name.replace("zhen", "enfr")).write_bytes((folder / name).read_bytes())
    assert "holds several models: model.enfr.intgemm.alphas.bin, model.zhen" in fault(folder)
    description = bergamot.read(folder / "model.enfr.intgemm.alphas.bin")
    assert "vocab.enfr.spm" in [path.name for path in description.files]
