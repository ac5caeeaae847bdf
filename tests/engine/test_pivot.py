import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2s_gui.description import Direction, Language
from s2s_gui.engine.cache import Lines, SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.pivot import pivot
from s2s_gui.errors import RequestError
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, KnownLines, Partial, Result
from s2s_gui.training.development import translate_all
from tests.engine import small

FRENCH = Language("fr")
GREEDY = DecodeOptions(beam_size=1)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Model]:
    place = tmp_path_factory.mktemp("pivot")
    onward = (Direction(small.ENGLISH, FRENCH, "<2zh>"),)
    first = small.write(place / "a", place / "first")
    return open_model(first), open_model(small.write(place / "b", place / "second", directions=onward))


def run(
    models: tuple[Model, Model],
    text: str,
    target: str = "fr",
    options: DecodeOptions = GREEDY,
    caches: tuple[SentenceCache, SentenceCache] | None = None,
) -> tuple[list[Partial | KnownLines], Result]:
    steps = pivot(models, caches or (SentenceCache(), SentenceCache()), 3, text, "zh", target, options)
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
        mine = [one for one in seen if isinstance(one, Partial) and one.line == number]
        assert [one.is_final for one in mine].count(True) == 1
        assert mine[-1].stable == line.text
        assert all(line.text.startswith(one.stable) for one in mine)


def test_lines_that_were_known_come_together(models: tuple[Model, Model]) -> None:
    caches = SentenceCache(), SentenceCache()
    known = ["你好。世界。", "", "123", *(f"你好{n}。" for n in range(80))]
    first = run(models, "\n".join(known), caches=caches)[1]
    text = "\n".join([*known[:3], "一", *known[3:]])
    seen, result = run(models, text, caches=caches)
    together = [one for one in seen if isinstance(one, KnownLines)]
    assert [(one.line, len(one.texts)) for one in together] == [(0, 3), (4, 64), (68, 16)]
    assert together[0].texts == tuple(line.text for line in first.lines[:3])
    assert result.lines == (*first.lines[:3], result.lines[3], *first.lines[3:])
    again = run(models, text, caches=caches)[1]
    assert (again.tokens, again.first_token_seconds) == (0, 0.0)
    caches[1].chain = Lines()
    assert again == msgspec.structs.replace(run(models, text, caches=caches)[1], seconds=again.seconds)
    bound = run(models, text, options=msgspec.structs.replace(GREEDY, prefix="hello"), caches=caches)[1]
    assert bound.lines[0].text.startswith("hello")
    assert bound.lines[1:] == again.lines[1:]


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 8), st.text(st.sampled_from("你好吗a。!\n\r "), max_size=6)),
        min_size=1,
        max_size=6,
    ),
    options=st.lists(
        st.sampled_from([GREEDY, DecodeOptions(beam_size=1, prefix="hello"), DecodeOptions(beam_size=2)]), min_size=2
    ),
)
def test_edits_with_caches_give_what_a_new_translation_gives(
    models: tuple[Model, Model], edits: list[tuple[int, int, str]], options: list[DecodeOptions]
) -> None:
    caches = SentenceCache(30), SentenceCache(30)
    text = "你好。世界。\n\n一二三\r\n hello。\n你好。"
    for turn, (place, length, new) in enumerate(edits):
        text = text[:place] + new + text[place + length :]
        option = options[turn % len(options)]
        kept, fresh = (run(models, text, "fr", option, some)[1] for some in (caches, None))
        assert kept.text == fresh.text
        assert [line.source for line in kept.lines] == [line.source for line in fresh.lines]
        assert [line.text for line in kept.lines] == [line.text for line in fresh.lines]


def test_no_way_through(models: tuple[Model, Model]) -> None:
    with pytest.raises(RequestError, match="do not lead from zh to de"):
        run(models, "你好", "de")
