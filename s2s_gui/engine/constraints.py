"""What may come next: ids that never may, and the guard against endless repetition.

A run of 1 to 12 tokens that follows itself too often is a loop. How often is too often depends on the source: a text
that repeats itself may be translated by one that does.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from operator import eq

LONGEST_RUN = 12
REPEATS_KEPT = 2
NUMERIC_FACTOR = 4


@dataclass(frozen=True, slots=True)
class LoopGuard:
    """Finds loops at the end of a hypothesis.

    ``limit`` is the number of times that a run may stand in a row; runs of ``numeric`` tokens alone (digits, dashes,
    dots) may four times as often. ``kept`` is how many are left when a loop is cut.
    """

    limit: int
    kept: int
    numeric: frozenset[int]

    def excess(self, tokens: Sequence[int]) -> int:
        """Return how many last tokens to cut if ``tokens`` ends in a loop, else 0."""
        if len(tokens) <= self.limit:
            return 0
        for run, length in _endings(tokens, self.kept):
            limit = self.limit * (NUMERIC_FACTOR if self.numeric.issuperset(tokens[-run:]) else 1)
            if length >= (limit + 1) * run:
                return length - self.kept * run
        return 0

    def settled(self, tokens: Sequence[int]) -> int:
        """Return how many first tokens no later cut can take away."""
        return len(tokens) - max((length - self.kept * run for run, length in _endings(tokens, self.kept)), default=0)


def guard(limit: int, source_repeats: int, numeric: frozenset[int]) -> LoopGuard:
    """Return the guard for a source in which some run stands ``source_repeats`` times in a row."""
    allowed = max(limit, source_repeats)
    return LoopGuard(allowed, min(allowed, max(REPEATS_KEPT, source_repeats)), numeric)


def most_repeats(sequence: Sequence[Hashable]) -> int:
    """Return how often the most repeated run of up to 12 items stands in a row; 1 if none does."""
    most = 1
    for run in range(1, min(LONGEST_RUN, len(sequence) // 2) + 1):
        equal = bytes(map(eq, sequence[run:], sequence))
        if 1 in equal:
            longest = max(map(len, equal.split(b"\0")))
            most = max(most, longest // run + 1)
    return most


def numeric_ids(pieces: Sequence[str]) -> frozenset[int]:
    """Return the ids of pieces without any letter: digits, punctuation, rules of dashes or dots."""
    # Nearly all pieces end in a letter, which is seen soonest.
    return frozenset(
        id for id, piece in enumerate(pieces) if piece and not piece[-1].isalpha() and not any(map(str.isalpha, piece))
    )


def _endings(tokens: Sequence[int], kept: int) -> list[tuple[int, int]]:
    """Return (run, length) for each run that stands more than ``kept`` times at the end, whole or begun.

    ``length`` tokens at the end repeat with the period ``run``.
    """
    found: list[tuple[int, int]] = []
    longest = min(LONGEST_RUN, (len(tokens) - 1) // kept)
    if longest < 1 or tokens[-1] not in tokens[-1 - longest : -1]:
        return found
    for run in range(1, longest + 1):
        length = run
        while length < len(tokens) and tokens[-1 - length] == tokens[-1 - length + run]:
            length += 1
        if length > kept * run:
            found.append((run, length))
    return found
