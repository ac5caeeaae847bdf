"""The translation pane: shows a translation while it grows, and changes only what differs.

Owns the text of each line as three parts: settled, tentative, and what is left of the text before. Edits go through
an own cursor from the first to the last differing character, so selection, caret and scroll position stay. Colours
come from a highlighter, which touches no text; the pane has no undo.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QSyntaxHighlighter,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QToolTip, QWidget

from s2s_gui.messages import KnownLines, Partial
from s2s_gui.window.bridge import BUDGET_SECONDS
from s2s_gui.window.pacing import changed_lines
from s2s_gui.window.text_panes import MARGIN, TextPane

LONG_LINE = 10_000
LONG_LINE_SECONDS = 0.2
MOST_NEW_BLOCKS = 200
PORTION = 32
LABEL_SCALE = 0.8
WORD_SEARCH = 24
Stretches = tuple[tuple[int, int], ...]
SAFE = str.maketrans({"\n": " ", "\r": " ", "\u2029": "\u2028", "\ufdd0": " ", "\ufdd1": " "})


@dataclass(slots=True)
class ShownLine:
    """One line as it is shown: ``text[:settled]`` is final, up to ``fresh`` it is new, the rest is older text.

    ``whole`` is the translation that it shows in full, before it was made safe for the pane; else ``None``.
    ``doubtful`` are the stretches of ``text`` that are marked.
    """

    text: str = ""
    settled: int = 0
    fresh: int = 0
    before: str = ""
    is_touched: bool = False
    whole: str | None = None
    doubtful: Stretches = ()


class TargetView(TextPane):
    """Shows the translation: ``begin`` starts a run, ``show_partial`` and ``show_result`` fill it, ``end`` stops it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(
            self.textInteractionFlags()
            | self.textInteractionFlags().TextSelectableByKeyboard
            | self.textInteractionFlags().TextSelectableByMouse
        )
        self._lines = [ShownLine()]
        self._source: list[str] = [""]
        self._is_stale = False
        self._long_line_shown = 0.0
        self._unfinished: list[str] = []
        self._doubtful: list[Stretches] = []
        self._unfinished_at = 0
        self._reached: int | None = None
        self.stopped_line: int | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(0)
        self._rest.timeout.connect(self._show_more)
        self._colours = _Colours(self.document(), self._lines)

    def translation(self) -> str:
        """Return the translation without what is left of older text."""
        return "\n".join(line.text[: line.fresh] if line.is_touched else line.text for line in self._lines)

    def set_colours(self, text: QColor, tentative: QColor, stale: QColor) -> None:
        """Use these colours from now on."""
        self._colours.set_colours(text, tentative, stale)
        self._paint_base()
        if any(line.is_touched for line in self._lines):
            self._colours.rehighlight()

    def mark_doubtful(self, is_wanted: bool) -> None:
        """Underline what the model was not sure of, or leave it unmarked."""
        if is_wanted != self._colours.is_marking:
            self._colours.is_marking = is_wanted
            self._colours.rehighlight()

    def set_stale(self, is_stale: bool) -> None:
        """Show everything that this run has not touched in grey, or in the normal colour again."""
        if is_stale != self._is_stale:
            self._is_stale = is_stale
            self._paint_base()

    def restore(self, text: str, source: list[str]) -> None:
        """Show ``text`` at once, as the translation of ``source``: a session's beginning, or a swap."""
        self._rest.stop()
        self._mark(None)
        self.setPlainText(text)
        self._lines[:] = [ShownLine(line, len(line), len(line)) for line in text.split("\n")]
        self._source = source

    def begin(self, source: list[str]) -> None:
        """Start a run for the lines ``source``: lines that did not change keep their place and their text."""
        self._rest.stop()
        self._reached = None
        self._mark(None)
        first, behind = changed_lines(self._source, source)
        old, new = len(self._source), len(source)
        if len(self._lines) == old and old != new and behind and abs(new - old) <= MOST_NEW_BLOCKS:
            self._resize_lines(first, old - new) if new < old else self._insert_lines(first, new - old)
        self._source = source
        for number, line in enumerate(self._lines):
            if line.is_touched:
                line.is_touched = False
                self._colours.rehighlightBlock(self.document().findBlockByNumber(number))
            line.before = line.text

    def show_partial(self, partial: Partial) -> None:
        """Show one line as far as it is translated."""
        self._reached = partial.line
        text = (partial.stable + partial.tentative).translate(SAFE)
        if len(text) > LONG_LINE and not partial.is_final:
            now = time.monotonic()
            if now - self._long_line_shown < LONG_LINE_SECONDS:
                return
            self._long_line_shown = now
        settled = len(text) if partial.is_final else len(partial.stable)
        self._show(partial.line, text, settled, partial.is_final)

    def show_known(self, known: KnownLines) -> None:
        """Show lines that were translated before; those that stand there already cost no more than a look."""
        self._reached = known.line + len(known.texts) - 1
        self._show_lines(known.line, known.texts)

    def show_result(self, lines: list[str], doubtful: list[Stretches] | None = None) -> None:
        """Make every line equal to ``lines``; what differs is brought in by small portions.

        ``doubtful`` gives for each line the stretches to be marked.
        """
        self._unfinished = lines
        self._doubtful = doubtful or []
        self._unfinished_at = 0
        self._show_more()

    def end(self) -> None:
        """Close a run that was stopped: what is shown stays, what was left of older text in a begun line goes.

        A thin line marks how far it came; it is painted, so that the text and what is copied stay the translation.
        """
        self._rest.stop()
        self._mark(self._reached)
        for number, line in enumerate(self._lines):
            if line.is_touched and line.fresh < len(line.text):
                self._show(number, line.text[: line.fresh], line.fresh, True)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        block = self.document().findBlockByNumber(-1 if self.stopped_line is None else self.stopped_line)
        if not block.isValid():
            return
        place = self.blockBoundingGeometry(block).translated(self.contentOffset())
        left, right = int(place.left()) + MARGIN, self.viewport().width() - MARGIN
        bottom = min(int(place.bottom()), self.viewport().height() - 1)
        label = self.tr("stopped here")
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * LABEL_SCALE)
        metrics = QFontMetrics(font)
        painter = QPainter(self.viewport())
        painter.setFont(font)
        painter.setPen(self._colours.stale)
        start = right - metrics.horizontalAdvance(label)
        painter.drawText(start, bottom + metrics.ascent() - metrics.height() // 2, label)
        painter.drawLine(left, bottom, start - MARGIN // 2, bottom)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            doubts = self._is_doubtful_at(self.viewport().mapFrom(self, event.pos()))
            QToolTip.showText(event.globalPos(), self.tr("The model is not sure of this word.") if doubts else "")
            return True
        return super().event(event)

    def _is_doubtful_at(self, place: QPoint) -> bool:
        cursor = self.cursorForPosition(place)
        number, column = cursor.blockNumber(), cursor.positionInBlock()
        if number >= len(self._lines):
            return False
        line = self._lines[number]
        return self._colours.is_marking and any(
            units(line.text[:start]) <= column <= units(line.text[:end]) for start, end in line.doubtful
        )

    def _mark(self, line: int | None) -> None:
        if line != self.stopped_line:
            self.stopped_line = line
            self.viewport().update()

    @Slot()
    def _show_more(self) -> None:
        until = time.perf_counter() + BUDGET_SECONDS
        while self._unfinished_at < len(self._unfinished):
            number = self._unfinished_at
            self._show_lines(number, self._unfinished[number : number + PORTION])
            for at, stretches in enumerate(self._doubtful[number : number + PORTION], number):
                self._doubt(at, stretches)
            self._unfinished_at += PORTION
            if time.perf_counter() > until:
                self._rest.start()
                return
        if len(self._lines) > len(self._unfinished):
            self._resize_lines(len(self._unfinished), len(self._lines) - len(self._unfinished))
        self.set_stale(False)

    def _show_lines(self, first: int, texts: Sequence[str]) -> None:
        """Show whole lines from line ``first`` on, except those that stand there."""
        for number, whole in enumerate(texts, first):
            if number < len(self._lines):
                line = self._lines[number]
                if line.whole == whole and not line.is_touched:
                    continue
            text = whole.translate(SAFE)
            self._show(number, text, len(text), True)
            self._lines[number].whole = whole

    def _doubt(self, number: int, stretches: Stretches) -> None:
        line = self._lines[number]
        if line.doubtful != stretches:
            line.doubtful = stretches
            self._colours.rehighlightBlock(self.document().findBlockByNumber(number))

    def _show(self, number: int, text: str, settled: int, is_final: bool) -> None:
        """Show ``text`` in line ``number``; unless it is final, older text beyond it stays in grey."""
        bar = self.verticalScrollBar()
        follows = bar.value() == bar.maximum()
        if number >= len(self._lines):
            self._insert_lines(len(self._lines), number + 1 - len(self._lines), text)
        line = self._lines[number]
        old = line.text
        shown = text if is_final else text + _older_rest(line.before, len(text))
        # Settled text of a final line needs no colour of its own unless everything around it is grey.
        touched = not is_final or self._is_stale
        is_recoloured = (touched or line.is_touched) and (line.settled, line.fresh, line.is_touched) != (
            settled,
            len(text),
            touched,
        )
        line.text, line.settled, line.fresh, line.is_touched = shown, settled, len(text), touched
        line.whole = None
        if is_final:
            line.before = shown
        block = self.document().findBlockByNumber(number)
        if old != shown:
            line.doubtful = ()
            self._edit(block, old, shown)
        if is_recoloured:
            self._colours.rehighlightBlock(block)
        if follows and bar.value() != bar.maximum():
            bar.setValue(bar.maximum())

    def _insert_lines(self, at: int, count: int, text: str = "") -> None:
        """Put ``count`` lines in front of line ``at``; ``text`` is that of the last, which must be the document's."""
        self._lines[at:at] = [ShownLine() for _ in range(count)]
        self._lines[at + count - 1].text = text
        block = self.document().findBlockByNumber(max(0, at - 1))
        place = block.position() + (block.length() - 1 if at > 0 else 0)
        self._replace(place, place, "\n" * count + text)

    def _resize_lines(self, at: int, surplus: int) -> None:
        """Take out ``surplus`` lines from line ``at`` on."""
        if at == 0 and surplus >= len(self._lines):
            self.restore("", self._source)
            return
        cursor = QTextCursor(self.document().findBlockByNumber(at))
        if at + surplus < len(self._lines):
            behind = self.document().findBlockByNumber(at + surplus)
            cursor.setPosition(behind.position(), QTextCursor.MoveMode.KeepAnchor)
        else:
            cursor.movePosition(QTextCursor.MoveOperation.PreviousCharacter)
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        del self._lines[at : at + surplus]
        cursor.removeSelectedText()

    def _edit(self, block: QTextBlock, old: str, new: str) -> None:
        """Edit ``block`` from ``old`` to ``new``, touching only what lies between their common ends."""
        limit = min(len(old), len(new))
        first = limit if old[:limit] == new[:limit] else next(at for at in range(limit) if old[at] != new[at])
        rest = limit - first
        behind = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
        start, end = (block.position() + units(old[:length]) for length in (first, len(old) - behind))
        self._replace(start, end, new[first : len(new) - behind])

    def _replace(self, start: int, end: int, text: str) -> None:
        """Put ``text`` in place of what is between ``start`` and ``end``.

        Qt moves a caret that stands where text is inserted, and its option to keep it there leaves the other end of
        the selection to move; so both ends are put back by hand.
        """
        caret = self.textCursor()
        position, anchor = caret.position(), caret.anchor()
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text)
        if start in (position, anchor):
            place = self.verticalScrollBar().value()
            caret = self.textCursor()
            after = caret.position(), caret.anchor()
            caret.setPosition(anchor if anchor <= start else after[1])
            caret.setPosition(position if position <= start else after[0], QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(caret)
            self.verticalScrollBar().setValue(place)

    def _paint_base(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Text, self._colours.stale if self._is_stale else self._colours.text)
        self.setPalette(palette)


class _Colours(QSyntaxHighlighter):
    """Colours the parts of the lines that a run has touched; all others have the pane's own colour."""

    def __init__(self, document: QTextDocument, lines: list[ShownLine]) -> None:
        self._lines = lines
        self.text = QColor("black")
        self.tentative = QColor("dimgray")
        self.stale = QColor("gray")
        self.is_marking = True
        self._settled_format = QTextCharFormat()
        self._tentative_format = QTextCharFormat()
        self._stale_format = QTextCharFormat()
        super().__init__(document)

    def set_colours(self, text: QColor, tentative: QColor, stale: QColor) -> None:
        self.text, self.tentative, self.stale = text, tentative, stale
        self._settled_format.setForeground(text)
        self._tentative_format.setForeground(tentative)
        self._stale_format.setForeground(stale)

    def highlightBlock(self, text: str) -> None:
        number = self.currentBlock().blockNumber()
        if number >= len(self._lines):
            return
        line = self._lines[number]
        if line.is_touched:
            settled, fresh = units(line.text[: line.settled]), units(line.text[: line.fresh])
            self.setFormat(0, settled, self._settled_format)
            self.setFormat(settled, fresh - settled, self._tentative_format)
            self.setFormat(fresh, units(line.text) - fresh, self._stale_format)
        for start, end in line.doubtful if self.is_marking else ():
            first = units(line.text[:start])
            marked = QTextCharFormat(self._settled_format) if line.is_touched else QTextCharFormat()
            marked.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            marked.setUnderlineColor(self.stale)
            self.setFormat(first, units(line.text[:end]) - first, marked)


def units(text: str) -> int:
    """Return the length of ``text`` as Qt counts it, in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text) if not text.isascii() else len(text)


def _older_rest(before: str, length: int) -> str:
    """Return what is left of ``before`` beyond ``length``, from the next word on where words have blanks."""
    rest = before[length:]
    blank = rest.find(" ", 0, WORD_SEARCH)
    return rest[blank:] if blank > 0 else rest
