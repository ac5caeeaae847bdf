"""F6: the keyboard goes from one part of the window to the next, past those that are hidden or cannot take it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def move_focus(parts: Sequence[QWidget], step: int) -> None:
    """Give the focus to the part after (``step`` 1) or before (-1) the one that has it."""
    focused = QApplication.focusWidget()
    entries = [(part, _entry(part)) for part in parts]
    ring = [(part, entry) for part, entry in entries if entry is not None]
    if not ring:
        return
    places = [at for at, (part, _) in enumerate(ring) if focused and (part is focused or part.isAncestorOf(focused))]
    at = places[0] + step if places else min(step, 0)
    ring[at % len(ring)][1].setFocus(Qt.FocusReason.ShortcutFocusReason)


def _entry(part: QWidget) -> QWidget | None:
    """Return what takes the focus first in ``part``, ``None`` if nothing there can."""
    for widget in (part, *part.findChildren(QWidget)):
        takes_tab = widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
        if takes_tab and widget.isEnabled() and widget.isVisible():
            return widget
    return None
