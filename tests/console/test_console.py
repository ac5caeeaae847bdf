import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import s2s_gui
from s2s_gui import paths
from s2s_gui.console.json_line import as_json
from s2s_gui.console.main import main
from s2s_gui.description import Direction, Language
from s2s_gui.manage.opening import open_model
from s2s_gui.messages import Hypothesis, Line, Result, Segment, Token
from tests.engine import small

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "import sys; from s2s_gui.console.main import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("console")
    return str(small.write(place, place / "model"))


@pytest.fixture
def translate(folder: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> "Translator":
    return Translator(folder, monkeypatch, capfdbinary)


class Translator:
    """Runs ``s2s translate`` from Chinese inside this process."""

    def __init__(self, folder: str, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[bytes]) -> None:
        self.folder = folder
        self._patch = patch
        self._captured = captured

    def __call__(self, text: bytes, *options: str, to: str = "en") -> tuple[int, bytes, str]:
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        code = main(["translate", "--model", self.folder, "--to", to, *options])
        out, err = self._captured.readouterr()
        return code, out, err.decode()


def translator_lines(out: bytes) -> list[str]:
    return out.decode().split("\n")


@pytest.mark.parametrize("options", [(), ("--stream",), ("--beam", "3"), ("--sample", "temperature=0.8,seed=2")])
@pytest.mark.parametrize(
    "text",
    ["", "\n", "你好", "你好。\n", " 你好 \r\n\r\n12\r\n", "\n\n你好。世界！\n123", "a\rb\n", "\ufeff你好\u2028吗\n"],
)
def test_plain_output_keeps_lines_and_their_ends(translate: Translator, text: str, options: tuple[str, ...]) -> None:
    code, out, err = translate(text.encode(), *options)
    assert (code, err) == (0, "")
    ends = [ending for ending in text if ending in "\r\n"]
    assert [ending for ending in out.decode() if ending in "\r\n"] == ends
    assert out.endswith(b"\n") == text.endswith("\n")


def test_stream_and_batches_agree(translate: Translator) -> None:
    text = "你好。世界！\n\n一二三\n".encode()
    assert translate(text)[1] == translate(text, "--stream")[1]


def test_files_follow_one_another(translate: Translator, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("你好\n", encoding="utf-8")
    (tmp_path / "b").write_text("1\n2", encoding="utf-8")
    code, out, _ = translate(b"", str(tmp_path / "a"), str(tmp_path / "b"))
    assert code == 0
    assert translator_lines(out)[1:] == ["1", "2"]


def test_json_lines(translate: Translator) -> None:
    code, out, _ = translate("你好。世界。\n\n 12 \n".encode(), "--json", "--beam", "3", "--nbest", "2")
    assert code == 0
    first, second, third = (json.loads(line) for line in out.splitlines())
    assert list(first) == [
        *("source", "text", "score", "source_tokens", "tokens", "alignment", "stopped", "ms", "hypotheses")
    ]
    assert first["source"] == "你好。世界。"
    assert len(first["hypotheses"]) == 2
    assert first["hypotheses"][0]["text"] == first["text"]
    assert first["hypotheses"][0]["score"] == first["score"]
    assert set(first["tokens"][0]) == {"text", "logprob"}
    sources = {link[0] for link in first["alignment"]}
    targets = {link[1] for link in first["alignment"]}
    assert targets == set(range(len(first["tokens"])))
    assert max(sources) < len(first["source_tokens"])
    assert any(source > first["source_tokens"].index("</s>") for source in sources)
    assert first["stopped"] in ("", "loop", "length")
    assert first["ms"] > 0
    assert (second["text"], second["tokens"]) == ("", [])
    assert third["text"] == " 12 "


def test_prefix(translate: Translator) -> None:
    _, out, _ = translate("你好\n世界\n".encode(), "--prefix", "hello th")
    assert all(line.startswith("hello th") for line in translator_lines(out)[:2])


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--beam", "0"), 2, "at least 1"),
        (("--beam", "x"), 2, "invalid"),
        (("--nbest", "2"), 2, "--nbest needs --json"),
        (("--sample", "heat=1"), 2, "'heat' is not one of"),
        (("--sample", "seed=x"), 2, "not a number"),
        (("--sample", "temperature=0"), 2, "temperature must lie"),
        (("--sample", "seed=1", "--beam", "2"), 2, "cannot be combined"),
        (("--json", "--beam", "2", "--nbest", "3"), 2, "widen the beam"),
        (("--from", "fr"), 1, "does not translate fr > en"),
        (("--no-such-option",), 2, "unrecognized"),
        (("no such file",), 1, "no such file: No such file or directory"),
        (("/",), 1, "/: Is a directory"),
        (("--model", ""), 1, "no model ''"),
        (("--model", "~nobody-here/model"), 1, "no model '~nobody-here/model'"),
        (("--model", "nothing"), 1, "no model 'nothing'"),
    ],
)
def test_wrong_usage_is_two_and_failure_one(
    translate: Translator, options: tuple[str, ...], code: int, words: str
) -> None:
    found, out, err = translate(b"a\n", *options)
    assert (found, out) == (code, b"")
    assert words in err
    assert "Traceback" not in err


def test_languages_are_found_in_any_case(translate: Translator) -> None:
    assert translate(b"12\n", "--from", "ZH-hans", to="EN")[:2] == (0, b"12\n")


def test_wrong_usage_is_told_before_torch_is_imported(folder: str) -> None:
    code = (
        "import sys; from s2s_gui.console.main import main;"
        f"code = main(['translate', '--model', {folder!r}, '--to', 'en', '--beam', '99']);"
        "sys.exit(code if not {'torch', 'numpy'} & set(sys.modules) else 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, cwd=ROOT).returncode == 2


def test_a_broken_model_is_told_with_all_its_faults(translate: Translator, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")
    _, _, err = translate(b"a\n", "--model", str(tmp_path))
    assert "lacks the field 'network'" in err
    assert "weights.safetensors is missing" in err


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_closed_stream_is_an_empty_one(
    folder: str, tmp_path: Path, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text").write_text("12\n", encoding="utf-8")
    files = ["-"] if closed == "stdin" else [str(tmp_path / "text")]
    monkeypatch.setattr(sys, closed, None)
    assert main(["translate", "--model", folder, "--to", "en", *files]) == 0
    getattr(sys, closed).close()


def test_an_empty_translation_gives_way_to_the_others_of_its_rank() -> None:
    def one(text: str) -> Hypothesis:
        return Hypothesis(text, (Token("x", -1.0, 5),), -1.0)

    segment = Segment(2, 4, ("你", "</s>"), (one(""), one("hello")))
    result = Result("   ", (Line("  你好 ", "   ", (segment,)),), 0.1, 0.1, 1)
    assert [found["text"] for found in json.loads(as_json(result, 2))["hypotheses"]] == ["   ", "  hello "]


def test_a_token_says_how_far_it_can_be_believed_where_that_is_known() -> None:
    best = Hypothesis("hi", (Token("hi", -0.5, 5, 0.6), Token("</s>", -0.1, 0)), -0.3)
    result = Result("hi", (Line("你", "hi", (Segment(0, 1, ("你", "</s>"), (best,)),)),), 0.1, 0.1, 1)
    assert json.loads(as_json(result, 1))["tokens"] == [
        {"text": "hi", "logprob": -0.5, "confidence": 0.6},
        {"text": "</s>", "logprob": -0.1},
    ]


def test_two_ways_need_a_choice(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "--model", folder]) == 2
    assert "give --from and --to" in capsys.readouterr().err


def test_bytes_that_are_no_text(translate: Translator) -> None:
    code, _, err = translate(b"a\n\xff\n")
    assert code == 1
    assert err.startswith("s2s: standard input, line 2: this is not UTF-8 text.")
    assert translate(b"1\n2\n\xff\n3\n")[1] == b"1\n2\n"


def test_models(folder: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "models").mkdir(parents=True)
    (home / "models" / "mine").symlink_to(folder)
    (home / "models" / "broken").mkdir()
    (home / "models" / "broken" / "card.json").write_text("{}")
    assert main(["models"]) == 0
    out, err = capsys.readouterr()
    assert "small\tzh-Hans > en, en > zh-Hans\tCC0-1.0\tSmall\n" in out
    assert "lacks the field" in err
    assert main(["models", "info", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "small"
    assert main(["models", "info", folder]) == 0
    assert f"Path: {folder}" in capsys.readouterr().out
    assert main(["models", "info", "broken"]) == 1


def test_models_in_columns_on_a_terminal(
    folder: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "shipped", lambda name: home / "shipped" / name)
    assert main(["models"]) == 0
    assert f"no model is installed; models belong into {home / 'models'}" in capsys.readouterr().err
    (home / "models").mkdir(parents=True)
    (home / "models" / "mine").symlink_to(folder)
    (home / "models" / "gone").mkdir()
    (home / "models" / "gone" / "card.json").symlink_to(home / "nowhere")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["models"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "ID     DIRECTIONS                  LICENCE  NAME",
        "small  zh-Hans > en, en > zh-Hans  CC0-1.0  Small",
    ]
    assert "gone: card.json is missing" in err


def test_version_help_and_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"s2s {s2s_gui.__version__}\n"
    assert main(["translate", "--help"]) == 0
    assert "alignment" in capsys.readouterr().out
    assert main([]) == 2


def interrupted(started: subprocess.Popen[bytes]) -> int:
    """Press Ctrl-C; again if Python was just about to read, where it notices a signal only after the next line."""
    for _ in range(10):
        started.send_signal(signal.SIGINT)
        try:
            return started.wait(2)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("It does not stop.")


def test_closed_pipe_and_interrupt_leave_no_traceback(folder: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        [*COMMAND, "translate", "--model", folder, "--from", "zh", "--stream"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        # Whatever runs the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert started.stdin is not None
    assert started.stdout is not None
    assert started.stderr is not None
    with started, started.stderr as errors:
        started.stdin.write("你好\n".encode())
        started.stdin.flush()
        assert started.stdout.readline().endswith(b"\n")
        assert interrupted(started) == 130
        assert errors.read() == b"s2s: stopped\n"
    started = subprocess.Popen(
        [*COMMAND, "translate", "--model", folder, "--from", "zh", "--stream"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert started.stdin is not None
    assert started.stdout is not None
    assert started.stderr is not None
    with started.stderr as errors:
        started.stdout.close()
        started.stdin.write("你好\n".encode() * 3)
        started.stdin.close()
        assert started.wait(30) == 1
        assert errors.read() == b""


MARIAN = ROOT / "tests" / "oracles" / "recorded" / "base"


def test_models_from_import_to_removal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "import", str(MARIAN), str(ROOT / "README.md")]) == 1
    out, err = capsys.readouterr()
    assert out == "base is now base: base, fi > it\n"
    assert "README.md is not a model of a known format" in err
    assert main(["models", "import", str(MARIAN)]) == 0
    assert "already here" in capsys.readouterr().out
    assert main(["models", "rename", "base", "Finnish"]) == 0
    assert main(["models"]) == 0
    assert "base\tfi > it\tunknown\tFinnish" in capsys.readouterr().out.splitlines()
    assert main(["models", "verify", "base"]) == 0
    assert capsys.readouterr().out == "base: as it should be\n"
    assert main(["models", "info", "base"]) == 0
    assert "Format: Hugging Face Marian, fp32" in capsys.readouterr().out
    assert main(["models", "export", "base", "--to", "ctranslate2", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "model.bin").is_file()
    assert main(["models", "remove", "base"]) == 0
    assert main(["models", "remove", "base"]) == 1
    assert main(["models", "remove", "zh-en-fast"]) == 1
    assert "cannot be changed" in capsys.readouterr().err
    assert list(paths.user_models().iterdir()) == []


def test_a_model_that_is_not_installed_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "info", str(MARIAN), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "base"


def test_tokens_in_and_out(translate: Translator) -> None:
    code, out, err = translate("▁hello ▁world\n\n你".encode(), "--tokens")
    assert (code, err) == (0, "")
    first, second, third = out.decode().split("\n")
    assert second == ""
    vocabulary = open_model(Path(translate.folder)).target
    assert all(vocabulary.id_of(token) is not None for token in f"{first} {third}".split(" "))


def test_a_direction_that_takes_two_models_is_named(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    place = paths.user_models() / "en-fi"
    onward = (Direction(small.ENGLISH, Language("fi"), "<2zh>"),)
    small.write(tmp_path, place, directions=onward, id="en-fi", name="English to Finnish")
    for options in ([], ["--stream"], ["--json"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("你好\n".encode())))
        assert main(["translate", "--from", "zh", "--to", "fi", *options]) == 0
        out, err = capfdbinary.readouterr()
        assert out.count(b"\n") == 1
        assert b"by way of English" in err
        assert b"English to Finnish" in err
    assert main(["translate", "--from", "zh", "--to", "fi", "--tokens"]) == 2
    assert main(["translate", "--from", "zh", "--to", "xx"]) == 1
