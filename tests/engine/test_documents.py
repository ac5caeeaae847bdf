import random
import threading
from collections import deque
from dataclasses import replace

import pytest
import torch

from s2s_gui.engine import refilled as refilling
from s2s_gui.engine.beam import beam
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.constraints import LoopGuard
from s2s_gui.engine.documents import decode_all, translate_lines
from s2s_gui.engine.greedy import greedy
from s2s_gui.engine.model import Model, quickened
from s2s_gui.engine.options import Search
from s2s_gui.engine.refilled import refilled
from s2s_gui.engine.search import Decoded, Decoding, Job, totals
from s2s_gui.errors import ModelError
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Line
from s2s_gui.networks.compiled import Compiled
from s2s_gui.networks.quick import Stepping
from s2s_gui.networks.transformer import Transformer
from tests.engine import small
from tests.tiny import TRANSFORMERS, VOCABULARY, random_network

SEARCH = Search(1, 1, 1.0, 1.5, 3, None, -1, 0, (1,))
LOOSE = LoopGuard(3, 2, frozenset())


def made(name: str) -> tuple[Transformer, Compiled]:
    network = random_network(TRANSFORMERS[name])
    assert isinstance(network, Transformer)
    return network, Compiled(network, "fp32")


def jobs(count: int, *, listed: bool, seed: int = 5) -> list[Job]:
    """Return jobs of many lengths, every fifth with a forced beginning, every seventh bound in what follows."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        source = tuple(chance.randrange(2, VOCABULARY) for _ in range(chance.randrange(1, 20)))
        prefix = (4, 7) if number % 5 == 0 else ()
        openers = (0, 5, 6) if number % 7 == 0 else ()
        candidates = torch.tensor(sorted({0, 1, 4, 5, 6, 7, *chance.sample(range(VOCABULARY), 9)})) if listed else None
        found.append(Job(source, prefix, LOOSE, openers, candidates))
    return found


def ended(decoding: Decoding) -> list[list[Decoded]]:
    while True:
        try:
            next(decoding)
        except StopIteration as end:
            found: list[list[Decoded]] = end.value
            return found


def alone(network: Stepping, some: list[Job], search: Search) -> list[list[Decoded]]:
    return [ended((greedy if search.beam_size == 1 else beam)(network, [job], search))[0] for job in some]


def assert_same(found: list[Decoded], wanted: list[Decoded]) -> None:
    assert [one.tokens for one in found] == [one.tokens for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.log_probs == pytest.approx(other.log_probs, abs=1e-4)
        assert one.stopped == other.stopped
        for row, same in zip(one.attention, other.attention, strict=True):
            length = min(len(row), len(same))  # a batch pads its sources
            torch.testing.assert_close(row[:length], same[:length], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", list(TRANSFORMERS))
@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("most_done", [0.0, 0.6])
def test_a_batch_that_is_filled_up_again_gives_what_each_sentence_gives_alone(
    name: str, listed: bool, most_done: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refilling, "MOST_ROWS", 4)
    monkeypatch.setattr(refilling, "MOST_DONE", most_done)
    network, compiled = made(name)
    some = jobs(23, listed=listed)
    found: dict[int, list[Decoded]] = {}
    for finished in refilled(compiled, deque(enumerate(some)), SEARCH):
        for number, decoded in finished:
            assert number not in found
            found[number] = decoded
    for number, wanted in enumerate(alone(network, some, SEARCH)):
        assert_same(found[number], wanted)


@pytest.mark.parametrize("middle", [0.0, 60.0, -60.0, 200.0, -200.0])
def test_totals_hold_for_any_logits(middle: float) -> None:
    torch.manual_seed(2)
    logits = 5 * torch.randn(9, 300) + middle
    torch.testing.assert_close(totals(logits), logits.double().logsumexp(-1).float())
    logits[4, 3] = torch.nan
    assert bool(totals(logits)[4].isnan())


def test_long_sources_share_a_batch_with_fewer_others(monkeypatch: pytest.MonkeyPatch) -> None:
    _, compiled = made(next(iter(TRANSFORMERS)))
    monkeypatch.setattr(refilling, "MOST_PLACES", 40)
    sizes = []
    encode = compiled.encode

    def seen(source: torch.Tensor, lengths: torch.Tensor) -> object:
        sizes.append(source.numel())
        return encode(source, lengths)

    monkeypatch.setattr(compiled, "encode", seen)
    some = sorted(jobs(23, listed=False), key=lambda job: -len(job.source))
    assert sum(len(finished) for finished in refilled(compiled, deque(enumerate(some)), SEARCH)) == 23
    assert max(sizes) <= 40


@pytest.mark.parametrize("name", list(TRANSFORMERS))
@pytest.mark.parametrize("ending", ["shrink", "count", "bound"])
def test_beams_on_the_compiled_network_are_those_on_the_plain_one(name: str, ending: str) -> None:
    network, compiled = made(name)
    search = replace(SEARCH, beam_size=4, hypotheses=3, ending=ending)  # type: ignore[arg-type]
    for listed in (False, True):
        some = jobs(5, listed=listed, seed=9)
        together = ended(beam(compiled, some, search))
        for found, apart, wanted in zip(
            together, alone(compiled, some, search), alone(network, some, search), strict=True
        ):
            assert_same(found, wanted)
            assert_same(apart, wanted)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    place = tmp_path_factory.mktemp("documents")
    return open_model(small.write(place, place / "model"))


def lines(model: Model, contents: list[str], threads: int, cache: SentenceCache | None = None) -> list[Line]:
    steps = translate_lines(
        model, contents, model.card.ways()[0], DecodeOptions(beam_size=1), cache or SentenceCache(), threads
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: list[Line] = end.value
            return found


CONTENTS = [f"{word} {number}" for number, word in enumerate(["你好。", "hello", "天气很好。我们走吧。", "x", ""] * 8)]


@pytest.mark.parametrize("precision", ["plain", "fp32"])
def test_several_threads_give_the_lines_of_one_in_order(model: Model, precision: str) -> None:
    wanted = lines(model, CONTENTS, 1)
    quick = model if precision == "plain" else quickened(model, "fp32")
    assert [line.text for line in lines(quick, CONTENTS, 3)] == [line.text for line in wanted]
    assert [line.source for line in wanted] == CONTENTS


def test_closing_ends_the_threads_and_keeps_what_is_done(model: Model) -> None:
    cache = SentenceCache()
    steps = translate_lines(model, CONTENTS, model.card.ways()[0], DecodeOptions(beam_size=1), cache, 2)
    while not len(cache):
        next(steps)
    steps.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoder")]
    assert [line.text for line in lines(model, CONTENTS, 1, cache)] == [line.text for line in lines(model, CONTENTS, 1)]
    assert len(cache)


def test_a_fault_on_a_thread_is_the_callers(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> object:
        raise ModelError("in use", ["Its weights lead to numbers that are not numbers."])

    monkeypatch.setattr(type(model.network), "step", fail)
    task_jobs = jobs(6, listed=False)
    with pytest.raises(ModelError, match="not numbers"):
        list(decode_all(model, task_jobs, SEARCH, 2))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoder")]
