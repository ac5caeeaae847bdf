from collections.abc import Iterator
from typing import Literal

import pytest
import torch

from s2s_gui.manage import quick


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    quick.best_precision.cache_clear()
    yield
    quick.best_precision.cache_clear()


def test_a_processor_that_cuts_sums_off_computes_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "product", lambda row, weight: torch.full((1, quick.SHAPE[0]), 259.0))
    assert quick.best_precision() == "fp32"


def test_a_build_without_the_kernels_computes_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(row: torch.Tensor, weight: object) -> torch.Tensor:
        raise RuntimeError("no engine for quantized operations")

    monkeypatch.setattr(quick, "product", none)
    assert quick.best_precision() == "fp32"


def test_the_choice_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = quick.best_precision()
    monkeypatch.setattr(quick, "product", lambda row, weight: pytest.fail("asked again"))
    assert quick.best_precision() == first


def test_the_choice_is_remembered_for_this_torch_and_this_processor_only(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[None] = []

    def timed() -> Literal["int8"]:
        times.append(None)
        return "int8"

    monkeypatch.setattr(quick, "timed_precision", timed)

    def start() -> None:
        quick.best_precision.cache_clear()
        assert quick.best_precision() == "int8"

    start()
    start()
    assert len(times) == 1
    monkeypatch.setattr(quick, "processor", lambda: "another processor")
    start()
    assert len(times) == 2
    monkeypatch.setattr(torch, "__version__", "99.0")
    start()
    start()
    assert len(times) == 3
