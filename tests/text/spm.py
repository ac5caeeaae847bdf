"""Makes a SentencePiece model in a moment, shaped like the bundled ones."""

from pathlib import Path

from sentencepiece import SentencePieceTrainer

LINES = ["hello world", "the cat sat on the mat", "hello there my friend", "你好世界", "你好吗我很好", "一二三 1 2 3"]


def make(folder: Path, name: str = "tiny") -> Path:
    """Train a byte-fallback model with the tags <2en> and <2zh> on a few lines."""
    corpus = folder / f"{name}.txt"
    corpus.write_text("\n".join(LINES * 20), encoding="utf-8")
    SentencePieceTrainer.Train(
        input=str(corpus),
        model_prefix=str(folder / name),
        model_type="bpe",
        vocab_size=330,
        character_coverage=1.0,
        byte_fallback=True,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        user_defined_symbols=["<2en>", "<2zh>"],
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return folder / f"{name}.model"
