"""Hugging Face folders of M2M-100 and NLLB-200: one model between a hundred or two hundred languages.

transformers' ``configuration_m2m_100.py`` and the tokenizers of both. The source begins with the token of its
language (in early NLLB it ends with it), the target's first token is that of its own.
"""

from pathlib import Path

from s2s_gui.description import (
    DecodingDefaults,
    ModelCard,
    ModelDescription,
    TokenizerFiles,
    Tongue,
    TransformerConfig,
    Vocabulary,
)
from s2s_gui.errors import ModelError
from s2s_gui.formats.huggingface import files
from s2s_gui.formats.huggingface.m2m_languages import M2M, NLLB
from s2s_gui.formats.huggingface.tokenizer_json import read_tokenizer_json
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_limited, read_object, value
from s2s_gui.formats.naming import card_id, language
from s2s_gui.text.sentencepiece import pieces_of

DEFAULTS = TransformerConfig(
    source_vocabulary=128112,
    target_vocabulary=128112,
    width=1024,
    heads=16,
    feed_forward=4096,
    encoder_layers=12,
    decoder_layers=12,
    decoder="attention",
    norm="pre",
    positions="marian",
    first_position=2,
)
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
SENTENCEPIECE = "sentencepiece.bpe.model"
MOST_SOURCE = 512


def recognises(path: Path) -> bool:
    """Say whether ``path`` is such a folder."""
    return path.is_dir() and files.model_type(path) == "m2m_100"


def read(path: Path) -> ModelDescription:
    """Return the model in the folder ``path``."""
    folder = files.read_folder(path)
    network = files.network_config(folder, DEFAULTS)
    if network.tied == "target":
        raise ModelError(str(path), ["config.json: separate embeddings are not known in models of this kind."])
    vocabulary, names = _vocabulary(path, network.source_vocabulary)
    tongues: dict[str, Tongue] = {}
    for token in vocabulary.tokens:
        code = token[2:-2] if token.startswith("__") and token.endswith("__") else token if token in NLLB else ""
        found = language(code) if code else None
        if found is not None:
            tongues.setdefault(str(found), Tongue(found, token))
    settings = path / "tokenizer_config.json"
    tokenizer = read_object(settings) if settings.is_file() else {}
    number = vocabulary.tokens.index
    eos = value(folder.generation, "eos_token_id", number("</s>"), "generation_config.json")
    card = ModelCard(
        id=card_id(path.resolve().name),
        name=path.resolve().name,
        languages=tuple(tongues.values()),
        network=network,
        tokenizer=TokenizerFiles(
            "joint.spm",
            "joint.spm",
            source_tokens="tokens.json",
            target_tokens="tokens.json",
            specials=("<s>", "<pad>", *(token for token in vocabulary.tokens if token == "<mask>")),
        ),
        decoding=DecodingDefaults(
            eos=eos,
            unk=number("<unk>"),
            start=value(folder.config, "decoder_start_token_id", eos, "config.json"),
            never=(number("<pad>"),),
            ending=files.ending(folder.generation),
            allow_unk=True,
            tag_last=value(tokenizer, "legacy_behaviour", False, settings.name),
            beam_size=min(max(value(folder.generation, "num_beams", 1, "generation_config.json"), 1), 64),
            max_source=MOST_SOURCE,
        ),
        licence="unknown",
    )
    return ModelDescription(
        card,
        files.weights(folder, network),
        vocabulary,
        vocabulary,
        format="Hugging Face M2M-100" if "__en__" in vocabulary.tokens else "Hugging Face NLLB",
        precision=folder.precision,
        files=(*folder.files, *(path / name for name in names), *([settings] if tokenizer else [])),
    )


def _vocabulary(path: Path, size: int) -> tuple[Vocabulary, list[str]]:
    """Return cutting model and tokens by id, and the names of the files that they were read from."""
    if (path / "vocab.json").is_file():
        ids = read_object(path / "vocab.json", MAX_VOCABULARY)
        if not all(type(id) is int and id >= 0 for id in ids.values()):
            raise ModelError(str(path), ["vocab.json does not give each token a number."])
        ids |= {f"__{code}__": len(ids) + place for place, code in enumerate(M2M)}
        model, names = read_limited(path / SENTENCEPIECE, MAX_VOCABULARY), ["vocab.json", SENTENCEPIECE]
    elif (path / SENTENCEPIECE).is_file():
        model, names = read_limited(path / SENTENCEPIECE, MAX_VOCABULARY), [SENTENCEPIECE]
        listed = [*SPECIALS, *pieces_of(model, SENTENCEPIECE)[3:], *NLLB, "<mask>"]
        ids = {token: id for id, token in enumerate(listed)}
        if (path / "tokenizer.json").is_file():
            ids = read_tokenizer_json(path / "tokenizer.json").ids
            names.append("tokenizer.json")
    elif (path / "tokenizer.json").is_file():
        found = read_tokenizer_json(path / "tokenizer.json")
        model, ids, names = found.model, found.ids, ["tokenizer.json"]
    else:
        raise ModelError(
            str(path), [f"The tokenizer is missing: put {SENTENCEPIECE} or tokenizer.json into the folder."]
        )
    missing = [token for token in SPECIALS if token not in ids]
    if missing:
        raise ModelError(str(path), [f"{names[0]} lacks the tokens {', '.join(missing)}."])
    if max(ids.values()) >= size:
        raise ModelError(
            str(path),
            [
                f"{names[0]} has tokens up to number {max(ids.values()):,}, but the model has {size:,}:"
                " they belong to different models."
            ],
        )
    tokens = [f"<unused{id}>" for id in range(size)]
    for token, id in ids.items():
        tokens[id] = token
    return Vocabulary(names[0], model, tuple(tokens)), names
