"""The help window: how to use the program, all keys, and what is stored where. One page, no network."""

import re
from html import escape

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from s2s_gui import __version__, paths
from s2s_gui.window.actions import Actions

MNEMONIC = re.compile(r"\(&\w\)|&")


class HelpPage(QDialog):
    """Shows the help; the keys are read from the actions themselves."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("helpPage")
        self._actions = actions
        self._text = QTextBrowser(self)
        self._text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._text.setTabChangesFocus(True)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self._buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(16)
        box.addWidget(self._text)
        box.addWidget(self._buttons)
        self.resize(560, 600)
        self.retranslate()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.setWindowTitle(self.tr("Help"))
        self._text.setAccessibleName(self.tr("Help"))
        self._buttons.button(QDialogButtonBox.StandardButton.Close).setAccessibleName(self.tr("Close help"))
        native = QKeySequence.SequenceFormat.NativeText
        rows = "".join(
            f"<tr><td>{escape(MNEMONIC.sub('', action.text()))}&nbsp;&nbsp;&nbsp;</td>"
            f"<td>{escape(action.shortcut().toString(native))}</td></tr>"
            for action in self._actions.with_keys()
        )
        paragraphs = (
            self.tr("Type or paste text on the left; its translation appears on the right while you type."),
            self.tr("Everything runs on this computer. The program has no code that uses the network."),
            self.tr("Your text, settings and own models are kept in this folder: {0}").format(paths.user_data()),
            self.tr("The models that came with the program are in: {0}").format(paths.shipped("models")),
        )
        text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
        keys = escape(self.tr("Keys"))
        version = escape(self.tr("Version {0}").format(__version__))
        self._text.setHtml(f"{text}<h3>{keys}</h3><table>{rows}</table><p>{version}</p>")
