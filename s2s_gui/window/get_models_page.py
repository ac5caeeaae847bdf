"""The page that says where models can be had: for two languages, which files of which catalogue to save.

The program fetches nothing itself: its buttons open the user's browser, and a folder can be watched for what arrives.
"""

import os
from pathlib import Path

from PySide6.QtCore import QEvent, QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from s2s_gui.description import Direction, Language
from s2s_gui.storage import catalogue
from s2s_gui.window import languages
from s2s_gui.window.choice import Choice
from s2s_gui.window.flow import Flow
from s2s_gui.window.model_card import size_text

OPUS_MT = "https://huggingface.co/models?author=Helsinki-NLP&search=opus-mt-{0}-{1}"
ARGOS = "https://www.argosopentech.com/argospm/index/"
TRANSLATE_LOCALLY = "https://data.statmt.org/bergamot/models/"


class GetModelsPage(QWidget):
    """Shows the catalogues; ``watch_wanted`` carries the folder to watch, ``None`` for no longer."""

    watch_wanted = Signal(object)
    close_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("getModelsPage")
        self.folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation))
        self._is_watching = False
        self.heading, self._introduction, self._watched = QLabel(self), QLabel(self), QLabel(self)
        font = self.heading.font()
        font.setBold(True)
        self.heading.setFont(font)
        self.source_box, self.target_box = Choice("fromBox", self), Choice("toBox", self)
        self._labels = {box: QLabel(self) for box in (self.source_box, self.target_box)}
        pair = QHBoxLayout()
        pair.setSpacing(8)
        for box, label in self._labels.items():
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            label.setBuddy(box)
            pair.addWidget(label)
            pair.addWidget(box, 1)
            box.currentIndexChanged.connect(self._show_offers)
        self._offers = QWidget(self)
        self._offers_box = QVBoxLayout(self._offers)
        self._offers_box.setContentsMargins(0, 0, 8, 0)
        self._offers_box.setSpacing(8)
        self._scroll = QScrollArea(self)
        self._scroll.setWidget(self._offers)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.choose_button, self.watch_button, self.close_button = (QPushButton(self) for _ in range(3))
        self.choose_button.clicked.connect(self._choose_folder)
        self.watch_button.clicked.connect(self._toggle)
        self.close_button.clicked.connect(self.close_wanted)
        buttons = Flow()
        for button in (self.watch_button, self.choose_button, self.close_button):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        for text in (self._introduction, self._watched):
            text.setWordWrap(True)
        box_layout = QVBoxLayout(self)
        box_layout.setContentsMargins(0, 0, 0, 0)
        box_layout.setSpacing(8)
        box_layout.addWidget(self.heading)
        box_layout.addWidget(self._introduction)
        box_layout.addLayout(pair)
        box_layout.addWidget(self._scroll, 1)
        box_layout.addWidget(self._watched)
        box_layout.addLayout(buttons)
        self.retranslate()

    def show_direction(self, direction: Direction | None) -> None:
        """Begin with the languages of ``direction``."""
        if direction is not None:
            for box, language in ((self.source_box, direction.source), (self.target_box, direction.target)):
                box.setCurrentIndex(box.findData(language.code))

    def show_watching(self, is_watching: bool) -> None:
        """Say whether the folder is watched."""
        self._is_watching = is_watching
        self._name_folder()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.heading.setText(self.tr("Get models"))
        self._introduction.setText(
            self.tr(
                "This program never uses the network. The buttons open a page in your browser: save the files named"
                " into one folder. A watched folder tells this program when they are there."
            )
        )
        for box, text in ((self.source_box, self.tr("From:")), (self.target_box, self.tr("To:"))):
            self._labels[box].setText(text)
            box.setAccessibleName(text.rstrip(":："))
            _fill(box)
        self.choose_button.setText(self.tr("C&hoose folder…"))
        self.close_button.setText(self.tr("&Back to models"))
        for button in (self.choose_button, self.close_button):
            button.setAccessibleName(button.text().replace("&", ""))
        self._scroll.setAccessibleName(self.tr("Catalogues"))
        self._name_folder()
        self._show_offers()

    def _name_folder(self) -> None:
        folder = str(self.folder).replace(os.sep, f"{os.sep}\u200b")  # A label breaks its lines only at blanks.
        text = self.tr("Watching {0}") if self._is_watching else self.tr("Folder to watch: {0}")
        self._watched.setText(text.format(folder))
        self.watch_button.setText(self.tr("Stop &watching") if self._is_watching else self.tr("&Watch this folder"))
        self.watch_button.setAccessibleName(self.watch_button.text().replace("&", ""))

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder to watch"), str(self.folder))
        if chosen:
            self.folder = Path(chosen)
            self.watch_wanted.emit(self.folder)

    def _toggle(self) -> None:
        self.watch_wanted.emit(None if self._is_watching else self.folder)

    def _show_offers(self) -> None:
        while (item := self._offers_box.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        source, target = self.source_box.currentData(), self.target_box.currentData()
        if source is None or target is None or source == target:
            return
        for title, text, page in self._rows(source, target):
            name, what, button = QLabel(title), QLabel(text), QPushButton(self.tr("Open the page"))
            font = name.font()
            font.setBold(True)
            name.setFont(font)
            what.setWordWrap(True)
            button.setAccessibleName(self.tr("Open the page of {0}").format(title))
            button.setToolTip(page)
            button.clicked.connect(lambda _=False, page=page: QDesktopServices.openUrl(QUrl(page)))
            for widget in (name, what):
                self._offers_box.addWidget(widget)
            self._offers_box.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
            self._offers_box.addSpacing(8)
        self._offers_box.addStretch(1)

    def _rows(self, source: str, target: str) -> list[tuple[str, str, str]]:
        """Return title, what to save, and the address of each catalogue."""
        rows = []
        pairs = [(source, target)]
        if not any(model.pair == source + target for model in catalogue.firefox()):
            # Two models make a chain by way of English.
            pairs = [(source, "en"), ("en", target)]
        for first, last in pairs:
            way = languages.direction_name(Direction(Language(first), Language(last)))
            for model in catalogue.firefox():
                if model.pair == first + last:
                    files = ", ".join(each.file for each in model.files)
                    text = self.tr("Save these {0} files into one folder: {1}. Together {2}.")
                    title = self.tr("Firefox, {0}, {1}").format(model.kind, way)
                    rows.append((title, text.format(len(model.files), files, size_text(model.bytes)), model.page))
        text = self.tr(
            'If the list has opus-mt-{0}-{1}, open it and there "Files and versions". Save config.json, vocab.json,'
            " source.spm, target.spm and model.safetensors, or else pytorch_model.bin, into a folder of their own."
        )
        rows.append(("OPUS-MT", text.format(source, target), OPUS_MT.format(source, target)))
        text = self.tr("Save the one file whose name begins with translate-{0}_{1} and ends with .argosmodel.")
        rows.append(("Argos Translate", text.format(source, target), ARGOS))
        text = self.tr("If there is a folder for the two languages, save the one file that ends with .tar.gz.")
        rows.append(("translateLocally", text, TRANSLATE_LOCALLY))
        return rows


def _fill(box: QComboBox) -> None:
    """Offer all languages of the catalogue and those that we have names for, and keep the chosen one."""
    chosen = box.currentData()
    codes = {code for model in catalogue.firefox() for code in (model.pair[:2], model.pair[2:])} | set(languages.NAMES)
    named = sorted(((languages.name(Language(code)), code) for code in codes), key=lambda pair: pair[0].casefold())
    box.blockSignals(True)
    box.clear()
    for name, code in named:
        box.addItem(name, code)
    box.setCurrentIndex(box.findData(chosen) if chosen is not None else -1)
    box.blockSignals(False)
