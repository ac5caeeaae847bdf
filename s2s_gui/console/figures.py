"""Figures of a benchmark: how they are summed up and printed."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any


def show(found: Any, *, as_json: bool) -> None:
    """Print the fields of a dataclass as a table or as one JSON object."""
    fields = asdict(found)
    if as_json:
        print(json.dumps(fields))
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        print(f"{name:{width}}  {value:,.3f}" if isinstance(value, float) else f"{name:{width}}  {value}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of ``values`` lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
