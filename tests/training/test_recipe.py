"""Recipes are refused in plain words."""

from pathlib import Path

import pytest

from s2s_gui.errors import RecipeError
from s2s_gui.paths import shipped
from s2s_gui.training.recipe import read_recipe

GOOD = """
id = "x"
name = "X"
licence = "CC0"
languages = [{ code = "en" }, { code = "zh", script = "Hans" }]
directions = ["zh > en", "en > zh"]
corpora = [{ path = "a.tsv" }]
[network]
kind = "rnn"
"""


def read(text: str, folder: Path) -> str:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[network]", "[schedule]\nlerning_rate = 1\n[network]"), "lerning_rate"),
        (('kind = "rnn"', 'kind = "rnn"\nheads = 8'), "heads"),
        (('kind = "rnn"', 'kind = "cnn"'), "cnn"),
        (('"zh > en"', '"zh > fr"'), '"zh > fr"'),
        (('id = "x"', ""), "`id`"),
        (("[network]", "[network"), "cannot be read"),
        (('kind = "rnn"', 'kind = "rnn"\nhidden = 33'), "even number"),
        (('kind = "rnn"', 'kind = "transformer"\nwidth = 30'), "8 heads"),
        (("[network]", "[schedule]\nhold = 2\n[network]"), "schedule.hold"),
    ],
)
def test_a_fault_is_named(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    assert said in read(GOOD.replace(*change), tmp_path)


def test_a_missing_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="There is no recipe"):
        read_recipe(tmp_path / "none.toml")


SHARED = """
languages = [{ code = "en" }, { code = "zh", script = "Hans" }]
corpora = [{ path = "a.tsv" }, { path = "b.tsv" }]
[[test]]
name = "one"
direction = "zh > en"
source = "t.tsv:2"
references = ["t.tsv:1"]
[[test]]
name = "two"
direction = "en > zh"
source = "t.tsv:1"
references = ["t.tsv:2"]
"""


def test_recipes_share_what_is_in_a_file_of_data(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shared.toml").write_text(SHARED, encoding="utf-8")
    own = GOOD.replace('licence = "CC0"', 'licence = "CC0"\ndata = "data/shared.toml"').replace(', "en > zh"]', "]")
    (tmp_path / "r.toml").write_text(own, encoding="utf-8")
    recipe = read_recipe(tmp_path / "r.toml")
    assert [corpus.path for corpus in recipe.corpora] == ["a.tsv"]
    assert [one.name for one in recipe.test] == ["one"]
    (tmp_path / "r.toml").write_text(own.replace('corpora = [{ path = "a.tsv" }]', ""), encoding="utf-8")
    assert [corpus.path for corpus in read_recipe(tmp_path / "r.toml").corpora] == ["a.tsv", "b.tsv"]
    assert "There is no recipe" in read(own.replace("shared.toml", "none.toml"), tmp_path)


def test_tags_only_where_there_are_several_directions(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(GOOD, encoding="utf-8")
    recipe = read_recipe(tmp_path / "r.toml")
    assert [recipe.tag(direction) for direction in recipe.directions] == ["<2en>", "<2zh>"]
    assert recipe.columns("zh > en") == (1, 0)


@pytest.mark.parametrize("path", sorted(shipped("resources").glob("recipes/*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_right(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.id == path.stem
    assert {test.direction for test in recipe.test} == set(recipe.directions)
