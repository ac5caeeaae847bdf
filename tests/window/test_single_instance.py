"""A second start raises the first window and ends; nothing else of the program opens a socket."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import s2s_gui
from s2s_gui.window.single_instance import SingleInstance
from tests.window.fakes import PATIENCE_MS

ASK = "from PySide6.QtCore import QCoreApplication as A; from s2s_gui.window.single_instance import SingleInstance\n"
ASK += "a = A([]); print(SingleInstance().is_first())"
NETWORK = {"socket", "ssl", "http", "urllib", "ftplib", "smtplib", "asyncio", "requests", "socketserver"}


def test_a_second_start_asks_the_first_to_come_forward(qtbot: QtBot) -> None:
    first = SingleInstance()
    assert first.is_first()
    with qtbot.waitSignal(first.raise_wanted, timeout=PATIENCE_MS):
        second = subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, env=dict(os.environ))
    output, _ = second.communicate(timeout=30)
    assert output == b"False\n"
    first.close()


def test_a_second_start_hands_over_its_files(qtbot: QtBot) -> None:
    first = SingleInstance()
    assert first.is_first()
    files = ["/downloads/a model.argosmodel", "/下载/模型"]
    with qtbot.waitSignal(first.files_came, timeout=PATIENCE_MS) as came:
        second = subprocess.Popen(
            [sys.executable, "-c", ASK.replace("is_first()", f"is_first({files!r})")],
            stdout=subprocess.PIPE,
            env=dict(os.environ),
        )
    assert came.args == [files]
    assert second.communicate(timeout=30)[0] == b"False\n"
    first.close()


def test_another_user_folder_is_another_instance(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = SingleInstance()
    assert first.is_first()
    monkeypatch.setenv("S2S_GUI_HOME", str(tmp_path / "other"))
    second = SingleInstance()
    assert second.is_first()
    first.close()
    second.close()


def test_no_other_module_can_reach_a_network() -> None:
    package = Path(s2s_gui.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & NETWORK, path
            if "PySide6.QtNetwork" in names:
                assert path.name == "single_instance.py"
