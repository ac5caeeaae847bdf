"""``s2s models``: what is installed, from the cards alone."""

import sys
import unicodedata

import msgspec

from s2s_gui import paths
from s2s_gui.description import ModelCard
from s2s_gui.errors import ModelError
from s2s_gui.storage import library

HEADING = ("ID", "DIRECTIONS", "LICENCE", "NAME")


def table() -> int:
    """Print id, directions, licence and name of each installed model; faults go to the error output.

    A terminal gets columns with a heading, anything else one tab between the fields.
    """
    rows = []
    for one in library.installed():
        if one.card is None or one.fault:
            print(f"s2s: {one.folder}: {one.fault}", file=sys.stderr)
        else:
            rows.append((one.card.id, one.card.offer(), one.card.licence, one.card.name))
    if not rows:
        print(f"s2s: no model is installed; models belong into {paths.user_models()}.", file=sys.stderr)
    elif sys.stdout.isatty():
        rows.insert(0, HEADING)
        widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
            print("  ".join(cells).rstrip())
    else:
        for row in rows:
            print("\t".join(row))
    return 0


def info(name_or_path: str, as_json: bool) -> int:
    """Print a model's card, for people or as JSON."""
    folder = library.find(name_or_path)
    one = library.look(folder)
    if one.card is None or one.fault:
        raise ModelError(str(folder), [one.fault])
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(one.card), indent=2).decode())
    else:
        print(f"{_described(one.card)}\nFolder: {folder}")
    return 0


def _width(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _described(card: ModelCard) -> str:
    parts = [
        f"{card.name} ({card.id})",
        f"Task: {card.task}",
        f"Directions: {card.offer()}",
        f"Network: {card.network.__struct_config__.tag}",
        f"Licence: {card.licence}",
        *(f"Trained on: {corpus}" for corpus in card.training_data),
        *(f"{one.metric} {one.value:.1f} on {one.test_set}, {one.direction} ({one.signature})" for one in card.figures),
    ]
    return "\n".join([*parts, card.notes] if card.notes else parts)
