"""Going the other way: the finished translation becomes the text, and one undo brings languages and texts back."""

from collections.abc import Callable
from dataclasses import dataclass

from s2s_gui.description import Direction
from s2s_gui.window.bar import reverse_of
from s2s_gui.window.live import LiveTranslation
from s2s_gui.window.pacing import Cause
from s2s_gui.window.target_view import TargetView
from s2s_gui.window.text_panes import SourceEdit


@dataclass(frozen=True, slots=True)
class Swapped:
    """What a swap exchanged, so that undo and redo of the text exchange the languages too."""

    before: str
    after: str
    direction: Direction
    reverse: Direction


class Swapping:
    """Swaps languages and texts; ``changed`` is called with a direction that is to be used and shown."""

    def __init__(
        self,
        live: LiveTranslation,
        source: SourceEdit,
        target: TargetView,
        changed: Callable[[Direction], None],
        turned: Callable[[], None],
    ) -> None:
        self._live = live
        self._source = source
        self._target = target
        self._changed = changed
        self._turned = turned
        self._last: Swapped | None = None

    def swap(self) -> None:
        """Swap the languages and, if the translation is finished, the texts."""
        direction, reverse = self._live.direction, self._reverse()
        if direction is None or reverse is None:
            return
        before, after = self._live.text, self._target.translation()
        if not self._live.is_current or not after.strip():
            self._changed(reverse)
            return
        self._last = Swapped(before, after, direction, reverse)
        self._source.replace_text(after, Cause.DIRECTION)

    def swap_languages(self) -> None:
        """Swap the languages and leave the texts where they are."""
        reverse = self._reverse()
        if reverse is not None:
            self._changed(reverse)

    def follow(self, text: str) -> None:
        """Turn the direction if the source text became ``text`` through the swap, its undo, or its redo."""
        last, document = self._last, self._source.document()
        if last is None:
            return
        step = (self._live.text, text)
        if step == (last.after, last.before) and document.isRedoAvailable():
            self._turn(last.reverse, last.direction, *step)
        elif step == (last.before, last.after) and document.isUndoAvailable():
            self._turn(last.direction, last.reverse, *step)

    def _reverse(self) -> Direction | None:
        live = self._live
        return reverse_of(live.direction, live.card.ways()) if live.direction and live.card else None

    def _turn(self, old: Direction, new: Direction, shown: str, source: str) -> None:
        """Show ``shown`` in grey as the text that the translation of ``source`` will replace."""
        if self._live.direction == old:
            self._live.direction = new
            self._target.restore(shown, source.split("\n"))
            self._target.set_stale(True)
            self._turned()
