"""The find bar below a pane: text to look for, the next and the previous place, and the way back into the pane."""

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QToolButton, QWidget

from s2s_gui.window.style import Shades, icon, icon_size


class FindBar(QWidget):
    """Selects in ``pane`` what is looked for, while it is typed, and begins anew at the end of the text."""

    def __init__(self, pane: QPlainTextEdit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pane = pane
        self.field = QLineEdit(self)
        self.field.setClearButtonEnabled(False)
        self._note = QLabel(self)
        self._previous, self._next, self._close = QToolButton(self), QToolButton(self), QToolButton(self)
        self._previous.setArrowType(Qt.ArrowType.UpArrow)
        self._next.setArrowType(Qt.ArrowType.DownArrow)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 4, 4)
        row.setSpacing(4)
        row.addWidget(self.field, 1)
        row.addWidget(self._note)
        for button in (self._previous, self._next, self._close):
            button.setAutoRaise(True)
            button.setIconSize(icon_size())
            button.setMinimumSize(32, 28)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            row.addWidget(button)
        self.field.textEdited.connect(self._on_edited)
        self._previous.clicked.connect(self.find_previous)
        self._next.clicked.connect(self.find_next)
        self._close.clicked.connect(self.close_bar)
        self.retranslate()
        self.hide()

    def open_bar(self) -> None:
        """Show the bar with what is selected in the pane, if that is within one line."""
        selected = self._pane.textCursor().selectedText()
        if selected and "\u2029" not in selected:
            self.field.setText(selected)
        self._note.clear()
        self.show()
        self.field.selectAll()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @Slot()
    def close_bar(self) -> None:
        """Hide the bar and go back into the pane, where the place that was found is still selected."""
        self.hide()
        self._pane.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def find_next(self) -> None:
        """Select the next place; without anything to look for, ask for it."""
        self._find(QTextDocument.FindFlag(0), QTextCursor.MoveOperation.Start)

    @Slot()
    def find_previous(self) -> None:
        """Select the previous place; without anything to look for, ask for it."""
        self._find(QTextDocument.FindFlag.FindBackward, QTextCursor.MoveOperation.End)

    def set_shades(self, shades: Shades) -> None:
        """Draw the icon in the colours of the theme."""
        self._close.setIcon(icon("close", shades))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return looks for the next place, with Shift for the previous one."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            backward = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            (self.find_previous if backward else self.find_next)()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.field.setPlaceholderText(self.tr("Find"))
        self.field.setAccessibleName(self.tr("Find in the text"))
        self._note.clear()
        for button, name, tip in (
            (self._previous, self.tr("Previous place"), self.tr("Previous place (Shift+F3)")),
            (self._next, self.tr("Next place"), self.tr("Next place (F3)")),
            (self._close, self.tr("Close the find bar"), self.tr("Close the find bar (Esc)")),
        ):
            button.setAccessibleName(name)
            button.setToolTip(tip)

    @Slot(str)
    def _on_edited(self, _text: str) -> None:
        """Look from the beginning of the present place on, so that it grows with what is typed."""
        cursor = self._pane.textCursor()
        cursor.setPosition(cursor.selectionStart())
        self._pane.setTextCursor(cursor)
        if self.field.text():
            self.find_next()
        else:
            self._note.clear()

    def _find(self, flags: QTextDocument.FindFlag, beginning: QTextCursor.MoveOperation) -> None:
        wanted = self.field.text()
        if not wanted:
            self.open_bar()
            return
        found = self._pane.find(wanted, flags)
        if not found:
            before = self._pane.textCursor()
            self._pane.moveCursor(beginning)
            found = self._pane.find(wanted, flags)
            if not found:
                self._pane.setTextCursor(before)
        self._note.setText("" if found else self.tr("Not found"))
