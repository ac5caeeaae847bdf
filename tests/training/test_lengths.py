"""BLEU by source length: bins by hand, and the whole command on a golden model whose texts are known."""

from pathlib import Path

import pytest

from s2s_gui.training import lengths
from s2s_gui.training.lengths import Line, by_length, length
from tests.toy import toy_pairs, write_pairs

GOLDEN = Path(__file__).parent.parent / "golden"

RECIPE = """
id = "golden"
name = "Golden"
licence = "CC0"
directions = ["aa > bb"]
languages = [{ code = "aa" }, { code = "bb" }]
corpora = [{ path = "test.tsv" }]
test = [
    { name = "toy", direction = "aa > bb", source = "test.tsv:1", references = ["test.tsv:2"], lowercase = true },
    { name = "two", direction = "aa > bb", source = "test.tsv:1", references = ["test.tsv:2", "test.tsv:2"] },
]
[network]
kind = "rnn"
"""


def test_length_counts_words_or_characters() -> None:
    assert length("Well, I do.", "en") == 3
    assert length("好 ，就是它了。", "zh") == 7


def test_bins_by_hand() -> None:
    counts = [1, 5, 5, 6, 10, 60, 61, 200, 0]
    lines = [Line("a " * count, "", False) for count in counts]
    bins = by_length(lines, "aa", fewest=2)
    assert [(str(one), one.lines) for one in bins] == [("1–5", (0, 1, 2)), ("6–10", (3, 4)), ("61+", (6, 7))]


def test_models_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = toy_pairs(40, 5, is_reversed=True, seed=5)
    write_pairs(tmp_path / "test.tsv", [(source, target.upper()) for source, target in short])
    (tmp_path / "recipe.toml").write_text(RECIPE)
    picture = tmp_path / "lengths.svg"
    arguments = [str(picture), str(GOLDEN / "gru"), str(GOLDEN / "lstm"), "--recipe", str(tmp_path / "recipe.toml")]
    assert lengths.main([*arguments, "--direction", "aa > bb"]) == 0
    head, _, row = capsys.readouterr().out.splitlines()
    assert head == "| words | lines | gru | lstm |"
    cells = row.strip("| ").split(" | ")
    assert cells[:2] == ["1–5", "40"]
    assert all(float(cell) > 90 for cell in cells[2:])
    first = picture.read_bytes()
    assert first.startswith(b"<?xml")
    assert lengths.main([*arguments, "--direction", "aa > bb"]) == 0
    assert picture.read_bytes() == first


def test_what_the_recipe_lacks_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pairs(tmp_path / "test.tsv", toy_pairs(10, 5, is_reversed=True))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    arguments = ["p.svg", str(GOLDEN / "gru"), "--recipe", str(tmp_path / "recipe.toml"), "--direction"]
    assert lengths.main([*arguments, "aa > bb", "--sets", "two"]) == 1
    assert "no test set two with one reference" in capsys.readouterr().err
    assert lengths.main([*arguments, "bb > aa"]) == 1
    assert "no test set with one reference for bb > aa" in capsys.readouterr().err
    assert lengths.main([*arguments, "aa > bb"]) == 1
    assert "less than 30 lines" in capsys.readouterr().err
