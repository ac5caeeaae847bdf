"""Calibration: what it must find where the truth is known, its errors by hand, its way through the card to a token."""

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from s2s_gui.cards import read_card, write_card
from s2s_gui.description import Calibration, Shortlist
from s2s_gui.engine import confidence as applied
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.shortlist import LexicalShortlist
from s2s_gui.engine.translator import translate
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Token
from s2s_gui.training.bundle import _confidence, bundle
from s2s_gui.training.confidence import Choices, calibrate, calibration_error, choices, fit, measured, threshold
from s2s_gui.training.corpora import Example
from s2s_gui.training.recipe import DevSet
from tests.toy import GRU, toy_pairs, toy_recipe

GOLDEN = Path(__file__).parent.parent / "golden" / "gru"
KNOWN = Calibration(
    direction="aa > bb",
    test_set="toy",
    tokens=100,
    temperature=2.0,
    bias=0.5,
    ece_before=0.2,
    ece_after=0.01,
    doubtful_below=0.9,
    precision=0.85,
    marked=0.1,
)


def drawn(count: int, temperature: float, bias: float, seed: int) -> Choices:
    """Return choices whose right temperature and bias are known."""
    random = torch.Generator().manual_seed(seed)
    odds = torch.randn(count, dtype=torch.float64, generator=random) * 4 + 2
    chances = (odds / temperature + bias).sigmoid()
    return Choices(odds, torch.rand(count, dtype=torch.float64, generator=random) < chances)


@pytest.mark.parametrize(("temperature", "bias"), [(2.5, 0.0), (0.7, 0.4), (1.0, -1.0)])
def test_the_temperature_of_overconfident_odds_is_found(temperature: float, bias: float) -> None:
    found = fit(drawn(40000, temperature, bias, 0))
    assert found == pytest.approx((temperature, bias), abs=0.1)


def test_the_error_falls_on_fresh_choices() -> None:
    found = measured("aa > bb", "toy", drawn(20000, 3.0, 0.0, 1), drawn(20000, 3.0, 0.0, 2))
    assert found.ece_before > 0.08
    assert found.ece_after < 0.02
    assert 0 < found.marked < 1
    assert found.precision == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("right", [True, False])
def test_a_fit_has_an_answer_where_all_are_alike(right: bool) -> None:
    temperature, bias = fit(Choices(torch.linspace(-2, 6, 50).double(), torch.full((50,), right)))
    sure = torch.sigmoid(torch.tensor(3.0 / temperature + bias))
    assert sure > 0.9 if right else sure < 0.1


def test_calibration_error_by_hand() -> None:
    sure = torch.tensor([0.05, 0.15, 0.55, 0.6, 1.0])
    right = torch.tensor([False, True, True, False, True])
    # Two bins: (|0 + 1 - 0.2|) and (|1 + 0 + 1 - 2.15|), a fifth of their sum.
    assert calibration_error(sure, right, bins=2) == pytest.approx((0.8 + 0.15) / 5)
    assert calibration_error(torch.tensor([]), torch.tensor([]), bins=2) == 0


def test_a_threshold_is_the_last_that_is_right_often_enough() -> None:
    odds = torch.tensor([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0]).double()
    right = torch.tensor([False, True, False, False, False, True])
    between = (torch.sigmoid(torch.tensor(1.0)) + torch.sigmoid(torch.tensor(2.0))) / 2
    assert threshold(Choices(odds, right), 0.8, 1) == pytest.approx(float(between))
    assert threshold(Choices(odds, right), 0.8, 6) == 0
    assert threshold(Choices(odds, torch.ones(6, dtype=torch.bool)), 0.8, 1) == 0


def test_log_odds_at_both_ends() -> None:
    assert applied.log_odds(0.0) == applied.FARTHEST
    assert applied.log_odds(-1e-9) == applied.FARTHEST
    assert applied.log_odds(-1000.0) == -applied.FARTHEST
    assert applied.log_odds(-0.6931471805599453) == pytest.approx(0.0)
    assert applied.confidence(KNOWN, -0.6931471805599453) == pytest.approx(0.6224593)


def test_a_card_keeps_its_calibration(tmp_path: Path) -> None:
    card, _ = read_card(GOLDEN)
    assert card is not None
    assert card.calibration == ()
    assert _confidence(card) == ""
    card = msgspec.structs.replace(card, calibration=(KNOWN,))
    write_card(card, tmp_path)
    assert read_card(tmp_path) == (card, [])
    assert "| aa > bb | 2.00 | +0.50 | 0.200 | 0.010 | 0.90 | 85% | 10% |" in _confidence(card)


def tokens(model: Model, text: str) -> tuple[Token, ...]:
    steps = translate(model, 1, text, model.card.directions[0], DecodeOptions(), SentenceCache())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value.lines[0].segments[0].hypotheses[0].tokens


def test_tokens_carry_confidence_if_the_card_knows_it() -> None:
    model = open_model(GOLDEN)
    plain = tokens(model, "a b c d")
    assert {(token.confidence, token.is_doubtful) for token in plain} == {(None, False)}
    model = Model(
        msgspec.structs.replace(model.card, calibration=(KNOWN,)),
        model.network,
        model.source,
        model.target,
        model.numeric,
    )
    for token, before in zip(tokens(model, "a b c d"), plain, strict=True):
        assert (token.text, token.log_prob, token.id) == (before.text, before.log_prob, before.id)
        assert token.confidence == applied.confidence(KNOWN, token.log_prob)
        assert token.is_doubtful == (token.confidence < 0.9)


def test_doubtful_stretches_are_where_their_tokens_stand() -> None:
    model = open_model(GOLDEN)
    model = replace(model, card=msgspec.structs.replace(model.card, calibration=(KNOWN,)))
    steps = translate(model, 1, "  a b c d. b a d", model.card.directions[0], DecodeOptions(), SentenceCache())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            (line,) = end.value.lines
            break
    marked = {line.text[start:end] for start, end in line.doubtful}
    doubtful = [token for one in line.segments for token in one.hypotheses[0].tokens if token.is_doubtful]
    words = {word for stretch in marked for word in stretch.split()}
    assert doubtful
    assert words == {token.text for token in doubtful} - {"</s>"}
    assert all(stretch == stretch.strip() for stretch in marked)


def test_a_learnt_task_is_measured_on_its_dev_sets(tmp_path: Path) -> None:
    recipe = toy_recipe(tmp_path, GRU, is_reversed=True)
    model = open_model(GOLDEN)
    (found,) = calibrate(model, recipe, tmp_path)
    assert (found.direction, found.test_set) == ("aa > bb", "dev")
    assert found.tokens == sum(
        len(target.split()) + 1 for _, target in toy_pairs(100, 5, is_reversed=True, seed=1)[1::2]
    )
    assert found.ece_after < 0.05
    assert found.doubtful_below == 0
    elsewhere = msgspec.structs.replace(recipe, dev=(DevSet("dev", "dev.tsv", directions=("bb > aa",)),))
    assert calibrate(model, elsewhere, tmp_path) == ()


def test_a_shortlist_is_respected(tmp_path: Path) -> None:
    model = open_model(GOLDEN)
    size = model.target.size
    # Nothing but the end symbol and ids below 4 is ever listed, so some choices cannot be right.
    lists = Shortlist(4, np.arange(size + 1, dtype=np.uint64), np.zeros(size, np.uint32))
    short = replace(model, shortlist=LexicalShortlist(lists, size, joint=False))
    examples = [Example(source, target, 0) for source, target in toy_pairs(40, 5, is_reversed=True)]
    free, bound = (choices(one, model.card.directions[0], examples) for one in (model, short))
    assert len(free.right) == len(bound.right)
    assert float(free.right.double().mean()) > 0.95
    assert float(bound.right.double().mean()) < 0.9


def test_a_bundle_says_how_far_it_can_be_believed(tmp_path: Path) -> None:
    toy_recipe(tmp_path, GRU, is_reversed=True)
    recipe = tmp_path / "golden.toml"
    recipe.write_text(
        'id = "gru"\nname = "Golden"\nlicence = "CC0"\ndirections = ["aa > bb"]\n'
        'languages = [{ code = "aa" }, { code = "bb" }]\ncorpora = [{ path = "train.tsv" }]\n'
        'dev = [{ name = "toy", path = "dev.tsv" }]\n[network]\nkind = "rnn"\n'
    )
    shutil.copytree(GOLDEN, tmp_path / "run" / "best")
    card = bundle(recipe, tmp_path / "run", tmp_path / "shipped")
    assert [(one.direction, one.test_set) for one in card.calibration] == [("aa > bb", "toy")]
    assert read_card(tmp_path / "shipped") == (card, [])
    assert "## Confidence" in (tmp_path / "shipped" / "README.md").read_text()
    assert all(token.confidence is not None for token in tokens(open_model(tmp_path / "shipped"), "a b c"))
