import gc
import weakref
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2s_gui.description import Direction, Language
from s2s_gui.engine import segments
from s2s_gui.engine.cache import Recent, SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.segments import Planned, make_task
from s2s_gui.engine.translator import translate
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Partial, Result
from s2s_gui.text import sentences
from s2s_gui.text.protected import Shielded
from s2s_gui.text.sentences import stretches
from s2s_gui.text.tokenizer import Piece
from tests.engine import small

LONG = "".join(
    f"你好{number}。我们走吧，去看{number}本书，再见，一二三四五六七八九十，一二三！" for number in range(200)
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    place = tmp_path_factory.mktemp("segments")
    return open_model(small.write(place, place / "model"))


def plan(model: Model, content: str, source: str = "zh", target: str = "en") -> list[Planned]:
    return list(make_task(model, model.direction(source, target), DecodeOptions()).plan(content))


def plan_without_memory(model: Model, content: str, source: str = "zh", target: str = "en") -> list[Planned]:
    sentences._in_window.cache_clear()
    task = make_task(model, model.direction(source, target), DecodeOptions())
    return list(replace(task, parts=Recent(0)).plan(content))


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(LONG)),
            st.integers(0, 400),
            st.text("你a1 。，!\u3000", max_size=8) | st.sampled_from(["你好吗" * 20, "www.a.org 。", "Mr. A. "]),
        ),
        max_size=5,
    ),
    st.sampled_from([("zh", "en"), ("en", "zh")]),
)
def test_a_long_line_that_is_edited_is_planned_as_if_it_were_new(
    model: Model, edits: list[tuple[int, int, str]], way: tuple[str, str]
) -> None:
    content = LONG
    for place, length, new in edits:
        content = content[:place] + new + content[place + length :]
        kept = plan(model, content, *way)
        assert kept == plan_without_memory(model, content, *way)
        assert all(one.text == content[one.start : one.end] for one in kept)


def test_only_what_was_typed_is_tokenized_again(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    encode = model.source.encode

    def noted(text: str) -> list[Piece]:
        asked.append(text)
        return encode(text)

    plan(model, LONG)
    monkeypatch.setattr(model.source, "encode", noted)
    middle = LONG.index("你好100。")
    plan(model, f"{LONG[:middle]}好{LONG[middle:]}")
    assert asked == ["好你好100。"]


def test_each_direction_has_its_own_joints(model: Model) -> None:
    content = "你好。世界。"
    assert [one.before for one in plan(model, content)] == ["", " "]
    assert [one.before for one in plan(model, content, "en", "zh")] == ["", ""]
    assert [one.before for one in plan(model, content)] == ["", " "]


def test_what_is_remembered_goes_with_its_model(tmp_path: Path) -> None:
    loaded = open_model(small.write(tmp_path, tmp_path / "model"))
    plan(loaded, LONG)
    tokenizer = weakref.ref(loaded.source)
    before = len(segments._PARTS)
    del loaded
    gc.collect()
    assert tokenizer() is None
    assert len(segments._PARTS) == before - 1


def test_little_is_remembered(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "PARTS_KEPT", 1000)
    monkeypatch.setattr(segments, "_PARTS", weakref.WeakKeyDictionary())
    assert plan(model, LONG) == plan_without_memory(model, LONG)
    assert len(make_task(model, model.direction("zh", "en"), DecodeOptions()).parts) < 20


def source_ids(model: Model, text: str, source: str, target: str) -> tuple[int, ...]:
    return make_task(model, model.direction(source, target), DecodeOptions()).whole(text).job.source


def test_traditional_characters_and_capitals_are_read_in_the_form_that_was_learnt(model: Model) -> None:
    simple = source_ids(model, "请问头发", "zh", "en")
    assert source_ids(model, "請問頭髮", "zh", "en") == simple
    assert source_ids(model, "請問頭髮", "zh-Hant", "en") == simple
    assert source_ids(model, "HELLO THERE", "en", "zh-Hant") == source_ids(model, "Hello there", "en", "zh")


def test_traditional_chinese_is_offered_by_a_model_of_simplified(model: Model) -> None:
    assert {str(way) for way in model.card.ways()} == {
        "zh-Hans > en",
        "en > zh-Hans",
        "zh-Hant > en",
        "en > zh-Hant",
    }
    assert str(model.direction("en", "zh")) == "en > zh-Hans"
    simple, other = (make_task(model, model.direction("en", to), DecodeOptions()) for to in ("zh-Hans", "zh-Hant"))
    written = [piece.id for piece in model.target.encode("头发")]
    assert simple.text(tuple(written), Shielded("hair")) == "头发"
    assert other.text(tuple(written), Shielded("hair")) == "頭髮"


def test_what_a_model_has_itself_is_not_offered_twice() -> None:
    both = tuple(Direction(Language("en"), Language("zh", script)) for script in ("Hans", "Hant"))
    card = msgspec.structs.replace(small.card(8), directions=both)
    assert card.ways() == both
    assert card.learnt(both[1]) == both[1]


def test_a_forced_beginning_in_traditional_characters_is_obeyed(model: Model) -> None:
    task = make_task(model, model.direction("en", "zh-Hant"), DecodeOptions(prefix="頭髮"))
    (planned,) = task.plan("hello")
    forced = task.prepare(planned, forced=True).job.prefix
    assert forced == tuple(piece.id for piece in model.target.encode("头发"))


def test_converted_text_is_shown_as_it_grows_and_whole_at_the_end(model: Model) -> None:
    way = model.direction("en", "zh-Hant")
    steps = translate(model, 0, "hello there", way, DecodeOptions(beam_size=1), SentenceCache())
    shown: list[Partial] = []
    try:
        while True:
            update = next(steps)
            assert isinstance(update, Partial)
            shown.append(update)
    except StopIteration as end:
        result: Result = end.value
    assert len(shown) > 1
    assert all(not update.stable for update in shown[:-1] if not update.is_final and update.tentative)
    assert shown[-1].stable == result.text


def test_the_other_script_counts_only_where_it_is_asked_for(model: Model) -> None:
    card = model.card
    assert card.own_ways() == card.directions

    def found(source: str | None, target: str | None) -> list[str]:
        return [str(way) for way in card.fitting(source, target)]

    assert found("zh", "en") == found(None, "en") == found("zh-hans", None) == ["zh-Hans > en"]
    assert found("zh-Hant", "en") == ["zh-Hant > en"]
    assert found("en", "zh-Hant") == ["en > zh-Hant"]
    assert found(None, None) == ["zh-Hans > en", "en > zh-Hans"]
    assert found("zh", "zh") == found("de", None) == []


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("- 你好。", [("- ", "你好。")]),
        ("  1. 你好。我们走吧。 ", [("1. ", "你好。"), (" ", "我们走吧。")]),
        ("> > # 你好", [("> > # ", "你好")]),
        ("（2）你好", [("（2）", "你好")]),
        ("3、你好", [("3、", "你好")]),
        ("你好\t我们走吧。再见。\t\t12", [("", "你好"), ("\t", "我们走吧。"), (" ", "再见。"), ("\t\t", "12")]),
        ("-5度 - 好", [("", "-5度 - 好")]),
        ("1990年", [("", "1990年")]),
        ("- 12", [("", "- 12")]),
    ],
)
def test_what_opens_a_list_and_tabs_stay_as_they_are(model: Model, content: str, wanted: list[tuple[str, str]]) -> None:
    assert [(one.before, one.text) for one in plan(model, content)] == wanted
    steps = translate(model, 1, content, model.direction("zh", "en"), DecodeOptions(), SentenceCache())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            break
    segments = [segment.hypotheses[0].text for segment in result.lines[0].segments]
    parts = [before + text for (before, _), text in zip(wanted, segments, strict=True)]
    blanks = len(content) - len(content.lstrip()), len(content) - len(content.rstrip())
    assert result.text == " " * blanks[0] + "".join(parts) + " " * blanks[1]


def test_an_ordinal_of_german_is_no_number_of_a_list() -> None:
    (whole,) = stretches("3. Oktober", "de")
    assert whole[0] == 0
    (numbered,) = stretches("3. October", "en")
    assert numbered[0] == 3
