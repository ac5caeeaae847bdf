"""Addresses, code and emoji through a whole model: hidden from it, put back, never lost."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sentencepiece import SentencePieceProcessor

from s2s_gui.description import DecodingDefaults
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.constraints import LoopGuard
from s2s_gui.engine.model import Model, of_tokens
from s2s_gui.engine.options import Search
from s2s_gui.engine.search import Decoded, Job, ranked, result
from s2s_gui.engine.segments import Planned, Prepared, Task, make_task
from s2s_gui.engine.translator import translate
from s2s_gui.errors import ModelError
from s2s_gui.formats import native
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Partial, Result
from s2s_gui.text.protected import MARKS
from tests.engine import small

DECODING = DecodingDefaults(never=(1, 2, 3), max_source=24, copies_marks=True)
SEARCH = Search(1, 1, 1.0, 2.0, 2, None, -1, 0, ())
TEXT = "你好 https://a.example/x?y=1 和 {name}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("protected")
    return small.write(place, place / "model", decoding=DECODING)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return open_model(folder)


def task(model: Model, target: str = "en", options: DecodeOptions | None = None) -> Task:
    source = "en" if target.startswith("zh") else "zh"
    return make_task(model, model.direction(source, target), options or DecodeOptions())


def prepared(made: Task, text: str = TEXT, *, forced: bool = False) -> Prepared:
    return made.prepare(Planned(0, len(text), text, "", False), forced=forced)


def written(made: Task, text: str, source: str = TEXT) -> str:
    """Return what people get to see where the model has written ``text``."""
    tokens = tuple(piece.id for piece in made.model.target.encode(text))
    found = Decoded((*tokens, 0), (0.0,) * (len(tokens) + 1), (), 0.0, "")
    return made.read(prepared(made, source), [found]).hypotheses[0].text


def test_the_model_reads_one_mark_for_each_span_and_people_see_the_span(model: Model) -> None:
    found = prepared(task(model))
    marks = [model.source.id_of(f"<0x{ord(mark):02X}>") for mark in MARKS[:2]]
    assert [id for id in found.job.source if id in marks] == marks == list(found.job.copied)
    assert [piece for piece in found.pieces if len(piece) > 6 or "{" in piece] == ["https://a.example/x?y=1", "{name}"]
    assert len(found.pieces) == len(found.job.source)


@pytest.mark.parametrize(
    ("output", "seen"),
    [
        ("see \x01 and \x02!", "see https://a.example/x?y=1 and {name}!"),
        ("\x02, \x01", "{name}, https://a.example/x?y=1"),
        ("only \x02.", "only {name}. https://a.example/x?y=1"),
        ("\x01 and \x01 again", "https://a.example/x?y=1 and  again {name}"),
        ("\x05none", "none https://a.example/x?y=1 {name}"),
        ("", "https://a.example/x?y=1 {name}"),
    ],
)
def test_no_span_is_lost_or_doubled(model: Model, output: str, seen: str) -> None:
    assert written(task(model), output) == seen


def test_spans_stay_as_they_are_where_the_script_is_converted(model: Model) -> None:
    made = task(model, "zh-Hant")
    assert written(made, "你好吗 \x01", "hello `国`") == "你好嗎 `国`"


def test_a_token_that_is_a_mark_is_shown_as_its_span(model: Model) -> None:
    made = task(model)
    mark = model.target.id_of("<0x02>")
    assert mark is not None
    found = made.read(prepared(made), [Decoded((mark, 0), (-0.1, 0.0), (), 0.0, "")])
    assert [token.text for token in found.hypotheses[0].tokens] == ["{name}", "</s>"]
    assert found.source_tokens == prepared(made).pieces


def test_an_address_of_full_width_is_one_too(model: Model) -> None:
    found = prepared(task(model), "发到ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ，好（吗）？")
    assert found.shielded.text == "发到\x01，好（吗）？"
    assert found.shielded.spans == ("zhang@example.com",)


def test_a_forced_beginning_has_the_marks_too(model: Model) -> None:
    made = task(model, options=DecodeOptions(prefix="hello {name} "))
    ids = prepared(made, forced=True).job.prefix
    assert model.target.id_of("<0x02>") in ids
    assert model.target.decode(iter(ids)) == "hello \x02"


def test_other_models_read_what_is_there(model: Model) -> None:
    card = msgspec.structs.replace(model.card, decoding=msgspec.structs.replace(DECODING, copies_marks=False))
    plain = task(replace(model, card=card))
    assert prepared(plain).job.copied == ()
    assert model.source.decode(iter(prepared(plain).job.source[1:-1])) == TEXT
    assert written(plain, "a\x01b") == "a\x01b"
    tokens = of_tokens(model)
    assert prepared(task(tokens), "a {name}").pieces[1:-1] == ("a", "{name}")


@pytest.mark.parametrize("options", [DecodeOptions(), DecodeOptions(beam_size=3)])
def test_what_streams_in_only_grows_and_has_the_spans(model: Model, options: DecodeOptions) -> None:
    steps = translate(model, 1, TEXT, model.direction("zh", "en"), options, SentenceCache())
    stable = ""
    while True:
        try:
            update = next(steps)
        except StopIteration as end:
            result: Result = end.value
            break
        if isinstance(update, Partial):
            assert update.stable.startswith(stable)
            stable = update.stable
    assert result.text.startswith(stable.rstrip())
    assert "https://a.example/x?y=1" in result.text
    assert "{name}" in result.text
    assert not any(mark in result.text for mark in MARKS)


def test_hypotheses_that_lost_a_mark_come_after_those_that_did_not() -> None:
    job = Job((9, 5, 6, 0), (), LoopGuard(2, 2, frozenset()), copied=(5, 6))
    search = replace(SEARCH, beam_size=3)
    found = [result(job, search, tokens, [-0.1] * len(tokens), ()) for tokens in [(7, 0), (5, 6, 5, 0), (6, 7, 5, 0)]]
    whole = [one for one in found if one is not None]
    assert [one.lost for one in whole] == [2, 1, 0]
    assert [one.tokens for one in ranked(whole, 3)] == [(6, 7, 5, 0), (5, 6, 5, 0), (7, 0)]


def test_a_vocabulary_without_bytes_cannot_copy_marks(folder: Path, tmp_path: Path) -> None:
    from sentencepiece import SentencePieceTrainer

    corpus = tmp_path / "corpus.txt"
    corpus.write_text("hello world\nthe cat sat on the mat\n你好世界\n" * 20, encoding="utf-8")
    SentencePieceTrainer.Train(
        input=str(corpus),
        model_prefix=str(tmp_path / "plain"),
        vocab_size=40,
        hard_vocab_limit=False,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        user_defined_symbols=["<2en>", "<2zh>"],
        minloglevel=2,
    )
    vocabulary = tmp_path / "plain.model"
    size = SentencePieceProcessor(model_file=str(vocabulary)).GetPieceSize()
    card = msgspec.structs.replace(small.card(size), decoding=DECODING)
    made = tmp_path / "model"
    native.write(card, small.weights(card), {"joint.spm": vocabulary.read_bytes()}, "# Small\n", made)
    with pytest.raises(ModelError, match="lacks the pieces that stand for what is to be copied: <0x01>, <0x02>"):
        open_model(made)
