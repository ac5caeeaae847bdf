"""How one request is searched: the user's options where given, else the model's own, with every range checked."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeVar

from s2s_gui.description import DecodingDefaults
from s2s_gui.errors import RequestError
from s2s_gui.messages import DecodeOptions, Sampling

MOST_HYPOTHESES = 64

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Search:
    """A search with nothing left open; ``never`` are ids that must not be chosen, ``<unk>`` among them.

    ``most_tokens`` is how far the network can count positions, whatever the ratio allows.
    ``length_penalty`` a: a hypothesis of n tokens, the end symbol included, scores (sum of log-probabilities) / n^a.
    """

    beam_size: int
    hypotheses: int
    length_penalty: float
    max_length_ratio: float
    repeat_limit: int
    sampling: Sampling | None
    start: int
    eos: int
    never: tuple[int, ...]
    ending: Literal["shrink", "count", "bound"] = "shrink"
    most_tokens: int = 1 << 20


def resolve(options: DecodeOptions, defaults: DecodingDefaults) -> Search:
    """Join the user's options with the model's; raise ``RequestError`` for a value out of its range."""
    hypotheses = _within("hypotheses", options.hypotheses, 1, MOST_HYPOTHESES)
    beam_size = options.beam_size
    if beam_size is None:
        beam_size = 1 if options.sampling else max(defaults.beam_size, hypotheses)
    _within("beam size", beam_size, 1, MOST_HYPOTHESES)
    if options.sampling is not None:
        _check(options.sampling)
        if beam_size != 1:
            raise RequestError("Sampling draws one token at a time: it cannot be combined with a beam.")
    elif hypotheses > beam_size:
        raise RequestError(f"A beam of {beam_size} cannot give {hypotheses} hypotheses; widen the beam.")
    length_penalty = defaults.length_penalty if options.length_penalty is None else options.length_penalty
    ratio = defaults.max_length_ratio if options.max_length_ratio is None else options.max_length_ratio
    return Search(
        beam_size=beam_size,
        hypotheses=hypotheses,
        length_penalty=_within("length penalty", length_penalty, 0, 10),
        max_length_ratio=_within("greatest length ratio", ratio, 0.1, 100),
        repeat_limit=_within("repeat limit", options.repeat_limit, 1, 1000),
        sampling=options.sampling,
        start=defaults.start,
        eos=defaults.eos,
        ending=defaults.ending,
        never=tuple(sorted({*defaults.never, *(() if defaults.allow_unk else (defaults.unk,))})),
    )


def _check(sampling: Sampling) -> None:
    _within("temperature", sampling.temperature, 0.01, 100)
    _within("top-k", sampling.top_k, 0, 1 << 21)
    _within("top-p", sampling.top_p, 0.001, 1)
    _within("seed", sampling.seed, 0, (1 << 63) - 1 - MOST_HYPOTHESES)


def _within(name: str, value: Number, low: float, high: float) -> Number:
    if not isfinite(value) or not low <= value <= high:
        raise RequestError(f"The {name} must lie between {low} and {high}, not be {value}.")
    return value
