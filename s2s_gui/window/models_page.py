"""The page of models, over the panes: what is there, and everything that can be done with it."""

from PySide6.QtCore import QDate, QEvent, QLocale, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from s2s_gui.storage.library import Chain, Installed
from s2s_gui.storage.usage import Use
from s2s_gui.window import languages
from s2s_gui.window.flow import Flow
from s2s_gui.window.model_card import size_text
from s2s_gui.window.model_rows import NOTE_ROLE, ModelRows
from s2s_gui.window.shelf import Entry

KEY_ROLE = Qt.ItemDataRole.UserRole
LONGEST_NAME = 200


class ModelsPage(QWidget):
    """Shows entries and reports what the user wants; keys are those of the entries."""

    use_wanted = Signal(str)
    verify_wanted = Signal(object)
    rename_wanted = Signal(object, str)
    remove_wanted = Signal(object)
    open_folder_wanted = Signal(object)
    import_file_wanted = Signal()
    import_folder_wanted = Signal()
    get_models_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelsPage")
        self._entries: dict[str, Entry] = {}
        self._uses: dict[str, Use] = {}
        self._in_use = ""
        self.heading = QLabel(self)
        font = self.heading.font()
        font.setBold(True)
        self.heading.setFont(font)
        self.search = QLineEdit(self)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._show_found)
        self.list = QListWidget(self)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setItemDelegate(ModelRows(self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.currentItemChanged.connect(self._show_possible)
        self.list.itemActivated.connect(lambda _: self._use())
        self.buttons = {
            name: QPushButton(self)
            for name in (
                *("use", "verify", "rename", "remove", "open_folder"),
                *("import_file", "import_folder", "get_models", "close"),
            )
        }
        for name, function in (
            ("use", self._use),
            ("verify", lambda: self._report(self.verify_wanted)),
            ("rename", self._ask_name),
            ("remove", lambda: self._report(self.remove_wanted)),
            ("open_folder", lambda: self._report(self.open_folder_wanted)),
            ("import_file", self.import_file_wanted.emit),
            ("import_folder", self.import_folder_wanted.emit),
            ("get_models", self.get_models_wanted.emit),
            ("close", self.close_wanted.emit),
        ):
            self.buttons[name].clicked.connect(function)
            self.buttons[name].setAutoDefault(False)
        of_one, of_all = Flow(), Flow()
        for name, button in self.buttons.items():
            (of_one if name in ("use", "verify", "rename", "remove", "open_folder") else of_all).addWidget(button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        box.addWidget(self.heading)
        box.addWidget(self.search)
        box.addWidget(self.list, 1)
        box.addLayout(of_one)
        box.addLayout(of_all)
        self.retranslate()

    def show_entries(self, entries: list[Entry], uses: dict[str, Use], in_use: str) -> None:
        """Show ``entries``, of which ``in_use`` is the loaded one."""
        self._entries = {entry.key: entry for entry in entries}
        self._uses = uses
        self._in_use = in_use
        self._fill()

    def select(self, key: str) -> None:
        """Choose the entry ``key``, with nothing searched for."""
        self.search.clear()
        for row in range(self.list.count()):
            if self.list.item(row).data(KEY_ROLE) == key:
                self.list.setCurrentRow(row)

    def selected(self) -> Entry | None:
        """Return the entry that the buttons are about."""
        item = self.list.currentItem()
        return self._entries.get(item.data(KEY_ROLE)) if item is not None and not item.isHidden() else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.buttons["remove"].isEnabled() and self.list.hasFocus():
            self._report(self.remove_wanted)
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.heading.setText(self.tr("Models"))
        self.search.setPlaceholderText(self.tr("Search by name or language"))
        self.search.setAccessibleName(self.tr("Search models"))
        self.list.setAccessibleName(self.tr("Models"))
        for name, text in (
            ("use", self.tr("&Use")),
            ("verify", self.tr("&Verify")),
            ("rename", self.tr("Re&name…")),
            ("remove", self.tr("&Remove")),
            ("open_folder", self.tr("&Open folder")),
            ("import_file", self.tr("&Add a model…")),
            ("import_folder", self.tr("Add a &folder…")),
            ("get_models", self.tr("&Get models…")),
            ("close", self.tr("&Close")),
        ):
            self.buttons[name].setText(text)
            self.buttons[name].setAccessibleName(text.replace("&", ""))
        self._fill()

    def _fill(self) -> None:
        chosen = self.list.currentItem().data(KEY_ROLE) if self.list.currentItem() else self._in_use
        self.list.clear()
        for entry in self._entries.values():
            item = QListWidgetItem(entry.name, self.list)
            item.setData(KEY_ROLE, entry.key)
            item.setData(NOTE_ROLE, self._note(entry))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.name}. {self._note(entry)}")
            if entry.key == chosen:
                self.list.setCurrentItem(item)
        self._show_found()

    def _note(self, entry: Entry) -> str:
        """Return what is said of an entry below its name."""
        use = self._uses.get(entry.key, Use())
        parts = [] if entry.key != self._in_use else [self.tr("in use")]
        if isinstance(entry.model, Chain):
            parts.append(f"{_name(entry.model.first)} + {_name(entry.model.second)}")
        elif entry.model.card is not None:
            parts.append(languages.short_offer(entry.model.card))
        if entry.bytes:
            parts.append(size_text(entry.bytes))
        if use.date:
            date = QLocale().toString(QDate.fromString(use.date, Qt.DateFormat.ISODate), QLocale.FormatType.ShortFormat)
            parts.append(self.tr("last used {0}").format(date))
        if use.speed:
            parts.append(self.tr("{0} tokens/s here").format(round(use.speed)))
        if isinstance(entry.model, Installed) and not entry.model.is_own:
            parts.append(self.tr("came with the program"))
        if entry.fault:
            parts.append(entry.fault)
        return "  ·  ".join(parts)

    def _show_found(self) -> None:
        """Hide what the search does not find; the first that it finds is chosen if the chosen one is hidden."""
        words = self.search.text().casefold().split()
        shown = []
        for row in range(self.list.count()):
            item = self.list.item(row)
            entry = self._entries[item.data(KEY_ROLE)]
            text = f"{entry.name} {item.data(NOTE_ROLE)} {_languages(entry)}".casefold() if words else ""
            item.setHidden(not all(word in text for word in words))
            if not item.isHidden():
                shown.append(item)
        if shown and self.selected() is None:
            self.list.setCurrentItem(shown[0])
        self._show_possible()

    def _show_possible(self) -> None:
        """Let only those buttons be pressed that can do something with the chosen entry; the others say why not."""
        entry = self.selected()
        model = entry.model if entry is not None else None
        is_model = isinstance(model, Installed)
        is_own = isinstance(model, Installed) and model.is_own
        has_card = isinstance(model, Installed) and model.card is not None
        why = ""
        if isinstance(model, Chain):
            why = self.tr("This is two models one after the other; each of them is in the list too.")
        elif is_model and not is_own:
            why = self.tr("This model came with the program or the system and cannot be changed.")
        self.buttons["use"].setEnabled(entry is not None and bool(entry.ways) and not entry.fault)
        for name in ("verify", "open_folder"):
            self.buttons[name].setEnabled(is_model)
            self.buttons[name].setToolTip("" if is_model else why)
        for name in ("rename", "remove"):
            self.buttons[name].setEnabled(is_own and (name == "remove" or has_card))
            self.buttons[name].setToolTip("" if is_own else why)

    def _use(self) -> None:
        entry = self.selected()
        if entry is not None and self.buttons["use"].isEnabled():
            self.use_wanted.emit(entry.key)

    def _report(self, signal: SignalInstance) -> None:
        entry = self.selected()
        if entry is not None:
            signal.emit(entry.model)

    def _ask_name(self) -> None:
        entry = self.selected()
        if entry is None:
            return
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Rename"))
        dialog.setLabelText(self.tr("Name of the model:"))
        dialog.setTextValue(entry.name)
        for field in dialog.findChildren(QLineEdit):
            field.setAccessibleName(self.tr("Name of the model"))
            field.setMaxLength(LONGEST_NAME)
        dialog.textValueSelected.connect(lambda name: self.rename_wanted.emit(entry.model, name))
        dialog.open()


def _name(model: Installed) -> str:
    return model.card.name if model.card is not None else model.folder.name


def _languages(entry: Entry) -> str:
    """Return all languages of an entry, for searching."""
    ends = [each for way in entry.ways[:1000] for each in (way.source, way.target)]
    if isinstance(entry.model, Installed) and entry.model.card is not None:
        ends = [tongue.language for tongue in entry.model.card.languages] + [
            each for way in entry.model.card.directions for each in (way.source, way.target)
        ]
    return " ".join(f"{languages.full_name(each)} {each}" for each in dict.fromkeys(ends))
