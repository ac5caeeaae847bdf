"""What a beam finds, ranked by both directions: by hand on tables, and against a second way to compute the same."""

from dataclasses import replace
from math import log

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_gui.cards import card_faults
from s2s_gui.description import DecodingDefaults, TokenizerFiles
from s2s_gui.engine.beam import beam
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.constraints import LoopGuard
from s2s_gui.engine.documents import translate_lines
from s2s_gui.engine.model import Model, quickened
from s2s_gui.engine.options import Reverse, Search
from s2s_gui.engine.rescoring import Scoring, rescored
from s2s_gui.engine.search import Decoded, Draft, Job
from s2s_gui.engine.segments import make_task
from s2s_gui.engine.translator import translate
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Line, Result
from s2s_gui.networks.quick import Stepping
from tests.engine import small
from tests.engine.scripted import Heard, Scripted, Table
from tests.tiny import RECURRENTS, TRANSFORMERS, random_network

EOS, A, B, C, X, SOURCE = 0, 2, 3, 4, 5, 9
REVERSE = Reverse(0.5, (), (EOS,), 24)
SEARCH = Search(3, 3, 1.0, 2.0, 2, None, -1, EOS, (), reverse=REVERSE)
JOB = Job((X, X, EOS), (), LoopGuard(2, 2, frozenset()))
# A and B are about as likely; C is not.
FORWARD: Table = {(): {A: 0.5, B: 0.45, C: 0.05}, (A,): {EOS: 1.0}, (B,): {EOS: 1.0}, (C,): {EOS: 1.0}}


def back(first: float, second: float) -> Table:
    """Return a table that gives X X the probability of ``first`` times ``second``."""
    return {(): {X: first, A: 1 - first}, (X,): {X: second, B: 1 - second}, (X, X): {EOS: 1.0}, (A,): {EOS: 1.0}}


def network(of_a: Table, of_b: Table, forward: Table = FORWARD) -> Scripted:
    return Scripted({X: forward, A: of_a, B: of_b, C: back(0.9, 0.9)}, 10)


def run(made: Stepping, jobs: list[Job], search: Search) -> tuple[list[list[Decoded]], list[list[Draft]]]:
    assert search.reverse is not None
    found = beam(made, jobs, replace(search, hypotheses=search.beam_size))
    decoding = rescored(made, jobs, search, search.reverse, found)
    drafts = []
    while True:
        try:
            drafts.append(next(decoding))
        except StopIteration as end:
            return end.value, drafts


def tokens(made: Stepping, search: Search = SEARCH) -> list[tuple[int, ...]]:
    return [one.tokens for one in run(made, [JOB], search)[0][0]]


def test_the_hypothesis_that_the_source_can_be_read_out_of_comes_first() -> None:
    assert tokens(network(back(0.9, 0.9), back(0.2, 0.9))) == [(A, EOS), (B, EOS), (C, EOS)]
    assert tokens(network(back(0.2, 0.9), back(0.9, 0.9))) == [(B, EOS), (A, EOS), (C, EOS)]


def test_the_weight_says_how_much_it_counts() -> None:
    # Mean over X, X and the end; the forward scores of A and B lie log(0.5 / 0.45) / 2 = 0.0527 apart.
    made = network(back(0.5, 0.9), back(0.6, 0.9))
    lead = (log(0.6) - log(0.5)) / 3
    needed = log(0.5 / 0.45) / 2 / lead
    for weight, first in ((needed * 0.98, A), (needed * 1.02, B)):
        assert tokens(made, replace(SEARCH, reverse=replace(REVERSE, weight=weight)))[0] == (first, EOS)


def test_one_that_scores_much_less_is_not_asked() -> None:
    found = tokens(network(back(0.001, 0.001), back(0.001, 0.001)))
    assert found[2] == (C, EOS)


def test_scores_stay_and_only_as_many_as_wanted_are_returned() -> None:
    ((only,),), _ = run(network(back(0.1, 0.1), back(0.9, 0.9)), [JOB], replace(SEARCH, hypotheses=1))
    assert only.tokens == (B, EOS)
    assert only.score == pytest.approx(log(0.45) / 2, abs=1e-6)


def test_a_hypothesis_that_is_too_long_to_be_read_leaves_the_order() -> None:
    made = network(back(0.1, 0.1), back(0.9, 0.9))
    assert tokens(made, replace(SEARCH, reverse=replace(REVERSE, max_source=1)))[0] == (A, EOS)


def test_frame_and_language_token_are_no_part_of_what_is_read() -> None:
    """A job whose text stands between a tag and two symbols, and whose target begins with a language's name."""
    forward: Table = {(): {C: 1.0}, (C,): {A: 0.5, B: 0.45}, (A,): {EOS: 1.0}, (B,): {EOS: 1.0}}

    class Listening(Scripted):
        heard: list[list[int]]

        def encode(self, source: torch.Tensor, lengths: torch.Tensor) -> Heard:
            self.heard = [row[:length] for row, length in zip(source.tolist(), lengths.tolist(), strict=True)]
            return super().encode(source, lengths)

    made = Listening({SOURCE: forward, 8: back(0.9, 0.9)}, 10)
    search = replace(SEARCH, beam_size=2, hypotheses=2, reverse=Reverse(0.5, (8,), (7, 6), 24))
    run(made, [Job((SOURCE, X, X, 7, 6), (C,), JOB.guard, named=1)], search)
    assert made.heard == [[8, A, 7, 6], [8, B, 7, 6]]
    assert made.steps == 3 + 3  # the language's name, A or B, the end; and X, X, the end


def test_a_batch_gives_what_each_job_gives_alone() -> None:
    made = network(back(0.2, 0.9), back(0.9, 0.9))
    some = [JOB, Job((X, EOS), (), JOB.guard), Job((X, X, X, X, EOS), (), JOB.guard)]
    together, _ = run(made, some, SEARCH)
    assert [[one.tokens for one in found] for found in together] == [
        [one.tokens for one in run(made, [job], SEARCH)[0][0]] for job in some
    ]


@pytest.mark.parametrize("name", [*TRANSFORMERS, *RECURRENTS])
def test_scoring_agrees_with_the_network_on_whole_targets(name: str) -> None:
    made = random_network((TRANSFORMERS | RECURRENTS)[name])
    sources = [(3, 4, 5), (6, 7, 8, 9, 2), (4,)]
    targets = [(7, 3, 0), (5, 0), (9, 9, 4, 3, 0)]
    scoring = Scoring(made, sources, targets, -1)
    while scoring.advance():
        pass
    for source, target, found in zip(sources, targets, scoring.means(), strict=True):
        given = torch.tensor([[-1, *target[:-1]]])
        features, _ = made.features(torch.tensor([source]), torch.tensor([len(source)]), given)
        weight, bias = made.output_layer()
        rows = torch.nn.functional.linear(features[0], weight, bias).log_softmax(-1)
        assert found == pytest.approx(float(rows.gather(1, torch.tensor(target)[:, None]).mean()), abs=1e-4)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = {}
    for key in [(), (A,), (B,), (C,)]:
        weights = draw(st.lists(st.integers(1, 20), min_size=4, max_size=4))
        shares = dict(zip((EOS, A, B, C), weights, strict=True))
        rows[key] = {token: weight / sum(weights) for token, weight in shares.items()}
    return rows


@settings(deadline=None, max_examples=60)
@given(tables(), tables(), st.integers(2, 4))
def test_what_is_settled_stays_whatever_is_chosen_in_the_end(table: Table, other: Table, size: int) -> None:
    reverse = replace(REVERSE, weight=3.0)
    backwards = {token: {**other, (X,): other[(A,)]} for token in (EOS, A, B, C)}
    made = Scripted({X: {**table, (EOS,): {EOS: 1.0}}, **backwards}, 10)
    results, drafts = run(made, [JOB], replace(SEARCH, beam_size=size, hypotheses=1, reverse=reverse))
    kept: tuple[int, ...] = ()
    for (draft,) in drafts:
        assert draft.tokens[: len(kept)] == kept
        kept = max(kept, draft.tokens[: draft.settled], key=len)
    assert results[0][0].tokens[: len(kept)] == kept


DECODING = DecodingDefaults(never=(1, 2, 3), max_source=24, beam_size=4, reverse_weight=0.5)


@pytest.fixture(scope="module", params=[False, True], ids=["transformer", "lstm"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    place = tmp_path_factory.mktemp("rescoring")
    return open_model(small.write(place, place / "model", recurrent=request.param, decoding=DECODING))


def lines(made: Model, contents: list[str], way: tuple[str, str], options: DecodeOptions) -> list[Line]:
    steps = translate_lines(made, contents, made.direction(*way), options, SentenceCache())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: list[Line] = end.value
            return found


@pytest.mark.parametrize("way", [("zh", "en"), ("en", "zh"), ("zh-Hant", "en"), ("en", "zh-Hant")])
def test_the_other_direction_reads_as_its_own_jobs_do(model: Model, way: tuple[str, str]) -> None:
    reverse = make_task(model, model.direction(*way), DecodeOptions()).search.reverse
    other = make_task(model, model.direction(*reversed(way)), DecodeOptions()).whole("ab").job.source
    assert reverse is not None
    assert other[: len(reverse.before)] == reverse.before
    assert other[len(other) - len(reverse.after) :] == reverse.after
    assert len(other) > len(reverse.before) + len(reverse.after)


@pytest.mark.parametrize("options", [DecodeOptions(beam_size=1), DecodeOptions(beam_size=1, hypotheses=1)])
def test_without_a_beam_there_is_nothing_to_rank(model: Model, options: DecodeOptions) -> None:
    assert make_task(model, model.direction("zh", "en"), options).search.reverse is None


def test_line_by_line_and_in_batches_alike_and_not_as_without(model: Model) -> None:
    texts = ["你好。", "我们走吧，去看书。", "再见", "一二三四五六七", "a b c", "好"]
    made = quickened(model, "fp32")
    options = DecodeOptions(hypotheses=4)
    batch = lines(made, texts, ("zh", "en"), options)
    for text, line in zip(texts, batch, strict=True):
        steps = translate(made, 1, text, made.direction("zh", "en"), options, SentenceCache())
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: Result = end.value
                break
        assert [[one.text for one in segment.hypotheses] for segment in result.lines[0].segments] == [
            [one.text for one in segment.hypotheses] for segment in line.segments
        ]
    card = msgspec.structs.replace(model.card, decoding=msgspec.structs.replace(DECODING, reverse_weight=0.0))
    plain = lines(replace(made, card=card), texts, ("zh", "en"), options)
    assert [line.text for line in plain] != [line.text for line in batch]
    for one, other in zip(plain, batch, strict=True):
        for segment, same in zip(one.segments, other.segments, strict=True):
            assert {text.text for text in segment.hypotheses} == {text.text for text in same.hypotheses}


@pytest.mark.parametrize(
    "changes",
    [
        {"directions": small.card(9).directions[:1]},
        {"directions": tuple(msgspec.structs.replace(one, tag="") for one in small.card(9).directions)},
        {"tokenizer": TokenizerFiles("a.spm", "b.spm")},
        {"decoding": msgspec.structs.replace(DECODING, pad_source_to=10)},
    ],
    ids=["one way", "no tags", "two tokenizers", "padding"],
)
def test_a_card_that_cannot_go_back_is_refused(changes: dict[str, object]) -> None:
    whole = msgspec.structs.replace(small.card(9), decoding=DECODING)
    assert card_faults(whole) == []
    (fault,) = card_faults(msgspec.structs.replace(whole, **changes))
    assert fault.startswith("decoding.reverse_weight is set, but")
