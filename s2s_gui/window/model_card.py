"""The card of a model that is about to be added: what it is and what it needs, before anything of it is loaded.

The one dialog stays from looking at the file to the end of copying it, with progress and Cancel throughout.
"""

from pathlib import Path

from PySide6.QtCore import QEvent, QLocale, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from s2s_gui.messages import About, Progress
from s2s_gui.window import languages
from s2s_gui.window.style import shades_of

SIZE = (560, 440)
# What readers put where a format does not name a licence.
NO_LICENCE = ("", "unknown")
STEPS = 1000


class CardDialog(QDialog):
    """Shows an ``About``; ``wanted`` carries whether the model is to be a link. Closing it rejects the model."""

    wanted = Signal(bool)

    def __init__(self, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelCard")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._path = path
        self._about: About | None = None
        self._is_busy = True
        self.title = QLabel(self)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.title.setWordWrap(True)
        self.facts = QWidget(self)
        self._form = QFormLayout(self.facts)
        self._form.setContentsMargins(0, 0, 8, 0)
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._scroll = QScrollArea(self)
        self._scroll.setWidget(self.facts)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.faults = QLabel(self)
        self.faults.setWordWrap(True)
        self.faults.setTextFormat(Qt.TextFormat.PlainText)
        self.faults.setContentsMargins(12, 8, 12, 8)
        self.faults.setAutoFillBackground(True)
        self.faults.hide()
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.add_button, self.link_button, self.cancel_button = (QPushButton(self) for _ in range(3))
        self.add_button.setDefault(True)
        self.add_button.clicked.connect(lambda: self._want(is_link=False))
        self.link_button.clicked.connect(lambda: self._want(is_link=True))
        self.cancel_button.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in (self.add_button, self.link_button):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.cancel_button)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(16)
        box.addWidget(self.title)
        box.addWidget(self._scroll, 1)
        box.addWidget(self.faults)
        box.addWidget(self.progress)
        box.addLayout(row)
        self.retranslate()
        self._show_busy()
        self.resize(*SIZE)

    def show_about(self, about: About) -> None:
        """Show what was found and let the user decide."""
        self._about = about
        self._is_busy = False
        self.retranslate()
        self._show_busy()
        (self.cancel_button if about.faults else self.add_button).setFocus()

    def show_progress(self, update: Progress) -> None:
        """Show how far the work is."""
        self.progress.setRange(0, STEPS)
        self.progress.setValue(STEPS * update.done // max(1, update.total))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.setWindowTitle(self.tr("Add a model"))
        name = Path(self._path).name
        if self._about is None:
            self.title.setText(self.tr("Looking at {0}…").format(name))
        elif self._is_busy:
            self.title.setText(self.tr("Adding {0}…").format(self._about.card.name))
        else:
            self.title.setText(self._about.card.name)
        for button, text in (
            (self.add_button, self.tr("&Add")),
            (self.link_button, self.tr("Add as a &link, leave the file where it is")),
            (self.cancel_button, self.tr("&Cancel")),
        ):
            button.setText(text)
            button.setAccessibleName(text.replace("&", ""))
        self.link_button.setToolTip(
            self.tr("Nothing is copied; the model can be used as long as its files stay where they are.")
        )
        self.progress.setAccessibleName(self.title.text())
        self._scroll.setAccessibleName(self.tr("What is known of the model"))
        if self._about is not None:
            self._fill(self._about)

    def _want(self, *, is_link: bool) -> None:
        self._is_busy = True
        self.retranslate()
        self._show_busy()
        self.wanted.emit(is_link)

    def _show_busy(self) -> None:
        self.progress.setRange(0, 0)
        self.progress.setVisible(self._is_busy)
        is_usable = self._about is not None and not self._about.faults and not self._is_busy
        self.add_button.setEnabled(is_usable)
        self.link_button.setEnabled(is_usable)

    def _fill(self, about: About) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        for label, value in self._rows(about):
            if value:
                text = QLabel(value, self.facts)
                text.setTextFormat(Qt.TextFormat.PlainText)
                text.setWordWrap(True)
                text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                text.setAccessibleName(f"{label} {value}")
                self._form.addRow(label, text)
        for label, value in ((self.tr("File:"), about.path), (self.tr("SHA-256:"), about.sha256)):
            # One long word, to be copied as it is: a label could not break it.
            line = QLineEdit(value, self.facts)
            line.setReadOnly(True)
            line.setFrame(False)
            line.setTextMargins(-2, 0, 0, 0)  # In line with the labels.
            line.setStyleSheet("background: transparent")
            line.setCursorPosition(0)
            line.setAccessibleName(label.rstrip(":："))
            self._form.addRow(label, line)
        self.faults.setText("\n".join((self.tr("This model cannot be used:"), *about.faults)))
        self.faults.setVisible(bool(about.faults))
        palette = self.faults.palette()
        palette.setColor(QPalette.ColorRole.Window, QColor(shades_of(self.palette()).warning))
        self.faults.setPalette(palette)

    def _rows(self, about: About) -> list[tuple[str, str]]:
        card, network = about.card, about.card.network
        vocabulary = self.tr("{0} tokens").format(f"{network.source_vocabulary:,}")
        if network.target_vocabulary != network.source_vocabulary:
            vocabulary = self.tr("{0} and {1} tokens").format(
                f"{network.source_vocabulary:,}", f"{network.target_vocabulary:,}"
            )
        memory = self.tr("about {0} needed, {1} free").format(size_text(about.memory), size_text(about.free))
        return [
            (self.tr("Languages:"), languages.offer(card)),
            (self.tr("Format:"), about.format),
            (self.tr("Precision:"), about.precision),
            (self.tr("Vocabulary:"), vocabulary),
            (self.tr("Size:"), size_text(about.bytes)),
            (self.tr("Memory:"), memory),
            (self.tr("Licence:"), self.tr("not stated") if card.licence in NO_LICENCE else card.licence),
            (self.tr("Training data:"), "\n".join(card.training_data)),
            (self.tr("Notes:"), card.notes),
        ]


def size_text(count: int) -> str:
    """Return a number of bytes for people."""
    return QLocale().formattedDataSize(count, 1, QLocale.DataSizeFormat.DataSizeSIFormat)
