"""``s2s models``: list what is installed, show, import, remove, verify, rename, export.

Listing and changing names needs the cards alone; torch is imported by the commands that open a model.
"""

import argparse
import sys
import unicodedata
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import msgspec

from s2s_gui import paths
from s2s_gui.description import ModelCard
from s2s_gui.errors import ModelError
from s2s_gui.messages import About, Progress
from s2s_gui.storage import library

HEADING = ("ID", "DIRECTIONS", "LICENCE", "NAME")

Result = TypeVar("Result")


def command(arguments: argparse.Namespace) -> int:
    """Run one of the commands and return its exit code."""
    if arguments.models_command is None:
        return table()
    if arguments.models_command == "info":
        return info(arguments.model, arguments.json)
    if arguments.models_command == "rename":
        library.rename(library.own(arguments.model), arguments.name)
        return 0
    if arguments.models_command == "remove":
        one = library.own(arguments.model)
        library.remove(one)
        library.empty_bin()
        print(f"Removed {one.folder.name}.")
        return 0
    if arguments.models_command == "import":
        return import_models(arguments.files, arguments.link)
    if arguments.models_command == "verify":
        return verify_models(arguments.models)
    from s2s_gui.manage import exporting  # imports torch

    where = exporting.export(library.find(arguments.model), arguments.to, arguments.folder, dict(arguments.samples))
    print(f"Written to {where}.")
    return 0


def table() -> int:
    """Print id, directions, licence and name of each installed model; faults go to the error output.

    A terminal gets columns with a heading, anything else one tab between the fields. What goes by way of English with
    two models follows.
    """
    rows = []
    models = library.installed()
    for one in models:
        if one.card is None or one.fault:
            print(f"s2s: {one.folder}: {one.fault}", file=sys.stderr)
        else:
            rows.append((one.card.id, one.card.offer(), one.card.licence, one.card.name))
    for chain in library.chains(models):
        names = [one.card.name if one.card else "" for one in (chain.first, chain.second)]
        rows.append(("(chain)", str(chain.direction), "", f"by way of English: {names[0]}, {names[1]}"))
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
    """Print what is known of a model, installed or not, for people or its card as JSON."""
    folder = library.find(name_or_path)
    if not as_json or library.look(folder).card is None:
        from s2s_gui.manage.opening import about  # imports torch

        found = _finished(about(0, folder), "")
        if found.faults:
            raise ModelError(str(folder), list(found.faults))
        card = found.card
        described = _described(card, found)
    else:
        one = library.look(folder)
        if one.card is None or one.fault:
            raise ModelError(str(folder), [one.fault])
        card, described = one.card, ""
    print(msgspec.json.format(msgspec.json.encode(card), indent=2).decode() if as_json else described)
    return 0


def import_models(files: list[Path], link: bool) -> int:
    """Take models into the library; one that fails does not keep the others out."""
    from s2s_gui.manage.importing import import_model  # imports torch

    failed = 0
    for path in files:
        try:
            done = _finished(import_model(0, path, link=link), path.name)
        except ModelError as error:
            print(f"s2s: {error}", file=sys.stderr)
            failed += 1
            continue
        words = "is already here as" if done.was_there else "is now"
        print(f"{path.name} {words} {Path(done.folder).name}: {done.card.name}, {done.card.offer()}")
    return 1 if failed else 0


def verify_models(names: list[str]) -> int:
    """Compare models with the hashes of their import and try them; all installed ones if none is named."""
    from s2s_gui.manage.importing import verify  # imports torch

    folders = [library.find(name) for name in names] or [one.folder for one in library.installed()]
    failed = 0
    for folder in folders:
        found = _finished(verify(0, folder), folder.name)
        print(f"{folder.name}: {' '.join(found.faults) or 'as it should be'}")
        failed += bool(found.faults)
    return 1 if failed else 0


def _finished(steps: Generator[Progress, None, Result], name: str) -> Result:
    """Run a job to its end, with its progress on a terminal's error output."""
    shows = bool(name) and sys.stderr.isatty()
    try:
        while True:
            step = next(steps)
            if shows and step.total:
                print(f"\r{name}: {100 * step.done // step.total} %", end="", file=sys.stderr)
    except StopIteration as end:
        if shows:
            print("\r\033[K", end="", file=sys.stderr)
        return end.value


def _width(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes; a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _described(card: ModelCard, found: About) -> str:
    network = card.network
    parts = [
        f"{card.name} ({card.id})",
        f"Task: {card.task}",
        f"Directions: {card.offer()}",
        f"Format: {found.format}, {found.precision or 'precision unknown'}, {found.bytes / 1e6:,.1f} MB",
        f"Network: {network.__struct_config__.tag}, vocabulary {network.source_vocabulary:,}"
        + (f" / {network.target_vocabulary:,}" if network.target_vocabulary != network.source_vocabulary else ""),
        f"Memory needed: {found.memory / 1e6:,.0f} MB of {found.free / 1e6:,.0f} MB free",
        f"SHA-256: {found.sha256}",
        f"Licence: {card.licence}",
        *(f"Trained on: {corpus}" for corpus in card.training_data),
        *(f"{one.metric} {one.value:.1f} on {one.test_set}, {one.direction} ({one.signature})" for one in card.figures),
        *([card.notes] if card.notes else []),
        f"Path: {found.path}",
    ]
    return "\n".join(parts)
