import shutil
import tarfile
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

from s2s_gui import paths
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.manage.importing import import_model, verify
from s2s_gui.manage.opening import about, open_model
from s2s_gui.messages import Imported, Progress
from s2s_gui.storage import library
from tests.engine import small
from tests.formats.decoding import hypotheses

MARIAN = Path(__file__).parents[1] / "oracles" / "recorded" / "base"

Result = TypeVar("Result")


def finished(steps: Generator[Progress, None, Result]) -> tuple[Result, list[Progress]]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def imported(path: Path, *, link: bool = False) -> Imported:
    return finished(import_model(1, path, link=link))[0]


def hidden() -> list[Path]:
    return list(paths.user_models().glob(".*")) if paths.user_models().is_dir() else []


def test_a_foreign_folder_is_copied_and_opens(tmp_path: Path) -> None:
    done, seen = finished(import_model(7, MARIAN, link=False))
    folder = Path(done.folder)
    assert folder == paths.user_models() / "base"
    assert not done.was_there
    assert {one.number for one in seen} == {7}
    assert seen[-1].done == seen[-1].total > 0
    (one,) = [one for one in library.installed() if one.is_own]
    assert one.record is not None
    assert (one.record.format, one.fault) == ("Hugging Face Marian", "")
    assert (one.card, str(one.folder)) == (done.card, done.folder)
    original, copy = open_model(MARIAN), open_model(folder)
    (way,) = copy.card.ways()
    assert hypotheses(copy, "Kato mi.", way) == hypotheses(original, "Kato mi.", way)
    assert hidden() == []


def test_the_same_model_again_is_already_here() -> None:
    first = imported(MARIAN)
    again = imported(MARIAN)
    assert again == Imported(1, first.folder, first.card, was_there=True)


def test_another_model_of_the_same_name_gets_another_folder(tmp_path: Path) -> None:
    first = imported(MARIAN)
    other = tmp_path / "base"
    shutil.copytree(MARIAN.parent / "untied", other)
    second = imported(other)
    assert (Path(first.folder).name, Path(second.folder).name) == ("base", "base-2")
    assert second.card.id == "base-2"


def test_a_link_stays_where_it_is_and_says_when_it_is_gone(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    shutil.copytree(MARIAN, place)
    folder = Path(imported(place, link=True).folder)
    assert [path.name for path in folder.iterdir()] == ["imported.json"]
    assert open_model(folder).card.id == "elsewhere"
    shutil.rmtree(place)
    (one,) = [one for one in library.installed() if one.is_own]
    assert "no longer there" in one.fault


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "s2smodel"])
def test_archives(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"finnish-italian.{kind}"
    if kind == "tar.gz":
        with tarfile.open(path, "w:gz") as tar:
            tar.add(MARIAN, "inner")
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in MARIAN.iterdir():
                archive.write(file, file.name)
    done = imported(path)
    assert Path(done.folder).name == ("inner" if kind == "tar.gz" else "finnish-italian")
    assert open_model(Path(done.folder)).parameters == open_model(MARIAN).parameters


def test_our_own_folder_as_one_file(tmp_path: Path) -> None:
    folder = small.write(tmp_path / "scratch", tmp_path / "small")
    path = tmp_path / "small.s2smodel"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"small/{file.name}")
    done = imported(path)
    assert (Path(done.folder) / "card.json").is_file()
    assert done.card.offer() == "zh-Hans > en, en > zh-Hans"


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(MARIAN, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="truncated"):
        imported(broken)
    with pytest.raises(ModelError, match="not a model of a known format"):
        imported(Path(__file__))
    assert [one for one in library.installed() if one.is_own] == []
    assert hidden() == []


def test_cancelling_leaves_nothing() -> None:
    for taken in range(1, 4):
        steps = import_model(1, MARIAN, link=False)
        for _ in range(taken):
            next(steps, None)
        steps.close()
        assert hidden() == []
    assert not any(one.is_own for one in library.installed())


def test_verifying_finds_what_has_changed() -> None:
    folder = Path(imported(MARIAN).folder)
    assert finished(verify(1, folder))[0].faults == ()
    (folder / "vocab.json").write_bytes((folder / "vocab.json").read_bytes() + b" ")
    assert finished(verify(1, folder))[0].faults == ("vocab.json has changed since it was imported.",)
    (folder / "source.spm").unlink()
    faults = finished(verify(1, folder))[0].faults
    assert "source.spm is missing." in faults


def test_removing_renaming_restoring() -> None:
    folder = Path(imported(MARIAN).folder)
    library.rename(library.own("base"), "Finnish to Italian")
    assert library.own("base").card is not None
    assert open_model(folder).card.name == "Finnish to Italian"
    place = library.remove(library.own("base"))
    with pytest.raises(RequestError, match="no model 'base' of your own"):
        library.own("base")
    assert library.restore(place) == folder
    assert open_model(folder).card.name == "Finnish to Italian"
    library.remove(library.own("base"))
    library.empty_bin()
    assert not place.exists()


def test_shipped_models_stay() -> None:
    shipped = next(one for one in library.installed() if not one.is_own)
    with pytest.raises(RequestError, match="cannot be changed"):
        library.own(shipped.folder.name)


def test_about_says_all_before_weights_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from s2s_gui.formats.safetensors import SafetensorsFile

    def no_weights(self: SafetensorsFile, name: str) -> None:
        raise AssertionError(f"{name} was read")

    monkeypatch.setattr(SafetensorsFile, "__getitem__", no_weights)
    found, _ = finished(about(1, MARIAN))
    assert (found.format, found.precision, found.faults) == ("Hugging Face Marian", "fp32", ())
    assert found.card.offer() == "fi > it"
    assert found.bytes > 50_000
    assert found.memory > 4 * 20_000
    assert found.free > 0
    assert len(found.sha256) == 64


def test_too_little_memory_is_said_before_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    class Nothing:
        available = 1000

    monkeypatch.setattr(psutil, "virtual_memory", Nothing)
    with pytest.raises(ModelError, match="close other programs"):
        open_model(MARIAN)
