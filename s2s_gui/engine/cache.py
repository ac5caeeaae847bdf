"""What the loaded model has translated already, so that typing in a long text costs only what changed.

Sentences are kept wherever they stand; whole lines are kept ready to show, so that a line that did not change costs
one look. Both are bounded by the tokens that they hold, which is what takes the memory.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from s2s_gui.messages import Hypothesis, Line

CAPACITY = 100_000
TOKENS_A_CHARACTER = 2

Key = TypeVar("Key", bound=Hashable)
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Translated:
    """A decoded segment wherever it may stand: its source tokens and hypotheses, best first.

    ``tokens`` counts those of both sides, in all hypotheses.
    """

    source_tokens: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    tokens: int = field(init=False)

    def __post_init__(self) -> None:
        # Counted once: a long line asks all its sentences at each key.
        tokens = len(self.source_tokens) + sum(len(one.tokens) for one in self.hypotheses)
        object.__setattr__(self, "tokens", tokens)


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line ready to show; ``decoded`` of its segments had to be decoded once, the others are copies."""

    line: Line
    decoded: int
    tokens: int


class Recent(Generic[Key, Kept]):
    """Keeps the most recently used values, with costs that together are at most ``room``."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._cost = 0
        self._entries: OrderedDict[Key, tuple[Kept, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Kept | None:
        """Return what is kept under ``key`` and mark it as used."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Kept, cost: int) -> None:
        """Keep ``value``; the least recently used entries make room."""
        self._cost += cost - (self._entries[key][1] if key in self._entries else 0)
        self._entries[key] = value, cost
        self._entries.move_to_end(key)
        while self._cost > self.room and len(self._entries) > 1:
            self._cost -= self._entries.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._cost = 0


class Lines:
    """Lines ready to show, of one way to translate: with another direction or search they are put together anew."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._lines: Recent[str, KnownLine] = Recent(capacity)
        self._way: Hashable = None

    def begin(self, way: Hashable, characters: int) -> bool:
        """Prepare for a text of this length and say whether the ``way`` is another one.

        All of the text is kept, also where it is longer than the capacity: while someone types in it, the oldest
        entry is always the next one wanted.
        """
        self._lines.room = max(self._capacity, TOKENS_A_CHARACTER * characters)
        if way == self._way:
            return False
        self._way = way
        self._lines.clear()
        return True

    def get(self, content: str) -> KnownLine | None:
        """Return the line whose source is ``content``."""
        return self._lines.get(content)

    def put(self, known: KnownLine) -> None:
        """Keep a line."""
        self._lines.put(known.line.source, known, 1 + known.tokens)


class SentenceCache:
    """The sentences and the lines of one model, for one thread; ``capacity`` is in tokens.

    ``chain`` are the lines of a chain of models that ends with this one.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._sentences: Recent[Hashable, Translated] = Recent(capacity)
        self._lines = Lines(capacity)
        self.chain = Lines(capacity)
        self._last: tuple[str, tuple[int, ...]] = ("", ())

    def __len__(self) -> int:
        return len(self._sentences)

    def get(self, key: Hashable) -> Translated | None:
        """Return the sentence that is kept under ``key``."""
        return self._sentences.get(key)

    def put(self, key: Hashable, translated: Translated) -> None:
        """Keep the sentence ``translated``."""
        self._sentences.put(key, translated, 1 + translated.tokens)

    def begin(self, way: Hashable, characters: int) -> None:
        """Prepare for a text of this length, translated in this ``way``; see ``Lines.begin``."""
        self._sentences.room = max(self._capacity, TOKENS_A_CHARACTER * characters)
        if self._lines.begin(way, characters):
            self._last = ("", ())

    def line(self, content: str) -> KnownLine | None:
        """Return the line whose source is ``content``."""
        return self._lines.get(content)

    def put_line(self, known: KnownLine) -> None:
        """Keep a line."""
        self._lines.put(known)

    def guess(self, text: str) -> tuple[int, ...]:
        """Return what the translation of ``text`` may begin with: that of the last sentence, if it began alike."""
        last, tokens = self._last
        half = len(last) // 2
        return tokens if text[:half] == last[:half] else ()

    def note(self, text: str, tokens: tuple[int, ...]) -> None:
        """Note as far as it is known the translation of the sentence that is being typed."""
        if tokens:
            self._last = text, tokens
