"""How far a model's token probabilities can be believed, and from where on a token is worth a mark.

Teacher-forced on the recipe's dev sets, as calibration of translation models is usually measured (Kumar & Sarawagi
2019): after each beginning of a person's translation the network names its first choice, and that is right if it is
the token that the person wrote next. Two numbers, a temperature and a bias on the choice's log-odds (Platt 1999), are
fitted on every second line; the expected calibration error in 15 bins of equal width (Guo et al. 2017) and the
precision of marks are measured on the others.

What it is not: a synonym counts as wrong here, and after a beginning of its own the model is less sure of its ground
than after a person's (Wang et al. 2020). So a confidence says how often a person would have gone on just so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from s2s_gui.description import Calibration, Direction
from s2s_gui.engine.confidence import FARTHEST
from s2s_gui.engine.model import Model
from s2s_gui.training.batches import IGNORED, Batch, Encoder, pool_batches
from s2s_gui.training.corpora import Example, read_pairs
from s2s_gui.training.recipe import Recipe

BINS = 15
WANTED_PRECISION = 0.9
FEWEST_MARKED = 50
BATCH_TOKENS = 2048
CHUNK_TOKENS = 512
NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True)
class Choices:
    """The network's first choices: their log-odds, float64 [N], and whether they were right, bool [N]."""

    odds: Tensor
    right: Tensor

    @property
    def probabilities(self) -> Tensor:
        """Float64 [N]."""
        return self.odds.sigmoid()

    def scaled(self, temperature: float, bias: float) -> "Choices":
        """Return the same choices with calibrated log-odds."""
        return Choices(self.odds / temperature + bias, self.right)


def calibrate(model: Model, recipe: Recipe, base: Path) -> tuple[Calibration, ...]:
    """Measure a model on the dev sets of its recipe; a direction without any gets no calibration."""
    found = []
    for name, direction in zip(recipe.directions, model.card.directions, strict=True):
        sets = [dev for dev in recipe.dev if not dev.directions or name in dev.directions]
        source, target = recipe.columns(name)
        pairs = [pair for dev in sets for pair in read_pairs(base / dev.path)]
        halves = [
            choices(model, direction, [Example(pair[source], pair[target], 0) for pair in pairs[first::2]])
            for first in (0, 1)
        ]
        if all(len(half.right) for half in halves):
            found.append(measured(str(direction), ", ".join(dev.name for dev in sets), *halves))
    return tuple(found)


def measured(direction: str, test_set: str, seen: Choices, fresh: Choices) -> Calibration:
    """Fit on the choices ``seen`` and measure on ``fresh`` ones."""
    temperature, bias = fit(seen)
    before, after = fresh.probabilities, fresh.scaled(temperature, bias).probabilities
    below = threshold(seen.scaled(temperature, bias))
    marked = after < below
    wrong = int((marked & ~fresh.right).sum())
    return Calibration(
        direction=direction,
        test_set=test_set,
        tokens=len(fresh.right),
        temperature=round(temperature, 4),
        bias=round(bias, 4),
        ece_before=round(calibration_error(before, fresh.right), 4),
        ece_after=round(calibration_error(after, fresh.right), 4),
        doubtful_below=round(below, 4),
        precision=round(wrong / max(int(marked.sum()), 1), 4),
        marked=round(float(marked.double().mean()), 4),
    )


@torch.inference_mode()
def choices(model: Model, direction: Direction, examples: Sequence[Example]) -> Choices:
    """Let the network choose after every beginning of every target; what it must not produce it does not choose."""
    decoding = model.card.decoding
    tag = model.source.id_of(direction.tag) if direction.tag else None
    encoder = Encoder(
        lambda text: [piece.id for piece in model.source.encode(text)],
        lambda text: [piece.id for piece in model.target.encode(text)],
        (tag,),
        decoding.eos,
        decoding.start,
        model.max_source,
    )
    weight, bias = model.network.output_layer()
    never = torch.tensor(decoding.never, dtype=torch.int64)
    odds, right = [torch.empty(0, dtype=torch.float64)], [torch.empty(0, dtype=torch.bool)]
    for batch in pool_batches(list(examples), encoder, BATCH_TOKENS, None):
        features, _ = model.network.features(batch.source, batch.lengths, batch.inputs)
        kept = batch.labels != IGNORED
        unlisted = _unlisted(model, batch)
        for places in torch.split(kept.nonzero(), CHUNK_TOKENS):
            rows, columns = places.unbind(1)
            logits = torch.nn.functional.linear(features[rows, columns], weight, bias).double()
            if unlisted is not None:
                logits.masked_fill_(unlisted[rows], -torch.inf)
            best = logits.index_fill(1, never, -torch.inf).argmax(1)
            chosen = logits.gather(1, best[:, None])[:, 0]
            others = logits.scatter(1, best[:, None], -torch.inf).logsumexp(1)
            odds.append((chosen - others).clamp(-FARTHEST, FARTHEST))
            right.append(best == batch.labels[rows, columns])
    return Choices(torch.cat(odds), torch.cat(right))


def _unlisted(model: Model, batch: Batch) -> Tensor | None:
    """Return what a shortlist leaves out of each row's vocabulary, bool [B, V]; None without a shortlist."""
    if model.shortlist is None:
        return None
    unlisted = torch.ones((len(batch.source), model.target.size), dtype=torch.bool)
    for row, (source, length) in enumerate(zip(batch.source.tolist(), batch.lengths.tolist(), strict=True)):
        unlisted[row, model.shortlist.candidates(source[:length], ())] = False
    return unlisted


def fit(found: Choices) -> tuple[float, float]:
    """Return temperature and bias of the greatest likelihood, by Newton's method.

    As Platt did it, right and wrong count as a little less than sure, so that there is an answer where all are right.
    """
    count, right = len(found.right), int(found.right.sum())
    targets = torch.where(found.right, (right + 1) / (right + 2), 1 / (count - right + 2)).double()
    inputs = torch.stack((found.odds, torch.ones_like(found.odds)), dim=1)
    numbers = torch.tensor([1.0, 0.0], dtype=torch.float64)
    ridge = 1e-9 * count * torch.eye(2, dtype=torch.float64)
    for _ in range(NEWTON_STEPS):
        sure = (inputs @ numbers).sigmoid()
        gradient = inputs.t() @ (sure - targets)
        curvature = (inputs * (sure * (1 - sure))[:, None]).t() @ inputs
        numbers = numbers - torch.linalg.solve(curvature + ridge, gradient).clamp(-1, 1)
    slope, bias = numbers.tolist()
    return 1 / max(slope, 0.01), bias


def calibration_error(probabilities: Tensor, right: Tensor, bins: int = BINS) -> float:
    """Return the expected calibration error: |accuracy - mean probability| of each bin, weighted by its share."""
    places = (probabilities * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins, dtype=torch.float64).index_add_(0, places, right.double() - probabilities.double())
    return float(gaps.abs().sum() / max(len(right), 1))


def threshold(calibrated: Choices, precision: float = WANTED_PRECISION, fewest: int = FEWEST_MARKED) -> float:
    """Return the greatest confidence below which the share ``precision`` of the choices is wrong; 0 if there is none.

    A threshold that would mark less than ``fewest`` is left to chance and not taken.
    """
    sure, order = calibrated.probabilities.sort()
    wrong = (~calibrated.right[order]).double().cumsum(0) / torch.arange(1, len(order) + 1)
    good = (wrong >= precision).nonzero()
    if not len(good) or int(good[-1]) + 1 < fewest:
        return 0.0
    last = int(good[-1])
    return float(sure[last : last + 2].mean())
