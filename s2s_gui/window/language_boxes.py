"""Two lists, from and to, for models of many languages: their directions would be tens of thousands in one list."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from s2s_gui.description import Direction, Language
from s2s_gui.window import languages
from s2s_gui.window.choice import Choice


class LanguageBoxes(QWidget):
    """``chosen`` carries a ``Direction``; typing in a list goes to the language of that name."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.source_box, self.target_box = Choice("sourceBox", self), Choice("targetBox", self)
        self._by_source: dict[Language, list[Direction]] = {}
        self._direction: Direction | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for box in (self.source_box, self.target_box):
            # To fit the contents, every name would be measured, and fonts of all scripts be loaded for it.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(10)
            row.addWidget(box, 1)
        self.source_box.currentIndexChanged.connect(self._on_source)
        self.target_box.currentIndexChanged.connect(self._on_target)
        self.retranslate()

    def set_directions(self, directions: tuple[Direction, ...]) -> None:
        """Offer ``directions``; none is chosen yet."""
        self._by_source = {}
        for each in directions:
            self._by_source.setdefault(each.source, []).append(each)
        self._direction = None
        _fill(self.source_box, list(self._by_source), None)

    def show_direction(self, direction: Direction) -> None:
        """Show ``direction``, one of those that are offered."""
        self._direction = direction
        with QSignalBlocker(self.source_box):
            self.source_box.setCurrentIndex(self.source_box.findData(direction.source))
        _fill(self.target_box, [each.target for each in self._by_source[direction.source]], direction.target)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.source_box.setAccessibleName(self.tr("Source language"))
        self.source_box.setToolTip(self.tr("Source language (Ctrl+Shift+L)"))
        self.target_box.setAccessibleName(self.tr("Target language"))
        self.target_box.setToolTip(self.tr("Target language (Ctrl+Shift+T)"))
        _fill(self.source_box, list(self._by_source), self._direction.source if self._direction else None)
        if self._direction is not None:
            self.show_direction(self._direction)

    def _on_source(self, index: int) -> None:
        """Keep the target language if the new source goes there; else take the former source, or the first there is."""
        ways = self._by_source[self.source_box.itemData(index)]
        before = self._direction
        wanted = [before.target, before.source] if before is not None else []
        found = next((way for target in wanted for way in ways if way.target == target), ways[0])
        self.show_direction(found)
        self.chosen.emit(found)

    def _on_target(self, index: int) -> None:
        target = self.target_box.itemData(index)
        ways = self._by_source[self.source_box.currentData()]
        self._direction = next(way for way in ways if way.target == target)
        self.chosen.emit(self._direction)


def _fill(box: QComboBox, offered: Sequence[Language], chosen: Language | None) -> None:
    """Offer languages in the order of their names."""
    named = sorted(((languages.name(each), each) for each in offered), key=lambda pair: pair[0].casefold())
    with QSignalBlocker(box):
        box.clear()
        for name, each in named:
            box.addItem(name, each)
        box.setCurrentIndex(next((index for index, (_, each) in enumerate(named) if each == chosen), -1))
