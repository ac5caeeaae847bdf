import json
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from s2s_gui.console import bench_all
from s2s_gui.console.bench_typing import TYPED, keystrokes
from s2s_gui.console.main import main
from tests.engine import small


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("bench")
    return str(small.write(place, place / "model"))


@pytest.mark.parametrize(("beam", "precision"), [("1", "int8"), ("1", "fp32"), ("4", "fp32")])
def test_decode_gives_exactly_the_tokens_asked_for(
    folder: str, beam: str, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--source", "hello world", "--tokens", "37", "--repeat", "2", "--threads", "1", "--beam", beam]
    assert main(["bench", "decode", "--model", folder, *options, "--precision", precision, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"median_ms", "p95_ms", "median_cpu_ms", "first_token_ms", "tokens", "load_ms", "precision"}
    assert (found["tokens"], found["precision"]) == (37, precision)
    assert 0 < found["first_token_ms"] <= found["median_ms"] <= found["p95_ms"]


def test_document(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text("你好。世界！\n\n你好\n", encoding="utf-8")
    options = ["--model", folder, "--input", str(tmp_path / "text.txt"), "--threads", "1"]
    assert main(["bench", "document", *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"seconds", "sentences", "tokens"}
    assert found["sentences"] == 3
    assert main(["bench", "document", *options]) == 0
    assert "sentences  3" in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_recorded_sessions_are_of_300_keys(language: str) -> None:
    texts = list(keystrokes(TYPED[language]))
    assert len(texts) == 300
    assert any(len(after) < len(before) for before, after in pairwise(texts))


def test_typing_costs_less_with_what_is_kept(
    folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TYPED, "zh", "你好。世街\b界。你好")
    assert main(["bench", "typing", "--model", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        *("keystrokes", "p50_ms", "p95_ms", "seconds", "seconds_without", "ratio", "tokens", "tokens_without")
    }
    assert found["keystrokes"] == 10
    assert 0 < found["tokens"] < found["tokens_without"]
    assert 0 < found["p50_ms"] <= found["p95_ms"]


def test_a_language_without_a_session(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for language in ("en", "zh"):
        monkeypatch.delitem(TYPED, language)
    assert main(["bench", "typing", "--model", folder]) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_everything_at_once(folder: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_all, "STARTS", 1)
    assert main(["bench", "--model", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {field.name for field in fields(bench_all.Figures)}
    assert found["model"] == "Small"
    assert 0 < found["model_ready_ms"] <= found["first_translation_ms"]
    assert found["cancel_p50_ms"] <= found["cancel_worst_ms"]
