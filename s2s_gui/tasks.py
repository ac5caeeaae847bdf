"""One generator for each kind of request. From here on down, torch is imported.

``make`` and ``make_files`` return the function that a worker calls for each request, always on the same thread: the
first loads and translates and alone holds the loaded model, the second looks after model files and holds nothing.
Errors a user can understand leave as ``TranslatorError``.
"""

import ctypes
import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import msgspec
import torch

from s2s_gui.description import ModelCard
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.pivot import pivot
from s2s_gui.engine.translator import translate
from s2s_gui.errors import RequestError
from s2s_gui.manage.importing import import_model, verify
from s2s_gui.manage.opening import about, trial
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import (
    Described,
    DescribeModel,
    Finished,
    ImportModel,
    LoadModel,
    ModelReady,
    ModelUnloaded,
    Request,
    Translate,
    UnloadModel,
    Update,
    VerifyModel,
)
from s2s_gui.storage import library


def make() -> Callable[[Request], Iterator[Update]]:
    """Return the function for loading and translating; it sets torch to one thread."""
    torch.set_num_threads(1)
    # What torch's import has made stays for good. A full collection that looks at it again stops the window's thread
    # too, for eighty milliseconds and more.
    gc.freeze()
    return Tasks().run


def make_files() -> Callable[[Request], Iterator[Update]]:
    """Return the function for describing, importing and verifying model files."""
    torch.set_num_threads(1)
    return _files


class Tasks:
    """Holds the loaded model, or the two of a chain, and the sentences that it has translated."""

    def __init__(self) -> None:
        self._models: tuple[Model, ...] = ()
        self._caches: tuple[SentenceCache, ...] = ()
        self._loaded: LoadModel | None = None

    def run(self, request: Request) -> Iterator[Update]:
        """Return the updates of ``request``; closing the iterator stops it."""
        if isinstance(request, LoadModel):
            return self._load(request)
        if isinstance(request, UnloadModel):
            return self._unload(request)
        assert isinstance(request, Translate)
        return self._translate(request)

    def _load(self, request: LoadModel) -> Iterator[Update]:
        started = perf_counter()
        models = _opened(request)
        self._models, self._caches = models, tuple(SentenceCache() for _ in models)
        self._loaded = request
        card = models[0].card if len(models) == 1 else chain_card(models[0].card, models[1].card)
        parameters = sum(model.parameters for model in models)
        precision = models[0].compiled.precision if models[0].compiled else ""
        yield ModelReady(request.number, request.folder, card, perf_counter() - started, parameters, precision)

    def _unload(self, request: UnloadModel) -> Iterator[Update]:
        """Let go of the weights and keep what was translated with them."""
        self._models = ()
        _give_back()
        yield ModelUnloaded(request.number)

    def _translate(self, request: Translate) -> Iterator[Update]:
        if self._loaded is None:
            raise RequestError("No model is loaded; choose one first.")
        if not self._models:
            self._models = _opened(self._loaded)
        if len(self._models) == 2:
            result = yield from pivot(
                self._models,
                self._caches,
                request.number,
                request.text,
                request.source,
                request.target,
                request.options,
            )
        else:
            direction = self._models[0].direction(request.source, request.target)
            threads = self._loaded.threads or os.cpu_count() or 1
            result = yield from translate(
                self._models[0], request.number, request.text, direction, request.options, self._caches[0], threads
            )
        yield Finished(request.number, result)


def _opened(request: LoadModel) -> tuple[Model, ...]:
    """Return the model, or both of a chain, after the trial that also prepares torch for the first text."""
    folders = [Path(folder) for folder in request.folder.split(library.CHAIN)]
    models = tuple(open_quick(folder, request.precision, shortlist=request.shortlist) for folder in folders)
    for model in models:
        deque(trial(model), maxlen=0)
    return models


def _give_back() -> None:
    """Give the system what is free, also where the C library would keep it (glibc keeps a third of a model)."""
    gc.collect()
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def chain_card(first: ModelCard, second: ModelCard) -> ModelCard:
    """Return the card of two models in a row: the directions that lead into English and on from it."""
    ways = tuple(
        msgspec.structs.replace(after, source=before.source, tag="", prefix="")
        for before in first.directions
        for after in second.directions
        if before.target.code == after.source.code == library.BRIDGE and before.source.code != after.target.code
    )
    name = f"{first.name} + {second.name}"[:200]
    return msgspec.structs.replace(second, id="chain", name=name, directions=ways, languages=(), figures=())


def _files(request: Request) -> Iterator[Update]:
    number = request.number
    if isinstance(request, DescribeModel):
        found = yield from about(number, Path(request.path))
        yield Described(number, found)
    elif isinstance(request, ImportModel):
        yield (yield from import_model(number, Path(request.path), link=request.link))
    elif isinstance(request, VerifyModel):
        yield (yield from verify(number, Path(request.folder)))
