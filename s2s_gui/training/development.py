"""How good the weights are so far: loss, BLEU and chrF on the recipe's dev sets, translated by the window's engine."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from s2s_gui.description import Direction, ModelCard
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.constraints import numeric_ids
from s2s_gui.engine.documents import translate_lines
from s2s_gui.engine.model import Model
from s2s_gui.messages import DecodeOptions
from s2s_gui.networks.network import Network
from s2s_gui.text.tokenizer import Tokenizer
from s2s_gui.training.batches import Encoder, pool_batches
from s2s_gui.training.corpora import Example, read_pairs
from s2s_gui.training.loss import output_loss
from s2s_gui.training.recipe import Recipe
from s2s_gui.training.scoring import bleu_and_chrf

LOSS_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Scores:
    """By name of dev set and direction: loss in nats a token, BLEU and chrF in percent."""

    loss: dict[str, float]
    bleu: dict[str, float]
    chrf: dict[str, float]

    def value(self, metric: str) -> float:
        """Return the mean of ``metric`` over the dev sets, signed so that less is better."""
        values = {"loss": self.loss, "bleu": self.bleu, "chrf": self.chrf}[metric].values()
        mean = math.fsum(values) / len(values)
        return mean if metric == "loss" else -mean

    def row(self) -> dict[str, Any]:
        """Return the scores as a part of a metrics line."""
        return {
            "dev": {
                name: {"loss": round(self.loss[name], 4), "bleu": self.bleu[name], "chrf": self.chrf[name]}
                for name in self.loss
            }
        }

    def __str__(self) -> str:
        return "  ".join(f"{n} {self.loss[n]:.2f}/{self.bleu[n]:.1f}/{self.chrf[n]:.1f}" for n in self.loss)


def score_dev_sets(
    network: Network, card: ModelCard, tokenizer: Tokenizer, recipe: Recipe, base: Path, encoder: Encoder
) -> Scores:
    """Score an fp32 network in evaluation mode on the first lines of every dev set, greedily."""
    numeric = numeric_ids([tokenizer.piece(id) for id in range(tokenizer.size)])
    model = Model(card, network, tokenizer, tokenizer, numeric)
    scores = Scores({}, {}, {})
    for dev in recipe.dev:
        pairs = read_pairs(base / dev.path)[: dev.lines]
        for number, (name, direction) in enumerate(zip(recipe.directions, card.directions, strict=True)):
            if dev.directions and name not in dev.directions:
                continue
            source, target = recipe.columns(name)
            key = f"{dev.name} {name}"
            examples = [Example(pair[source], pair[target], number) for pair in pairs]
            scores.loss[key] = _loss(network, examples, encoder)
            hypotheses = translate_all(model, [example.source for example in examples], direction)
            bleu, chrf = bleu_and_chrf(hypotheses, [[e.target for e in examples]], direction.target.code)
            scores.bleu[key], scores.chrf[key] = bleu.value, chrf.value
    return scores


def translate_all(
    model: Model, sources: list[str], direction: Direction, options: DecodeOptions | None = None, threads: int = 1
) -> list[str]:
    """Translate lines in batches on ``threads`` threads and return their texts, in order."""
    options = options or DecodeOptions(beam_size=1)
    steps = translate_lines(model, sources, direction, options, SentenceCache(), threads)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return [line.text for line in end.value]


@torch.no_grad()
def _loss(network: Network, examples: list[Example], encoder: Encoder) -> float:
    total, count = 0.0, 0
    for batch in pool_batches(examples, encoder, LOSS_TOKENS, None):
        features, _ = network.features(batch.source, batch.lengths, batch.inputs)
        _, plain = output_loss(features, *network.output_layer(), batch.labels, 0.0)
        total += float(plain) * batch.target_tokens
        count += batch.target_tokens
    return total / max(count, 1)
