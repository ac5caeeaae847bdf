"""The nouns that cross threads: requests to the worker, updates from it, and the results they carry.

All are immutable values; no Qt object and no tensor is ever in one. They are msgspec's structures, since a dataclass
takes a millisecond to be defined, before the window, and several times as long to be filled, for each token. Each
request gets exactly one closing update: anything but ``Partial``, ``KnownLines`` and ``Progress``.
"""

from typing import Literal

import msgspec

from s2s_gui.description import ModelCard


class Sampling(msgspec.Struct, frozen=True):
    """Draw the next token at random instead of taking the best (Fan et al. 2018; Holtzman et al. 2020)."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0


class DecodeOptions(msgspec.Struct, frozen=True):
    """How to search. ``None`` means the model's own default.

    ``length_penalty`` a: a hypothesis of n tokens, the end symbol included, scores (sum of log-probabilities) / n^a.
    ``max_length_ratio``: at most this many target tokens for each source token, plus 8.
    ``prefix``: text that the translation must begin with; only the first segment of the request is bound by it.
    ``repeat_limit``: a run of tokens that repeats itself more often than this is a loop: the search takes another way,
    and where there is none, or tokens are drawn, the hypothesis is ended.
    """

    beam_size: int | None = None
    length_penalty: float | None = None
    max_length_ratio: float | None = None
    hypotheses: int = 1
    sampling: Sampling | None = None
    prefix: str = ""
    repeat_limit: int = 2


class LoadModel(msgspec.Struct, frozen=True):
    """Load the model at ``folder``, or a chain's key; the loaded one stays until the new one has passed its trial.

    ``precision`` is that of a single sentence's products; "auto" takes the quicker one of this processor. Without
    ``shortlist`` the whole vocabulary is looked through. ``threads`` decode long texts; 0 is one for each core.
    """

    number: int
    folder: str
    precision: Literal["auto", "fp32", "int8"] = "auto"
    shortlist: bool = True
    threads: int = 0


class UnloadModel(msgspec.Struct, frozen=True):
    """Free the memory of the loaded model; the next text loads it again by itself."""

    number: int


class Translate(msgspec.Struct, frozen=True):
    """Translate ``text`` with the loaded model; ``source`` and ``target`` are as ``str(Language)`` ("zh-Hans")."""

    number: int
    text: str
    source: str
    target: str
    options: DecodeOptions = DecodeOptions()


class DescribeModel(msgspec.Struct, frozen=True):
    """Look at a model file or folder of any known format, without loading it."""

    number: int
    path: str


class ImportModel(msgspec.Struct, frozen=True):
    """Try a model and take it into the user's library: copied, or as a link to where it lies."""

    number: int
    path: str
    link: bool = False


class VerifyModel(msgspec.Struct, frozen=True):
    """Compare an installed model's files with the hashes noted at its import, and try it."""

    number: int
    folder: str


Request = LoadModel | UnloadModel | Translate | DescribeModel | ImportModel | VerifyModel


class Token(msgspec.Struct, frozen=True, gc=False):
    """One target token: its piece as the vocabulary writes it, natural log-probability, vocabulary id.

    ``confidence`` is its calibrated probability, None where the model's card knows none; ``is_doubtful`` says that it
    is low enough to be marked.
    """

    text: str
    log_prob: float
    id: int
    confidence: float | None = None
    is_doubtful: bool = False


class Link(msgspec.Struct, frozen=True, gc=False):
    """Attention of one target token to one source token: indices into the segment's tokens, weight 0 to 1."""

    source: int
    target: int
    weight: float


class Hypothesis(msgspec.Struct, frozen=True):
    """One candidate translation of a segment; ``score`` is length-normalised as ``DecodeOptions`` says.

    ``stopped``: "" if the end symbol was produced, "length" at the limit, "loop" if a repetition was ended.
    ``doubtful`` are the stretches of ``text``, from and to, whose tokens are so.
    """

    text: str
    tokens: tuple[Token, ...]
    score: float
    alignment: tuple[Link, ...] = ()
    stopped: Literal["", "length", "loop"] = ""
    doubtful: tuple[tuple[int, int], ...] = ()


class Segment(msgspec.Struct, frozen=True):
    """What was decoded at once, mostly a sentence: ``start`` and ``end`` are offsets into the line (Python ``str``)."""

    start: int
    end: int
    source_tokens: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]


class Line(msgspec.Struct, frozen=True):
    """One line of the request with its translation; ``text`` keeps the line's outer blanks.

    ``doubtful`` are the stretches of ``text``, from and to, that the model was not sure of.
    """

    source: str
    text: str
    segments: tuple[Segment, ...]
    doubtful: tuple[tuple[int, int], ...] = ()


class Result(msgspec.Struct, frozen=True):
    """A whole translation; ``text`` has exactly as many lines as the source.

    ``tokens`` counts tokens decoded anew; ``cached_segments`` those that cost nothing.
    """

    text: str
    lines: tuple[Line, ...]
    seconds: float
    first_token_seconds: float
    tokens: int
    cached_segments: int = 0


class Partial(msgspec.Struct, frozen=True):
    """The translation so far of one line: ``stable`` will not change, ``tentative`` may. Replaces, never appends.

    ``is_final`` says that the line is done. ``line`` counts from 0, ``of`` is the number of lines.
    """

    number: int
    line: int
    of: int
    stable: str
    tentative: str
    is_final: bool


class KnownLines(msgspec.Struct, frozen=True):
    """The final ``texts`` of some lines from ``line`` on, which had been translated before; of ``of`` lines."""

    number: int
    line: int
    of: int
    texts: tuple[str, ...]


class Finished(msgspec.Struct, frozen=True):
    """The request was done."""

    number: int
    result: Result


class ModelReady(msgspec.Struct, frozen=True):
    """A model was loaded and warmed up; ``parameters`` counts weights, ``precision`` is that of the quick way.

    It is "" where a model has no quick way.
    """

    number: int
    folder: str
    card: ModelCard
    seconds: float
    parameters: int
    precision: str = ""


class ModelUnloaded(msgspec.Struct, frozen=True):
    """The loaded model has left memory."""

    number: int


class About(msgspec.Struct, frozen=True):
    """What can be said of a model before its weights are read.

    ``bytes`` of its files, ``memory`` that it needs and ``free`` memory in bytes; ``sha256`` of the file that was
    asked about, else of its largest. ``faults`` are why it cannot be used, one sentence each.
    """

    path: str
    card: ModelCard
    format: str
    precision: str
    bytes: int
    memory: int
    free: int
    sha256: str
    faults: tuple[str, ...] = ()


class Progress(msgspec.Struct, frozen=True):
    """How far a request on a model's files is: ``done`` of ``total`` bytes."""

    number: int
    done: int
    total: int


class Described(msgspec.Struct, frozen=True):
    """A model was looked at."""

    number: int
    about: About


class Imported(msgspec.Struct, frozen=True):
    """A model is in the library's ``folder``; ``was_there`` says that the same one was in it before."""

    number: int
    folder: str
    card: ModelCard
    was_there: bool


class Verified(msgspec.Struct, frozen=True):
    """A model's files are as they were imported, or ``faults`` say what is not."""

    number: int
    folder: str
    faults: tuple[str, ...]


class Stopped(msgspec.Struct, frozen=True):
    """The request was stopped, by the user or by a newer one; what was shown stays valid as a beginning."""

    number: int


class Failed(msgspec.Struct, frozen=True):
    """The request failed; ``message`` is for people, ``detail`` a traceback for faults of the program, else ""."""

    number: int
    message: str
    detail: str = ""


OnTheWay = Partial | KnownLines | Progress
Update = OnTheWay | Finished | ModelReady | ModelUnloaded | Described | Imported | Verified | Stopped | Failed
