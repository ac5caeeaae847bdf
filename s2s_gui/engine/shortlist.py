"""Which target tokens a source may lead to: the lexical shortlist of Marian and Bergamot, one set a sentence."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from s2s_gui.description import Shortlist
from s2s_gui.messages import Link

MULTIPLE = 8


@dataclass(frozen=True, slots=True)
class LexicalShortlist:
    """A shortlist ready for use. ``joint``: both sides share one vocabulary, so source tokens may be copied."""

    lists: Shortlist
    target_vocabulary: int
    joint: bool

    def candidates(self, source: Sequence[int], forced: Sequence[int]) -> Tensor:
        """Return the target ids int64 [K], ascending, that ``source`` may lead to, ``forced`` ones among them.

        As the engines of Bergamot do, the set is filled up with the smallest other ids to a multiple of 8.
        """
        offsets, ids = self.lists.offsets, self.lists.ids
        listed = np.zeros(self.target_vocabulary, np.bool_)
        listed[: self.lists.frequent] = True
        for id in set(source):
            if 0 <= id < len(offsets) - 1:
                found = ids[int(offsets[id]) : int(offsets[id + 1])]
                listed[found[found < self.target_vocabulary]] = True
        own = np.array([*(source if self.joint else ()), *forced], dtype=np.int64)
        listed[own[(own >= 0) & (own < self.target_vocabulary)]] = True
        count = int(np.count_nonzero(listed))
        missing = -count % MULTIPLE
        if missing:
            start = self.lists.frequent
            listed[start + np.flatnonzero(~listed[start : start + count + missing])[:missing]] = True
        return torch.from_numpy(np.flatnonzero(listed))


def build(
    pairs: Iterable[tuple[Sequence[int], Sequence[int], Sequence[Link]]],
    source_vocabulary: int,
    eos: int,
    frequent: int = 50,
    best: int = 50,
) -> Shortlist:
    """Return a shortlist from sentences: source ids, target ids, links between their places.

    Each source id leads to the ``best`` target ids that are most probable for it, by the links' weights. The
    ``frequent`` commonest of all target ids are listed for ``eos``, which every source has: ids are no measure of how
    common a token is. No list is empty, since some engines take an empty one at the end for damage.
    """
    together: dict[int, Counter[int]] = {}
    commonest: Counter[int] = Counter()
    for source, target, links in pairs:
        commonest.update(target)
        for link in links:
            if link.source < len(source) and link.target < len(target):
                counts = together.setdefault(source[link.source], Counter())
                counts[target[link.target]] += link.weight  # type: ignore[assignment]
    lists = [sorted(id for id, _ in together.get(id, Counter()).most_common(best)) for id in range(source_vocabulary)]
    lists[eos] = sorted({*lists[eos], *(id for id, _ in commonest.most_common(frequent)), eos})
    lists = [one or [eos] for one in lists]
    offsets = np.cumsum([0, *(len(one) for one in lists)]).astype(np.uint64)
    return Shortlist(frequent, offsets, np.array([id for one in lists for id in one], np.uint32))
