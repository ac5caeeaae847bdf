"""Argos Translate packages, unpacked: a CTranslate2 folder, ``metadata.json`` and a SentencePiece model.

Argos decodes with a beam of 4 and a length penalty of 0.2 (argosopentech/argos-translate, translate.py).
"""

from dataclasses import replace
from pathlib import Path

import msgspec

from s2s_gui.description import Direction, ModelDescription, TokenizerFiles, Vocabulary
from s2s_gui.errors import ModelError
from s2s_gui.formats.ctranslate2 import folder as ctranslate2
from s2s_gui.formats.ctranslate2.file import begins_as_model
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_limited, read_object, value
from s2s_gui.formats.naming import card_id, language

METADATA = "metadata.json"
SENTENCEPIECE = "sentencepiece.model"
BLANKS = "\u2581_"


def recognises(path: Path) -> bool:
    """Say whether ``path`` is a folder with such a package in it."""
    return _root(path) is not None


def read(path: Path) -> ModelDescription:
    """Return the model of the package in the folder ``path``."""
    folder = _root(path)
    if folder is None:
        raise ModelError(str(path), ["metadata.json or model/model.bin is missing: this is not an Argos package."])
    table = read_object(folder / METADATA)
    kind = value(table, "type", "translate", METADATA)
    if kind != "translate":
        raise ModelError(str(path), [f"{METADATA}: this is a package of type {kind!r}, not one that translates."])
    if not (folder / SENTENCEPIECE).is_file() and (folder / "bpe.model").is_file():
        raise ModelError(
            str(path),
            ["bpe.model is a tokenizer of subword-nmt, which this program does not read; SentencePiece it does."],
        )
    found = ctranslate2.read(folder / "model")
    model = read_limited(folder / SENTENCEPIECE, MAX_VOCABULARY)
    prefix = value(table, "target_prefix", "", METADATA)
    source, target = (language(value(table, f"{side}_code", "", METADATA)) for side in ("from", "to"))
    if source is None or target is None:
        raise ModelError(str(path), [f"{METADATA} does not name the two languages."])
    joint = found.source is found.target
    card = msgspec.structs.replace(
        found.card,
        id=card_id(folder.resolve().name),
        name=" to ".join(
            value(table, f"{side}_name", str(code), METADATA) for side, code in (("from", source), ("to", target))
        )
        + " (Argos)",
        directions=(Direction(source, target, "", prefix),),
        languages=(),
        tokenizer=TokenizerFiles(
            "joint.spm",
            "joint.spm",
            source_tokens="source.tokens.json",
            target_tokens="source.tokens.json" if joint else "target.tokens.json",
            specials=("<s>", "<blank>", "<pad>"),
            blanks=BLANKS,
        ),
        decoding=msgspec.structs.replace(found.card.decoding, beam_size=4, length_penalty=0.2),
        notes="",
    )
    ours = Vocabulary(SENTENCEPIECE, model, found.source.tokens)
    return replace(
        found,
        card=card,
        source=ours,
        target=ours if joint else Vocabulary(SENTENCEPIECE, model, found.target.tokens),
        format="Argos Translate",
        files=(folder / METADATA, folder / SENTENCEPIECE, *found.files),
    )


def _root(path: Path) -> Path | None:
    """Return the folder with ``metadata.json``, ``path`` itself or the one folder in it."""
    if not path.is_dir():
        return None
    inner = [child for child in path.iterdir() if child.is_dir()] if not (path / METADATA).is_file() else []
    for folder in (path, *inner[:1]):
        if (folder / METADATA).is_file() and begins_as_model(folder / "model" / ctranslate2.MODEL):
            return folder
    return None
