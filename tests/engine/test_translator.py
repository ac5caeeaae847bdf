from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from s2s_gui.description import TransformerConfig
from s2s_gui.engine import translator
from s2s_gui.engine.cache import SentenceCache, Translated
from s2s_gui.engine.documents import Finished, decode_all, translate_lines
from s2s_gui.engine.model import Model
from s2s_gui.engine.options import Search
from s2s_gui.engine.search import Job
from s2s_gui.engine.translator import translate
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.formats.safetensors import SafetensorsFile
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, KnownLines, Line, Partial, Result, Sampling
from s2s_gui.text.sentencepiece import read_sentencepiece
from tests.engine import small
from tests.text import spm

Yielded = TypeVar("Yielded")
Returned = TypeVar("Returned")
TEXT = "  你好。你好吗？\r\n\r\n 123 https://a.org \n世界\n"


@pytest.fixture(scope="module", params=[False, True], ids=["transformer", "rnn"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    place = tmp_path_factory.mktemp("small")
    return open_model(small.write(place, place / "model", recurrent=request.param))


def run(work: Generator[Yielded, None, Returned]) -> tuple[list[Yielded], Returned]:
    updates = []
    while True:
        try:
            updates.append(next(work))
        except StopIteration as end:
            return updates, end.value


def stream(
    model: Model, text: str, options: DecodeOptions | None = None, cache: SentenceCache | None = None
) -> tuple[list[Partial | KnownLines], Result]:
    direction = model.direction("zh", "en")
    if cache is None:
        cache = SentenceCache()
    return run(translate(model, 7, text, direction, options or DecodeOptions(), cache))


def ends(updates: list[Partial | KnownLines]) -> list[int]:
    """Return the lines that were done, in the order in which they were."""
    return [
        line
        for update in updates
        for line in (
            range(update.line, update.line + len(update.texts))
            if isinstance(update, KnownLines)
            else [update.line][: update.is_final]
        )
    ]


def batch(model: Model, contents: list[str], options: DecodeOptions | None = None) -> list[Line]:
    direction = model.direction("zh", "en")
    return run(translate_lines(model, contents, direction, options or DecodeOptions(), SentenceCache()))[1]


def test_lines_and_outer_blanks_survive(model: Model) -> None:
    updates, result = stream(model, TEXT)
    lines = result.text.split("\n")
    assert lines[0].startswith("  ")
    assert not lines[0].startswith("   ")
    assert lines[0].endswith("\r")
    assert lines[1:3] == ["\r", " 123 https://a.org "]
    assert lines[4] == ""
    assert len(lines) == 5
    assert ends(updates) == [0, 1, 2, 3, 4]
    assert {update.of for update in updates} == {5}
    assert [len(line.segments) for line in result.lines] == [2, 0, 1, 1, 0]
    assert result.lines[0].segments[0].source_tokens[0] == "<2en>"
    assert result.lines[0].segments[0].source_tokens[-1] == "</s>"


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.sampled_from("你好吗世界hello 12。！?.\n\r\t😀<2en>"), max_size=40),
    beam_size=st.sampled_from([1, 3]),
)
def test_any_text_keeps_its_lines_and_its_stable_parts(model: Model, text: str, beam_size: int) -> None:
    updates, result = stream(model, text, DecodeOptions(beam_size=beam_size))
    assert result.text.count("\n") == text.count("\n")
    assert result.text.count("\r") == text.count("\r")
    stable = [""] * len(result.lines)
    for update in updates:
        if isinstance(update, KnownLines):
            stable[update.line : update.line + len(update.texts)] = update.texts
        else:
            assert update.stable.startswith(stable[update.line])
            stable[update.line] = update.stable
    assert ends(updates) == list(range(len(result.lines)))
    assert stable == [line.text for line in result.lines]


@pytest.mark.parametrize(
    "options", [DecodeOptions(), DecodeOptions(beam_size=3, hypotheses=3), DecodeOptions(prefix="hello")]
)
def test_batches_give_what_the_stream_gives(model: Model, options: DecodeOptions) -> None:
    contents = [" 你好。世界！", "", "123", "一二三", "hello", "你好。"]
    single = [stream(model, content, options)[1].lines[0] for content in contents]
    assert [line.text for line in batch(model, contents, options)] == [line.text for line in single]


def test_score_is_made_of_the_tokens(model: Model) -> None:
    _, result = stream(model, "你好吗", DecodeOptions(beam_size=4, hypotheses=4, length_penalty=0.6))
    found = result.lines[0].segments[0].hypotheses
    assert len(found) == 4
    for one in found:
        assert one.score == pytest.approx(sum(token.log_prob for token in one.tokens) / len(one.tokens) ** 0.6)
    ended = [one.score for one in found if one.stopped != "loop"]
    assert ended == sorted(ended, reverse=True)


def test_links_point_into_both_sides(model: Model) -> None:
    _, result = stream(model, "你好吗")
    segment = result.lines[0].segments[0]
    best = segment.hypotheses[0]
    assert {link.target for link in best.alignment} == set(range(len(best.tokens)))
    assert {link.source for link in best.alignment} <= set(range(len(segment.source_tokens)))
    assert all(0 <= link.weight <= 1 for link in best.alignment)


def test_a_blank_after_the_prefix_ends_its_word(model: Model) -> None:
    texts = [stream(model, f"你好{n}吗", DecodeOptions(prefix="hello "))[1].text for n in range(6)]
    assert all(text == "hello" or text.startswith("hello ") for text in texts)
    other = [stream(model, f"你好{n}吗", DecodeOptions(prefix="hello"))[1].text for n in range(6)]
    assert any(not text.startswith("hello ") for text in other)


def test_a_line_of_known_sentences_can_be_stopped_between_them(model: Model) -> None:
    cache = SentenceCache()
    stream(model, "你好。", cache=cache)
    work = translate(model, 1, "你好。" * 3 + "世界。", model.direction("zh", "en"), DecodeOptions(), cache)
    shown = [update for update in (next(work) for _ in range(3)) if isinstance(update, Partial)]
    assert len(shown) == 3
    assert [len(update.stable) for update in shown] == sorted({len(update.stable) for update in shown})
    assert not any(update.is_final for update in shown)
    work.close()
    assert len(cache) == 1


def test_weights_are_taken_over_and_not_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    handed: list[int] = []
    read = SafetensorsFile.__getitem__

    def noted(self: SafetensorsFile, name: str) -> NDArray[Any]:
        array = read(self, name)
        handed.append(array.ctypes.data)
        return array

    monkeypatch.setattr(SafetensorsFile, "__getitem__", noted)
    loaded = open_model(small.write(tmp_path, tmp_path / "model"))
    assert {parameter.data_ptr() for parameter in loaded.network.parameters()} == set(handed)


def test_prefix_binds_the_first_segment_only(model: Model) -> None:
    _, result = stream(model, "\n 你好。你好。\n", DecodeOptions(prefix="hello th"))
    first, second = (segment.hypotheses[0].text for segment in result.lines[1].segments)
    assert first.startswith("hello th")
    assert not second.startswith("hello th")


def test_only_changed_sentences_are_decoded_again(model: Model) -> None:
    cache = SentenceCache()
    _, first = stream(model, "你好。世界。\n一二三", cache=cache)
    assert first.cached_segments == 0
    assert first.tokens > 0
    _, again = stream(model, "你好。世界。\n一二三四", cache=cache)
    assert again.cached_segments == 2
    assert again.lines[0] == first.lines[0]
    _, other = stream(model, "你好。", DecodeOptions(beam_size=2), cache)
    assert other.cached_segments == 0


def outline(line: Line) -> list[tuple[int, int, tuple[str, ...], list[tuple[str, list[int], int]]]]:
    """Return what does not depend on how many sentences were decoded together."""
    return [
        (
            one.start,
            one.end,
            one.source_tokens,
            [(best.text, [token.id for token in best.tokens], len(best.alignment)) for best in one.hypotheses],
        )
        for one in line.segments
    ]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 8), st.text(st.sampled_from("你好吗a。!\n\r "), max_size=6)),
        min_size=1,
        max_size=6,
    ),
    options=st.lists(
        st.sampled_from([DecodeOptions(), DecodeOptions(prefix="hello"), DecodeOptions(beam_size=2)]), min_size=2
    ),
    capacity=st.sampled_from([1, 30, 100_000]),
)
def test_edits_with_a_cache_give_what_a_new_translation_gives(
    model: Model, edits: list[tuple[int, int, str]], options: list[DecodeOptions], capacity: int
) -> None:
    cache = SentenceCache(capacity)
    text = "你好。世界。\n\n一二三\r\n hello。\n你好。"
    for turn, (place, length, new) in enumerate(edits):
        text = text[:place] + new + text[place + length :]
        option = options[turn % len(options)]
        updates, result = stream(model, text, option, cache)
        _, fresh = stream(model, text, option)
        assert result.text == fresh.text
        assert [outline(line) for line in result.lines] == [outline(line) for line in fresh.lines]
        assert ends(updates) == list(range(len(fresh.lines)))


def test_many_new_sentences_are_decoded_side_by_side_and_shown_in_order(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def watched(model: Model, jobs: Sequence[Job], search: Search, threads: int) -> Iterator[Finished]:
        asked.append(len(jobs))
        return decode_all(model, jobs, search, threads)

    monkeypatch.setattr(translator, "decode_all", watched)
    text = "\n".join(f"你好{number}。我们走吧，{number}。" for number in range(30))
    updates, result = stream(model, text)
    assert ends(updates) == list(range(30))
    assert asked == [32, 27]
    assert result.cached_segments == 0
    assert result.tokens >= sum(
        len(one.hypotheses[0].tokens) for line in result.lines for one in line.segments if one.hypotheses[0].tokens
    )


def test_lines_that_were_known_come_together(model: Model) -> None:
    cache = SentenceCache()
    known = ["你好。世界。", "", "123", *(f"你好{n}。" for n in range(80))]
    stream(model, "\n".join(known), cache=cache)
    updates, result = stream(model, "\n".join([*known[:3], "一", *known[3:]]), cache=cache)
    assert updates[0] == KnownLines(7, 0, 84, tuple(line.text for line in result.lines[:3]))
    behind = [update for update in updates[1:] if isinstance(update, KnownLines)]
    assert [(update.line, len(update.texts)) for update in behind] == [(4, 64), (68, 16)]
    assert result.cached_segments == 82
    assert stream(model, "你好。世界。\n", DecodeOptions(prefix="hello"), cache)[1].text.startswith("hello")


def test_cache_forgets_the_least_used() -> None:
    cache = SentenceCache(4)
    for key in "aba":
        cache.put(key, Translated((key,), ()))
    cache.put("c", Translated((), ()))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert len(cache) == 2


def test_cache_holds_all_of_a_long_text_and_lets_go_of_it_afterwards() -> None:
    cache = SentenceCache(4)
    cache.begin("way", 40)
    for key in "abcdefgh":
        cache.put(key, Translated((key,), ()))
    assert len(cache) == 8
    cache.begin("way", 1)
    cache.put("i", Translated(("i",), ()))
    assert len(cache) == 2


def test_same_seed_same_text(model: Model) -> None:
    options = DecodeOptions(sampling=Sampling(temperature=2.0, seed=4))
    assert stream(model, "你好。世界。", options)[1].text == stream(model, "你好。世界。", options)[1].text
    other = {stream(model, "你好", DecodeOptions(sampling=Sampling(seed=seed)))[1].text for seed in range(4)}
    assert len(other) > 1


def test_a_long_sentence_is_translated_in_parts(model: Model) -> None:
    _, result = stream(model, "你好吗" * 50)
    segments = result.lines[0].segments
    assert len(segments) > 1
    assert all(len(segment.source_tokens) <= 24 for segment in segments)
    assert [segment.start for segment in segments[1:]] == [segment.end for segment in segments[:-1]]
    assert segments[-1].end == 150


def test_a_literal_tag_does_not_turn_the_direction(model: Model) -> None:
    _, result = stream(model, "<2zh>你好")
    assert [token for token in result.lines[0].segments[0].source_tokens if token.startswith("<2")] == ["<2en>"]


def test_closing_keeps_what_is_done(model: Model) -> None:
    cache = SentenceCache()
    work = translate(model, 1, "你好。\n世界。", model.direction("zh", "en"), DecodeOptions(), cache)
    while not ends([next(work)]):
        pass
    work.close()
    assert len(cache) == 1


def test_directions(model: Model) -> None:
    assert str(model.direction("zh-Hans", "en")) == str(model.direction("zh", "en")) == "zh-Hans > en"
    assert str(model.direction("zh-Hant", "en")) == "zh-Hant > en"
    with pytest.raises(RequestError, match="it offers"):
        model.direction("de", "en")
    with pytest.raises(RequestError):
        model.direction("zh-TW", "en")


def test_learned_positions_bound_the_length(tmp_path: Path) -> None:
    network = TransformerConfig(
        330,
        330,
        width=16,
        heads=2,
        feed_forward=16,
        encoder_layers=1,
        decoder_layers=1,
        positions="learned",
        max_positions=26,
        first_position=2,
    )
    vocabulary = spm.make(tmp_path)
    size = read_sentencepiece(vocabulary).size
    network = msgspec.structs.replace(network, source_vocabulary=size, target_vocabulary=size)
    learned = open_model(small.write(tmp_path, tmp_path / "learned", network=network))
    options = DecodeOptions(max_length_ratio=50, repeat_limit=1000)
    _, result = stream(learned, "你好吗" * 7, options)
    assert all(len(segment.hypotheses[0].tokens) <= 24 for segment in result.lines[0].segments)
    with pytest.raises(ModelError, match="knows only 20"):
        open_model(
            small.write(
                tmp_path,
                tmp_path / "short",
                network=msgspec.structs.replace(network, max_positions=20),
            )
        )
