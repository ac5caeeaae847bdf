"""Typing: each text is decoded with the last one's translation as a guess, and gives what it gives without."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model, quickened
from s2s_gui.engine.translator import translate
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Result

ROOT = Path(__file__).parents[2]
GREEDY = DecodeOptions(beam_size=1)
EDITS = 250


@pytest.fixture(scope="module", params=["fp32", "int8"])
def model(request: pytest.FixtureRequest) -> Model:
    return quickened(open_model(ROOT / "models" / "zh-en-fast"), request.param)


def edits(language: str) -> list[str]:
    """Return lines as they grow letter by letter, with a slip that is taken back after every twelfth letter."""
    found: list[str] = []
    for line in (ROOT / "resources" / "samples" / f"{language}.txt").read_text(encoding="utf-8").split("\n"):
        sentence = line.strip()[:60]
        for end in range(1, len(sentence)):
            found.append(sentence[:end])
            if end % 12 == 0:
                found += [sentence[:end] + "xq", sentence[: end - 3]]
    return found[:EDITS]


def results(model: Model, texts: list[str], source: str, target: str, cache: SentenceCache | None) -> Iterator[Result]:
    direction = model.direction(source, target)
    for text in texts:
        steps = translate(model, 0, text, direction, GREEDY, cache or SentenceCache())
        while True:
            try:
                next(steps)
            except StopIteration as end:
                yield end.value
                break


@pytest.mark.parametrize(("source", "target"), [("zh", "en"), ("en", "zh")])
def test_a_text_being_typed_gives_what_it_gives_at_once(model: Model, source: str, target: str) -> None:
    texts = edits(source)
    typed = [one.text for one in results(model, texts, source, target, SentenceCache())]
    wanted = [one.text for one in results(model, texts, source, target, None)]
    assert typed == wanted
    assert len(set(wanted)) > len(texts) / 4


def test_a_stopped_translation_is_a_guess_too(model: Model) -> None:
    cache = SentenceCache()
    direction = model.direction("zh", "en")
    steps = translate(model, 0, "今天天气很好", direction, GREEDY, cache)
    next(steps)
    next(steps)
    steps.close()
    assert cache.guess("今天天气很好。")
    assert not cache.guess("我们走吧")
