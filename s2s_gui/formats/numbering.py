"""One numbering for both sides of a model whose vocabularies are plain lists.

The engine wants unknown words and the end symbol at one place on both sides; foreign lists put them anywhere or leave
them out. So ids are given anew, and a reader gathers the rows of its matrices to match.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from s2s_gui.errors import ModelError
from s2s_gui.formats.lazy import Array

UNK = 0
EOS = 1
NEVER = -1e9  # the logit of a token that the foreign model does not have


@dataclass(frozen=True, slots=True)
class Numbering:
    """``tokens`` by new id, and the row of the foreign matrices that each had: -1 if it had none."""

    tokens: tuple[str, ...]
    rows: tuple[int, ...]

    def id_of(self, row: int) -> int:
        """Return the new id of a foreign one."""
        return self.rows.index(row)


def numbering(tokens: Sequence[str], unk: int, end: int) -> Numbering:
    """Return ``tokens``, by foreign id, with the unknown token first and the end symbol next; -1 says it has none."""
    others = [row for row in range(len(tokens)) if row not in (unk, end)]
    taken = set(tokens)
    first = [tokens[row] if row >= 0 else _unlike(name, taken) for row, name in ((unk, "<unk>"), (end, "</s>"))]
    return Numbering((*first, *(tokens[row] for row in others)), (unk, end, *others))


def gathered(name: str, array: Callable[[], Array], rows: Sequence[int], fill: float = 0.0) -> Callable[[], Array]:
    """Return the maker of ``array``'s ``rows``; where a row is -1 all values are ``fill``.

    It raises ``ModelError`` unless the array has just the rows that are asked for; ``name`` is for that message.
    """

    def make() -> Array:
        values = np.asarray(array(), np.float32)
        count = sum(row >= 0 for row in rows)
        if values.ndim not in (1, 2) or len(values) != count:
            raise ModelError(
                name,
                [f"{name} has the shape {list(values.shape)}, but there are {count:,} tokens: they are of two models."],
            )
        found = values[np.maximum(rows, 0)]
        found[np.array(rows) < 0] = fill
        return found

    return make


def _unlike(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"<{name}>"
    return name
