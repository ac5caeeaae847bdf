import pytest

from s2s_gui.description import Direction, Language
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.pivot import pivot
from s2s_gui.errors import RequestError
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Partial, Result
from s2s_gui.training.development import translate_all
from tests.engine import small

FRENCH = Language("fr")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Model]:
    place = tmp_path_factory.mktemp("pivot")
    onward = (Direction(small.ENGLISH, FRENCH, "<2zh>"),)
    first = small.write(place / "a", place / "first")
    return open_model(first), open_model(small.write(place / "b", place / "second", directions=onward))


def run(models: tuple[Model, Model], text: str, target: str = "fr") -> tuple[list[Partial], Result]:
    caches = (SentenceCache(), SentenceCache())
    steps = pivot(models, caches, 3, text, "zh", target, DecodeOptions(beam_size=1))
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def test_a_chain_is_one_model_after_the_other(models: tuple[Model, Model]) -> None:
    text = "你好。世界！\n\n  12\n你好吗？"
    _seen, result = run(models, text)
    first, second = models
    english = translate_all(first, text.split("\n"), first.direction("zh", "en"))
    assert result.text.split("\n") == translate_all(second, english, second.direction("en", "fr"))
    assert [line.text for line in result.lines] == result.text.split("\n")
    assert [line.source for line in result.lines] == text.split("\n")
    assert result.tokens > 0


def test_it_streams_line_by_line(models: tuple[Model, Model]) -> None:
    seen, result = run(models, "你好。\n世界！")
    assert {(one.number, one.of) for one in seen} == {(3, 2)}
    assert [one.line for one in seen] == sorted(one.line for one in seen)
    for number, line in enumerate(result.lines):
        mine = [one for one in seen if one.line == number]
        assert [one.is_final for one in mine].count(True) == 1
        assert mine[-1].stable == line.text
        assert all(line.text.startswith(one.stable) for one in mine)


def test_no_way_through(models: tuple[Model, Model]) -> None:
    with pytest.raises(RequestError, match="do not lead from zh to de"):
        run(models, "你好", "de")
