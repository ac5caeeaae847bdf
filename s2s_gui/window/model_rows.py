"""How a model is drawn in the list: its name, and below it what is known of it in grey, in as many lines as needed."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

NOTE_ROLE = Qt.ItemDataRole.UserRole + 1
MARGIN = 8
WRAP = Qt.TextFlag.TextWordWrap


class ModelRows(QStyledItemDelegate):
    """Draws the name of an item and the text of its ``NOTE_ROLE``."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._view = view
        view.setResizeMode(QListView.ResizeMode.Adjust)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        self.initStyleOption(option, index)
        option.text = ""
        style = self._view.style() or QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, self._view)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        roles = QPalette.ColorRole
        name_role, note_role = (roles.HighlightedText,) * 2 if is_chosen else (roles.Text, roles.PlaceholderText)
        name, note, rect = index.data(), index.data(NOTE_ROLE), option.rect.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        height = _height(option.fontMetrics, name, rect.width())
        for role, text, top in ((name_role, name, 0), (note_role, note, height + MARGIN // 4)):
            painter.setPen(option.palette.color(role))
            painter.drawText(rect.adjusted(0, top, 0, 0), WRAP, text)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        width = self._view.viewport().width() - 2 * MARGIN
        heights = (_height(self._view.fontMetrics(), text, width) for text in (index.data(), index.data(NOTE_ROLE)))
        return QSize(0, sum(heights) + 2 * MARGIN + MARGIN // 4)


def _height(metrics: QFontMetrics, text: str, width: int) -> int:
    return metrics.boundingRect(QRect(0, 0, width, 1 << 20), WRAP, text).height()
