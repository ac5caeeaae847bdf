from pathlib import Path

import msgspec
import pytest
import torch

from s2s_gui.description import RecurrentConfig
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.compiled_greedy import compiled_greedy, fits
from s2s_gui.engine.greedy import greedy
from s2s_gui.engine.model import Model, quickened
from s2s_gui.engine.search import Decoded, Decoding, Draft
from s2s_gui.engine.segments import make_task
from s2s_gui.engine.translator import translate
from s2s_gui.errors import ModelError
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, KnownLines, Partial, Result, Sampling
from tests.engine import small

TEXTS = ["你好。", "hello world", "今天天气很好，我们去公园吧。", "a" * 30, "x"]
GREEDY = DecodeOptions(beam_size=1)


@pytest.fixture(scope="module", params=["plain", "golden", "recurrent", "vector"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    if request.param == "golden":
        return open_model(Path(__file__).parents[1] / "golden" / "transformer")
    place = tmp_path_factory.mktemp("quick")
    if request.param == "vector":
        return vector(place)
    return open_model(small.write(place, place / "model", recurrent=request.param == "recurrent"))


def vector(place: Path) -> Model:
    """Return a recurrent model without attention."""
    network = open_model(small.write(place, place / "looking", recurrent=True)).card.network
    assert isinstance(network, RecurrentConfig)
    blind = msgspec.structs.replace(network, attention="none")
    return open_model(small.write(place, place / "model", recurrent=True, network=blind))


def run(decoding: Decoding) -> tuple[list[Draft], Decoded]:
    drafts = []
    while True:
        try:
            drafts.append(next(decoding)[0])
        except StopIteration as end:
            ((done,),) = end.value
            return drafts, done


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_the_quick_way_ends_as_the_plain_one(model: Model, limit: int) -> None:
    quick = quickened(model, "fp32")
    task = make_task(model, model.card.ways()[0], msgspec.structs.replace(GREEDY, repeat_limit=limit))
    for text in TEXTS:
        job = task.prepare(next(iter(task.plan(text))), forced=False).job
        assert quick.compiled is not None
        drafts, found = run(compiled_greedy(quick.compiled, job, task.search))
        _, expected = run(greedy(model.network, [job], task.search))
        assert (found.tokens, found.stopped) == (expected.tokens, expected.stopped)
        assert found.log_probs == pytest.approx(expected.log_probs, abs=1e-5)
        assert found.score == pytest.approx(expected.score, abs=1e-5)
        assert len(found.attention) == len(expected.attention)
        assert len(drafts[0].tokens) <= 1 or len(found.tokens) == len(drafts[0].tokens)
        for draft in drafts:
            assert found.tokens[: draft.settled] == draft.tokens[: draft.settled]


def whole(model: Model, text: str, options: DecodeOptions) -> tuple[list[Partial | KnownLines], Result]:
    steps = translate(model, 0, text, model.card.ways()[0], options, SentenceCache())
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def test_a_translation_is_the_same_and_counts_its_tokens(model: Model) -> None:
    text = "\n".join(TEXTS)
    _, plain = whole(model, text, GREEDY)
    _, quick = whole(quickened(model, "fp32"), text, GREEDY)
    assert quick.text == plain.text
    assert quick.tokens == plain.tokens
    for one, other in zip(plain.lines, quick.lines, strict=True):
        for mine, yours in zip(one.segments, other.segments, strict=True):
            assert [(link.source, link.target) for link in mine.hypotheses[0].alignment] == [
                (link.source, link.target) for link in yours.hypotheses[0].alignment
            ]


def test_eight_bits_translate_too(model: Model) -> None:
    _, result = whole(quickened(model, "int8"), "\n".join(TEXTS), GREEDY)
    assert result.text.count("\n") == len(TEXTS) - 1
    assert all(line.segments for line in result.lines)


@pytest.mark.parametrize(
    "options",
    [DecodeOptions(beam_size=2), DecodeOptions(sampling=Sampling(seed=3)), DecodeOptions(beam_size=1, prefix="a")],
)
def test_what_the_quick_way_cannot_do_goes_the_plain_one(model: Model, options: DecodeOptions) -> None:
    quick = quickened(model, "fp32")
    task = make_task(quick, model.card.ways()[0], options)
    jobs = [task.prepare(next(iter(task.plan("hello"))), forced=True).job]
    assert not fits(quick.compiled, jobs, task.search)
    assert whole(quick, "hello", options)[1].text == whole(model, "hello", options)[1].text


def test_weights_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    model = open_model(small.write(tmp_path, tmp_path / "model"))
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.fill_(1e30)
    with pytest.raises(ModelError, match="not numbers"):
        whole(quickened(model, "fp32"), "hello", GREEDY)


def test_without_attention_nothing_is_said_of_it(tmp_path: Path) -> None:
    quick = quickened(vector(tmp_path), "fp32")
    task = make_task(quick, quick.card.ways()[0], GREEDY)
    job = task.prepare(next(iter(task.plan("hello"))), forced=False).job
    assert quick.compiled is not None
    _, found = run(compiled_greedy(quick.compiled, job, task.search))
    assert found.tokens
    assert found.attention == ()
