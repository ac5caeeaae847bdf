"""What ``s2s translate`` is asked for, checked before torch is imported: model, direction, options, files."""

import argparse
import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s2s_gui.console.usage import UsageError
from s2s_gui.description import Direction, Language, ModelCard
from s2s_gui.engine.options import resolve
from s2s_gui.errors import ModelError, RequestError
from s2s_gui.messages import DecodeOptions
from s2s_gui.storage import library

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that can be followed as far as the model's card tells; two folders are a chain by way of English.

    ``is_tokens``: lines are tokens with blanks between, and so is the output. ``threads`` decode; 0 is one a core.
    """

    folders: tuple[Path, ...]
    direction: Direction
    options: DecodeOptions
    files: tuple[str, ...]
    is_tokens: bool = False
    precision: Literal["auto", "fp32", "int8"] = "auto"
    shortlist: bool = True
    threads: int = 0


def asked(arguments: argparse.Namespace) -> Asked:
    """Return the request; raise ``UsageError`` for options that do not go together."""
    if arguments.nbest and not arguments.json:
        raise UsageError("--nbest needs --json: plain output has one line for each line of the input.")
    models = _models(arguments.model, arguments.source, arguments.target)
    options = DecodeOptions(
        beam_size=arguments.beam,
        length_penalty=arguments.length_penalty,
        hypotheses=arguments.nbest or 1,
        sampling=arguments.sample,
        prefix=arguments.prefix,
    )
    if arguments.tokens and len(models) > 1:
        raise UsageError("--tokens needs one model, and this direction takes two: choose one with --model.")
    if len(models) > 1 and arguments.nbest:
        raise UsageError("--nbest needs one model, and this direction takes two.")
    cards = [_card(one) for one in models]
    if len(cards) == 1:
        direction = _only_direction(cards[0], arguments.source, arguments.target)
    else:
        direction = library.chains(models)[0].direction
    try:
        resolve(options, cards[-1].decoding)
    except RequestError as error:
        raise UsageError(str(error)) from error
    files = tuple(arguments.files) or (STANDARD_INPUT,)
    for name in files:
        if name != STANDARD_INPUT and Path(name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        if name != STANDARD_INPUT:
            Path(name).stat()
    return Asked(
        tuple(one.folder for one in models),
        direction,
        options,
        files,
        arguments.tokens,
        arguments.precision,
        arguments.shortlist,
        arguments.threads,
    )


def _models(wanted: str | None, source: str | None, target: str | None) -> list[library.Installed]:
    """Return the model asked for, else the first installed one that goes the wanted way, else a chain of two."""
    if wanted is not None:
        return [library.look(library.find(wanted))]
    usable = [one for one in library.installed() if one.card and not one.fault]
    for one in usable:
        if one.card and one.card.fitting(source, target):
            return [one]
    for chain in library.chains(usable):
        if source and target and _is(chain.direction.source, source) and _is(chain.direction.target, target):
            names = " and then ".join(_card(one).name for one in (chain.first, chain.second))
            print(f"s2s: {chain.direction} goes by way of English: {names}.", file=sys.stderr)
            return [chain.first, chain.second]
    if usable:
        raise RequestError(f"No installed model translates {source or 'anything'} > {target or 'anything'}.")
    raise RequestError("No model is installed; give one with --model PATH.")


def _card(model: library.Installed) -> ModelCard:
    """Return a model's card; where there is none yet, the files themselves are asked."""
    if model.card is not None and not model.fault:
        return model.card
    from s2s_gui.manage.opening import described  # imports torch, which a known card does not need

    with described(model.folder) as found:
        if found.faults or found.description is None:
            raise ModelError(str(model.folder), list(found.faults) or [model.fault])
        return found.description.card


def _is(language: Language, wanted: str | None) -> bool:
    return wanted is None or wanted.lower() in (str(language).lower(), language.code)


def _only_direction(card: ModelCard, source: str | None, target: str | None) -> Direction:
    found = card.fitting(source, target)
    if not found:
        raise RequestError(
            f"The model {card.name} does not translate {source or 'anything'} > {target or 'anything'};"
            f" it offers {card.offer()}."
        )
    if len(found) > 1 and (source is None or target is None):
        raise UsageError(f"The model {card.name} goes several ways ({card.offer()}): give --from and --to.")
    exact = [one for one in found if (str(one.source), str(one.target)) == (source, target)]
    return (exact or found)[0]
