"""Open any model: find its reader, check memory, build it, try it. Also say what it is before that."""

import hashlib
import tempfile
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
import torch

from s2s_gui.description import Direction, ModelCard, ModelDescription
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model, assemble
from s2s_gui.engine.translator import translate
from s2s_gui.errors import ModelError
from s2s_gui.formats.native import Survey
from s2s_gui.formats.opening import describe
from s2s_gui.messages import About, DecodeOptions, KnownLines, Partial, Progress
from s2s_gui.networks.build import build
from s2s_gui.networks.products import Precision
from s2s_gui.storage.record import read_record

TRIALS = {
    "zh": "你好，世界。",
    "ja": "こんにちは、世界。",
    "ko": "안녕하세요.",
    "ru": "Привет, мир.",
    "ar": "مرحبا بالعالم.",
    "es": "Hola, mundo.",
    "fr": "Bonjour, le monde.",
    "de": "Hallo, Welt.",
}
TRIAL_ELSE = "Hello, world."
BYTES_A_WEIGHT = 4
SPARE = 64 << 20
CHUNK = 4 << 20


@contextmanager
def described(path: Path) -> Iterator[Survey]:
    """Give the model at ``path``, a file, a folder or a folder of the library, for as long as it is looked at.

    Raises ``ModelError`` if nothing can be said of it.
    """
    record = read_record(path) if path.is_dir() else None
    place = Path(record.link) if record and record.link else path
    with tempfile.TemporaryDirectory(prefix="s2s-") as scratch:
        found = describe(place, Path(scratch))
        if record is not None and found.description is not None:
            card = msgspec.structs.replace(found.description.card, id=record.card.id, name=record.card.name)
            found = Survey(replace(found.description, card=card), found.faults)
        yield found


def open_model(path: Path) -> Model:
    """Return the model at ``path``; raise ``ModelError`` with everything that is wrong with it."""
    with described(path) as found:
        return build_model(found)


def build_model(found: Survey, precision: Precision = "fp32") -> Model:
    """Return what was described, its weights read; raise ``ModelError``, also where memory would not suffice.

    ``precision`` is as in ``assemble``.
    """
    assert found.description is not None
    needed, free = memory_needed(found.description), psutil.virtual_memory().available
    if not found.faults and needed > free:
        raise ModelError(
            found.description.card.name,
            [f"It needs {megabytes(needed)} of memory, but only {megabytes(free)} are free: close other programs."],
        )
    return assemble(found.description, found.faults, precision)


def trial(model: Model, direction: Direction | None = None) -> Iterator[Partial | KnownLines]:
    """Translate one short sentence: it shows that the model works, and prepares torch for the first of a user."""
    way = direction or next(iter(model.card.ways()))
    text = TRIALS.get(way.source.code, TRIAL_ELSE)
    if model.card.tokenizer.kind == "tokens":
        text = " ".join(model.source.piece(id) for id in range(min(8, model.source.size)))
    return translate(model, 0, text, way, DecodeOptions(), SentenceCache())


def try_out(model: Model) -> None:
    """Run the trial to its end."""
    deque(trial(model), maxlen=0)


def about(number: int, path: Path) -> Generator[Progress, None, About]:
    """Return what can be said of the model at ``path``, yielding while its file is hashed."""
    with described(path) as found:
        description = found.description
        assert description is not None
        file = path if path.is_file() else max(description.files, key=lambda one: one.stat().st_size)
        digest = yield from sha256(number, file)
        return About(
            str(path),
            description.card,
            description.format,
            description.precision,
            path.stat().st_size if path.is_file() else sum(one.stat().st_size for one in description.files),
            memory_needed(description),
            psutil.virtual_memory().available,
            digest,
            found.faults,
        )


def sha256(number: int, path: Path) -> Generator[Progress, None, str]:
    """Return the SHA-256 of a file in hexadecimal digits, yielding every few megabytes."""
    total, done = path.stat().st_size, 0
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            yield Progress(number, done, total)
    return digest.hexdigest()


def memory_needed(description: ModelDescription) -> int:
    """Return about how many bytes of memory a model takes up while it is loaded: float32 weights and some more."""
    return parameters(description.card) * BYTES_A_WEIGHT * 5 // 4 + SPARE


def parameters(card: ModelCard) -> int:
    """Return the number of weights that the card's network has; nothing if the card is faulty."""
    if card.network.faults():
        return 0
    with torch.device("meta"):
        return sum(weight.numel() for weight in build(card.network).parameters())


def megabytes(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 1e6:,.0f} MB"
