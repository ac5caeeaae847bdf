from pathlib import Path

import pytest

from s2s_gui import paths
from s2s_gui.cards import write_card
from s2s_gui.errors import RequestError
from s2s_gui.storage import library
from tests.engine import small


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "shipped"
    monkeypatch.setattr(paths, "shipped", lambda name: place / name)
    return place / "models"


def put(place: Path, name: str) -> Path:
    folder = place / name
    folder.mkdir(parents=True)
    write_card(small.card(300), folder)
    return folder


def test_nothing_installed(shipped: Path) -> None:
    assert library.installed() == []
    with pytest.raises(RequestError, match="no model 'x'"):
        library.find("x")


def test_shipped_then_own_and_faults_by_name(shipped: Path) -> None:
    put(shipped, "b")
    put(shipped, "a")
    put(paths.user_models(), "own")
    broken = put(paths.user_models(), "broken") / "card.json"
    broken.write_text("{}")
    put(shipped, ".hidden")
    (shipped / "no-card").mkdir()
    found = library.installed()
    assert [one.folder.name for one in found] == ["a", "b", "broken", "own"]
    assert [one.card is None for one in found] == [False, False, True, False]
    assert "lacks the field" in found[2].fault


def test_find_by_folder_id_or_path(shipped: Path, tmp_path: Path) -> None:
    folder = put(shipped, "a")
    assert library.find("a") == folder
    assert library.find("small") == folder
    own = put(paths.user_models(), "own")
    assert library.find("small") == own
    other = put(tmp_path, "elsewhere")
    assert library.find(str(other)) == other
