import json
from pathlib import Path

import pytest

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
    assert "sentences       3" in capsys.readouterr().out
