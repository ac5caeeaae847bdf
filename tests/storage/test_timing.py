"""The remembered precision: found again, never taken for another processor's, and never in the way."""

from pathlib import Path

import pytest

from s2s_gui.storage import timing
from s2s_gui.storage.timing import Timing


def test_what_is_written_comes_back_and_nothing_fits_before() -> None:
    assert (timing.read().torch, timing.read().processor) == ("", "")
    kept = Timing(torch="2.13.0", processor="one", precision="int8")
    timing.write(kept)
    assert timing.read() == kept


def test_a_folder_that_cannot_be_written_does_no_harm(home: Path) -> None:
    home.write_text("a file where the folder should be")
    timing.write(Timing(precision="int8"))
    assert timing.read() == Timing()


def test_the_processor_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n")
    monkeypatch.setattr(timing, "PROCESSORS", tmp_path / "cpuinfo")
    assert timing.processor() == "Some CPU @ 2 GHz"
    monkeypatch.setattr(timing, "PROCESSORS", tmp_path / "none")
    assert timing.processor()
