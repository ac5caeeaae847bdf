"""The endless stream of batches of one process, a function of the seed and of the place in it alone."""

from dataclasses import dataclass

import numpy as np

from s2s_gui.errors import RecipeError
from s2s_gui.training.batches import Batch, Encoder, pool_batches
from s2s_gui.training.corpora import Corpora


@dataclass(slots=True)
class Place:
    """A place in the stream: pool, batch within it, and how the pool was made: batch size in tokens, late weights."""

    pool: int = 0
    batch: int = 0
    pool_tokens: int = 0
    is_late: bool = False


class BatchStream:
    """Batches of process ``rank`` of ``world``: each takes every ``world``-th batch of a pool."""

    def __init__(self, corpora: Corpora, encoder: Encoder, seed: int, rank: int, world: int) -> None:
        self.corpora, self.encoder, self.seed = corpora, encoder, seed
        self.rank, self.world = rank, world
        self.place = Place()
        self._batches: list[Batch] = []

    def next(self, tokens: int, *, is_late: bool = False) -> Batch:
        """Return the next batch; a new pool is cut into batches of ``tokens``, a begun one stays as it is."""
        place = self.place
        if self._batches and place.batch + self.world > len(self._batches):
            self.place = place = Place(place.pool + 1)
            self._batches = []
        if not place.pool_tokens:
            place.pool_tokens, place.is_late = tokens, is_late
        self._batches = self._batches or self._pool()
        batch = self._batches[(place.batch + self.rank) % len(self._batches)]
        place.batch += self.world
        return batch

    def _pool(self) -> list[Batch]:
        random = np.random.default_rng([self.seed, self.place.pool, 11])
        examples = self.corpora.pool(self.place.pool, is_late=self.place.is_late)
        batches = list(pool_batches(examples, self.encoder, self.place.pool_tokens, random))
        if not batches:
            raise RecipeError("The corpora give no usable example: each is empty or longer than allowed.")
        whole = len(batches) // self.world * self.world
        return batches[:whole] if whole else batches * self.world
