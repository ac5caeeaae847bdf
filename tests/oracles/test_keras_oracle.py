"""Our reader of Keras files against Keras itself: the model of the Keras example and one with attention."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2s_gui.engine.model import assemble
from s2s_gui.formats.keras import model as keras
from tests.formats.decoding import hypotheses

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="keras is not installed"),
]
os.environ.setdefault("KERAS_BACKEND", "torch")
LETTERS = "abcdefgh"
TARGETS = "\t\n" + LETTERS
LONGEST = 12
COUNT = 50
# Random weights make small differences grow from step to step.
STEPS = 24
TOLERANCE = 1e-4


def classic(cell: str) -> Any:
    """Return the training model of the Keras example with random weights: one-hot letters, states handed over."""
    from keras import layers, models

    kind = getattr(layers, cell)
    source = layers.Input((None, len(LETTERS)))
    _, *states = kind(24, return_state=True)(source)
    target = layers.Input((None, len(TARGETS)))
    outputs, *_ = kind(24, return_sequences=True, return_state=True)(target, initial_state=states)
    return models.Model([source, target], layers.Dense(len(TARGETS), activation="softmax")(outputs))


def attentive(cell: str) -> Any:
    """Return a model with embeddings, masks and dot attention."""
    from keras import layers, models

    kind = getattr(layers, cell)
    source = layers.Input((None,))
    memory, *states = kind(24, return_sequences=True, return_state=True)(
        layers.Embedding(len(LETTERS) + 1, 16, mask_zero=True)(source)
    )
    target = layers.Input((None,))
    outputs, *_ = kind(24, return_sequences=True, return_state=True)(
        layers.Embedding(len(TARGETS) + 1, 16, mask_zero=True)(target), initial_state=states
    )
    context = layers.Attention()([outputs, memory])
    joined = layers.Concatenate()([outputs, context])
    return models.Model([source, target], layers.Dense(len(TARGETS) + 1, activation="softmax")(joined))


def decoded(model: Any, text: str, is_one_hot: bool, limit: int) -> tuple[str, list[float]]:
    """Decode greedily with whole forward passes; the input is padded as in the example."""
    shift = 0 if is_one_hot else 1
    ids = [LETTERS.index(letter) + shift for letter in text]
    if is_one_hot:
        source = np.zeros((1, LONGEST, len(LETTERS)), np.float32)
        source[0, range(len(ids)), ids] = 1
    else:
        source = np.array([ids + [0] * (LONGEST - len(ids))], np.int32)
    found = [TARGETS.index("\t") + shift]
    log_probs = []
    while len(found) <= limit and found[-1] != TARGETS.index("\n") + shift:
        target = np.eye(len(TARGETS), dtype=np.float32)[found][None] if is_one_hot else np.array([found], np.int32)
        last = np.array(model([source, target]).detach())[0, -1]
        # A start symbol or padding in the middle, which only random weights give, is never taken by our search.
        last[[TARGETS.index("\t") + shift] + ([] if is_one_hot else [0])] = 0
        found.append(int(last.argmax()))
        log_probs.append(float(np.log(last.max())))
    return "".join(TARGETS[id - shift] for id in found[1:]), log_probs


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("build", [classic, attentive])
@pytest.mark.filterwarnings("ignore")
def test_random_models_decode_alike(build: Any, cell: str, suffix: str, tmp_path: Path) -> None:
    from keras import utils

    utils.set_random_seed(3)
    theirs = build(cell)
    for weight in theirs.weights:
        weight.assign(np.random.default_rng(len(weight.shape)).normal(0, 0.6, weight.shape))
    theirs.save(tmp_path / f"model{suffix}")
    side = {
        "source_characters": list(LETTERS),
        "target_characters": list(TARGETS),
        "start": "\t",
        "end": "\n",
        "longest_source": LONGEST,
        "source_padding": None,
    }
    (tmp_path / "characters.json").write_text(json.dumps(side))
    ours = assemble(keras.read(tmp_path / f"model{suffix}"))
    draw = np.random.default_rng(4)
    for _ in range(COUNT):
        text = "".join(draw.choice(list(LETTERS), draw.integers(2, LONGEST)))
        (found,) = hypotheses(ours, text, ours.card.ways()[0])
        steps = min(STEPS, len(found.tokens))
        wanted, log_probs = decoded(theirs, text, build is classic, steps)
        ended = found.tokens[-1].id == ours.card.decoding.eos
        assert (found.text + ("\n" if ended else ""))[:steps] == wanted[:steps]
        assert [token.log_prob for token in found.tokens[:steps]] == pytest.approx(log_probs[:steps], abs=TOLERANCE)
