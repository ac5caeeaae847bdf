"""A whole model on disk in a moment: random weights, a toy SentencePiece vocabulary, both directions."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    RecurrentConfig,
    TokenizerFiles,
    TransformerConfig,
)
from s2s_gui.formats import native
from s2s_gui.networks.build import build
from tests.text import spm

CHINESE, ENGLISH = Language("zh", "Hans"), Language("en")


def card(size: int, *, recurrent: bool = False) -> ModelCard:
    """Return the card of a small bidirectional model with ``size`` pieces."""
    network = (
        RecurrentConfig(size, size, layers=1, width=8, hidden=8)
        if recurrent
        else TransformerConfig(size, size, width=16, heads=2, feed_forward=16, encoder_layers=1, decoder_layers=1)
    )
    return ModelCard(
        id="small",
        name="Small",
        directions=(Direction(CHINESE, ENGLISH, "<2en>"), Direction(ENGLISH, CHINESE, "<2zh>")),
        network=network,
        tokenizer=TokenizerFiles("joint.spm", "joint.spm"),
        decoding=DecodingDefaults(never=(1, 2, 3), max_source=24),
        licence="CC0-1.0",
    )


def weights(made: ModelCard, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return random weights that fit the card."""
    torch.manual_seed(seed)
    return {name: np.asarray(tensor.numpy()) for name, tensor in build(made.network).state_dict().items()}


def write(place: Path, folder: Path, *, recurrent: bool = False, **changes: Any) -> Path:
    """Write a small model to ``folder``, using ``place`` for scratch; ``changes`` are fields of its card."""
    place.mkdir(parents=True, exist_ok=True)
    vocabulary = spm.make(place)
    size = SentencePieceProcessor(model_file=str(vocabulary)).GetPieceSize()
    made = msgspec.structs.replace(card(size, recurrent=recurrent), **changes)
    native.write(made, weights(made), {"joint.spm": vocabulary.read_bytes()}, "# Small\n", folder)
    return folder
