"""The notice that Chinese cannot be shown: said once, when Chinese is wanted and no installed font has it."""

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QFontDatabase

from s2s_gui.description import Direction
from s2s_gui.window.strip import Strip

FIRST_HAN, LAST_HAN = "\u3400", "\u9fff"
SAMPLE = 2000


def has_chinese_font() -> bool:
    """Tell whether any font can show Chinese; Qt takes what the font of a pane lacks from the others."""
    return bool(QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese))


class FontNotice(QObject):
    """Shows the notice in ``strip``; ``has_font`` is asked once, and only if there is something Chinese to show."""

    def __init__(self, strip: Strip, has_font: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._strip = strip
        self._has_font = has_font
        self._is_settled = False

    def look(self, directions: tuple[Direction, ...], text: str) -> None:
        """Show the notice if the languages of ``directions`` or the beginning of ``text`` need a missing font."""
        if self._is_settled:
            return
        codes = {language.code for each in directions for language in (each.source, each.target)}
        if "zh" not in codes and not any(FIRST_HAN <= each <= LAST_HAN for each in text[:SAMPLE]):
            return
        self._is_settled = True
        if not self._has_font():
            self._strip.show_message(
                lambda: self.tr(
                    "Chinese characters cannot be shown. Install a font such as Noto Sans CJK (package fonts-noto-cjk)."
                )
            )
