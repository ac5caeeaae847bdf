"""A text pane with its row of small buttons, in one quiet frame that shows where the keyboard is."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Slot
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from s2s_gui.window.style import icon_size

RADIUS = 6


class PaneCard(QWidget):
    """Frame, pane, and below it a note on the left and buttons on the right."""

    def __init__(self, pane: QPlainTextEdit, note: QLabel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pane = pane
        self._buttons: list[QToolButton] = []
        self._row = QHBoxLayout()
        self._row.setContentsMargins(12, 0, 4, 0)
        self._row.setSpacing(4)
        self._row.addWidget(note, 1)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(2, 2, 2, 4)
        self._box.setSpacing(0)
        self._box.addWidget(pane, 1)
        self._box.addLayout(self._row)
        self.setMinimumWidth(220)
        pane.installEventFilter(self)

    def add_above(self, widget: QWidget) -> None:
        """Put ``widget`` above the pane, inside the frame."""
        self._box.insertWidget(0, widget)

    def add_below(self, widget: QWidget) -> None:
        """Put ``widget`` between the pane and its buttons."""
        self._box.insertWidget(self._box.count() - 1, widget)

    def add_button(self, action: QAction, name: str = "") -> QToolButton:
        """Add a button for ``action``; its text is the button's name for screen readers."""
        button = QToolButton(self)
        button.setObjectName(name)
        button.setAutoRaise(True)
        button.setIconSize(icon_size())
        button.setMinimumSize(32, 28)
        button.setDefaultAction(action)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._row.addWidget(button)
        self._buttons.append(button)
        self._name_buttons()
        action.changed.connect(self._name_buttons)
        return button

    @Slot()
    def _name_buttons(self) -> None:
        for button in self._buttons:
            button.setAccessibleName(button.text())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        has_focus = self._pane.hasFocus()
        role = QPalette.ColorRole.Highlight if has_focus else QPalette.ColorRole.Mid
        width = 2.0 if has_focus else 1.0
        painter.setPen(QPen(self.palette().color(role), width))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS, RADIUS)
        painter.end()
