"""``s2s bench``: everything that makes the program feel quick or slow, in one table.

Decoding is measured in this process. Start, memory, stalls and stops are measured in processes of their own, where the
window opens as a user opens it, and beside them what importing Qt and torch alone takes here. The processes take turns
and medians are given.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import torch

from s2s_gui import paths
from s2s_gui.console.bench import Decoded, decode, document
from s2s_gui.console.bench_typing import TYPED, keystrokes, recorded, typing
from s2s_gui.console.figures import show
from s2s_gui.description import Direction
from s2s_gui.engine.model import Model
from s2s_gui.errors import RequestError, TranslatorError
from s2s_gui.manage.quick import open_quick
from s2s_gui.storage import library, whole_file
from s2s_gui.storage.session import Session
from s2s_gui.text.sentences import sentences

TOKENS = 30
REPEAT = 20
COPIES = 20
STARTS = 3
QT = "from PySide6 import QtWidgets"
TORCH = "import torch"
PEAK = "; from s2s_gui.probe import peak_bytes; print(peak_bytes())"


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures: times in milliseconds, memory in megabytes; ``_import_`` is what importing alone takes."""

    model: str
    precision: str
    first_token_ms: float
    tokens_per_second_beam_1: float
    tokens_per_second_beam_4: float
    sentences_per_second: float
    key_p50_ms: float
    key_p95_ms: float
    typing_ratio: float
    window_shown_ms: float
    qt_import_ms: float
    model_ready_ms: float
    first_translation_ms: float
    torch_import_ms: float
    peak_mb: float
    torch_import_mb: float
    weights_mb: float
    cancel_p50_ms: float
    cancel_worst_ms: float
    slice_ms: float
    stall_p99_ms: float
    stall_worst_ms: float


class Window(msgspec.Struct):
    """What the probe says of one window."""

    shown_at: float
    ready_at: float
    first_translation_at: float
    peak_bytes: int
    stall_p99_ms: float
    stall_worst_ms: float


class Cancel(msgspec.Struct):
    """What the probe says of stopped translations."""

    cancel_p50_ms: float
    cancel_worst_ms: float
    slice_ms: float


@dataclass(slots=True)
class _Starts:
    """The figures of each start, in milliseconds and megabytes."""

    shown: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    stall_p99: list[float] = field(default_factory=list)
    stall_worst: list[float] = field(default_factory=list)
    qt: list[float] = field(default_factory=list)
    torch: list[float] = field(default_factory=list)
    torch_peak: list[float] = field(default_factory=list)


def command(arguments: argparse.Namespace) -> int:
    """Measure everything and print it."""
    torch.set_num_threads(1)
    folder = library.find(arguments.model) if arguments.model else _first()
    model = open_quick(folder, "auto")
    show(measure(model, folder), as_json=bool(arguments.json))
    return 0


def measure(model: Model, folder: Path) -> Figures:
    """Return all figures of ``model``, which lies in ``folder``; takes about a minute."""
    way = recorded(model)
    *_, text = keystrokes(TYPED[way.source.code])
    parts = [text[span.start : span.end] for span in sentences(text, way.source.code)]
    sentence = max(parts, key=len)
    beams = [decode(model, sentence, beam, TOKENS, REPEAT, 0.0) for beam in (1, 4)]
    whole = document(model, [f"{number} {part}" for number in range(COPIES) for part in parts], os.cpu_count() or 1)
    session = typing(model)
    with tempfile.TemporaryDirectory(prefix="s2s-") as home:
        starts = _starts(folder, sentence, way, Path(home))
        cancel = msgspec.json.decode(
            _child(Path(home), _probe("cancel", folder, sentence, str(way.source), str(way.target))), type=Cancel
        )
    middle = statistics.median
    return Figures(
        model=model.card.name,
        precision=beams[0].precision,
        first_token_ms=beams[0].first_token_ms,
        tokens_per_second_beam_1=_speed(beams[0]),
        tokens_per_second_beam_4=_speed(beams[1]),
        sentences_per_second=whole.sentences / whole.seconds,
        key_p50_ms=session.p50_ms,
        key_p95_ms=session.p95_ms,
        typing_ratio=session.ratio,
        window_shown_ms=middle(starts.shown),
        qt_import_ms=middle(starts.qt),
        model_ready_ms=middle(starts.ready),
        first_translation_ms=middle(starts.first),
        torch_import_ms=middle(starts.torch),
        peak_mb=middle(starts.peak),
        torch_import_mb=middle(starts.torch_peak),
        weights_mb=sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 1e6,
        cancel_p50_ms=cancel.cancel_p50_ms,
        cancel_worst_ms=cancel.cancel_worst_ms,
        slice_ms=cancel.slice_ms,
        stall_p99_ms=middle(starts.stall_p99),
        stall_worst_ms=middle(starts.stall_worst),
    )


def _starts(folder: Path, sentence: str, way: Direction, home: Path) -> _Starts:
    """Start the window, and Qt and torch alone, in turns; a first turn warms the disk's cache and does not count."""
    found = _Starts()
    kept = Session(text=sentence, source=str(way.source), target=str(way.target), model=str(folder))
    for turn in range(1 + STARTS):
        whole_file.write(home / "session.json", kept)
        qt, _ = _timed(home, ["-c", QT])
        alone, _ = _timed(home, ["-c", TORCH])
        peak = int(_child(home, ["-c", TORCH + PEAK]))
        began = time.monotonic()
        window = msgspec.json.decode(_child(home, _probe("window", folder, sentence)), type=Window)
        if turn == 0:
            continue
        found.qt.append(qt)
        found.torch.append(alone)
        found.torch_peak.append(peak / 1e6)
        found.shown.append(1000 * (window.shown_at - began))
        found.ready.append(1000 * (window.ready_at - window.shown_at))
        found.first.append(1000 * (window.first_translation_at - window.shown_at))
        found.peak.append(window.peak_bytes / 1e6)
        found.stall_p99.append(window.stall_p99_ms)
        found.stall_worst.append(window.stall_worst_ms)
    return found


def _probe(mode: str, folder: Path, *others: str) -> list[str]:
    return ["-m", "s2s_gui.probe", mode, str(folder), *others]


def _timed(home: Path, arguments: list[str]) -> tuple[float, bytes]:
    began = time.perf_counter()
    output = _child(home, arguments)
    return 1000 * (time.perf_counter() - began), output


def _child(home: Path, arguments: list[str]) -> bytes:
    """Run Python with ``arguments`` and a user's folder of its own; return what it prints."""
    environment = {**os.environ, paths.HOME_VARIABLE: str(home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode, as Qt's modules have
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    run = subprocess.run([sys.executable, *arguments], capture_output=True, check=False, env=environment)
    if run.returncode:
        raise TranslatorError(f"A part of the benchmark failed: {run.stderr.decode(errors='replace').strip()[-500:]}")
    return run.stdout


def _speed(found: Decoded) -> float:
    return 1000 * found.tokens / found.median_ms


def _first() -> Path:
    for one in library.installed():
        if one.card and not one.fault:
            return one.folder
    raise RequestError("No model is installed; give one with --model PATH.")
