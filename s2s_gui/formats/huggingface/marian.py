"""Hugging Face MarianMT folders, OPUS-MT and its kin (transformers' ``configuration_marian.py``)."""

import re
from pathlib import Path
from typing import Any

from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    ModelDescription,
    TokenizerFiles,
    TransformerConfig,
    Vocabulary,
)
from s2s_gui.errors import ModelError
from s2s_gui.formats.huggingface import files
from s2s_gui.formats.json_file import MAX_VOCABULARY, read_limited, read_object, value
from s2s_gui.formats.naming import card_id, directions_of, language

DEFAULTS = TransformerConfig(
    source_vocabulary=58101,
    target_vocabulary=58101,
    width=1024,
    heads=16,
    feed_forward=4096,
    encoder_layers=12,
    decoder_layers=12,
    decoder="attention",
    activation="gelu",
    positions="halves",
    scale_embedding=False,
)
TAG = re.compile(r">>([A-Za-z][A-Za-z_-]{1,20})<<")
SEVERAL = Language("mul")
MOST_SOURCE = 512


def recognises(path: Path) -> bool:
    """Say whether ``path`` is such a folder."""
    return path.is_dir() and files.model_type(path) == "marian"


def read(path: Path) -> ModelDescription:
    """Return the model in the folder ``path``."""
    folder = files.read_folder(path)
    network = files.network_config(folder, DEFAULTS)
    settings = path / "tokenizer_config.json"
    tokenizer = read_object(settings) if settings.is_file() else {}
    ids = _ids(path / "vocab.json", network.source_vocabulary)
    tokens = _listed(ids, network.source_vocabulary)
    source = Vocabulary("source.spm", read_limited(path / "source.spm", MAX_VOCABULARY), tokens)
    separate = value(tokenizer, "separate_vocabs", False, settings.name)
    target_ids = _ids(path / "target_vocab.json", network.target_vocabulary) if separate else ids
    if separate:
        tokens = _listed(target_ids, network.target_vocabulary)
    target = Vocabulary("target.spm", read_limited(path / "target.spm", MAX_VOCABULARY), tokens)
    decoding = _decoding(folder, ids, target_ids)
    tags = [token for token in ids if token.startswith(">>") and TAG.fullmatch(token)]
    pad = (
        "<pad>"
        if "<pad>" in target_ids
        else source.tokens[value(folder.config, "pad_token_id", len(ids) - 1, "config.json")]
    )
    card = ModelCard(
        id=card_id(path.resolve().name),
        name=path.resolve().name,
        directions=_directions(path, tokenizer, tags),
        network=network,
        tokenizer=TokenizerFiles(
            "source.spm",
            "target.spm",
            source_tokens="source.tokens.json",
            target_tokens="target.tokens.json" if separate else "source.tokens.json",
            specials=tuple(dict.fromkeys([pad, *tags])),
        ),
        decoding=decoding,
        licence="unknown",
    )
    names = ["vocab.json", "source.spm", "target.spm", *(["target_vocab.json"] if separate else [])]
    names += [settings.name] if tokenizer else []
    return ModelDescription(
        card,
        files.weights(folder, network),
        source,
        target,
        format="Hugging Face Marian",
        precision=folder.precision,
        files=(*folder.files, *(path / name for name in names)),
    )


def _ids(path: Path, size: int) -> dict[str, int]:
    """Return the ids by token; every id below ``size``, none twice."""
    table = read_object(path, MAX_VOCABULARY)
    ids = list(table.values())
    if not table or not all(type(id) is int and id >= 0 for id in ids) or len(set(ids)) != len(ids):
        raise ModelError(str(path), [f"{path.name} does not give each token a number of its own."])
    if max(ids) >= size:
        raise ModelError(
            str(path),
            [
                f"{path.name} has tokens up to number {max(ids):,}, but the model has {size:,}:"
                " they belong to different models."
            ],
        )
    return table


def _listed(ids: dict[str, int], size: int) -> tuple[str, ...]:
    tokens = {id: token for token, id in ids.items()}
    return tuple(tokens.get(id, f"<unused{id}>") for id in range(size))


def _decoding(folder: files.Folder, source: dict[str, int], target: dict[str, int]) -> DecodingDefaults:
    settings, where = folder.generation, "generation_config.json"
    eos = value(settings, "eos_token_id", 0, where)
    pad = value(folder.config, "pad_token_id", DEFAULTS.target_vocabulary - 1, "config.json")
    bad = settings.get("bad_words_ids")
    never = (
        {pad, *(words[0] for words in bad if isinstance(words, list) and len(words) == 1 and type(words[0]) is int)}
        if isinstance(bad, list)
        else {pad}
    )
    longest = value(folder.config, "max_position_embeddings", MOST_SOURCE, "config.json")
    return DecodingDefaults(
        eos=eos,
        unk=target.get("<unk>", 1),
        start=value(folder.config, "decoder_start_token_id", pad, "config.json"),
        never=tuple(sorted(never)),
        ending=files.ending(settings),
        allow_unk=True,
        source_end=(source.get("</s>", eos),),
        beam_size=min(max(value(settings, "num_beams", 1, where), 1), 64),
        length_penalty=value(settings, "length_penalty", 1.0, where),
        max_source=min(max(longest, 16), MOST_SOURCE),
    )


def _directions(path: Path, tokenizer: dict[str, Any], tags: list[str]) -> tuple[Direction, ...]:
    """Return one direction for each tag of a known language, or the one of the tokenizer's settings or the name."""
    named = directions_of(path.resolve().name)
    spelt = str(tokenizer.get("source_lang") or "")
    source = (language(spelt) or SEVERAL) if spelt else named[0].source if named else SEVERAL
    found: dict[str, Direction] = {}
    for tag in tags:
        match = TAG.fullmatch(tag)
        target = language(match[1]) if match else None
        if target is not None:
            found.setdefault(str(target), Direction(source, target, tag))
    target = language(str(tokenizer.get("target_lang") or "")) or (named[0].target if named else None)
    if target is not None and target.code not in {one.target.code for one in found.values()}:
        found[str(target)] = Direction(source, target)
    return tuple(found.values()) or (Direction(source, SEVERAL),)
