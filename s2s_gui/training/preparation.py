"""What a run derives from its recipe before the first batch: directions, special ids, encoder, precision."""

import time

import msgspec
import torch
import torch.distributed as dist

from s2s_gui.description import DecodingDefaults, Direction
from s2s_gui.errors import RecipeError
from s2s_gui.text.tokenizer import Tokenizer
from s2s_gui.training.batches import Encoder
from s2s_gui.training.recipe import Recipe
from s2s_gui.training.vocabulary import EOS, UNK


def directions(recipe: Recipe) -> tuple[Direction, ...]:
    """Return the recipe's directions as a card has them."""
    found = []
    for direction in recipe.directions:
        source, target = (recipe.languages[column] for column in recipe.columns(direction))
        found.append(Direction(source, target, recipe.tag(direction)))
    return tuple(found)


def decoding(recipe: Recipe, tokenizer: Tokenizer) -> DecodingDefaults:
    """Return the decoding defaults with the ids that the tokenizer gave."""
    ids = [tokenizer.id_of(piece) for piece in (UNK, *dict.fromkeys(map(recipe.tag, recipe.directions)))]
    never = tuple(id for id in ids if id is not None)
    eos, unk = tokenizer.id_of(EOS), tokenizer.id_of(UNK)
    if eos is None or unk is None:
        raise RecipeError(f"The tokenizer has no {EOS} or no {UNK}.")
    return msgspec.structs.replace(
        recipe.decoding,
        eos=eos,
        unk=unk,
        never=never,
        start=-1,
        max_source=recipe.mixture.longest,
        copies_marks=recipe.mixture.marks > 0,
    )


def encoder(
    tokenizer: Tokenizer, directions: tuple[Direction, ...], decoding: DecodingDefaults, longest: int
) -> Encoder:
    """Return the encoder of text pairs; one joint tokenizer serves both sides."""

    def encode(text: str) -> list[int]:
        return [piece.id for piece in tokenizer.encode(text)]

    tags = tuple(tokenizer.id_of(direction.tag) if direction.tag else None for direction in directions)
    return Encoder(encode, encode, tags, decoding.eos, decoding.start, longest)


def choose_precision(wanted: str) -> torch.dtype:
    """Take bfloat16 only where this processor multiplies it faster than float32, by a timing of some milliseconds."""
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bf16" else torch.float32
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        x, w = torch.randn(2048, 512, dtype=dtype), torch.randn(2048, 512, dtype=dtype)
        x @ w.t()
        began = time.process_time()
        for _ in range(5):
            x @ w.t()
        seconds[dtype] = time.process_time() - began
    faster = torch.bfloat16 if seconds[torch.bfloat16] < 0.7 * seconds[torch.float32] else torch.float32
    if dist.is_initialized():
        chosen = [faster]
        dist.broadcast_object_list(chosen)
        return chosen[0]
    return faster
