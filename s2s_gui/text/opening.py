"""Open the tokenizer of one side, from what a reader found and how the model's card says it is used."""

from collections.abc import Collection
from pathlib import Path

from s2s_gui.description import TokenizerFiles, Vocabulary
from s2s_gui.text.sentencepiece import PieceTokenizer, SentencePieceTokenizer
from s2s_gui.text.tokenizer import ListedTokenizer, Tokenizer, read_bytes, read_characters, read_json_list, read_words


def read_vocabulary(path: Path, kind: str, tokens: Path | None = None) -> Vocabulary:
    """Return what this program's own tokenizer files hold; ``tokens`` is the list beside a SentencePiece model."""
    if kind == "sentencepiece":
        return Vocabulary(str(path), read_bytes(path), tuple(read_json_list(tokens)) if tokens else ())
    return Vocabulary(str(path), tokens=tuple(read_characters(path) if kind == "characters" else read_words(path)))


def open_tokenizer(
    vocabulary: Vocabulary, files: TokenizerFiles, *, eos: int, unk: int, tags: Collection[str] = ()
) -> Tokenizer:
    """Return the tokenizer; ``tags`` are pieces of directions, which text must never become. Raises ``ModelError``."""
    specials = {*tags, *files.specials}
    if files.kind != "sentencepiece":
        return ListedTokenizer(vocabulary.tokens, files.kind, eos=eos, unk=unk, specials=specials)
    if not vocabulary.tokens:
        return SentencePieceTokenizer(vocabulary.model, where=vocabulary.name, specials=specials)
    return PieceTokenizer(
        vocabulary.model,
        vocabulary.tokens,
        where=vocabulary.name,
        eos=eos,
        unk=unk,
        specials=specials,
        blanks=files.blanks,
    )
