"""One generator for each kind of request: load a model, translate a text. From here on down, torch is imported.

``make`` returns the function that the worker calls for each request, always on the same thread; it alone holds the
loaded model. Errors a user can understand leave as ``TranslatorError``.
"""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import torch

from s2s_gui.description import Direction
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model, assemble
from s2s_gui.engine.translator import translate
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.formats import native
from s2s_gui.messages import DecodeOptions, Finished, LoadModel, ModelReady, Partial, Request, Translate, Update

WARM_UP = {"zh": "你好，世界。"}
WARM_UP_ELSE = "Hello."


def make() -> Callable[[Request], Iterator[Update]]:
    """Return the function from a request to its updates; it sets torch to one thread."""
    torch.set_num_threads(1)
    return Tasks().run


def open_model(folder: Path) -> Model:
    """Return the model in ``folder``; raise ``ModelError`` with everything that is wrong with it."""
    found = native.survey(folder)
    if found.description is None:
        raise ModelError(str(folder), list(found.faults))
    return assemble(found.description, found.faults)


class Tasks:
    """Holds the loaded model and the sentences that it has translated."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._cache = SentenceCache()

    def run(self, request: Request) -> Iterator[Update]:
        """Return the updates of ``request``; closing the iterator stops it."""
        if isinstance(request, LoadModel):
            return self._load(request)
        return self._translate(request)

    def _load(self, request: LoadModel) -> Iterator[Update]:
        started = perf_counter()
        model = open_model(Path(request.folder))
        deque(_warmed_up(model, model.card.ways()[0]), maxlen=0)
        self._model = model
        self._cache = SentenceCache()
        yield ModelReady(request.number, request.folder, model.card, perf_counter() - started, model.parameters)

    def _translate(self, request: Translate) -> Iterator[Update]:
        if self._model is None:
            raise RequestError("No model is loaded; choose one first.")
        direction = self._model.direction(request.source, request.target)
        result = yield from translate(
            self._model, request.number, request.text, direction, request.options, self._cache
        )
        yield Finished(request.number, result)


def _warmed_up(model: Model, direction: Direction) -> Iterator[Partial]:
    """Translate one short sentence, so that the first one of a user does not wait for torch's own preparations."""
    text = WARM_UP.get(direction.source.code, WARM_UP_ELSE)
    return translate(model, 0, text, direction, DecodeOptions(), SentenceCache())
