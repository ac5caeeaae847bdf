"""Who may import whom. A new arrow is a decision: it is made here first."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "s2s_gui"
LEAVES = {"errors", "paths", "description", "messages", "cards"}
ROOMS = {
    "text",
    "networks",
    "engine",
    "formats",
    "storage",
    "training",
    "manage",
    "tasks",
    "worker",
    "window",
    "console",
    "app",
    "libraries",
    "probe",
}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "paths": set(),
    "description": set(),
    "messages": {"description"},
    "cards": {"description", "errors"},
    "text": LEAVES,
    "networks": {"description"},
    "engine": {*LEAVES, "networks", "text"},
    "formats": {*LEAVES, "text"},
    "storage": LEAVES,
    "manage": {*LEAVES, "engine", "formats", "networks", "storage", "text"},
    "tasks": {*LEAVES, "engine", "manage", "storage"},
    "training": {*LEAVES, "engine", "formats", "manage", "networks", "text", "storage"},
    "worker": {"messages", "errors"},
    "window": {*LEAVES, "storage", "worker"},
    "console": {*LEAVES, "engine", "manage", "storage", "text", "training"},
    "app": {*LEAVES, "console", "libraries", "storage", "tasks", "window", "worker"},
    "libraries": set(),
    "probe": {"app", "messages", "storage", "window", "worker"},
    "__main__": {"app", "console"},
    "__init__": set(),
}

THIRD_PARTY: dict[str, set[str]] = {
    "errors": set(),
    "paths": {"platformdirs"},
    "description": {"msgspec"},
    "messages": {"msgspec"},
    "cards": {"msgspec"},
    "text": {"opencc", "sentencepiece", "sentencex"},
    "networks": {"torch"},
    "engine": {"torch", "numpy", "msgspec"},
    "formats": {"numpy", "safetensors", "msgspec", "langcodes", "yaml", "h5py", "torch"},
    "storage": {"msgspec"},
    "manage": {"msgspec", "psutil", "torch"},
    "tasks": {"torch", "msgspec"},
    "training": {"torch", "numpy", "msgspec", "sentencepiece", "sacrebleu", "matplotlib", "tqdm", "triton"},
    "worker": set(),
    "window": {"PySide6", "msgspec"},
    "libraries": set(),
    "console": {"torch", "msgspec"},
    "app": {"PySide6"},
    "probe": {"PySide6", "msgspec", "psutil"},
    "__main__": set(),
    "__init__": set(),
}


def room(path: Path) -> str:
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows(path: Path) -> None:
    here = room(path)
    ours, theirs = set(), set()
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "s2s_gui":
            ours.add(rest[0] if rest and rest[0] in ROOMS | LEAVES else "__init__")
        elif top not in sys.stdlib_module_names:
            theirs.add(top)
    assert ours - MAY_IMPORT[here] - {here, "__init__"} == set()
    assert theirs - THIRD_PARTY[here] == set()


@pytest.mark.parametrize("module", ["s2s_gui.app", "s2s_gui.window.main_window", "s2s_gui.console.main"])
def test_torch_and_numpy_come_later(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'torch', 'numpy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_file_is_longer_than_one_sitting() -> None:
    long = {
        str(path.relative_to(PACKAGE)): count
        for path in PACKAGE.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 410
    }
    assert long == {}
