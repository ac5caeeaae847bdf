"""Toy tasks for the trainer: reverse or copy a few letters, learnt in seconds."""

import random
from pathlib import Path
from typing import Any

import msgspec

from s2s_gui.description import DecodingDefaults, Language, NetworkConfig, RecurrentConfig, TransformerConfig
from s2s_gui.training.recipe import Corpus, DevSet, Mixture, Recipe, Schedule, TokenizerPlan, Watch

LETTERS = "abcdefgh"

LSTM = RecurrentConfig(
    2, 2, cell="lstm", layers=1, width=32, hidden=96, bidirectional=False, reverse_source=True, attention="none"
)
GRU = RecurrentConfig(2, 2, cell="gru", layers=1, width=32, hidden=64, bidirectional=True, attention="luong")
TRANSFORMER = TransformerConfig(2, 2, width=32, heads=4, feed_forward=64, encoder_layers=2, decoder_layers=1)


def toy_pairs(count: int, longest: int, *, is_reversed: bool, seed: int = 0) -> list[tuple[str, str]]:
    """Return pairs of blank-separated letters and the same letters copied or reversed."""
    drawn = random.Random(seed)
    pairs = []
    for _ in range(count):
        letters = drawn.choices(LETTERS, k=drawn.randint(1, longest))
        pairs.append((" ".join(letters), " ".join(letters[::-1] if is_reversed else letters)))
    return pairs


def write_pairs(path: Path, pairs: list[tuple[str, str]]) -> None:
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")


def toy_recipe(folder: Path, network: NetworkConfig, *, is_reversed: bool = False, **changes: Any) -> Recipe:
    """Write corpora to ``folder`` and return a recipe over them; ``changes`` are fields of ``Schedule``."""
    write_pairs(folder / "train.tsv", toy_pairs(3000, 5, is_reversed=is_reversed))
    write_pairs(folder / "dev.tsv", toy_pairs(100, 5, is_reversed=is_reversed, seed=1))
    schedule = Schedule(updates=300, tokens=512, warmup=10, rate=5e-3, matrix_rate=5e-3, label_smoothing=0.0)
    return Recipe(
        id="toy",
        name="Toy",
        licence="CC0",
        languages=(Language("aa"), Language("bb")),
        directions=("aa > bb",),
        corpora=(Corpus("train.tsv"),),
        dev=(DevSet("dev", "dev.tsv", lines=100),),
        mixture=Mixture(longest=32),
        tokenizer=TokenizerPlan("words", size=20),
        network=network,
        decoding=DecodingDefaults(max_length_ratio=1.5),
        schedule=msgspec.structs.replace(schedule, **changes),
        watch=Watch(every=1e9),
    )
