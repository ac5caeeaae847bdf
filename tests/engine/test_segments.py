import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2s_gui.engine import segments
from s2s_gui.engine.cache import Recent
from s2s_gui.engine.model import Model
from s2s_gui.engine.segments import Planned, make_task
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions
from s2s_gui.text import sentences
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
