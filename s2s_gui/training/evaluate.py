"""``s2s evaluate``: a model's BLEU and chrF on a test set, as JSON with sacreBLEU's signatures.

A test file is plain text, one segment a line, or with ``:N`` behind its name column N of a TSV file.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch

from s2s_gui.description import Direction
from s2s_gui.engine.model import Model
from s2s_gui.errors import MissingExtra, RequestError
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import DecodeOptions
from s2s_gui.storage.library import find


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured: scores in percent with signatures, and the time that translating took."""

    model: str
    direction: str
    lines: int
    bleu: float
    bleu_signature: str
    chrf: float
    chrf_signature: str
    seconds: float

    def json(self) -> str:
        """Return the evaluation as indented JSON."""
        table = {
            "model": self.model,
            "direction": self.direction,
            "lines": self.lines,
            "bleu": {"score": self.bleu, "signature": self.bleu_signature},
            "chrf": {"score": self.chrf, "signature": self.chrf_signature},
            "seconds": round(self.seconds, 2),
        }
        return json.dumps(table, indent=2)


def command(
    model: str,
    source: Path,
    references: list[Path],
    source_language: str | None,
    target_language: str | None,
    beam: int | None,
    lowercase: bool,
) -> int:
    """Evaluate, print, and return the exit code."""
    torch.set_num_threads(1)
    opened = open_quick(find(model), "fp32")
    direction = _direction(opened, source_language, target_language)
    options = DecodeOptions(beam_size=beam)
    found = evaluate(opened, direction, source, references, options, lowercase=lowercase)
    sys.stdout.write(found.json() + "\n")
    return 0


def evaluate(
    model: Model, direction: Direction, source: Path, references: list[Path], options: DecodeOptions, *, lowercase: bool
) -> Evaluation:
    """Translate ``source`` on all cores and score it against ``references``."""
    try:
        from s2s_gui.training.development import translate_all  # needs the training extra
        from s2s_gui.training.scoring import bleu_and_chrf
    except ModuleNotFoundError as error:
        raise MissingExtra(f"Evaluating needs {error.name}: pip install 's2s-gui[training]'.") from error
    sources = read_side(source)
    wanted = [read_side(path) for path in references]
    for path, lines in zip(references, wanted, strict=True):
        if len(lines) != len(sources):
            raise RequestError(f"{path} has {len(lines)} lines but {source} has {len(sources)}; they must be the same.")
    began = perf_counter()
    hypotheses = translate_all(model, sources, direction, options, os.cpu_count() or 1)
    seconds = perf_counter() - began
    bleu, chrf = bleu_and_chrf(hypotheses, wanted, direction.target.code, lowercase=lowercase)
    return Evaluation(
        model.card.id,
        str(direction),
        len(sources),
        bleu.value,
        bleu.signature,
        chrf.value,
        chrf.signature,
        seconds,
    )


def read_side(path: Path) -> list[str]:
    """Return one side of a test set: the file's lines, or the column that a ``:N`` behind its name asks for."""
    column = 0
    match = re.fullmatch(r"(.+):(\d+)", str(path))
    if match and not path.exists():
        path, column = Path(match[1]), int(match[2])
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is not UTF-8 text.") from error
    if not column:
        return lines
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) < column:
            raise RequestError(f"Line {number} of {path} has no column {column}.")
    return [row[column - 1] for row in rows]


def _direction(model: Model, source: str | None, target: str | None) -> Direction:
    fitting = model.card.fitting(source, target)
    if len(fitting) != 1:
        offered = model.card.offer()
        raise RequestError(f"Say with --from and --to which way to evaluate; {model.card.id} offers {offered}.")
    return fitting[0]
