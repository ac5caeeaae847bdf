"""Sentences already translated by the loaded model, so that typing in a long text decodes only what changed."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from s2s_gui.messages import Hypothesis

CAPACITY = 2000


@dataclass(frozen=True, slots=True)
class Translated:
    """A decoded segment wherever it may stand: its source tokens and hypotheses, best first."""

    source_tokens: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]


class SentenceCache:
    """Keeps the most recently used segments; belongs to one model and one thread."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[Hashable, Translated] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Translated | None:
        """Return what is kept under ``key`` and mark it as used."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: Hashable, translated: Translated) -> None:
        """Keep ``translated``; the least recently used entry makes room."""
        self._entries[key] = translated
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
