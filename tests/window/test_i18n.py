"""The Chinese interface: every text is translated, keeps its placeholders, and the compiled file is up to date."""

import ast
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from PySide6.QtCore import QTranslator

from s2s_gui import paths

FOLDER = paths.shipped("resources") / "i18n"
TS = FOLDER / "s2s_zh_CN.ts"


def messages() -> list[tuple[str, str, ElementTree.Element]]:
    """Return context, source text and translation of every message."""
    found = []
    for context in ElementTree.parse(TS).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            found.append((context.findtext("name", ""), message.findtext("source", ""), translation))
    return found


def test_every_text_is_translated() -> None:
    assert len(messages()) > 100
    for _, source, translation in messages():
        assert translation.get("type") is None, source
        assert translation.text, source
        for placeholder in ("{0}", "{1}", "…"):
            assert (placeholder in source) == (placeholder in translation.text), source


def test_the_compiled_file_is_up_to_date(qapp: object) -> None:
    translator = QTranslator()
    assert translator.load(str(FOLDER / "s2s_zh_CN.qm"))
    for context, source, translation in messages():
        assert translator.translate(context, source) == translation.text


def test_every_text_in_the_code_is_in_the_file() -> None:
    """A cheap check without lupdate: the literals of ``self.tr`` are all known."""
    known = {source for _, source, _ in messages()}
    for path in Path(paths.__file__).parent.glob("window/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tr":
                text = node.args[0]
                assert isinstance(text, ast.Constant), (path.name, node.lineno)
                assert text.value in known, (path.name, text.value)
