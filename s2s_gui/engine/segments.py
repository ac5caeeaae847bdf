"""One line's segments: cut before the model, ready to decode, put together after it.

A plan says for each segment whether it is copied, already known, or a job for the search.
"""

import sys
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

from s2s_gui.description import Calibration, Direction
from s2s_gui.engine.alignment import links
from s2s_gui.engine.cache import Recent, SentenceCache, Translated
from s2s_gui.engine.confidence import calibration_of, confidence
from s2s_gui.engine.constraints import guard, most_repeats
from s2s_gui.engine.model import Model
from s2s_gui.engine.options import Search, resolve
from s2s_gui.engine.search import Decoded, Job
from s2s_gui.messages import DecodeOptions, Hypothesis, Line, Segment, Token
from s2s_gui.text.forms import as_learnt, half_width, simplified, traditional
from s2s_gui.text.protected import COMMAS, PIECES, Shielded, shield
from s2s_gui.text.sentences import UNSPACED, Span, has_words, inner, joint, shortened, stretches
from s2s_gui.text.tokenizer import Piece, Tokenizer

LINE_ENDS = str.maketrans("\r\n", "  ")
# Characters of remembered text, some 15 MB at most; each segment counts some more, for what is kept beside its text.
PARTS_KEPT = 2_000_000
BESIDE_TEXT = 50


class Planned(NamedTuple):
    """A segment of a line, from ``start`` to ``end``.

    ``before`` is what joins it to the one before it in the target language, or what opens the line.
    """

    start: int
    end: int
    text: str
    before: str
    is_copied: bool


Parts = Recent[Hashable, tuple[Planned, ...]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A segment as tokens: the job, its source pieces and its text, with which the result is read."""

    job: Job
    pieces: tuple[str, ...]
    shielded: Shielded


@dataclass(frozen=True, slots=True)
class Task:
    """What stays the same throughout a request: model, direction, search, forced prefix.

    ``openers`` are the ids that may follow a prefix with a blank at its end, in a language that has blanks: those that
    begin a word, and the end symbol; none of them if any id may follow. ``parts`` remembers the segments of sentences
    and of stretches of them, since a key changes one of each; ``way`` names direction and search. ``learnt`` is the
    direction as the model knows it, where the text may be in another script. ``frame`` are the ids before and after
    a text's pieces.
    """

    model: Model
    direction: Direction
    search: Search
    prefix: str
    openers: tuple[int, ...]
    parts: Parts
    way: str = field(init=False)
    learnt: Direction = field(init=False)
    calibration: Calibration | None = field(init=False)
    frame: tuple[tuple[int, ...], tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "learnt", self.model.card.learnt(self.direction))
        object.__setattr__(self, "calibration", calibration_of(self.model.card, self.learnt))
        object.__setattr__(self, "frame", _frame(self.model, self.direction))
        # A string, since it knows its hash: a long line looks up a thousand sentences at each key.
        object.__setattr__(self, "way", sys.intern(f"{self.direction} {self.search}"))

    @property
    def writes_other_script(self) -> bool:
        """Whether what the model writes is converted, so that its beginning may change as it grows."""
        return self.learnt.target != self.direction.target

    def plan(self, content: str) -> Iterator[Planned]:
        """Yield a line's segments, cut as they are asked for; a line without words is one that is copied."""
        span = inner(content)
        if not has_words(content) or self.model.card.tokenizer.kind == "tokens":
            if span.end > span.start:
                yield Planned(span.start, span.end, content[span.start : span.end], "", not has_words(content))
            return
        last = span.start
        for at, text, spans in stretches(content, self.direction.source.code):
            for start, end, part, before, is_copied in self.parts.get((text, spans)) or self._planned(text, spans):
                between = content[last : at + start]
                stays = last == span.start or "\t" in between
                yield Planned(at + start, at + end, part, between if stays else before, is_copied)
                last = at + end

    def known(self, planned: Planned, cache: SentenceCache, *, forced: bool) -> Translated | None:
        """Return the segment's translation if it needs no decoding."""
        if planned.is_copied and not (forced and self.prefix):
            return Translated((), (Hypothesis(planned.text, (), 0.0),))
        return cache.get(self.key(planned, forced=forced))

    def key(self, planned: Planned, *, forced: bool) -> tuple[str, str, str]:
        """Return all that a segment's translation depends on, for the cache."""
        return self.way, self.prefix if forced else "", planned.text

    def prepare(self, planned: Planned, *, forced: bool) -> Prepared:
        """Return the segment as a job: its source ids as the model wants them; ``forced`` binds it to the prefix."""
        model = self.model
        shielded = self._shielded(planned.text)
        pieces = self._pieces(shielded)
        ids = tuple(piece.id for piece in pieces)
        begun = simplified(self.prefix) if self.writes_other_script else self.prefix
        prefix = tuple(piece.id for piece in model.target.encode(shielded.hidden(begun.strip()))) if forced else ()
        openers = self.openers if prefix else ()
        repeats = max(most_repeats(ids), most_repeats(shielded.text))
        allowed = None if model.shortlist is None else model.shortlist.candidates(ids, prefix)
        language = self._language()
        loops = guard(self.search.repeat_limit, repeats, model.numeric)
        copied = tuple(piece.id for piece in pieces if piece.text in PIECES) if shielded.spans else ()
        job = Job(ids, (*language, *prefix), loops, openers, allowed, len(language), copied)
        return Prepared(job, tuple(shielded.piece(piece.text) for piece in pieces), shielded)

    def whole(self, text: str) -> Prepared:
        """Return ``text`` as one job, whatever sentences are in it."""
        return self.prepare(Planned(0, len(text), text, "", False), forced=False)

    def read(self, prepared: Prepared, decoded: list[Decoded]) -> Translated:
        """Turn the search's hypotheses into text, tokens and links."""
        return Translated(prepared.pieces, tuple(self._hypothesis(prepared, one) for one in decoded))

    def text(self, tokens: tuple[int, ...], shielded: Shielded) -> str:
        """Return the text of target tokens, on one line; ``shielded`` is their source."""
        return shielded.restored(self._written(tokens))

    def _written(self, tokens: tuple[int, ...]) -> str:
        eos = self.model.card.decoding.eos
        text = self.model.target.decode(id for id in tokens if id != eos).translate(LINE_ENDS)
        return traditional(text) if self.writes_other_script else text

    def _hypothesis(self, prepared: Prepared, decoded: Decoded) -> Hypothesis:
        shielded = prepared.shielded
        tokens = tuple(
            self._token(id, log_prob, shielded) for id, log_prob in zip(decoded.tokens, decoded.log_probs, strict=True)
        )
        alignment = links(decoded.attention, len(prepared.pieces))
        doubtful = self._stretches(tokens, shielded)
        written = self._written(decoded.tokens)
        text = " ".join(filter(None, [shielded.restored(written), *shielded.missing(written)]))
        return Hypothesis(text, tokens, decoded.score, alignment, decoded.stopped, doubtful)

    def _stretches(self, tokens: tuple[Token, ...], shielded: Shielded) -> tuple[tuple[int, int], ...]:
        """Return where in the text the doubtful tokens stand; neighbours are one stretch, a blank before is none."""
        if not any(token.is_doubtful for token in tokens):
            return ()
        growing = self.model.target.stream()
        found: list[tuple[int, int]] = []
        for token in tokens:
            before = shielded.restored(growing.text)
            growing.push(token.id)
            text = shielded.restored(growing.text)
            start = len(before)
            if token.is_doubtful and len(text) > start and token.id != self.model.card.decoding.eos:
                if found and found[-1][1] == start:
                    found[-1] = found[-1][0], len(text)
                else:
                    found.append((start + text[start:].startswith(" "), len(text)))
        return tuple(found)

    def _token(self, id: int, log_prob: float, shielded: Shielded) -> Token:
        piece, calibration = shielded.piece(self.model.target.piece(id)), self.calibration
        if calibration is None:
            return Token(piece, log_prob, id)
        sure = confidence(calibration, log_prob)
        return Token(piece, log_prob, id, sure, sure < calibration.doubtful_below)

    def _shielded(self, text: str) -> Shielded:
        """Return ``text`` with marks for what is to stay as it is, if the model has learnt to copy them."""
        card = self.model.card
        if card.decoding.copies_marks and card.tokenizer.kind != "tokens":
            languages = {self.direction.source.code, self.direction.target.code}
            return shield(half_width(text), amounts=languages <= COMMAS)
        return Shielded(text, is_plain=True)

    def _pieces(self, shielded: Shielded) -> list[Piece]:
        """Return what the network is to read of a text."""
        text = shielded.text
        if self.model.card.tokenizer.kind == "sentencepiece":
            text = as_learnt(text, self.learnt)
        return self._framed(self.model.source.encode(text))

    def _framed(self, pieces: list[Piece]) -> list[Piece]:
        """Put around a segment's pieces what the model wants there: start, tag, end, padding."""
        decoding = self.model.card.decoding
        before, after = self.frame
        framed = [*map(self._piece, before), *pieces, *map(self._piece, after)]
        if not framed:
            framed = [Piece(-1, "")]
        return framed + [self._piece(decoding.pad_source_with)] * (decoding.pad_source_to - len(framed))

    def _piece(self, id: int) -> Piece:
        return Piece(id, "" if id < 0 else self.model.source.piece(id))

    def _language(self) -> tuple[int, ...]:
        """Return the token that names the target language, where every target begins with one."""
        prefix = self.direction.prefix
        id = self.model.target.id_of(prefix) if prefix else None
        return () if id is None else (id,)

    def _planned(self, text: str, spans: tuple[Span, ...]) -> tuple[Planned, ...]:
        """Return the segments of a stretch, with offsets into it, and remember them."""
        planned = tuple(
            Planned(at + start, at + stop, part, before, is_copied)
            for at, end, _ in spans
            for start, stop, part, before, is_copied in self.parts.get(text[at:end]) or self._cut(text[at:end])
        )
        self.parts.put((text, spans), planned, len(text) + BESIDE_TEXT * len(planned))
        return planned

    def _cut(self, sentence: str) -> tuple[Planned, ...]:
        """Return a sentence's parts, each with what joins it to another one before it, and remember them."""
        target = self.direction.target.code
        spans = shortened(sentence, Span(0, len(sentence)), self._fits, self.model.max_source)
        texts = [(span, sentence[span.start : span.end]) for span in spans]
        parts = tuple(
            Planned(span.start, span.end, text, joint(span, target), not has_words(text)) for span, text in texts
        )
        self.parts.put(sentence, parts, len(sentence) + BESIDE_TEXT)
        return parts

    def _fits(self, text: str) -> bool:
        return len(self._pieces(self._shielded(text))) <= self.model.max_source


def make_task(model: Model, direction: Direction, options: DecodeOptions) -> Task:
    """Return a request's task; raise ``RequestError`` for an option out of its range."""
    search = replace(resolve(options, model.card.decoding), most_tokens=model.most_tokens)
    openers: tuple[int, ...] = ()
    if options.prefix[-1:].isspace() and direction.target.code not in UNSPACED:
        openers = tuple(id for id in range(model.target.size) if model.target.begins_word(id) or id == search.eos)
    return Task(model, direction, search, options.prefix, openers, _remembered(model, direction))


def _frame(model: Model, direction: Direction) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the ids that the model wants before and after the pieces of a text: start, tag, end."""
    decoding = model.card.decoding
    id = model.source.id_of(direction.tag) if direction.tag else None
    tag = () if id is None else (id,)
    end = (decoding.eos,) if decoding.source_end is None else decoding.source_end
    if decoding.tag_last:
        return decoding.source_start, (*end, *tag)
    return (*decoding.source_start, *tag), end


# By tokenizer, so that what is remembered goes when its model goes.
_PARTS: WeakKeyDictionary[Tokenizer, tuple[Hashable, Parts]] = WeakKeyDictionary()


def _remembered(model: Model, direction: Direction) -> Parts:
    """Return how text was cut for ``model`` so far; another direction begins anew."""
    way = direction, model.card.decoding, model.max_source
    kept = _PARTS.get(model.source)
    if kept is None or kept[0] != way:
        kept = _PARTS[model.source] = way, Recent(PARTS_KEPT)
    return kept[1]


def compose(content: str, planned: Sequence[Planned], translated: Sequence[Translated]) -> Line:
    """Put a line together: its own outer blanks, the best hypotheses, the joints of the target language."""
    segments = tuple(
        Segment(one.start, one.end, known.source_tokens, known.hypotheses)
        for one, known in zip(planned, translated, strict=True)
    )
    whole = inner(content)
    parts = [content[: whole.start]]
    doubtful: list[tuple[int, int]] = []
    length = whole.start
    for one, known in zip(planned, translated, strict=True):
        best = known.hypotheses[0]
        length += len(one.before)
        doubtful += [(length + start, length + end) for start, end in best.doubtful]
        length += len(best.text)
        parts += (one.before, best.text)
    return Line(content, "".join(parts) + content[whole.end :], segments, tuple(doubtful))
