"""What lies around a Marian model: its configuration, vocabularies, shortlist, languages.

Three kinds of folder: loose files named as Firefox names them, translateLocally's (``model_info.json`` and
``config.intgemm8bitalpha.yml``), and OPUS-MT's (``decoder.yml``, ``source.spm``, ``target.spm``).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from s2s_gui.description import Direction, Language, Shortlist, TokenizerFiles, Vocabulary
from s2s_gui.errors import ModelError
from s2s_gui.formats import naming
from s2s_gui.formats.content import read_whole
from s2s_gui.formats.marian.names import MAX_SPARE_ROWS
from s2s_gui.formats.marian.plain_yaml import MAX_OPTIONS, read_numbers, read_options
from s2s_gui.formats.shortlist import MAGIC, parse_shortlist
from s2s_gui.text.sentencepiece import piece_facts

CONFIGURATIONS = ("decoder.yml", "config.intgemm8bitalpha.yml")
UNKNOWN = Language("und")
EOS, UNK = "</s>", "<unk>"
SILENT = ("<s>", "<pad>")
MAX_VOCABULARY = 64 << 20
MAX_SHORTLIST = 2 << 30
MAX_FILES = 1000
ROLES = ("model", "vocab", "srcvocab", "trgvocab")


class Settings(msgspec.Struct, frozen=True, rename="kebab"):
    """A decoder's configuration, as far as it is used here."""

    models: tuple[str, ...] = ()
    vocabs: tuple[str, ...] = ()
    shortlist: tuple[str, ...] = ()
    beam_size: int | None = None
    normalize: float = 1.0
    word_penalty: float = 0.0
    max_length_factor: float | None = None
    allow_unk: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """The vocabulary of one side: how many tokens, the ids of end and unknown, its tags, how it is used.

    ``kind`` is "sentencepiece" where the ids are those of the SentencePiece model, else "listed".
    """

    path: Path
    kind: str
    tokens: tuple[str, ...]
    eos: int
    unk: int
    model: bytes = b""

    @property
    def tags(self) -> list[str]:
        return [token for token in self.tokens if naming.is_tag(token)]


@dataclass(frozen=True, slots=True)
class Package:
    """A model's file and all that belongs to it; ``notes`` are sentences for the card."""

    model: Path
    settings: Settings
    source: Side
    target: Side
    shortlist: Path | None
    pair: tuple[Language, Language]
    name: str
    files: tuple[Path, ...]
    notes: list[str] = field(default_factory=list)

    def directions(self) -> tuple[Direction, ...]:
        """Return one direction for each language that a tag names, else the one of the files' names.

        Where a tag names the source's own language, the model goes both ways.
        """
        source, target = self.pair
        tags = self.source.tags
        found: dict[str, Direction] = {}
        for tag in tags:
            language = naming.tag_of(tag)
            if language is None:
                continue
            if language.code == source.code:
                direction = Direction(target, source, tag)
            else:
                direction = Direction(source, target if language.code == target.code else language, tag)
            found.setdefault(str(direction), direction)
        return tuple(found.values()) or (Direction(source, target, tags[0] if tags else ""),)

    def vocabularies(self) -> tuple[TokenizerFiles, Vocabulary, Vocabulary]:
        """Return how both sides' tokenizers are used, and what they are."""
        source, target = self.source, self.target
        same = source is target
        tags = tuple(dict.fromkeys([*source.tags, *target.tags]))
        if source.kind == "sentencepiece":
            names = _plain(source.path), _plain(target.path)
            first = Vocabulary(str(source.path), source.model)
            second = first if same else Vocabulary(str(target.path), target.model)
            return TokenizerFiles(*names, specials=tags), first, second
        if not source.model or not target.model:
            first = Vocabulary(str(source.path), tokens=source.tokens)
            second = first if same else Vocabulary(str(target.path), tokens=target.tokens)
            names = ("vocabulary.txt",) * 2 if same else ("source_vocabulary.txt", "target_vocabulary.txt")
            return TokenizerFiles(*names, "tokens", specials=tags), first, second
        lists = ("vocabulary.json",) * 2 if source.tokens == target.tokens else ("source.json", "target.json")
        one = source.tokens == target.tokens and source.model == target.model
        first = Vocabulary(str(source.path), source.model, source.tokens)
        second = first if one else Vocabulary(str(target.path), target.model, target.tokens)
        names = ("source.spm", "source.spm" if one else "target.spm")
        return TokenizerFiles(*names, "sentencepiece", *lists, (*tags, *SILENT)), first, second

    def read_shortlist(self) -> Shortlist | None:
        """Return the shortlist, if there is one in binary form; raise ``ModelError`` if it is another model's."""
        if self.shortlist is None:
            return None
        content = read_whole(self.shortlist, MAX_SHORTLIST)
        if content[:8] != MAGIC.to_bytes(8, "little") and not _plain(self.shortlist).endswith(".bin"):
            self.notes.append(f"The shortlist {self.shortlist.name} has the text form and is not used.")
            return None
        return parse_shortlist(content, self.shortlist.name, len(self.source.tokens), len(self.target.tokens))


def find(path: Path, is_model: Callable[[Path], bool]) -> Package:
    """Find all that belongs to the model in folder ``path``, or to the model file ``path``.

    Raises ``ModelError`` where something is missing or could be meant in two ways.
    """
    folder = path if path.is_dir() else path.parent
    files = _files(folder)
    config, settings = _settings(files, path)
    notes: list[str] = []
    model = _model(path, files, settings, config, is_model, notes)
    pair = _pair_part(model)
    sides, used = _sides(settings, config, files, pair, model)
    shortlist = _shortlist(settings, config, files, pair)
    info = _information(files)
    if sides[0].kind == "listed" and not (sides[0].model and sides[1].model):
        notes.append("No SentencePiece model lies in the folder: text has to be given as tokens with blanks between.")
    languages, known = _languages(info, [pair, *(_pair_part(one) for one in used), folder.name.split(".")[0]])
    if not known:
        notes.append("The files do not say which languages the model is for.")
    if settings.word_penalty:
        notes.append(f"Its word penalty of {settings.word_penalty} is not used.")
    name = str(info.get("modelName") or "") or (path.stem if path.is_file() else path.resolve().name)
    every = [one for one in (config, model, *used, shortlist) if one is not None]
    return Package(
        model, settings, *sides, shortlist, languages, name[:200] or "model", tuple(dict.fromkeys(every)), notes
    )


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path, _ in zip(folder.iterdir(), range(MAX_FILES), strict=False) if path.is_file())
    except OSError as error:
        raise ModelError(str(folder), [f"The folder {folder.name} cannot be read ({error.strerror})."]) from error


def _settings(files: Sequence[Path], path: Path) -> tuple[Path | None, Settings]:
    """Return the configuration that names models; for a model file only one that names it."""
    configs = [one for name in CONFIGURATIONS for one in files if one.name == name]
    configs += [one for one in files if one.suffix in (".yml", ".yaml") and one not in configs]
    for config in configs:
        must = config.name in CONFIGURATIONS
        try:
            if not must and (config.stat().st_size > MAX_OPTIONS or b"models:" not in config.read_bytes()):
                continue
            settings = msgspec.convert(
                read_options(read_whole(config, MAX_OPTIONS), config.name), Settings, strict=False
            )
        except (ModelError, OSError, msgspec.ValidationError) as error:
            if not must:
                continue
            faults = error.faults if isinstance(error, ModelError) else (f"{config.name}: {error}.",)
            raise ModelError(str(path), list(faults)) from error
        if settings.models and (path.is_dir() or path.name in [_base(name) for name in settings.models]):
            return config, settings
    return None, Settings()


def _model(
    path: Path,
    files: Sequence[Path],
    settings: Settings,
    config: Path | None,
    is_model: Callable[[Path], bool],
    notes: list[str],
) -> Path:
    if path.is_file():
        return path
    if config is not None:
        if len(settings.models) > 1:
            notes.append(f"It is an ensemble of {len(settings.models)} networks; only the first is used.")
        return _named(settings.models[0], config, files)
    found = [one for one in files if is_model(one)]
    plain = {_plain(one): one for one in reversed(found)}
    if not plain:
        raise ModelError(str(path), [f"{path.name} holds no model of this kind."])
    if len(plain) > 1:
        names = ", ".join(sorted(plain)[:8])
        raise ModelError(str(path), [f"{path.name} holds several models: {names}. Choose one of these files."])
    return next(iter(plain.values()))


def _sides(
    settings: Settings, config: Path | None, files: Sequence[Path], pair: str, model: Path
) -> tuple[tuple[Side, Side], list[Path]]:
    if config is not None and settings.vocabs:
        paths = [_named(name, config, files) for name in (settings.vocabs[0], settings.vocabs[-1])]
    else:
        paths = [
            _role(files, ("srcvocab", "vocab"), pair, model, "source"),
            _role(files, ("trgvocab", "vocab"), pair, model, "target"),
        ]
    pieces = _pieces(files)
    source = _side(paths[0], pieces[0] if pieces else None)
    if paths[1] != paths[0]:
        target = _side(paths[1], pieces[1] if pieces else None)
    elif source.model and source.kind == "listed":
        target = replace(source, model=_model_of(pieces[1]))
    else:
        target = source
    if source.kind != target.kind:
        raise ModelError(str(model), [f"{paths[0].name} and {paths[1].name} are vocabularies of two kinds."])
    if source == target or (source.kind == "sentencepiece" and source.model == target.model):
        target = source
    return (source, target), [*paths, *(pieces if source.kind == "listed" else [])]


def _pieces(files: Sequence[Path]) -> list[Path]:
    """Return the SentencePiece models of both sides that lie beside listed vocabularies, or nothing."""
    found = {_plain(one): one for one in reversed(files) if _plain(one).endswith(".spm")}
    if "source.spm" in found and "target.spm" in found:
        return [found["source.spm"], found["target.spm"]]
    return list(found.values()) * 2 if len(found) == 1 else []


def _side(path: Path, pieces: Path | None) -> Side:
    content = read_whole(path, MAX_VOCABULARY)
    if Path(_plain(path)).suffix not in (".yml", ".yaml", ".json"):
        facts = piece_facts(content, str(path))
        if facts.eos < 0 or facts.unk < 0:
            raise ModelError(
                str(path), [f"{path.name} has no piece for the end of a sentence or none for the unknown."]
            )
        return Side(path, "sentencepiece", facts.pieces, facts.eos, facts.unk, content)
    tokens = _listed(content, path)
    if EOS not in tokens or UNK not in tokens:
        raise ModelError(str(path), [f"{path.name} lacks {EOS} or {UNK}: it is not a vocabulary of Marian."])
    model = b"" if pieces is None else _model_of(pieces)
    return Side(path, "listed", tokens, tokens.index(EOS), tokens.index(UNK), model)


def _model_of(path: Path) -> bytes:
    """Return a whole SentencePiece model."""
    model = read_whole(path, MAX_VOCABULARY)
    piece_facts(model, str(path))
    return model


def _listed(content: bytes, path: Path) -> tuple[str, ...]:
    """Return the token of each id; a few ids may be without one."""
    if content[:1] == b"{":
        try:
            numbers: Any = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ModelError(str(path), [f"{path.name} is damaged: it is not JSON."]) from error
        if not all(type(number) is int and number >= 0 for number in numbers.values()):
            raise ModelError(str(path), [f"{path.name} does not give every token a number."])
    else:
        numbers = read_numbers(content, path.name)
    by_id = {id: token for token, id in numbers.items()}
    size = max(by_id, default=-1) + 1
    if len(by_id) != len(numbers) or size - len(by_id) > MAX_SPARE_ROWS:
        raise ModelError(
            str(path), [f"{path.name} is damaged: it gives {len(numbers):,} tokens numbers up to {size - 1:,}."]
        )
    return tuple(by_id.get(id, f"<unused{id}>") for id in range(size))


def _shortlist(settings: Settings, config: Path | None, files: Sequence[Path], pair: str) -> Path | None:
    if config is not None:
        return _named(settings.shortlist[0], config, files) if settings.shortlist else None
    found = [one for one in files if one.name.split(".")[0] == "lex" and (not pair or pair in one.name.split("."))]
    plain = {_plain(one): one for one in reversed(found)}
    return next(iter(plain.values())) if len(plain) == 1 else None


def _role(files: Sequence[Path], roles: Sequence[str], pair: str, model: Path, side: str) -> Path:
    """Return a side's vocabulary by its name: role, the model's pair of languages, ".spm"."""
    for role in roles:
        named = [one for one in files if one.name.split(".")[0] == role]
        exact = [one for one in named if pair and pair in one.name.split(".")]
        found = {_plain(one): one for one in reversed(exact or named)}
        if len(found) == 1:
            return next(iter(found.values()))
    for ending in ("vocab.yml", "vocab.json", ".spm"):
        others = {_plain(one): one for one in reversed(files) if _plain(one).endswith(ending)}
        if len(others) == 1:
            return next(iter(others.values()))
    wanted = f"vocab.{pair}.spm" if pair else "vocab.spm"
    raise ModelError(
        str(model), [f"Beside {model.name} there is no vocabulary of the {side} language, such as {wanted}."]
    )


def _named(name: str, config: Path, files: Sequence[Path]) -> Path:
    """Return the file that a configuration names, whatever folder it names; it may be stored as gzip."""
    base = _base(name)
    for one in files:
        if one.name in (base, f"{base}.gz"):
            return one
    raise ModelError(str(config), [f"{config.name} names the file {base}, but it is not in the folder."])


def _information(files: Sequence[Path]) -> dict[str, Any]:
    """Return ``model_info.json`` or ``metadata.json``; they only help with names, so damage is no matter."""
    for name in ("model_info.json", "metadata.json"):
        for one in files:
            if one.name == name and one.stat().st_size <= MAX_OPTIONS:
                try:
                    info = json.loads(one.read_bytes())
                except (OSError, ValueError, RecursionError):
                    continue
                if isinstance(info, dict):
                    return info
    return {}


def _languages(info: dict[str, Any], names: Sequence[str]) -> tuple[tuple[Language, Language], bool]:
    tags = info.get("srcTags")
    source = next(iter(tags), None) if isinstance(tags, dict) else info.get("sourceLanguage")
    target = info.get("trgTag") or info.get("targetLanguage")
    if isinstance(source, str) and isinstance(target, str):
        told = naming.language(source), naming.language(target)
        if told[0] and told[1]:
            return (told[0], told[1]), True
    for name in names:
        pair = naming.pair_of(name)
        if pair is not None:
            return pair, True
    return (UNKNOWN, UNKNOWN), False


def _pair_part(path: Path) -> str:
    """Return "enes" of ``model.enes.intgemm.alphas.bin`` or ``vocab.enes.spm``, "" where a name has no such part."""
    parts = path.name.split(".")
    return parts[1] if parts[0] in ROLES and len(parts) > 2 and naming.pair_of(parts[1]) else ""


def _plain(path: Path) -> str:
    return path.name.removesuffix(".gz")


def _base(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]
