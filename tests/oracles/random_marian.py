"""Random MarianMT folders of the kinds that OPUS-MT has, written by transformers, with its answers."""

import json
import random
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import sentencepiece

SYLLABLES = ("ka", "to", "mi", "ru", "se", "no", "ha", "li", "pe", "du")


@dataclass(frozen=True, slots=True)
class Kind:
    """What sets one kind of model apart from another."""

    name: str
    activation: str
    shared: bool
    tied: bool
    width: int
    heads: int


KINDS = (
    Kind("base", "swish", True, True, 32, 4),
    Kind("tc-big", "relu", True, True, 48, 8),
    Kind("separate", "gelu", False, True, 32, 2),
    Kind("untied", "swish", False, False, 32, 4),
)


def sentences(seed: int, count: int) -> list[str]:
    """Return sentences of random words."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(draw.randint(1, 12))]
        found.append(" ".join(words).capitalize() + draw.choice(".?!"))
    return found


def build(kind: Kind, seed: int, folder: Path) -> None:
    """Write a folder with random weights and SentencePiece models of its own."""
    import torch
    from transformers import GenerationConfig, MarianConfig, MarianMTModel

    folder.mkdir(parents=True, exist_ok=True)
    sides = [_sentencepiece(seed + side) for side in range(2)]
    for name, model in zip(("source.spm", "target.spm"), sides, strict=True):
        (folder / name).write_bytes(model)
    pieces = [_pieces(model) for model in sides]
    joint = list(dict.fromkeys(["</s>", "<unk>", *pieces[0], *pieces[1], "<pad>"]))
    vocabularies = [joint, joint] if kind.shared else [["</s>", "<unk>", *side, "<pad>"] for side in pieces]
    pads = [len(vocabulary) - 1 for vocabulary in vocabularies]
    if len(vocabularies[0]) != len(vocabularies[1]):  # transformers has one number for both sides
        shorter = min(vocabularies, key=len)
        while len(vocabularies[0]) != len(vocabularies[1]):
            shorter.insert(-1, f"filler{len(shorter)}")
        pads = [len(vocabulary) - 1 for vocabulary in vocabularies]
    for name, vocabulary in zip(("vocab.json", "target_vocab.json"), vocabularies, strict=True):
        if name == "vocab.json" or not kind.shared:
            (folder / name).write_text(json.dumps({token: id for id, token in enumerate(vocabulary)}))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"source_lang": "fi", "target_lang": "it", "separate_vocabs": not kind.shared})
    )
    torch.manual_seed(seed)
    config = MarianConfig(
        vocab_size=len(vocabularies[0]),
        decoder_vocab_size=len(vocabularies[1]),
        d_model=kind.width,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=kind.heads,
        decoder_attention_heads=kind.heads,
        encoder_ffn_dim=2 * kind.width,
        decoder_ffn_dim=2 * kind.width,
        activation_function=kind.activation,
        scale_embedding=True,
        share_encoder_decoder_embeddings=kind.shared,
        tie_word_embeddings=kind.tied,
        pad_token_id=pads[1],
        decoder_start_token_id=pads[1],
        eos_token_id=0,
        forced_eos_token_id=None,
        init_std=0.25,
    )
    model = MarianMTModel(config).eval()
    with torch.no_grad():
        bias = model.final_logits_bias
        bias.normal_(std=0.3)
        bias[0, 0] = 5.0  # so that sentences end
        for table in (model.model.encoder.embed_tokens, model.model.decoder.embed_tokens):
            table.weight[pads[1]] = 0
    model.generation_config = GenerationConfig(
        bad_words_ids=[[pads[1]]],
        decoder_start_token_id=pads[1],
        eos_token_id=0,
        pad_token_id=pads[1],
        num_beams=4,
        max_length=512,
    )
    model.save_pretrained(folder)


def answers(folder: Path, sources: list[str], limits: list[int]) -> list[dict[str, Any]]:
    """Return for each source transformers' ids, and greedy and beam-4 output ids with their log-probabilities.

    ``limits`` are the most tokens that each may have.
    """
    import torch
    from transformers import MarianMTModel, MarianTokenizer

    tokenizer = MarianTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder).eval()
    found = []
    for source, limit in zip(sources, limits, strict=True):
        batch = tokenizer(source, return_tensors="pt")
        row: dict[str, Any] = {"source": source, "source_ids": batch.input_ids[0].tolist()}
        for beams in (1, 4):
            with torch.no_grad():
                out = model.generate(**batch, num_beams=beams, max_new_tokens=limit, max_length=None)
                logits = model(**batch, decoder_input_ids=out[:, :-1]).logits
            ids = out[0, 1:].tolist()
            log_probs = logits.log_softmax(-1)[0, range(len(ids)), ids].tolist()
            row[f"beam_{beams}"] = {"ids": ids, "log_probs": [round(value, 6) for value in log_probs]}
        found.append(row)
    return found


def _sentencepiece(seed: int) -> bytes:
    stream = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences(seed, 400)),
        model_writer=stream,
        vocab_size=60,
        normalization_rule_name="identity",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        minloglevel=2,
    )
    return stream.getvalue()


def _pieces(model: bytes) -> list[str]:
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [processor.IdToPiece(id) for id in range(3, processor.GetPieceSize())]
