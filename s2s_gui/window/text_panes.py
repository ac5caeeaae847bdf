"""The two text panes: plain text, a caret that Tab can leave, and a column that stays readable on wide windows.

``SourceEdit`` tells real changes from the steps of an input method and says why the text changed. ``TargetView`` is in
``target_view.py``.
"""

from collections.abc import Callable

from PySide6.QtCore import QMimeData, Qt, QUrl, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QFocusEvent,
    QGuiApplication,
    QInputMethodEvent,
    QResizeEvent,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from s2s_gui.window.pacing import SENTENCE_END, Cause

MARGIN = 12
WIDEST_LETTERS = 84
SCROLL_BAR = """
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar::handle:vertical { background: palette(dark); border-radius: 3px; margin: 3px; min-height: 24px; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""


class TextPane(QPlainTextEdit):
    """What both panes share; ``zoomed`` asks for larger (1) or smaller (-1) text."""

    zoomed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDocumentMargin(MARGIN)
        self.verticalScrollBar().setStyleSheet(SCROLL_BAR)
        self.setMinimumSize(200, 56)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if event.angleDelta().y():
                self.zoomed.emit(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
            return
        super().wheelEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.fit_column()
        super().resizeEvent(event)

    def fit_column(self) -> None:
        """Leave the rest of a very wide pane empty, so that a line has at most some 80 letters."""
        widest = WIDEST_LETTERS * self.fontMetrics().averageCharWidth() + 2 * MARGIN
        spare = max(0, self.width() - widest) // 2
        if self.viewportMargins().left() != spare:
            self.setViewportMargins(spare, 0, spare, 0)


class SourceEdit(TextPane):
    """The text to translate; ``edited`` carries it and the cause, and never fires while an input method composes."""

    edited = Signal(str, Cause)
    composing_changed = Signal(bool)
    files_dropped = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen = ""
        self._was_composing = False
        self._cause: Cause | None = None
        self._after_composing: Callable[[], None] | None = None
        self.textChanged.connect(self._on_text_changed)

    @property
    def is_composing(self) -> bool:
        """Whether an input method has text in the pane that is not committed yet."""
        layout = self.textCursor().block().layout()
        return layout is not None and layout.preeditAreaText() != ""

    def source_text(self) -> str:
        """Return the text byte for byte; ``toPlainText`` would turn no-break spaces into spaces."""
        return self.document().toRawText().replace("\u2029", "\n")

    def replace_text(self, text: str, cause: Cause) -> None:
        """Put ``text`` in place of everything as one step that can be undone; waits for the end of a composition."""
        if self.is_composing:
            self._after_composing = lambda: self.replace_text(text, cause)
            return
        self._cause = cause
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        cursor.endEditBlock()
        self._cause = None
        self.moveCursor(QTextCursor.MoveOperation.Start if "\n" in text else QTextCursor.MoveOperation.End)

    def paste_over(self) -> None:
        """Put the text of the clipboard in place of everything."""
        text = QGuiApplication.clipboard().text()
        if text:
            self.replace_text(text.replace("\r\n", "\n"), Cause.PASTED)

    def restore_text(self, text: str) -> None:
        """Show ``text`` as the beginning of a session: nothing to undo, and no edit is reported."""
        self._seen = text
        self.setPlainText(text)
        self._seen = self.source_text()
        self.moveCursor(QTextCursor.MoveOperation.End)

    def insertFromMimeData(self, source: QMimeData) -> None:
        files = local_files(source)
        if files:
            self.files_dropped.emit(files)
            return
        self._cause = Cause.PASTED
        super().insertFromMimeData(source)
        self._cause = None

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return bool(local_files(source)) or super().canInsertFromMimeData(source)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Leave files to the window, which takes them anywhere; dragged text is for the pane."""
        if local_files(event.mimeData()):
            event.ignore()
            return
        super().dragEnterEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        commits = self._was_composing and event.commitString() != ""
        self._cause = Cause.COMMITTED if commits else None
        super().inputMethodEvent(event)
        self._cause = None
        self._note_composing()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leave no composition behind: nothing would be translated until its end, which might never come."""
        if self.is_composing and event.reason() is not Qt.FocusReason.PopupFocusReason:
            QGuiApplication.inputMethod().commit()
            if self.is_composing:
                self.inputMethodEvent(QInputMethodEvent("", []))
        super().focusOutEvent(event)
        self._note_composing()

    def _note_composing(self) -> None:
        """Report the beginning and the end of a composition, and do what had to wait for its end."""
        if self.is_composing == self._was_composing:
            return
        self._was_composing = self.is_composing
        self.composing_changed.emit(self._was_composing)
        if not self._was_composing:
            self._on_text_changed()
            waiting, self._after_composing = self._after_composing, None
            if waiting is not None:
                waiting()

    @Slot()
    def _on_text_changed(self) -> None:
        if self.is_composing:
            return
        text = self.source_text()
        if text == self._seen:
            return
        grown = len(text) - len(self._seen)
        self._seen = text
        cause = self._cause
        if cause is None:
            at = self.textCursor().positionInBlock()
            before = self.textCursor().block().text()[:at]
            ended = SENTENCE_END.match(before[-1:]) is not None or (grown > 0 and at == 0)
            cause = Cause.SENTENCE_END if ended else Cause.TYPED
        self.edited.emit(text, cause)


def local_files(source: QMimeData) -> list[str]:
    """Return the paths of the local files and folders in ``source``; nothing if it has anything else."""
    urls: list[QUrl] = source.urls() if source.hasUrls() else []
    return [url.toLocalFile() for url in urls] if all(url.isLocalFile() for url in urls) else []
