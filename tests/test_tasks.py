import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2s_gui import tasks
from s2s_gui.description import Shortlist
from s2s_gui.engine.shortlist import LexicalShortlist
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.manage import quick
from s2s_gui.manage.opening import build_model
from s2s_gui.messages import (
    DecodeOptions,
    Finished,
    LoadModel,
    ModelReady,
    ModelUnloaded,
    Partial,
    Translate,
    UnloadModel,
)
from tests.engine import small


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tasks")
    return small.write(place, place / "model")


def test_load_then_translate(folder: Path) -> None:
    run = tasks.make()
    (ready,) = run(LoadModel(1, str(folder)))
    assert isinstance(ready, ModelReady)
    assert (ready.number, ready.folder, ready.card.id) == (1, str(folder), "small")
    assert ready.parameters > 0
    *updates, finished = run(Translate(2, "你好。\n\n世界", "zh", "en"))
    assert isinstance(finished, Finished)
    assert all(isinstance(update, Partial) and update.number == 2 for update in updates)
    assert finished.result.text.count("\n") == 2
    assert finished.result.tokens > 0
    assert finished.result.first_token_seconds <= finished.result.seconds


def test_no_model_no_direction_no_option(folder: Path) -> None:
    run = tasks.make()
    with pytest.raises(RequestError, match="No model is loaded"):
        list(run(Translate(1, "a", "en", "zh")))
    list(run(LoadModel(2, str(folder))))
    with pytest.raises(RequestError, match="does not translate"):
        list(run(Translate(3, "a", "en", "fr")))
    with pytest.raises(RequestError, match="beam size"):
        list(run(Translate(4, "a", "en", "zh", DecodeOptions(beam_size=0))))


def test_a_failed_load_keeps_the_old_model(folder: Path, tmp_path: Path) -> None:
    run = tasks.make()
    list(run(LoadModel(1, str(folder))))
    with pytest.raises(ModelError, match="no such file or folder"):
        list(run(LoadModel(2, str(tmp_path / "none"))))
    assert isinstance(list(run(Translate(3, "hello", "en", "zh")))[-1], Finished)


def test_an_unloaded_model_comes_back_with_the_next_text(folder: Path) -> None:
    run = tasks.make()
    list(run(LoadModel(1, str(folder))))
    before = list(run(Translate(2, "hello", "en", "zh")))[-1]
    weights = weakref.ref(run.__self__._models[0].network)  # type: ignore[attr-defined]
    assert list(run(UnloadModel(3))) == [ModelUnloaded(3)]
    assert weights() is None
    after = list(run(Translate(4, "hello\nhello you", "en", "zh")))[-1]
    assert isinstance(before, Finished)
    assert isinstance(after, Finished)
    assert after.result.lines[0] == before.result.lines[0]
    assert after.result.cached_segments == 1


def test_a_model_without_its_shortlist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = LexicalShortlist(Shortlist(10, np.array([0, 0], np.uint64), np.array([], np.uint32)), 300, True)
    monkeypatch.setattr(
        quick, "build_model", lambda found, precision: replace(build_model(found, precision), shortlist=listed)
    )
    run = tasks.make()
    for wanted, found in ((True, listed), (False, None)):
        list(run(LoadModel(1, str(folder), shortlist=wanted)))
        assert run.__self__._models[0].shortlist is found  # type: ignore[attr-defined]


def test_closing_stops_and_the_next_request_works(folder: Path) -> None:
    run = tasks.make()
    list(run(LoadModel(1, str(folder))))
    work = iter(run(Translate(2, "你好。" * 20, "zh", "en")))
    next(work)
    work.close()  # type: ignore[attr-defined]
    assert isinstance(list(run(Translate(3, "你好", "zh", "en")))[-1], Finished)
