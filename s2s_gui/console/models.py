"""``s2s models``: what is installed, from the cards alone."""

import sys

import msgspec

from s2s_gui.description import ModelCard
from s2s_gui.errors import ModelError
from s2s_gui.storage import library


def table() -> int:
    """Print a line for each installed model: id, directions, licence, name; faults go to the error output."""
    for one in library.installed():
        if one.card is None or one.fault:
            print(f"s2s: {one.folder}: {one.fault}", file=sys.stderr)
        else:
            directions = ", ".join(str(direction) for direction in one.card.directions)
            print(f"{one.card.id}\t{directions}\t{one.card.licence}\t{one.card.name}")
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


def _described(card: ModelCard) -> str:
    parts = [
        f"{card.name} ({card.id})",
        f"Task: {card.task}",
        "Directions: " + ", ".join(str(direction) for direction in card.directions),
        f"Network: {card.network.__struct_config__.tag}",
        f"Licence: {card.licence}",
        *(f"Trained on: {corpus}" for corpus in card.training_data),
        *(f"{one.metric} {one.value:.1f} on {one.test_set}, {one.direction} ({one.signature})" for one in card.figures),
    ]
    return "\n".join([*parts, card.notes] if card.notes else parts)
