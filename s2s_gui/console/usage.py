"""Values of options, checked as they are read; and the error for options that do not go together."""

import argparse
from collections.abc import Callable
from pathlib import Path

from s2s_gui.messages import Sampling

FORMS = ("native", "hf-marian", "marian-npz", "bergamot", "ctranslate2")


class UsageError(Exception):
    """Options that the command cannot follow; ``str`` says which."""


def at_least(low: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``low`` on."""

    def number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}")
        return value

    return number


def sampling(text: str) -> Sampling:
    """Read "temperature=0.7,top_k=40,top_p=0.9,seed=1"; what is not named has its default."""
    readers: dict[str, type[int] | type[float]] = {"temperature": float, "top_k": int, "top_p": float, "seed": int}
    values: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name not in readers:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(readers)}")
        try:
            values[name] = readers[name](value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{value!r} is not a number for {name}") from error
    return Sampling(
        temperature=values.get("temperature", 1.0),
        top_k=int(values.get("top_k", 0)),
        top_p=values.get("top_p", 1.0),
        seed=int(values.get("seed", 0)),
    )


def sample_file(text: str) -> tuple[str, Path]:
    """Read "zh=FILE": a language's code and a file that is there."""
    code, _, name = text.partition("=")
    if not code or not Path(name).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form xx=FILE with a file that is there")
    return code, Path(name)
