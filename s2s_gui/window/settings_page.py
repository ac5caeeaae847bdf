"""The settings window: every choice applies at once and is reported as one changed ``Settings``."""

import msgspec
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from s2s_gui.storage.settings import Settings


class SettingsPage(QDialog):
    """Shows the settings; ``changed`` carries the new ones."""

    changed = Signal(object)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("settingsPage")
        self._settings = settings
        self.while_typing = QCheckBox(self)
        self.pace = QComboBox(self)
        self.beam_size = QSpinBox(self)
        self.precision = QComboBox(self)
        self.shortlist = QCheckBox(self)
        self.mark_doubtful = QCheckBox(self)
        self.threads = QSpinBox(self)
        self.idle_minutes = QSpinBox(self)
        self.theme = QComboBox(self)
        self.language = QComboBox(self)
        self.text_size = QSpinBox(self)
        self.beam_size.setRange(0, 16)
        self.threads.setRange(0, 64)
        self.idle_minutes.setRange(0, 1440)
        self.idle_minutes.setSingleStep(5)
        self.text_size.setRange(50, 300)
        self.text_size.setSingleStep(10)
        for box, values in (
            (self.pace, ("calm", "normal", "eager")),
            (self.precision, ("auto", "fp32", "int8")),
            (self.theme, ("system", "light", "dark")),
            (self.language, ("system", "en", "zh_CN")),
        ):
            for value in values:
                box.addItem("", value)
        self._headings = (QLabel(self), QLabel(self))
        for heading in self._headings:
            font = heading.font()
            font.setBold(True)
            heading.setFont(font)
        self._labels: dict[QWidget, QLabel] = {}
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        self._form.addRow(self._headings[0])
        self._form.addRow(self.while_typing)
        self._add(self.pace)
        self._add(self.beam_size)
        self._add(self.precision)
        self._form.addRow(self.shortlist)
        self._add(self.threads)
        self._add(self.idle_minutes)
        self._form.addRow(self._headings[1])
        self._add(self.theme)
        self._add(self.text_size)
        self._form.addRow(self.mark_doubtful)
        self._add(self.language)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self._buttons.rejected.connect(self.reject)
        box_layout = QVBoxLayout(self)
        box_layout.setContentsMargins(16, 16, 16, 16)
        box_layout.setSpacing(24)
        box_layout.addLayout(self._form)
        box_layout.addWidget(self._buttons, 0, Qt.AlignmentFlag.AlignRight)
        self.retranslate()
        self.show_settings(settings)
        for check in (self.while_typing, self.shortlist, self.mark_doubtful):
            check.toggled.connect(self._on_changed)
        for number in (self.beam_size, self.threads, self.idle_minutes, self.text_size):
            number.valueChanged.connect(self._on_changed)
        for choice in (self.pace, self.precision, self.theme, self.language):
            choice.activated.connect(self._on_changed)

    def show_settings(self, settings: Settings) -> None:
        """Show ``settings`` without reporting a change."""
        self._settings = settings
        checks = (self.while_typing, self.shortlist, self.mark_doubtful)
        numbers = (self.beam_size, self.threads, self.idle_minutes)
        widgets: tuple[QWidget, ...] = (*checks, *numbers, self.text_size)
        for widget in widgets:
            widget.blockSignals(True)
        self.while_typing.setChecked(settings.while_typing)
        self.shortlist.setChecked(settings.shortlist)
        self.mark_doubtful.setChecked(settings.mark_doubtful)
        self.beam_size.setValue(settings.beam_size)
        self.threads.setValue(settings.threads)
        self.idle_minutes.setValue(settings.idle_minutes)
        self.text_size.setValue(settings.text_size)
        for widget in widgets:
            widget.blockSignals(False)
        self.pace.setCurrentIndex(self.pace.findData(settings.pace))
        self.precision.setCurrentIndex(self.precision.findData(settings.precision))
        self.theme.setCurrentIndex(self.theme.findData(settings.theme))
        self.language.setCurrentIndex(self.language.findData(settings.interface_language))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.setWindowTitle(self.tr("Settings"))
        self._headings[0].setText(self.tr("Translating"))
        self._headings[1].setText(self.tr("Display"))
        self.while_typing.setText(self.tr("Translate while typing"))
        self.while_typing.setAccessibleName(self.while_typing.text())
        self.shortlist.setText(self.tr("Use the model's shortlist of words"))
        self.shortlist.setAccessibleName(self.shortlist.text())
        self.mark_doubtful.setText(self.tr("Underline words that the model is not sure of"))
        self.mark_doubtful.setAccessibleName(self.mark_doubtful.text())
        self.shortlist.setToolTip(
            self.tr("Only the likely words are looked at where a model lists them: much quicker.")
        )
        close = self._buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setAccessibleName(self.tr("Close settings"))
        self._name(self.pace, self.tr("Pace:"))
        self._name(self.beam_size, self.tr("Beam size:"))
        self._name(self.precision, self.tr("Precision:"))
        self._name(self.threads, self.tr("Threads for long texts:"))
        self._name(self.idle_minutes, self.tr("Free memory when idle:"))
        self._name(self.theme, self.tr("Theme:"))
        self._name(self.text_size, self.tr("Text size:"))
        self._name(self.language, self.tr("Interface language:"))
        self.beam_size.setSpecialValueText(self.tr("The model's own"))
        self.beam_size.setToolTip(self.tr("How many candidates are followed at once: more is slower, often better."))
        self.threads.setSpecialValueText(self.tr("One for each core"))
        self.idle_minutes.setSpecialValueText(self.tr("Never"))
        self.idle_minutes.setSuffix(self.tr(" min"))
        self.idle_minutes.setToolTip(self.tr("The model leaves memory after this time and comes back as you type."))
        self.precision.setToolTip(self.tr("8 bits are quicker on most processors and change few sentences."))
        self.pace.setToolTip(self.tr("How soon after a key the translation starts."))
        self.text_size.setSuffix(self.tr(" %"))
        for box, texts in (
            (self.pace, (self.tr("Calm"), self.tr("Normal"), self.tr("Eager"))),
            (self.precision, (self.tr("What is quicker here"), self.tr("32 bits"), self.tr("8 bits"))),
            (self.theme, (self.tr("As the system"), self.tr("Light"), self.tr("Dark"))),
            (self.language, (self.tr("As the system"), "English", "简体中文")),
        ):
            for index, text in enumerate(texts):
                box.setItemText(index, text)
        self.adjustSize()

    def _add(self, field: QWidget) -> None:
        label = QLabel(self)
        label.setBuddy(field)
        self._labels[field] = label
        self._form.addRow(label, field)

    def _name(self, field: QWidget, text: str) -> None:
        self._labels[field].setText(text)
        name = text.rstrip(":：")
        field.setAccessibleName(name)
        if isinstance(field, QComboBox):
            field.view().setAccessibleName(name)
        elif isinstance(field, QSpinBox):
            field.lineEdit().setAccessibleName(name)

    def _on_changed(self) -> None:
        self._settings = msgspec.structs.replace(
            self._settings,
            while_typing=self.while_typing.isChecked(),
            pace=self.pace.currentData(),
            beam_size=self.beam_size.value(),
            precision=self.precision.currentData(),
            shortlist=self.shortlist.isChecked(),
            mark_doubtful=self.mark_doubtful.isChecked(),
            threads=self.threads.value(),
            idle_minutes=self.idle_minutes.value(),
            theme=self.theme.currentData(),
            text_size=self.text_size.value(),
            interface_language=self.language.currentData(),
        )
        self.changed.emit(self._settings)
