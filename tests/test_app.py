"""Starting: what is missing is named in one sentence, and a command goes to the console."""

import re
import subprocess
import sys

import pytest

from s2s_gui import app, libraries
from s2s_gui.console import main


def test_a_missing_library_is_named_with_its_package() -> None:
    error = ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
    assert libraries.why_no_qt(error) == (
        "The window cannot be opened because of missing system libraries: libEGL.so.1; "
        "on Debian or Ubuntu: sudo apt install libegl1"
    )


def test_a_missing_pyside_is_named() -> None:
    assert "PySide6" in libraries.why_no_qt(ImportError("No module named 'PySide6'"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the libraries are those of Linux")
def test_a_missing_library_of_the_x11_part_is_found_before_qt_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"libxcb-cursor.so.0", "libxcb-icccm.so.4"}
    monkeypatch.setattr(libraries, "_can_load", lambda name: name not in missing)
    sentence = libraries.why_no_display({"DISPLAY": ":0"})
    assert "libxcb-cursor0 libxcb-icccm4" in sentence
    assert libraries.why_no_display({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}) == ""
    assert libraries.why_no_display({"WAYLAND_DISPLAY": "wayland-0"}) == ""
    assert "DISPLAY" in libraries.why_no_display({})


def test_main_prints_the_reason_and_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(libraries, "why_no_display", lambda _: "A sentence.")
    assert app.main([]) == 1
    assert capsys.readouterr().err == "A sentence.\n"


def test_anything_but_a_command_is_a_file_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []
    monkeypatch.setattr(libraries, "why_no_display", lambda _: "")
    monkeypatch.setattr(app, "_run", opened.append)
    monkeypatch.chdir("/")
    app.main(["a.argosmodel", "/b"])
    assert opened == [["/a.argosmodel", "/b"]]


def test_the_commands_are_those_of_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--help"]) == 0
    listed = re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE)
    assert set(listed) == set(app.COMMANDS)


def test_a_command_goes_to_the_console_without_qt() -> None:
    code = (
        "import sys; from s2s_gui.app import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "print('PySide6' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"
