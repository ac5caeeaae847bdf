"""Open a tokenizer file by its kind as the model card names it."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from s2s_gui.text.sentencepiece import read_sentencepiece
from s2s_gui.text.tokenizer import ListedTokenizer, Tokenizer, read_characters, read_words


def open_tokenizer(
    kind: Literal["sentencepiece", "words", "characters"],
    path: Path,
    *,
    eos: int,
    unk: int,
    specials: Collection[str] = (),
) -> Tokenizer:
    """Read the tokenizer at ``path``; ``specials`` are pieces (direction tags) that text must never become."""
    if kind == "sentencepiece":
        return read_sentencepiece(path, specials)
    if kind == "words":
        return ListedTokenizer(read_words(path), words=True, eos=eos, unk=unk, specials=specials)
    return ListedTokenizer(read_characters(path), words=False, eos=eos, unk=unk, specials=specials)
