"""Every command of the window, once: text, keys, icon, menu. Buttons and menus are made from these.

No command does anything while an input method composes: the keys belong to it then.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from s2s_gui.window.style import Shades, icon

KEYS = {
    "open": ["Ctrl+O"],
    "save": ["Ctrl+S"],
    "import_file": ["Ctrl+Shift+O"],
    "import_folder": [],
    "models": ["Ctrl+Shift+M"],
    "get_models": [],
    "quit": ["Ctrl+Q"],
    "undo": ["Ctrl+Z"],
    "redo": ["Ctrl+Shift+Z"],
    "copy_translation": ["Ctrl+Shift+C"],
    "paste": ["Ctrl+Shift+V"],
    "clear": ["Ctrl+Shift+Backspace"],
    "find": ["Ctrl+F"],
    "find_next": ["F3"],
    "find_previous": ["Shift+F3"],
    "settings": ["Ctrl+,"],
    "translate": ["Ctrl+Return", "Ctrl+Enter"],
    "stop": ["Esc"],
    "swap": ["Ctrl+Shift+S"],
    "swap_languages": [],
    "choose_direction": ["Ctrl+Shift+L"],
    "choose_target": ["Ctrl+Shift+T"],
    "choose_model": [],
    "larger": ["Ctrl++", "Ctrl+="],
    "smaller": ["Ctrl+-"],
    "normal_size": ["Ctrl+0"],
    "focus_source": ["Ctrl+1"],
    "focus_target": ["Ctrl+2"],
    "next_part": ["F6"],
    "previous_part": ["Shift+F6"],
    "full_screen": ["F11"],
    "help": ["F1"],
}
MENUS = (
    ("file", ("open", "save", "", "import_file", "import_folder", "models", "get_models", "", "quit")),
    (
        "edit",
        (
            *("undo", "redo", "", "copy_translation", "paste", "clear", ""),
            *("find", "find_next", "find_previous", "", "settings"),
        ),
    ),
    (
        "translation",
        ("translate", "stop", "", "swap", "swap_languages", "", "choose_direction", "choose_target", "choose_model"),
    ),
    (
        "view",
        (
            *("larger", "smaller", "normal_size", ""),
            *("focus_source", "focus_target", "next_part", "previous_part", "", "full_screen"),
        ),
    ),
    ("help", ("help",)),
)
ICONS = {"open": "open", "save": "save", "copy_translation": "copy", "paste": "paste", "clear": "clear", "swap": "swap"}


class Actions(QObject):
    """The commands by name; ``connect`` says what each one does."""

    def __init__(self, window: QMainWindow, is_composing: Callable[[], bool]) -> None:
        super().__init__(window)
        self._is_composing = is_composing
        self._actions = {name: QAction(window) for name in KEYS}
        for name, keys in KEYS.items():
            self._actions[name].setShortcuts([QKeySequence(key) for key in keys])
            self._actions[name].setIconVisibleInMenu(False)
            window.addAction(self._actions[name])
        self._actions["full_screen"].setCheckable(True)
        self._actions["quit"].setMenuRole(QAction.MenuRole.QuitRole)
        self._actions["settings"].setMenuRole(QAction.MenuRole.PreferencesRole)
        self._menus: dict[str, QMenu] = {}
        for title, entries in MENUS:
            menu = window.menuBar().addMenu("")
            self._menus[title] = menu
            for entry in entries:
                if entry:
                    menu.addAction(self._actions[entry])
                else:
                    menu.addSeparator()
        window.installEventFilter(self)
        self.retranslate()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def connect_to(self, name: str, function: Callable[[], object]) -> None:
        """Let the action ``name`` call ``function``, except while an input method composes."""
        self._actions[name].triggered.connect(partial(self._trigger, function))

    def with_keys(self) -> list[QAction]:
        """Return the actions that have a key, in the order of the menus."""
        named = [self._actions[entry] for _, entries in MENUS for entry in entries if entry]
        return [action for action in named if not action.shortcut().isEmpty()]

    def set_shades(self, shades: Shades) -> None:
        """Draw the icons in the colours of the theme."""
        for name, file in ICONS.items():
            self._actions[name].setIcon(icon(file, shades))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        return super().eventFilter(watched, event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        for name, title in (
            ("file", self.tr("&File")),
            ("edit", self.tr("&Edit")),
            ("translation", self.tr("&Translation")),
            ("view", self.tr("&View")),
            ("help", self.tr("&Help")),
        ):
            self._menus[name].setTitle(title)
        for name, text in (
            ("open", self.tr("&Open text…")),
            ("save", self.tr("&Save translation…")),
            ("import_file", self.tr("&Add a model…")),
            ("import_folder", self.tr("Add a model from a &folder…")),
            ("models", self.tr("&Models")),
            ("get_models", self.tr("&Get models…")),
            ("quit", self.tr("&Quit")),
            ("undo", self.tr("&Undo")),
            ("redo", self.tr("&Redo")),
            ("copy_translation", self.tr("&Copy translation")),
            ("paste", self.tr("&Paste and translate")),
            ("clear", self.tr("C&lear text")),
            ("find", self.tr("&Find…")),
            ("find_next", self.tr("Find &next")),
            ("find_previous", self.tr("Find pre&vious")),
            ("settings", self.tr("S&ettings…")),
            ("translate", self.tr("&Translate now")),
            ("stop", self.tr("&Stop")),
            ("swap", self.tr("S&wap languages and texts")),
            ("swap_languages", self.tr("Swap &languages only")),
            ("choose_direction", self.tr("Choose &direction")),
            ("choose_target", self.tr("Choose tar&get language")),
            ("choose_model", self.tr("Choose &model")),
            ("larger", self.tr("&Larger text")),
            ("smaller", self.tr("&Smaller text")),
            ("normal_size", self.tr("&Normal text size")),
            ("focus_source", self.tr("Go to s&ource text")),
            ("focus_target", self.tr("Go to &translation")),
            ("next_part", self.tr("Go to ne&xt part")),
            ("previous_part", self.tr("Go to &previous part")),
            ("full_screen", self.tr("&Full screen")),
            ("help", self.tr("&Help and keys")),
        ):
            self._actions[name].setText(text)

    def _trigger(self, function: Callable[[], object], _checked: bool = False) -> None:
        if not self._is_composing():
            function()
