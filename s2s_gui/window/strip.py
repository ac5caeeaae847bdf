"""The message strip: one plain sentence above the translation, with details or one thing to do; never in the way."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QFontDatabase, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s2s_gui.window.announce import announce
from s2s_gui.window.style import Shades, icon, icon_size


class Strip(QWidget):
    """Shows one message until it is closed or replaced."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageStrip")
        self.setAutoFillBackground(True)
        self._sentence: Callable[[], str] = str
        self._detail = ""
        self._action_name: Callable[[], str] = str
        self._act: Callable[[], object] = str
        self._icon = QLabel(self)
        self._label = QLabel(self)
        self._label.setObjectName("messageText")
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._details = QPushButton(self)
        self._details.setFlat(True)
        self._details.clicked.connect(self._show_details)
        self._action = QPushButton(self)
        self._action.setObjectName("messageAction")
        self._action.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._action.clicked.connect(self._on_action)
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setIconSize(icon_size())
        self._close.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._close.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 4, 6)
        row.setSpacing(8)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._label, 1)
        row.addWidget(self._details)
        row.addWidget(self._action)
        row.addWidget(self._close)
        self.retranslate()
        self.hide()

    def show_message(self, sentence: Callable[[], str], detail: str = "") -> None:
        """Show what ``sentence`` returns; it is asked again when the language of the interface changes."""
        self._sentence, self._detail = sentence, detail
        self._label.setText(sentence())
        self._label.setAccessibleName(sentence())
        self._details.setVisible(bool(detail))
        self._action.hide()
        self._action.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.show()
        announce(self, sentence(), is_urgent=True)

    def offer(self, sentence: Callable[[], str], name: Callable[[], str], act: Callable[[], object]) -> None:
        """Show a message with a button called ``name()`` that does ``act`` and closes the message."""
        self.show_message(sentence)
        self._action_name, self._act = name, act
        self._action.setText(name())
        self._action.setAccessibleName(name())
        self._action.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._action.show()

    def message(self) -> str:
        """Return the sentence shown, "" if there is none."""
        return "" if self.isHidden() else self._label.text()

    def dismiss(self) -> None:
        """Hide the message."""
        self.hide()
        self.closed.emit()

    def set_shades(self, shades: Shades) -> None:
        """Use the colours of the theme."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, QColor(shades.warning))
        self.setPalette(palette)
        self._icon.setPixmap(icon("warning", shades).pixmap(icon_size(), self.devicePixelRatioF()))
        self._close.setIcon(icon("close", shades))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self._details.setText(self.tr("Details"))
        self._close.setToolTip(self.tr("Close this message"))
        self._close.setAccessibleName(self.tr("Close this message"))
        self._details.setAccessibleName(self.tr("Details"))
        self._label.setText(self._sentence())
        self._label.setAccessibleName(self._sentence())
        self._action.setText(self._action_name())
        self._action.setAccessibleName(self._action_name())

    def _on_action(self) -> None:
        self.dismiss()
        self._act()

    def _show_details(self) -> None:
        dialog = QDialog(self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Details"))
        text = QPlainTextEdit(self._detail, dialog)
        text.setReadOnly(True)
        text.setAccessibleName(self.tr("Details"))
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
        buttons.rejected.connect(dialog.reject)
        box = QVBoxLayout(dialog)
        box.addWidget(text)
        box.addWidget(buttons)
        dialog.resize(720, 360)
        dialog.show()
