"""Which target tokens a source may lead to: the lexical shortlist of Marian and Bergamot, one set a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2s_gui.description import Shortlist

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
        parts: list[NDArray[np.int64]] = [np.arange(self.lists.frequent, dtype=np.int64)]
        for id in set(source):
            if 0 <= id < len(offsets) - 1:
                parts.append(ids[int(offsets[id]) : int(offsets[id + 1])].astype(np.int64))
        parts.append(np.array([*(source if self.joint else ()), *forced], dtype=np.int64))
        found = np.unique(np.concatenate(parts))
        found = found[(found >= 0) & (found < self.target_vocabulary)]
        missing = -len(found) % MULTIPLE
        if missing:
            others = np.setdiff1d(np.arange(self.target_vocabulary), found)
            others = others[others >= self.lists.frequent][:missing]
            found = np.sort(np.concatenate((found, others)))
        return torch.from_numpy(found)
