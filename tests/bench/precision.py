"""What the quick way costs in quality: ``python -m tests.bench.precision MODEL DEV.tsv --from zh --to en``.

Every line is translated alone, greedily: by the plain network in float32, by the quick one in float32 and in 8 bits,
each with and without the model's shortlist, if it has one. The first two must give the same tokens. Printed are speed,
the number of differing lines, and BLEU.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import sacrebleu
import torch

from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model, quickened
from s2s_gui.engine.translator import translate
from s2s_gui.manage.opening import open_model
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import DecodeOptions, Result


def run(model: Model, lines: list[str], source: str, target: str) -> tuple[list[Result], float]:
    """Return the results of all lines and the processor time that they took."""
    direction = model.direction(source, target)
    began = time.process_time()
    found = []
    for line in lines:
        steps = translate(model, 0, line, direction, DecodeOptions(beam_size=1), SentenceCache())
        while True:
            try:
                next(steps)
            except StopIteration as end:
                found.append(end.value)
                break
    return found, time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("dev", type=Path, help="tab-separated lines, English first")
    parser.add_argument("--from", dest="source", default="zh")
    parser.add_argument("--to", dest="target", default="en")
    parser.add_argument("--lines", type=int, default=1000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [line.split("\t") for line in arguments.dev.read_text(encoding="utf-8").splitlines()][: arguments.lines]
    column = 0 if arguments.source == "en" else 1
    sources, references = [row[column] for row in rows], [row[1 - column] for row in rows]
    whole = open_model(arguments.model)
    plain = replace(whole, shortlist=None)
    ways = {"plain": plain, "fp32": quickened(plain, "fp32")}
    ways["int8"] = open_quick(arguments.model, "int8", shortlist=False)
    if whole.shortlist is not None:
        ways["fp32, shortlist"] = quickened(whole, "fp32")
        ways["int8, shortlist"] = open_quick(arguments.model, "int8")
    reference: list[Result] = []
    for name, model in ways.items():
        found, seconds = run(model, sources, arguments.source, arguments.target)
        reference = reference or found
        tokens = sum(one.tokens for one in found)
        differ = sum(ids(one) != ids(other) for one, other in zip(found, reference, strict=True))
        tokenizer = "zh" if arguments.target == "zh" else "13a"
        bleu = sacrebleu.corpus_bleu([one.text for one in found], [references], tokenize=tokenizer).score
        print(f"{name:15} {tokens / seconds:7.0f} tokens/s  {differ:4} of {len(found)} differ  BLEU {bleu:.2f}")


def ids(result: Result) -> list[int]:
    return [token.id for line in result.lines for one in line.segments for token in one.hypotheses[0].tokens]


if __name__ == "__main__":
    main()
