"""The middle of the window: bar, source pane and translation pane, side by side or stacked where it is narrow.

Owns layout, fonts, colours, the focus and the names of the panes; knows nothing of requests. Pages such as that of the
models take the place of the panes, below the bar.
"""

from itertools import pairwise

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from s2s_gui.description import Direction
from s2s_gui.window import languages, style
from s2s_gui.window.actions import Actions
from s2s_gui.window.bar import Bar
from s2s_gui.window.drop_area import DropArea
from s2s_gui.window.find_bar import FindBar
from s2s_gui.window.focus_ring import move_focus
from s2s_gui.window.pane_card import PaneCard
from s2s_gui.window.strip import Strip
from s2s_gui.window.style import Shades
from s2s_gui.window.target_view import TargetView
from s2s_gui.window.text_panes import SourceEdit

NARROW_PIXELS = 720


class Workspace(QWidget):
    """Holds the widgets by name; ``arranged`` tells that the user moved the splitter, ``files_dropped`` has paths."""

    arranged = Signal()
    files_dropped = Signal(list)

    def __init__(self, actions: Actions, source: SourceEdit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.bar = Bar(self)
        self.source = source
        self.source.setObjectName("sourceEdit")
        self.target = TargetView(self)
        self.target.setObjectName("targetView")
        self.strip = Strip(self)
        self._direction: Direction | None = None
        self._count = 0
        self._is_narrow: bool | None = None
        self._source_note, self._target_note = QLabel(self), QLabel(self)
        source_card = PaneCard(self.source, self._source_note, self)
        target_card = PaneCard(self.target, self._target_note, self)
        target_card.add_above(self.strip)
        self.find_source, self.find_target = FindBar(self.source, self), FindBar(self.target, self)
        source_card.add_below(self.find_source)
        target_card.add_below(self.find_target)
        self._target_card = target_card
        source_card.add_button(actions["clear"], "clearButton")
        source_card.add_button(actions["paste"], "pasteButton")
        copy = target_card.add_button(actions["copy_translation"], "copyButton")
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setHandleWidth(8)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(source_card)
        self.splitter.addWidget(target_card)
        self.splitter.splitterMoved.connect(self.arranged)
        self._stack = QStackedWidget(self)
        self._pages: list[QWidget] = []
        self._stack.addWidget(self.splitter)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(16, 8, 16, 8)
        self._box.setSpacing(8)
        self._box.addWidget(self.bar)
        self._box.addWidget(self._stack, 1)
        self._drop_area = DropArea(self)
        self._drop_area.dropped.connect(self.files_dropped)
        self.source.files_dropped.connect(self.files_dropped)
        self.bar.swap_button.clicked.connect(actions["swap"].trigger)
        for name, function in (
            ("find", self._open_find_bar),
            ("find_next", lambda: self._find_bar().find_next()),
            ("find_previous", lambda: self._find_bar().find_previous()),
            ("focus_source", lambda: self._focus_pane(self.source)),
            ("focus_target", lambda: self._focus_pane(self.target)),
            ("next_part", lambda: self._move_focus(1)),
            ("previous_part", lambda: self._move_focus(-1)),
        ):
            actions.connect_to(name, function)
        self.source.composing_changed.connect(self._arrange)
        bar = self.bar
        order = (self.source, self.target, copy, bar.direction_box, bar.swap_button, bar.model_box, bar.stop_button)
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)
        self.retranslate()

    def name_panes(self, direction: Direction | None) -> None:
        """Name the panes after the languages of ``direction``, for screen readers."""
        self._direction = direction
        if direction is None:
            self.source.setAccessibleName(self.tr("Source text"))
            self.target.setAccessibleName(self.tr("Translation"))
        else:
            self.source.setAccessibleName(self.tr("Source text, {0}").format(languages.name(direction.source)))
            self.target.setAccessibleName(self.tr("Translation, {0}").format(languages.name(direction.target)))

    def show_count(self, characters: int) -> None:
        """Show the length of the source text."""
        self._count = characters
        self._source_note.setText(self.tr("{0} characters").format(f"{characters:,}") if characters else "")

    def note_copied(self) -> None:
        """Say that the translation was copied, until something changes."""
        self._target_note.setText(self.tr("Copied"))

    def clear_note(self) -> None:
        """Take the note below the translation away."""
        if self._target_note.text():
            self._target_note.clear()

    def set_text_size(self, percent: int) -> None:
        """Show both texts at ``percent`` of their normal size."""
        for pane in (self.source, self.target):
            pane.setFont(style.pane_font(percent))
            pane.fit_column()

    def set_shades(self, shades: Shades) -> None:
        """Use the colours of the theme."""
        self.bar.set_shades(shades)
        self.strip.set_shades(shades)
        self.find_source.set_shades(shades)
        self.find_target.set_shades(shades)
        self.target.set_colours(*style.text_colours(shades))

    def add_page(self, page: QWidget) -> None:
        """Take a page that can be shown in place of the panes."""
        self._stack.addWidget(page)
        self._pages.append(page)

    def show_page(self, page: QWidget, focus: QWidget) -> None:
        """Show ``page`` in place of the panes, messages above it, and give ``focus`` the keyboard."""
        self._stack.setCurrentWidget(page)
        self._box.insertWidget(1, self.strip)
        focus.setFocus()

    def show_panes(self) -> None:
        """Show the panes again."""
        if self._stack.currentWidget() is not self.splitter:
            self._stack.setCurrentWidget(self.splitter)
            self._target_card.add_above(self.strip)
            self.source.setFocus()

    def close_front(self) -> bool:
        """Close an open find bar, that of the focused pane first, else message or page; return whether one was open."""
        bars = (self._find_bar(), self.find_source, self.find_target)
        opened = next((each for each in bars if each.isVisible()), None)
        if opened is not None:
            opened.close_bar()
            return True
        if self.strip.isVisible():
            self.strip.dismiss()
            return True
        if self._stack.currentWidget() is not self.splitter:
            self.show_panes()
            return True
        return False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drop_area.dragEnterEvent(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_area.dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_area.dropEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        self._drop_area.hide()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.source.setPlaceholderText(self.tr("Type or paste text here"))
        self.target.setPlaceholderText(self.tr("The translation appears here"))
        self.clear_note()
        self.show_count(self._count)
        self.name_panes(self._direction)

    def _find_bar(self) -> FindBar:
        """Return the find bar of the pane that has the focus, else the source's."""
        focused = QApplication.focusWidget()
        in_target = focused is not None and self._target_card.isAncestorOf(focused)
        return self.find_target if in_target else self.find_source

    def _open_find_bar(self) -> None:
        self.show_panes()
        self._find_bar().open_bar()

    def _move_focus(self, step: int) -> None:
        docks = self.window().findChildren(QDockWidget)
        move_focus((self.bar, self.source, self.strip, self.target, *self._pages, *docks), step)

    def _focus_pane(self, pane: QWidget) -> None:
        self.show_panes()
        pane.setFocus()

    def _arrange(self) -> None:
        """Stack the panes where the window is narrow, but never while an input method composes."""
        is_narrow = self.width() < NARROW_PIXELS
        if is_narrow != self._is_narrow and not self.source.is_composing:
            self._is_narrow = is_narrow
            self.splitter.setOrientation(Qt.Orientation.Vertical if is_narrow else Qt.Orientation.Horizontal)
            self.bar.set_narrow(is_narrow)
