"""A row of buttons that breaks into more rows where the window is narrow or the words are long."""

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem

SPACE = 8


class Flow(QLayout):
    """Lays its widgets out like words in a paragraph."""

    def __init__(self) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), is_trial=True)

    def sizeHint(self) -> QSize:
        width = sum(item.sizeHint().width() + SPACE for item in self._items) - SPACE
        return QSize(max(0, width), max((item.sizeHint().height() for item in self._items), default=0))

    def minimumSize(self) -> QSize:
        smallest = QSize()
        for item in self._items:
            smallest = smallest.expandedTo(item.minimumSize())
        return smallest

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, is_trial=False)

    def _arrange(self, rect: QRect, *, is_trial: bool) -> int:
        """Put the widgets into ``rect``, or only try; return the height that they need."""
        x = y = row_height = 0
        for item in self._items:
            size = item.sizeHint()
            if x and x + size.width() > rect.width():
                x, y, row_height = 0, y + row_height + SPACE, 0
            if not is_trial:
                item.setGeometry(QRect(rect.topLeft() + QPoint(x, y), size))
            x += size.width() + SPACE
            row_height = max(row_height, size.height())
        return y + row_height
