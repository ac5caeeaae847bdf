"""Everyday sentences, read by people: ``python -m tests.bench.everyday [MODEL] [--write]``.

The lists ``tests/golden/everyday.{zh,en}.tsv`` are translated in float32 with the search of the model's card, each line
alone, so that no line depends on its neighbours. Printed are the outputs, the faults that a program can see, and the
share that a reader accepted. ``--write`` stores the outputs beside the lists; a judgement (column ``accepted``: yes,
no or nothing) stays for as long as the output does not change.
"""

import argparse
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch

from s2s_gui import paths
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.documents import translate_lines
from s2s_gui.engine.model import Model, quickened
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import DecodeOptions, Line

Side = Literal["zh", "en"]
Fault = Literal["loop", "echo", "dropped", "empty"]
SIDES: tuple[Side, ...] = get_args(Side)
FAULTS: tuple[Fault, ...] = get_args(Fault)
JUDGEMENTS = ("yes", "no", "")
GOLDEN = Path(__file__).parents[1] / "golden"
ENTRY_HEADER = "kind\tsource\treference"
OUTPUT_HEADER = "source\toutput\taccepted"

HAN = r"[\u3400-\u9fff\uf900-\ufaff]"
LATIN = r"[A-Za-z\u00c0-\u024f]+"
WORD = rf"{HAN}|[^\W\u3400-\u9fff\uf900-\ufaff]+"
UNITS = (re.compile(WORD), re.compile(rf"{WORD}|[^\w\s]+"))  # without and with punctuation
SCRIPT = {"zh": re.compile(HAN), "en": re.compile(LATIN)}
SENTENCE_END = re.compile(r"(?:[。!?]|\.(?![0-9A-Za-z]))+")
LOOP_RUN = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    kind: str
    source: str
    reference: str


@dataclass(frozen=True, slots=True)
class Output:
    """One line of stored outputs; ``accepted`` is "yes", "no" or, not judged yet, ""."""

    source: str
    text: str
    accepted: str = ""


def read_entries(side: Side) -> list[Entry]:
    """Return the list whose sources are in the language ``side``."""
    return [Entry(*row) for row in _rows(GOLDEN / f"everyday.{side}.tsv", ENTRY_HEADER)]


def stored(model_id: str, side: Side) -> Path:
    """Return where the outputs of a model lie, if there are any."""
    return GOLDEN / f"everyday.{model_id}.{side}.tsv"


def read_outputs(path: Path) -> list[Output]:
    """Return the stored outputs; none if there is no such file. Raises ``ValueError`` for an unknown judgement."""
    outputs = [Output(*row) for row in _rows(path, OUTPUT_HEADER)] if path.exists() else []
    for one in outputs:
        if one.accepted not in JUDGEMENTS:
            raise ValueError(f"{path.name}: accepted must be yes, no or nothing, not {one.accepted!r}: {one.source}")
    return outputs


def write_outputs(path: Path, outputs: Sequence[Output]) -> None:
    rows = [f"{one.source}\t{one.text}\t{one.accepted}" for one in outputs]
    path.write_text("\n".join([OUTPUT_HEADER, *rows]) + "\n", encoding="utf-8", newline="\n")


def _rows(path: Path, header: str) -> list[list[str]]:
    first, *rest = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    rows = [row.split("\t") for row in rest]
    if first != header or any(len(row) != header.count("\t") + 1 for row in rows):
        raise ValueError(f"{path.name}: every line must have the columns {header!r}")
    return rows


def with_judgements(outputs: Sequence[Output], old: Sequence[Output]) -> list[Output]:
    """Give each output the judgement that the same output of the same source had before."""
    known = {(one.source, one.text): one.accepted for one in old}
    return [Output(one.source, one.text, known.get((one.source, one.text), "")) for one in outputs]


def is_loop(source: str, text: str) -> bool:
    """Say whether the text says something three times running or more, and the source does not."""
    return _repeats(text) and not _repeats(source)


def _repeats(text: str) -> bool:
    return any(
        units[at : at + LOOP_RUN * length] == LOOP_RUN * units[at : at + length]
        for units in (pattern.findall(_plain(text)) for pattern in UNITS)
        for length in range(1, len(units) // LOOP_RUN + 1)
        for at in range(len(units) - LOOP_RUN * length + 1)
    )


def is_echo(source: str, text: str, side: Side) -> bool:
    """Say whether the text is the source, or mostly in its script: a Latin word counts as much as a Han character."""
    plain = _plain(text)
    counts = {script: len(pattern.findall(plain)) for script, pattern in SCRIPT.items()}
    return plain == _plain(source) or 2 * counts[side] > sum(counts.values())


def is_dropped(source: str, text: str) -> bool:
    """Say whether the text has fewer sentence ends than half of the source's."""
    return 2 * _ends(text) < _ends(source)


def _ends(text: str) -> int:
    return len(SENTENCE_END.findall(_plain(text)))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()


def faults(line: Line, side: Side) -> list[Fault]:
    """Return the faults of a translated line that can be seen without understanding it."""
    cut = any(one.hypotheses[0].stopped == "loop" for one in line.segments if one.hypotheses)
    seen: dict[Fault, bool] = {
        "loop": cut or is_loop(line.source, line.text),
        "echo": is_echo(line.source, line.text, side),
        "dropped": is_dropped(line.source, line.text),
    }
    return [fault for fault in FAULTS if seen.get(fault)] if line.text.strip() else ["empty"]


def open_exact(folder: Path) -> Model:
    """Open a model for its quick way in float32."""
    return quickened(open_model(folder), "fp32")


def translated(model: Model, sources: Sequence[str], side: Side) -> list[Line]:
    """Translate each line alone into the other language."""
    direction = model.direction(side, "en" if side == "zh" else "zh")
    lines: list[Line] = []
    for source in sources:
        steps = translate_lines(model, [source], direction, DecodeOptions(), SentenceCache())
        while True:
            try:
                next(steps)
            except StopIteration as end:
                lines += end.value
                break
    return lines


def report(entries: Sequence[Entry], outputs: Sequence[Output], found: Sequence[Sequence[Fault]]) -> str:
    """Return every output with its faults and judgement, and the counts."""
    rows = [
        f"{entry.kind}: {entry.source}\n    {one.text}  {' '.join((*some, one.accepted)).strip()}".rstrip()
        for entry, one, some in zip(entries, outputs, found, strict=True)
    ]
    judged = Counter(one.accepted for one in outputs)
    share = 100 * judged["yes"] / max(1, judged["yes"] + judged["no"])
    counts = Counter(fault for some in found for fault in some)
    rows.append(f"accepted: {judged['yes']} of {judged['yes'] + judged['no']} judged ({share:.1f} %)")
    rows.append(f"of {len(outputs)} lines: " + ", ".join(f"{fault} {counts[fault]}" for fault in FAULTS))
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=paths.shipped("models") / "zh-en-better")
    parser.add_argument("--write", action="store_true", help="store the outputs beside the lists")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = open_exact(arguments.model)
    for side in SIDES:
        entries, path = read_entries(side), stored(model.card.id, side)
        lines = translated(model, [entry.source for entry in entries], side)
        fresh = [Output(line.source, " ".join(line.text.split("\t"))) for line in lines]
        outputs = with_judgements(fresh, read_outputs(path))
        print(f"== {model.card.id}, from {side}")
        print(report(entries, outputs, [faults(line, side) for line in lines]))
        if arguments.write:
            write_outputs(path, outputs)


if __name__ == "__main__":
    main()
