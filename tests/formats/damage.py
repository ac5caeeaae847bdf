"""Ways in which files arrive broken, and what must then happen: a plain message, soon, without much memory."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from s2s_gui.cards import LFS_POINTER
from s2s_gui.engine.model import assemble
from s2s_gui.errors import ModelError
from s2s_gui.formats.opening import describe

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 8
SHARES = (0.0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
SECONDS = 5.0
SPARE_BYTES = 24 << 20


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to break a folder."""

    name: str
    apply: Callable[[Path], None]


def of_file(name: str) -> Iterator[Damage]:
    """Yield what can happen to any file: cut at many places, empty, something else, missing."""
    for share in SHARES:
        yield Damage(f"{name} cut at {share}", partial(_cut, name, share))
    for label, content in (
        ("a picture", JPEG),
        ("a pointer", LFS_POINTER + b"\noid sha256:1\nsize 9\n"),
        ("zeros", bytes(4096)),
    ):
        yield Damage(f"{name} is {label}", partial(_write, name, content))
    yield Damage(f"{name} is missing", partial(_unlink, name))


def of_config(name: str, **values: list[Any]) -> Iterator[Damage]:
    """Yield changes of single values in a JSON file."""
    for key, wrong in values.items():
        for value in wrong:
            yield Damage(f"{key} = {value!r}", partial(_set, name, key, value))


def refusal(folder: Path, scratch: Path) -> str:
    """Return the message with which the model in ``folder`` is refused, after looking at its cost."""
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    began = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(ModelError) as caught:
            _open(folder, scratch)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * size + SPARE_BYTES, f"{peak:,} bytes for files of {size:,}"
    assert time.monotonic() - began < SECONDS
    message = str(caught.value)
    assert "Traceback" not in message
    assert all(fault.endswith((".", ")", '"')) for fault in caught.value.faults), message
    return message


def _open(folder: Path, scratch: Path) -> None:
    found = describe(folder, scratch)
    assert found.description is not None
    assemble(found.description, found.faults)


def _cut(name: str, share: float, folder: Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * share)])


def _write(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)


def _unlink(name: str, folder: Path) -> None:
    (folder / name).unlink()


def _set(name: str, key: str, value: Any, folder: Path) -> None:
    (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | {key: value}))
