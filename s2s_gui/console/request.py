"""What ``s2s translate`` is asked for, checked before torch is imported: model, direction, options, files."""

import argparse
import errno
import os
from dataclasses import dataclass
from pathlib import Path

from s2s_gui.console.usage import UsageError
from s2s_gui.description import Direction, Language, ModelCard
from s2s_gui.engine.options import resolve
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.messages import DecodeOptions
from s2s_gui.storage import library

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that can be followed as far as the model's card tells."""

    folder: Path
    direction: Direction
    options: DecodeOptions
    files: tuple[str, ...]


def asked(arguments: argparse.Namespace) -> Asked:
    """Return the request; raise ``UsageError`` for options that do not go together."""
    if arguments.nbest and not arguments.json:
        raise UsageError("--nbest needs --json: plain output has one line for each line of the input.")
    model = _model(arguments.model, arguments.source, arguments.target)
    if model.card is None or model.fault:
        from s2s_gui.formats import native  # imports numpy, which only a complete list of faults needs

        raise ModelError(str(model.folder), list(native.survey(model.folder).faults) or [model.fault])
    options = DecodeOptions(
        beam_size=arguments.beam,
        length_penalty=arguments.length_penalty,
        hypotheses=arguments.nbest or 1,
        sampling=arguments.sample,
        prefix=arguments.prefix,
    )
    direction = _only_direction(model.card, arguments.source, arguments.target)
    try:
        resolve(options, model.card.decoding)
    except RequestError as error:
        raise UsageError(str(error)) from error
    files = tuple(arguments.files) or (STANDARD_INPUT,)
    for name in files:
        if name != STANDARD_INPUT and Path(name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        if name != STANDARD_INPUT:
            Path(name).stat()
    return Asked(model.folder, direction, options, files)


def _model(wanted: str | None, source: str | None, target: str | None) -> library.Installed:
    """Return the model asked for, else the first installed one that goes the wanted way."""
    if wanted is not None:
        return library.look(library.find(wanted))
    usable = [one for one in library.installed() if one.card and not one.fault]
    for one in usable:
        if one.card and _directions(one.card, source, target):
            return one
    if usable:
        raise RequestError(f"No installed model translates {source or 'anything'} > {target or 'anything'}.")
    raise RequestError("No model is installed; give one with --model PATH.")


def _directions(card: ModelCard, source: str | None, target: str | None) -> list[Direction]:
    return [one for one in card.ways() if _is(one.source, source) and _is(one.target, target)]


def _is(language: Language, wanted: str | None) -> bool:
    return wanted is None or wanted.lower() in (str(language).lower(), language.code)


def _only_direction(card: ModelCard, source: str | None, target: str | None) -> Direction:
    found = _directions(card, source, target)
    offered = card.offer()
    if not found:
        raise RequestError(
            f"The model {card.name} does not translate {source or 'anything'} > {target or 'anything'};"
            f" it offers {offered}."
        )
    if len(found) > 1:
        raise UsageError(f"The model {card.name} goes several ways ({offered}): give --from and --to.")
    return found[0]
