"""``s2s translate``: files or standard input to standard output, line for line.

Input is read and translated piece by piece, so a pipe of any length needs little memory. Every line end stays as it
was, and so does the lack of one at the end.
"""

import argparse
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec
import torch

from s2s_gui.console.json_line import as_json
from s2s_gui.console.request import STANDARD_INPUT, Asked
from s2s_gui.description import Direction
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.documents import translate_lines
from s2s_gui.engine.model import Model, of_tokens
from s2s_gui.engine.pivot import legs, pivot
from s2s_gui.engine.translator import translate
from s2s_gui.errors import TranslatorError
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import DecodeOptions, KnownLines, Line, Partial, Result
from s2s_gui.text.sentences import TextLine, lines

LINES_AT_ONCE = 256


def command(arguments: argparse.Namespace, request: Asked) -> int:
    """Run ``s2s translate``."""
    torch.set_num_threads(1)
    models = [open_quick(folder, request.precision, shortlist=request.shortlist) for folder in request.folders]
    if request.is_tokens:
        models = [of_tokens(models[0])]
    source = chain.from_iterable(_read(name) for name in request.files)
    writer = _Writer(models, request.direction, request.options, request.threads or os.cpu_count() or 1)
    if arguments.json:
        writer.json(source)
    elif arguments.stream:
        writer.stream(source)
    else:
        is_typed = STANDARD_INPUT in request.files and sys.stdin.isatty()
        writer.plain(source, 1 if is_typed else LINES_AT_ONCE)
    return 0


class _Writer:
    """Translates lines and writes them in one of three ways, always as UTF-8."""

    def __init__(self, models: Sequence[Model], direction: Direction, options: DecodeOptions, threads: int) -> None:
        self._models = models
        self._direction = direction
        self._options = options
        self._threads = threads
        self._caches = [SentenceCache() for _ in models]

    def plain(self, source: Iterator[TextLine], at_once: int) -> None:
        for some in _groups(source, at_once):
            for done, line in zip(self._batch([line.content for line in some]), some, strict=True):
                _write(done.text + line.end)
            sys.stdout.buffer.flush()

    def stream(self, source: Iterator[TextLine]) -> None:
        for line in source:
            shown = ""
            for update in self._updates(line):
                if isinstance(update, Partial) and len(update.stable) > len(shown):
                    _write(update.stable[len(shown) :])
                    sys.stdout.buffer.flush()
                    shown = update.stable
                elif isinstance(update, Result):
                    _write(update.text[len(shown) :])
            _write(line.end)
            sys.stdout.buffer.flush()

    def json(self, source: Iterator[TextLine]) -> None:
        for line in source:
            for update in self._updates(line):
                if isinstance(update, Result):
                    _write(as_json(update, self._options.hypotheses) + "\n")
                    sys.stdout.buffer.flush()

    def _batch(self, contents: list[str]) -> list[Line]:
        """Translate lines at once, in a chain with one model after the other."""
        ways = self._ways()
        for place, (model, cache, way) in enumerate(zip(self._models, self._caches, ways, strict=True)):
            options = self._options if place == len(ways) - 1 else msgspec.structs.replace(self._options, prefix="")
            found = _returned(translate_lines(model, contents, way, options, cache, self._threads))
            contents = [line.text for line in found]
        return found

    def _ways(self) -> tuple[Direction, ...]:
        if len(self._models) == 1:
            return (self._direction,)
        first, second = self._models
        return legs(first, second, str(self._direction.source), str(self._direction.target))

    def _updates(self, line: TextLine) -> Iterator[Partial | KnownLines | Result]:
        if len(self._models) == 1:
            result = yield from translate(
                self._models[0], 0, line.content, self._direction, self._options, self._caches[0]
            )
        else:
            way = self._direction
            result = yield from pivot(
                self._models, self._caches, 0, line.content, str(way.source), str(way.target), self._options
            )
        yield result


def _read(name: str) -> Iterator[TextLine]:
    """Yield the lines of a file, or of standard input for "-"."""
    if name == STANDARD_INPUT:
        yield from _decoded(sys.stdin.buffer, "standard input")
    else:
        with Path(name).open("rb") as file:
            yield from _decoded(file, name)


def _decoded(file: BinaryIO, name: str) -> Iterator[TextLine]:
    for number, raw in enumerate(file, 1):
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TranslatorError(
                f"{name}, line {number}: this is not UTF-8 text. Convert it first, for example with"
                " iconv -f GB18030 -t UTF-8."
            ) from error
        yield from (line for line in lines(text) if line.content or line.end)


def _groups(source: Iterator[TextLine], size: int) -> Iterator[list[TextLine]]:
    """Yield the lines in groups; those before a place that cannot be read come before its error."""
    group: list[TextLine] = []
    try:
        for line in source:
            group.append(line)
            if len(group) == size:
                yield group
                group = []
    except (TranslatorError, OSError):
        if group:
            yield group
        raise
    if group:
        yield group


def _returned(work: Generator[None, None, list[Line]]) -> list[Line]:
    """Run ``work`` to its end and return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8"))
