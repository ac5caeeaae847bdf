from pathlib import Path

import msgspec
import pytest

from s2s_gui.description import TransformerConfig
from s2s_gui.errors import ExportError, ModelError
from s2s_gui.formats import native
from s2s_gui.manage.exporting import export
from s2s_gui.manage.opening import open_model
from tests.engine import small
from tests.formats.decoding import hypotheses
from tests.text import spm

MARIAN = Path(__file__).parents[1] / "oracles" / "recorded" / "base"
TEXTS = ["Kato mi se.", "Lipe duno ha ru.", "To!"]


@pytest.mark.parametrize("form", ["native", "hf-marian", "ctranslate2"])
def test_what_is_written_translates_alike(form: str, tmp_path: Path) -> None:
    assert export(MARIAN, form, tmp_path / "out") == tmp_path / "out"
    ours, theirs = open_model(MARIAN), open_model(tmp_path / "out")
    for text in TEXTS:
        for beam in (1, 4):
            (first,) = hypotheses(ours, text, ours.card.ways()[0], beam)
            (second,) = hypotheses(theirs, text, theirs.card.ways()[0], beam)
            assert first.text == second.text
            assert first.score == pytest.approx(second.score, abs=1e-5)


def test_one_file_to_hand_on(tmp_path: Path) -> None:
    export(MARIAN, "native", tmp_path / "mine.s2smodel")
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ""] == ["mine.s2smodel"]
    model = open_model(tmp_path / "mine.s2smodel")
    assert hypotheses(model, TEXTS[0], model.card.ways()[0]) == hypotheses(
        open_model(MARIAN), TEXTS[0], open_model(MARIAN).card.ways()[0]
    )


def bridge(tmp_path: Path) -> Path:
    """Write a small model as our trainer makes them: SSRU, Marian's positions, tags."""
    vocabulary = spm.make(tmp_path)
    made = small.card(len(open_model(small.write(tmp_path / "a", tmp_path / "plain")).target.piece(0)) or 1)
    size = open_model(tmp_path / "plain").target.size
    network = TransformerConfig(
        size, size, width=64, heads=8, feed_forward=64, encoder_layers=1, decoder_layers=1, decoder="ssru"
    )
    made = msgspec.structs.replace(made, network=network)
    native.write(made, small.weights(made), {"joint.spm": vocabulary.read_bytes()}, "", tmp_path / "model")
    return tmp_path / "model"


def test_bergamot_and_npz_hold_an_ssru(tmp_path: Path) -> None:
    model = bridge(tmp_path)
    export(model, "bergamot", tmp_path / "bergamot")
    names = {path.name.split(".")[0] for path in (tmp_path / "bergamot").iterdir()}
    assert {"model", "vocab", "config", "model_info", "README"} <= names
    assert open_model(tmp_path / "bergamot").card.ways()
    export(model, "marian-npz", tmp_path / "npz")
    ours, theirs = open_model(model), open_model(tmp_path / "npz")
    way = ours.card.ways()[0]
    other = next(one for one in theirs.card.ways() if one.target.code == way.target.code)
    assert [token.id for token in hypotheses(ours, "hello world", way)[0].tokens] == [
        token.id for token in hypotheses(theirs, "hello world", other)[0].tokens
    ]


@pytest.mark.parametrize(("form", "words"), [("hf-marian", "SSRU"), ("ctranslate2", "SSRU")])
def test_what_a_format_cannot_hold_is_named(form: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=words):
        export(bridge(tmp_path), form, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tag_is_named(tmp_path: Path) -> None:
    plain = small.write(tmp_path / "scratch", tmp_path / "plain")
    card = native.read(plain).card
    network = card.network
    assert isinstance(network, TransformerConfig)
    card = msgspec.structs.replace(
        card, network=msgspec.structs.replace(network, decoder="attention", positions="halves")
    )
    native.write(card, small.weights(card), {"joint.spm": native.read(plain).source.model}, "", tmp_path / "tagged")
    with pytest.raises(ExportError, match="<2en>"):
        export(tmp_path / "tagged", "hf-marian", tmp_path / "out")


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    for form in ("native", "hf-marian", "ctranslate2", "marian-npz"):
        with pytest.raises((ExportError, ModelError), match=r"there already|positions"):
            export(MARIAN, form, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_samples_make_a_shortlist(tmp_path: Path) -> None:
    model = bridge(tmp_path)
    files = {}
    for code, word in (("zh", "你好"), ("en", "hello")):
        files[code] = tmp_path / f"{code}.txt"
        files[code].write_text("".join(f"{word} {number}\n" for number in range(1000)), encoding="utf-8")
    export(model, "bergamot", tmp_path / "out", files)
    assert list((tmp_path / "out").glob("lex.*.bin"))
    assert open_model(tmp_path / "out").shortlist is not None
