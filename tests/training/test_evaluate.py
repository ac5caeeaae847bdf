"""``s2s evaluate`` and the bundling of a finished run, on a golden model whose texts are known."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from s2s_gui.cards import read_card
from s2s_gui.console.main import main
from s2s_gui.description import EightBitRows
from s2s_gui.formats import native
from s2s_gui.training.bundle import bundle
from tests.engine import small
from tests.toy import TRANSFORMER, toy_pairs, toy_recipe

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def test_set(tmp_path: Path) -> Path:
    pairs = toy_pairs(40, 5, is_reversed=True, seed=5)
    path = tmp_path / "test.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs), encoding="utf-8")
    return path


def test_a_learnt_task_scores_nearly_100(test_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(GOLDEN / "gru"), "--src", f"{test_set}:1", "--ref", f"{test_set}:2"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bleu"]["score"] > 95
    assert found["chrf"]["score"] > 85
    assert found["lines"] == 40
    assert found["direction"] == "aa > bb"
    assert "nrefs:1" in found["bleu"]["signature"]
    assert "tok:13a" in found["bleu"]["signature"]


def test_several_references_are_used(test_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("z z z z\n" * 40)
    arguments = ["evaluate", str(GOLDEN / "gru"), "--src", f"{test_set}:1", "--ref", str(wrong), f"{test_set}:2"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bleu"]["score"] > 95
    assert "nrefs:2" in found["bleu"]["signature"]
    assert main([*arguments[:5], str(wrong)]) == 0
    assert json.loads(capsys.readouterr().out)["bleu"]["score"] < 5


def test_lines_that_do_not_match_are_refused(
    test_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "short.txt").write_text("a\n")
    arguments = ["evaluate", str(GOLDEN / "gru"), "--src", f"{test_set}:1", "--ref", str(tmp_path / "short.txt")]
    assert main(arguments) == 1
    assert "has 1 lines but" in capsys.readouterr().err
    assert main([*arguments[:-1], f"{test_set}:3"]) == 1
    assert "has no column 3" in capsys.readouterr().err


def test_a_bundled_model_carries_the_figures_that_evaluate_gives(
    test_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_recipe(tmp_path, TRANSFORMER)
    recipe = tmp_path / "golden.toml"
    recipe.write_text(
        'id = "gru"\nname = "Golden"\nlicence = "CC0"\ndirections = ["aa > bb"]\n'
        'languages = [{ code = "aa" }, { code = "bb" }]\ncorpora = [{ path = "train.tsv" }]\n'
        'test = [{ name = "toy", direction = "aa > bb", source = "test.tsv:1", references = ["test.tsv:2"] }]\n'
        '[network]\nkind = "rnn"\n'
    )
    shutil.copytree(GOLDEN / "gru", tmp_path / "run" / "best")
    card = bundle(recipe, tmp_path / "run", tmp_path / "shipped")
    assert (card.name, card.licence) == ("Golden", "CC0")
    assert main(["evaluate", str(tmp_path / "shipped"), "--src", f"{test_set}:1", "--ref", f"{test_set}:2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(figure.metric, figure.value, figure.signature) for figure in card.figures] == [
        ("BLEU", found["bleu"]["score"], found["bleu"]["signature"]),
        ("chrF", found["chrf"]["score"], found["chrf"]["signature"]),
    ]
    on_disk, faults = read_card(tmp_path / "shipped")
    assert faults == []
    assert on_disk == card
    assert msgspec.json.decode((tmp_path / "shipped" / "card.json").read_bytes())["licence"] == "CC0"
    assert f"| toy | aa > bb | {found['bleu']['score']:.1f} |" in (tmp_path / "shipped" / "README.md").read_text()
    for weight in native.read(tmp_path / "shipped").weights.values():
        is_small = isinstance(weight, EightBitRows)
        assert is_small == (len(weight.shape) == 2 and weight.shape[0] > 1)
        assert is_small or weight.dtype == np.float16


def test_chinese_without_a_script_is_the_one_that_the_model_has_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small.write(tmp_path, tmp_path / "model")
    (tmp_path / "test.tsv").write_text("hello\t你好\n", encoding="utf-8")
    test = tmp_path / "test.tsv"
    for language in ("zh", "zh-Hant"):
        sides = ["--src", f"{test}:2", "--ref", f"{test}:1", "--from", language, "--to", "en"]
        assert main(["evaluate", str(model), *sides]) == 0
    found = [json.loads(one)["direction"] for one in capsys.readouterr().out.replace("}\n{", "}\0{").split("\0")]
    assert found == ["zh-Hans > en", "zh-Hant > en"]
