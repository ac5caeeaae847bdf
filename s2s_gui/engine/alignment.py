"""From attention to links between target and source tokens."""

from collections.abc import Sequence

from torch import Tensor

from s2s_gui.messages import Link

LEAST_WEIGHT = 0.1


def links(attention: Sequence[Tensor], source_tokens: int) -> tuple[Link, ...]:
    """Return, for each target token, its strongest source token and all others of weight 0.1 and more.

    ``attention`` holds a float row [S] for each target token; columns beyond ``source_tokens`` are padding.
    """
    found: list[Link] = []
    for target, row in enumerate(attention):
        weights = row[:source_tokens].tolist()
        strongest = max(weights)
        found.extend(
            Link(source, target, round(weight, 4))
            for source, weight in enumerate(weights)
            if weight >= min(LEAST_WEIGHT, strongest)
        )
    return tuple(found)
