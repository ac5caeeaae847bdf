"""A small random model that Marian's formats can hold, as a description; and the damage that files suffer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentencepiece import SentencePieceProcessor

from s2s_gui.cards import LFS_POINTER
from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    ModelDescription,
    Shortlist,
    TokenizerFiles,
    TransformerConfig,
    Vocabulary,
)
from s2s_gui.networks.build import build
from tests.text import spm

ENGLISH, CHINESE = Language("en"), Language("zh", "Hans")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010101004800480000") + bytes(range(256)) * 8
NOTHING_LIKE_A_MODEL = {
    "empty": b"",
    "one byte": b"\x01",
    "pointer": LFS_POINTER + b"\noid sha256:fe4025fd\nsize 22698792\n",
    "picture": JPEG,
    "zeros": bytes(5000),
    "ones": b"\xff" * 5000,
    "page": b"<!DOCTYPE html><html><body>Not found</body></html>" * 20,
}


def sentencepiece(place: Path) -> bytes:
    place.mkdir(parents=True, exist_ok=True)
    return spm.make(place).read_bytes()


def weights(network: TransformerConfig, seed: int = 0) -> dict[str, Any]:
    torch.manual_seed(seed)
    state = build(network).state_dict()
    return {name: (tensor + 0.1 * torch.randn_like(tensor)).numpy() for name, tensor in state.items()}


def description(model: bytes, *, tags: bool = True, **changes: Any) -> ModelDescription:
    """Return a model with ``model`` as the tokenizer of both sides; ``changes`` are fields of its network."""
    size = SentencePieceProcessor(model_proto=model).GetPieceSize()
    fields = {"width": 64, "heads": 2, "feed_forward": 64, "encoder_layers": 2, "decoder_layers": 2} | changes
    network = TransformerConfig(size, size, **fields)
    card = ModelCard(
        id="small",
        name="Small",
        directions=(
            Direction(CHINESE, ENGLISH, "<2en>" if tags else ""),
            *([Direction(ENGLISH, CHINESE, "<2zh>")] if tags else []),
        ),
        network=network,
        tokenizer=TokenizerFiles("joint.spm", "joint.spm"),
        decoding=DecodingDefaults(never=(1, 2, 3), max_source=128),
        licence="CC0-1.0",
    )
    vocabulary = Vocabulary("joint.spm", model)
    return ModelDescription(card, weights(network), vocabulary, vocabulary)


def alphas(made: ModelDescription) -> dict[str, float]:
    """Return some multiplier for every matrix."""
    return {name: 20.0 + i for i, (name, array) in enumerate(made.weights.items()) if array.ndim == 2}


def shortlist(size: int) -> Shortlist:
    return Shortlist(8, np.arange(size + 1, dtype=np.uint64), np.arange(size, dtype=np.uint32))


def cut(content: bytes, places: int = 10) -> dict[str, bytes]:
    """Return ``content`` truncated at many places."""
    return {f"cut at {i} of {places}": content[: len(content) * i // places] for i in range(1, places)} | {
        "one byte less": content[:-1]
    }


def replaced(content: bytes, changes: Mapping[int, bytes]) -> bytes:
    """Return ``content`` with other bytes at some offsets."""
    made = bytearray(content)
    for at, part in changes.items():
        made[at : at + len(part)] = part
    return bytes(made)
