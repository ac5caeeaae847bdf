"""From an open file of Marian parameters and what lies around it to the description of a model."""

from pathlib import Path

from s2s_gui.description import DecodingDefaults, ModelCard, ModelDescription, TransformerConfig
from s2s_gui.errors import ModelError
from s2s_gui.formats.marian.folder import Package, Side
from s2s_gui.formats.marian.names import (
    MAX_SPARE_ROWS,
    Options,
    Parameters,
    configuration,
    parse_options,
    tables_of,
    weights,
)
from s2s_gui.formats.naming import card_id

MAX_SOURCE = 128


def describe(
    package: Package,
    parameters: Parameters,
    options_text: bytes,
    *,
    format: str,
    precision: str,
    beam_size: int,
    max_length_ratio: float,
) -> ModelDescription:
    """Return the model; ``beam_size`` and ``max_length_ratio`` are the format's own, where nothing is configured.

    Raises ``ModelError`` for a network that we do not have and for parts that do not belong together.
    """
    where = str(package.model)
    options = parse_options(options_text, package.model.name)
    config = _config(options, package, parameters, where)
    source, target = package.source, package.target
    if source.kind == "listed" and (source.eos, source.unk) != (target.eos, target.unk):
        raise ModelError(where, ["Its two vocabularies give the end of a sentence or the unknown different numbers."])
    files, first, second = package.vocabularies()
    settings = package.settings
    shortlist = package.read_shortlist()
    tags = {target.tokens.index(tag) for tag in target.tags}
    card = ModelCard(
        id=card_id(package.name),
        name=package.name,
        directions=package.directions(),
        network=config,
        tokenizer=files,
        decoding=DecodingDefaults(
            eos=target.eos,
            unk=target.unk,
            never=tuple(sorted({target.unk, *tags} if tags else set())),
            allow_unk=settings.allow_unk,
            source_end=None if source.eos == target.eos else (source.eos,),
            beam_size=min(max(settings.beam_size or beam_size, 1), 64),
            length_penalty=min(max(settings.normalize, 0.0), 10.0),
            max_length_ratio=min(max(settings.max_length_factor or max_length_ratio, 0.1), 100.0),
            max_source=MAX_SOURCE,
        ),
        shortlist="shortlist.bin" if shortlist is not None else "",
        licence="unknown",
        notes=" ".join(package.notes),
    )
    made = weights(options, config, parameters, where)
    return ModelDescription(card, made, first, second, shortlist, format, precision, package.files)


def renamed(path: Path, error: ModelError) -> ModelError:
    """Return an error of one of a model's files as one of the model at ``path``."""
    return ModelError(str(path), list(error.faults))


def _config(options: Options, package: Package, parameters: Parameters, where: str) -> TransformerConfig:
    tables = tables_of(options, parameters)
    for name, side in ((tables.source, package.source), (tables.target, package.target)):
        shape = parameters.shapes.get(name)
        if shape is None:
            raise ModelError(where, [f"The parameter {name} is missing."])
        _check_rows(shape[0], name, side, where)
    return configuration(options, len(package.source.tokens), len(package.target.tokens))


def _check_rows(rows: int, name: str, side: Side, where: str) -> None:
    """A vocabulary has as many tokens as the matrix has rows, or a few less: some writers fill up with rows."""
    if not 0 <= rows - len(side.tokens) <= MAX_SPARE_ROWS:
        raise ModelError(
            where,
            [
                f"{side.path.name} has {len(side.tokens):,} tokens, but the matrix {name} has {rows:,} rows:"
                " they belong to different models."
            ],
        )
