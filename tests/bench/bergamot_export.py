"""Does a Bergamot export translate alike in other engines?  ``python -m tests.bench.bergamot_export --help``.

The engines are no part of this program's environment. fxtranslate 0.5.0 runs under the Python that is given, and
``@browsermt/bergamot-translator`` 0.4.9 under node, in the folder where npm has put it. The shortlist is built from the
tested lines among others: it shows that the file works and not how good it is.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sacrebleu
import torch

from s2s_gui.description import Direction, ModelDescription
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.calibration import measure
from s2s_gui.engine.model import Model, assemble
from s2s_gui.engine.segments import make_task
from s2s_gui.engine.shortlist import build
from s2s_gui.engine.translator import translate
from s2s_gui.formats import native
from s2s_gui.formats.marian import bergamot
from s2s_gui.messages import DecodeOptions, Hypothesis
from tests.shared import SHARED

OPTIONS = DecodeOptions(beam_size=1, repeat_limit=1000)
SAMPLES = 200
FXTRANSLATE = """
import fxtranslate, json, pathlib, sys
job = json.load(sys.stdin)
read = [pathlib.Path(p).read_bytes() if p else None for p in job["files"]]
engine = fxtranslate.Translator(read[0], read[1], read[1], read[2])
json.dump([engine.translate(line) for line in job["lines"]], sys.stdout)
"""


def sentences(model: Model, direction: Direction, lines: Sequence[str]) -> Iterator[tuple[str, Hypothesis]]:
    """Yield every sentence of ``lines`` with this program's translation."""
    task = make_task(model, direction, OPTIONS)
    for line in lines:
        for planned in task.plan(line):
            steps = translate(model, 0, planned.text, direction, OPTIONS, SentenceCache())
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    yield planned.text, end.value.lines[0].segments[0].hypotheses[0]
                    break


def shortlisted(model: Model, direction: Direction, pairs: Sequence[tuple[str, Hypothesis]]) -> Any:
    """Return a shortlist from sentences and their translations."""
    task = make_task(model, direction, OPTIONS)
    aligned = []
    for text, hypothesis in pairs:
        planned = next(iter(task.plan(text)))
        if not planned.is_copied:
            source = task.prepare(planned, forced=False).job.source
            aligned.append((source, [token.id for token in hypothesis.tokens], hypothesis.alignment))
    return build(aligned, model.source.size, model.card.decoding.eos)


def exported(description: ModelDescription, folder: Path, alphas: dict[str, float], shortlist: Any) -> dict[str, Path]:
    """Write the export; return its files by role."""
    bergamot.write(description, folder, alphas, shortlist)
    return {path.name.split(".")[0]: path for path in folder.iterdir()}


def by_fxtranslate(python: str, files: dict[str, Path], lines: Sequence[str]) -> list[str]:
    """Return fxtranslate's translations."""
    paths = [str(files[role]) if role in files else "" for role in ("model", "vocab", "lex")]
    return run([python, "-c", FXTRANSLATE], {"files": paths, "lines": lines})


def by_wasm(package: str, files: dict[str, Path], lines: Sequence[str], precision: str) -> list[str]:
    """Return the translations of Bergamot's engine in WebAssembly."""
    job = {
        "package": package,
        "model": str(files["model"]),
        "vocabularies": [str(files["vocab"])],
        "shortlist": str(files.get("lex", "")),
        "precision": precision,
        "scores": False,
        "lines": lines,
    }
    return run(["node", str(SHARED / "interop" / "bergamot" / "wasm_engine.mjs")], job)


def run(command: list[str], job: dict[str, Any]) -> list[str]:
    """Run a program that reads and writes JSON."""
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models/zh-en-fast"))
    parser.add_argument("--python", default="", help="Python with fxtranslate")
    parser.add_argument("--node", default="", help="folder with node_modules/@browsermt/bergamot-translator")
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--direction", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    description = native.read(arguments.model)
    model = assemble(description)
    direction = model.card.ways()[arguments.direction]
    task = make_task(model, direction, OPTIONS)
    content = (SHARED / "data" / "eval" / "tatoeba-dev.en-zh.tsv").read_text(encoding="utf-8")
    rows = [dict(zip(("en", "zh"), row.split("\t"), strict=True)) for row in content.splitlines()]
    rows = [row for row in rows if len(list(task.plan(row[direction.source.code]))) == 1]
    texts = [row[direction.source.code] for row in rows]
    references = [row[direction.target.code] for row in rows[: arguments.lines]]
    alphas = measure(model, direction, texts[-SAMPLES:])
    pairs = list(sentences(model, direction, texts[: arguments.lines]))
    more = list(sentences(model, direction, texts[-SAMPLES:]))
    inputs = [f"{direction.tag.lstrip(chr(0x2581))} {text}".lstrip() for text, _ in pairs]
    ours = [hypothesis.text for _, hypothesis in pairs]
    tokenizer = "zh" if direction.target.code == "zh" else "13a"

    def report(name: str, theirs: Sequence[str]) -> None:
        different = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
        scores = [sacrebleu.corpus_bleu(list(one), [references], tokenize=tokenizer).score for one in (ours, theirs)]
        score = sacrebleu.corpus_bleu(list(theirs), [ours], tokenize=tokenizer).score
        print(
            f"{name}: {len(different)} of {len(ours)} texts differ; BLEU {scores[0]:.2f} here, {scores[1]:.2f} there;"
            f" theirs against ours {score:.1f}"
        )
        for here, there in different[:4]:
            print(f"    {here}\n    {there}")

    with tempfile.TemporaryDirectory() as place:
        variants = {
            "alphas": (alphas, None),
            "alphas and shortlist": (alphas, shortlisted(model, direction, [*pairs, *more])),
            "no alphas": ({}, None),
        }
        for name, (used, lists) in variants.items():
            files = exported(description, Path(place) / name.replace(" ", "-"), used, lists)
            back = assemble(bergamot.read(files["model"].parent))
            way = next(one for one in back.card.ways() if one.target.code == direction.target.code)
            if lists is None and used:
                read = sentences(back, way, [text for text, _ in pairs])
                report("read back here, int8 weights", [hypothesis.text for _, hypothesis in read])
            if arguments.python and used:
                report(f"fxtranslate, {name}", by_fxtranslate(arguments.python, files, inputs))
            if arguments.node:
                precision = "int8shiftAlphaAll" if used else "int8shiftAll"
                report(f"WebAssembly, {name}", by_wasm(arguments.node, files, inputs, precision))


if __name__ == "__main__":
    main()
