"""The bar above the panes: direction, swap, model, and the one button that translates and stops."""

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from s2s_gui.description import Direction
from s2s_gui.window import languages
from s2s_gui.window.choice import CONTROL_HEIGHT, Choice
from s2s_gui.window.language_boxes import LanguageBoxes
from s2s_gui.window.live import BUSY, State
from s2s_gui.window.style import Shades, icon, icon_size

MOST_IN_ONE_LIST = 24
# The role under which a combo box's own model keeps whether an item can be chosen.
ENABLED_ROLE = Qt.ItemDataRole.UserRole - 1


class Bar(QWidget):
    """Shows and reports choices; ``direction_chosen`` carries a ``Direction``, ``model_chosen`` a folder."""

    direction_chosen = Signal(object)
    model_chosen = Signal(str)
    pressed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.direction_box = Choice("directionBox", self)
        self.language_boxes = LanguageBoxes(self)
        self.model_box = Choice("modelBox", self)
        self.swap_button = QToolButton(self)
        self.swap_button.setObjectName("swapButton")
        self.swap_button.setAutoRaise(True)
        self.swap_button.setIconSize(icon_size())
        self.swap_button.setFixedSize(CONTROL_HEIGHT + 4, CONTROL_HEIGHT)
        self.swap_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.stop_button = QPushButton(self)
        self.stop_button.setObjectName("stopButton")
        self.stop_button.setMinimumHeight(CONTROL_HEIGHT)
        self.stop_button.setAutoDefault(False)
        self.model_box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._state = State.NO_MODEL
        self._directions: tuple[Direction, ...] = ()
        self._has_reverse = False
        self._is_narrow: bool | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(8)
        self.direction_box.currentIndexChanged.connect(self._on_direction)
        self.language_boxes.chosen.connect(self.direction_chosen)
        self.model_box.currentIndexChanged.connect(self._on_model)
        self.stop_button.clicked.connect(self.pressed)
        self.set_narrow(False)
        self.set_models([])
        self.set_directions((), None)
        self.retranslate()

    def set_narrow(self, is_narrow: bool) -> None:
        """Take one row, or two where the window is narrow."""
        if is_narrow == self._is_narrow:
            return
        self._is_narrow = is_narrow
        row = 1 if is_narrow else 0
        boxes = (self.direction_box, self.language_boxes)
        for widget in (*boxes, self.swap_button, self.model_box, self.stop_button):
            self._grid.removeWidget(widget)
        for box in boxes:
            self._grid.addWidget(box, 0, 0, 1, 2 if is_narrow else 1)
        self._grid.addWidget(self.swap_button, 0, 2 if is_narrow else 1)
        self._grid.addWidget(self.model_box, row, 0 if is_narrow else 3)
        self._grid.addWidget(self.stop_button, row, 1 if is_narrow else 4, 1, 2 if is_narrow else 1)
        self._grid.setColumnStretch(0, 1 if is_narrow else 0)
        self._grid.setColumnStretch(2, 0 if is_narrow else 1)

    def set_models(self, models: list[tuple[str, str, str]]) -> None:
        """Offer ``models``: folder, name, and the fault of one that cannot be loaded ("" for the others)."""
        with QSignalBlocker(self.model_box):
            self.model_box.clear()
            for index, (folder, name, fault) in enumerate(models):
                self.model_box.addItem(name, folder)
                if fault:
                    self.model_box.setItemData(index, fault, Qt.ItemDataRole.ToolTipRole)
                    self.model_box.setItemData(index, 0, ENABLED_ROLE)
            self.model_box.setCurrentIndex(-1)
        self.model_box.setEnabled(bool(models))

    def show_model(self, folder: str) -> None:
        """Show that the model in ``folder`` is the one in use or on its way."""
        with QSignalBlocker(self.model_box):
            self.model_box.setCurrentIndex(self.model_box.findData(folder))

    def set_directions(self, directions: tuple[Direction, ...], chosen: Direction | None) -> None:
        """Offer the directions of the loaded model: in one list, or in two of languages where they are many."""
        self._directions = directions
        is_many = len(directions) > MOST_IN_ONE_LIST
        self.language_boxes.set_directions(directions if is_many else ())
        self.direction_box.setVisible(not is_many)
        self.language_boxes.setVisible(is_many)
        with QSignalBlocker(self.direction_box):
            self.direction_box.clear()
            for index, direction in enumerate(() if is_many else directions):
                self.direction_box.addItem(languages.direction_name(direction))
                own = f"{languages.autonym(direction.source)} → {languages.autonym(direction.target)}"
                self.direction_box.setItemData(index, own, Qt.ItemDataRole.ToolTipRole)
            self.direction_box.setCurrentIndex(-1)
        self.direction_box.setEnabled(bool(directions))
        self.show_direction(chosen)

    def show_direction(self, direction: Direction | None) -> None:
        """Show ``direction`` as the chosen one; swap is possible if the model also goes the other way."""
        if direction is None:
            self._has_reverse = False
        else:
            if len(self._directions) > MOST_IN_ONE_LIST:
                self.language_boxes.show_direction(direction)
            else:
                with QSignalBlocker(self.direction_box):
                    self.direction_box.setCurrentIndex(self._directions.index(direction))
            self._has_reverse = reverse_of(direction, self._directions) is not None
        self.swap_button.setEnabled(self._has_reverse)

    def open_sources(self) -> None:
        """Open the list of source languages, or of directions."""
        self._open(self.language_boxes.source_box)

    def open_targets(self) -> None:
        """Open the list of target languages, or of directions."""
        self._open(self.language_boxes.target_box)

    def _open(self, box: Choice) -> None:
        (box if len(self._directions) > MOST_IN_ONE_LIST else self.direction_box).showPopup()

    def show_state(self, state: State, has_text: bool) -> None:
        """Let the button say what it would do now."""
        self._state = state
        self._name_button()
        busy = state in BUSY
        self.stop_button.setEnabled(
            busy or (has_text and state not in (State.NO_MODEL, State.LOADING, State.EMPTY, State.DONE))
        )

    def set_shades(self, shades: Shades) -> None:
        """Draw the icons in the colours of the theme."""
        self.swap_button.setIcon(icon("swap", shades))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        elif event.type() is QEvent.Type.FontChange:
            self._fit_button()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.direction_box.setAccessibleName(self.tr("Translation direction"))
        self.direction_box.setToolTip(self.tr("Translation direction (Ctrl+Shift+L)"))
        self.swap_button.setAccessibleName(self.tr("Swap languages"))
        self.swap_button.setToolTip(self.tr("Swap languages and texts (Ctrl+Shift+S)"))
        self.model_box.setAccessibleName(self.tr("Model"))
        self.model_box.setToolTip(self.tr("Model. All models: Ctrl+Shift+M"))
        self.model_box.setPlaceholderText(self.tr("No model"))
        self.direction_box.setPlaceholderText(self.tr("No model"))
        for index in range(self.direction_box.count()):
            self.direction_box.setItemText(index, languages.direction_name(self._directions[index]))
        self.stop_button.setToolTip(self.tr("Translate now: Ctrl+Return. Stop: Esc."))
        self._name_button()
        self._fit_button()

    def _name_button(self) -> None:
        text = self._button_texts()[self._state]
        if text != self.stop_button.text():
            self.stop_button.setText(text)
            self.stop_button.setAccessibleName(text)

    def _button_texts(self) -> dict[State, str]:
        translate, stop = self.tr("Translate"), self.tr("Stop")
        return {
            **dict.fromkeys(State, translate),
            State.WAITING: stop,
            State.TRANSLATING: stop,
            State.STOPPED: self.tr("Continue"),
            State.ERROR: self.tr("Try again"),
        }

    def _fit_button(self) -> None:
        """Make the button as wide as its longest text, so that nothing moves when it changes."""
        metrics = self.stop_button.fontMetrics()
        widest = max(metrics.horizontalAdvance(text) for text in self._button_texts().values())
        self.stop_button.setFixedWidth(widest + 40)

    def _on_direction(self, index: int) -> None:
        if index >= 0:
            self.direction_chosen.emit(self._directions[index])

    def _on_model(self, index: int) -> None:
        if index >= 0:
            self.model_chosen.emit(self.model_box.itemData(index))


def reverse_of(direction: Direction, directions: tuple[Direction, ...]) -> Direction | None:
    """Return the one of ``directions`` that goes the other way."""
    ends = (direction.target, direction.source)
    return next((each for each in directions if (each.source, each.target) == ends), None)
