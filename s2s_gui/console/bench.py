"""``s2s bench decode`` times one warm sentence, ``s2s bench document`` a file as a whole.

A run of ``decode`` gives exactly the number of tokens that is asked for: the end symbol is forbidden until then. Times
include tokenizing and reading the source and do not include loading.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from s2s_gui.console.figures import percentile, show
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.documents import translate_lines
from s2s_gui.engine.model import Model
from s2s_gui.engine.searches import search_jobs
from s2s_gui.engine.segments import Task, make_task
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import DecodeOptions, Line
from s2s_gui.storage import library
from s2s_gui.text.sentences import lines

NO_LIMIT = 100.0
WARM_UPS = 3


@dataclass(frozen=True, slots=True)
class Decoded:
    """Milliseconds of one sentence: wall and processor time, to the first token, and of loading the model."""

    median_ms: float
    p95_ms: float
    median_cpu_ms: float
    first_token_ms: float
    tokens: int
    load_ms: float
    precision: str


@dataclass(frozen=True, slots=True)
class Document:
    """Wall time of a whole file, without loading."""

    seconds: float
    sentences: int
    tokens: int


def command(arguments: argparse.Namespace) -> int:
    """Run one of the two and print its figures."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    model = open_quick(library.find(arguments.model), arguments.precision)
    load = 1000 * (time.perf_counter() - began)
    if arguments.bench_command == "decode":
        found: Decoded | Document = decode(
            model, arguments.source, arguments.beam, arguments.tokens, arguments.repeat, load
        )
    else:
        contents = [line.content for line in lines(arguments.input.read_text(encoding="utf-8"))]
        found = document(model, contents, arguments.threads)
    show(found, as_json=arguments.json)
    return 0


def decode(model: Model, source: str, beam: int, tokens: int, repeat: int, load_ms: float) -> Decoded:
    """Decode ``source`` to exactly ``tokens`` tokens, ``repeat`` times after some warm-up."""
    task = _endless(model, beam, tokens)
    walls, processor, firsts = [], [], []
    count = 0
    for turn in range(WARM_UPS + repeat):
        began, cpu = time.perf_counter(), time.process_time()
        first = 0.0
        steps = search_jobs(model, [task.whole(source).job], task.search)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                count = len(end.value[0][0].tokens)
                break
            first = first or time.perf_counter() - began
        if turn >= WARM_UPS:
            walls.append(1000 * (time.perf_counter() - began))
            processor.append(1000 * (time.process_time() - cpu))
            firsts.append(1000 * first)
    precision = model.compiled.precision if model.compiled else "fp32"
    p95 = percentile(walls, 0.95)
    middle = statistics.median
    return Decoded(middle(walls), p95, middle(processor), middle(firsts), count, load_ms, precision)


def document(model: Model, contents: Sequence[str], threads: int) -> Document:
    """Translate lines in batches, greedily, in the model's first direction."""
    direction = model.card.ways()[0]
    steps = translate_lines(model, contents, direction, DecodeOptions(beam_size=1), SentenceCache(), threads)
    began = time.perf_counter()
    found: list[Line] = []
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found = end.value
            break
    seconds = time.perf_counter() - began
    segments = [segment for line in found for segment in line.segments]
    return Document(seconds, len(segments), sum(len(one.hypotheses[0].tokens) for one in segments))


def _endless(model: Model, beam: int, tokens: int) -> Task:
    """Return a task whose hypotheses end after ``tokens`` tokens and never before."""
    options = DecodeOptions(beam_size=beam, max_length_ratio=NO_LIMIT, repeat_limit=1000)
    task = make_task(model, model.card.ways()[0], options)
    search = replace(task.search, most_tokens=tokens, never=tuple(sorted({*task.search.never, task.search.eos})))
    return replace(task, search=search)
