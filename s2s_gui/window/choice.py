"""The drop-down list of the bar."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QWidget

CONTROL_HEIGHT = 32


class Choice(QComboBox):
    """A list that only the user's choice reports, and that the mouse wheel does not change by accident."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setMinimumHeight(CONTROL_HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setMinimumContentsLength(8)

    def showPopup(self) -> None:
        self.view().setAccessibleName(self.accessibleName())
        super().showPopup()

    def wheelEvent(self, event: object) -> None:
        """Leave the wheel to the window: a translation should not change its language by a stray turn."""
