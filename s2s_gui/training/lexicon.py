"""A lexical shortlist from parallel text: which target tokens a source token leads to, by IBM Model 1.

Brown et al. 1993: each target token comes from one of the source's, and how probable each is, is learnt by expectation
and maximisation from all pairs at once. A direction's tag stands in every source and lists the commonest tokens of its
language as well.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from s2s_gui.description import Shortlist

Ids = Sequence[int]
Pairs = Iterable[tuple[Ids, Ids]]
Keys = NDArray[np.int64]
Counts = NDArray[np.float64]
ROUNDS = 3
PAIRS_AT_ONCE = 8192
LEAST = 1e-3  # expected count


class Lexicon:
    """Expected counts of links, sparse: ``keys`` int64 [n] are source id * V + target id, ascending."""

    def __init__(self, source_vocabulary: int, target_vocabulary: int) -> None:
        self.source_vocabulary, self.target_vocabulary = source_vocabulary, target_vocabulary
        self.keys: Keys = np.zeros(0, np.int64)
        self.counts: Counts = np.zeros(0, np.float64)

    def learn(self, pairs: Callable[[], Pairs]) -> None:
        """Go through ``pairs``, which can be asked for anew, ``ROUNDS`` times."""
        for number in range(ROUNDS):
            sums: list[tuple[Keys, Counts]] = [(np.zeros(0, np.int64), np.zeros(0, np.float64))]
            for chunk in _chunks(pairs()):
                events, words = self._events(chunk)
                weights = self._probabilities(events) if number else np.ones(len(events))
                sums.append(_summed([(events, weights / np.bincount(words, weights)[words])]))
                if sum(len(keys) for keys, _ in sums[1:]) > len(sums[0][0]):  # so that the large one is seldom sorted
                    sums = [_summed(sums)]
            keys, counts = _summed(sums)
            kept = counts > LEAST
            self.keys, self.counts = keys[kept], counts[kept]

    def best(self, most: int) -> list[Keys]:
        """Return for each source id the ``most`` target ids with the largest expected counts."""
        sources, targets = np.divmod(self.keys, self.target_vocabulary)
        order = np.lexsort((-self.counts, sources))
        first = np.searchsorted(sources[order], np.arange(self.source_vocabulary + 1))
        return [targets[order[a : min(b, a + most)]] for a, b in pairwise(first)]

    def _events(self, chunk: list[tuple[Ids, Ids]]) -> tuple[Keys, Keys]:
        """Return all possible links of a chunk as keys, and for each the number of its target token in the chunk."""
        events, words, count = [], [], 0
        for source, target in chunk:
            events.append((np.array(source)[:, None] * self.target_vocabulary + np.array(target)).ravel())
            words.append(np.tile(np.arange(count, count + len(target)), len(source)))
            count += len(target)
        return np.concatenate(events), np.concatenate(words)

    def _probabilities(self, events: Keys) -> Counts:
        """Return t(target | source) of each link; a hair more than 0 for one that was given up."""
        sources = self.keys // self.target_vocabulary
        totals = np.bincount(sources, self.counts, self.source_vocabulary)
        places = np.minimum(np.searchsorted(self.keys, events), len(self.keys) - 1)
        found = self.counts[places] / totals[sources[places]]
        return np.where(self.keys[places] == events, found, 1e-9)


def lexical_shortlist(
    pairs: Callable[[], Pairs],
    source_vocabulary: int,
    target_vocabulary: int,
    tags: tuple[int, ...],
    eos: int,
    most: int = 100,
    common: int = 300,
) -> Shortlist:
    """Return a shortlist with at most ``most`` target ids a source id.

    ``pairs`` gives source and target ids, both with their end symbols, each source after one of ``tags`` if there are
    any; each tag lists the ``common`` commonest tokens of the targets that followed it, without tags ``eos`` does.
    """
    lexicon = Lexicon(source_vocabulary, target_vocabulary)
    lexicon.learn(pairs)
    lists = lexicon.best(most)
    seen = {place: np.zeros(target_vocabulary, np.int64) for place in tags or (eos,)}
    for source, target in pairs():
        np.add.at(seen[source[0] if tags else eos], np.array(target), 1)
    for place, counts in seen.items():
        commonest = np.argsort(-counts, kind="stable")[:common]
        lists[place] = np.union1d(lists[place], np.append(commonest[counts[commonest] > 0], eos))
    lists = [np.sort(one) if len(one) else np.array([eos]) for one in lists]  # some engines take an empty one amiss
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.uint64)
    return Shortlist(1, offsets, np.concatenate(lists).astype(np.uint32))


def _summed(parts: list[tuple[Keys, Counts]]) -> tuple[Keys, Counts]:
    """Return the keys of all parts, each once, with the sums of their counts."""
    keys, places = np.unique(np.concatenate([keys for keys, _ in parts]), return_inverse=True)
    counts = np.concatenate([counts for _, counts in parts])
    return keys, np.bincount(places, counts, len(keys)).astype(np.float64, copy=False)


def _chunks(pairs: Pairs) -> Iterable[list[tuple[Ids, Ids]]]:
    chunk: list[tuple[Ids, Ids]] = []
    for pair in pairs:
        chunk.append(pair)
        if len(chunk) == PAIRS_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
