"""One line's segments: cut before the model, ready to decode, put together after it.

A plan says for each segment whether it is copied, already known, or a job for the search.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from s2s_gui.description import Direction
from s2s_gui.engine.alignment import links
from s2s_gui.engine.cache import SentenceCache, Translated
from s2s_gui.engine.constraints import guard, most_repeats
from s2s_gui.engine.model import Model
from s2s_gui.engine.options import Search, resolve
from s2s_gui.engine.search import Decoded, Job
from s2s_gui.messages import DecodeOptions, Hypothesis, Line, Segment, Token
from s2s_gui.text.sentences import UNSPACED, Span, has_words, inner, joint, sentences, shortened
from s2s_gui.text.tokenizer import Piece

LINE_ENDS = str.maketrans("\r\n", "  ")


@dataclass(frozen=True, slots=True)
class Planned:
    """A segment of a line; ``before`` is what joins it to the one before it in the target language."""

    span: Span
    text: str
    before: str
    is_copied: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A segment as tokens: the job and its source pieces, with which the result is read."""

    job: Job
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """What stays the same throughout a request: model, direction, search, forced prefix.

    ``openers`` are the ids that may follow a prefix with a blank at its end, in a language that has blanks: those that
    begin a word, and the end symbol; none of them if any id may follow.
    """

    model: Model
    direction: Direction
    search: Search
    prefix: str
    openers: tuple[int, ...]

    def plan(self, content: str) -> Iterator[Planned]:
        """Yield a line's segments, cut as they are asked for; a line without words is one that is copied."""
        span = inner(content)
        if not has_words(content) or self.model.card.tokenizer.kind == "tokens":
            if span.end > span.start:
                yield Planned(span, content[span.start : span.end], "", not has_words(content))
            return
        is_first = True
        target = self.direction.target.code
        for sentence in sentences(content, self.direction.source.code):
            for span in shortened(content, sentence, self._fits, self.model.max_source):
                text = content[span.start : span.end]
                yield Planned(span, text, "" if is_first else joint(span, target), not has_words(text))
                is_first = False

    def known(self, planned: Planned, cache: SentenceCache, *, forced: bool) -> Translated | None:
        """Return the segment's translation if it needs no decoding."""
        if planned.is_copied and not (forced and self.prefix):
            return Translated((), (Hypothesis(planned.text, (), 0.0),))
        return cache.get(self.key(planned, forced=forced))

    def key(self, planned: Planned, *, forced: bool) -> tuple[str, Search, str, str]:
        """Return all that a segment's translation depends on, for the cache."""
        return str(self.direction), self.search, self.prefix if forced else "", planned.text

    def prepare(self, planned: Planned, *, forced: bool) -> Prepared:
        """Return the segment as a job: its source ids as the model wants them; ``forced`` binds it to the prefix."""
        model = self.model
        pieces = self._framed(model.source.encode(planned.text))
        ids = tuple(piece.id for piece in pieces)
        prefix = tuple(piece.id for piece in model.target.encode(self.prefix.strip())) if forced else ()
        openers = self.openers if prefix else ()
        repeats = max(most_repeats(ids), most_repeats(planned.text))
        allowed = None if model.shortlist is None else model.shortlist.candidates(ids, prefix)
        language = self._language()
        loops = guard(self.search.repeat_limit, repeats, model.numeric)
        job = Job(ids, (*language, *prefix), loops, openers, allowed, len(language))
        return Prepared(job, tuple(piece.text for piece in pieces))

    def whole(self, text: str) -> Prepared:
        """Return ``text`` as one job, whatever sentences are in it."""
        return self.prepare(Planned(inner(text), text, "", False), forced=False)

    def read(self, prepared: Prepared, decoded: list[Decoded]) -> Translated:
        """Turn the search's hypotheses into text, tokens and links."""
        return Translated(prepared.pieces, tuple(self._hypothesis(one, len(prepared.pieces)) for one in decoded))

    def text(self, tokens: tuple[int, ...]) -> str:
        """Return the text of target tokens, on one line."""
        eos = self.model.card.decoding.eos
        return self.model.target.decode(id for id in tokens if id != eos).translate(LINE_ENDS)

    def _hypothesis(self, decoded: Decoded, source_tokens: int) -> Hypothesis:
        tokens = tuple(
            Token(self.model.target.piece(id), log_prob, id)
            for id, log_prob in zip(decoded.tokens, decoded.log_probs, strict=True)
        )
        alignment = links(decoded.attention, source_tokens)
        return Hypothesis(self.text(decoded.tokens), tokens, decoded.score, alignment, decoded.stopped)

    def _framed(self, pieces: list[Piece]) -> list[Piece]:
        """Put around a segment's pieces what the model wants there: start, tag, end, padding."""
        decoding = self.model.card.decoding
        tag = self.direction.tag
        id = self.model.source.id_of(tag) if tag else None
        tagged = [] if id is None else [Piece(id, tag)]
        start = [self._piece(id) for id in decoding.source_start]
        end = [self._piece(id) for id in ((decoding.eos,) if decoding.source_end is None else decoding.source_end)]
        framed = [*start, *pieces, *end, *tagged] if decoding.tag_last else [*start, *tagged, *pieces, *end]
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

    def _fits(self, text: str) -> bool:
        return len(self._framed(self.model.source.encode(text))) <= self.model.max_source


def make_task(model: Model, direction: Direction, options: DecodeOptions) -> Task:
    """Return a request's task; raise ``RequestError`` for an option out of its range."""
    search = replace(resolve(options, model.card.decoding), most_tokens=model.most_tokens)
    openers: tuple[int, ...] = ()
    if options.prefix[-1:].isspace() and direction.target.code not in UNSPACED:
        openers = tuple(id for id in range(model.target.size) if model.target.begins_word(id) or id == search.eos)
    return Task(model, direction, search, options.prefix, openers)


def compose(content: str, planned: Sequence[Planned], translated: Sequence[Translated]) -> Line:
    """Put a line together: its own outer blanks, the best hypotheses, the joints of the target language."""
    segments = tuple(
        Segment(one.span.start, one.span.end, known.source_tokens, known.hypotheses)
        for one, known in zip(planned, translated, strict=True)
    )
    whole = inner(content)
    middle = "".join(one.before + known.hypotheses[0].text for one, known in zip(planned, translated, strict=True))
    return Line(content, content[: whole.start] + middle + content[whole.end :], segments)
