"""Lines and sentences: where a text is cut for a model and how the translations are put together again.

Only line feeds, carriage returns and pairs of them end a line, and each is kept as it was. Sentences come from
sentencex; a cut loses nothing, since spans are offsets into the line.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sentencex

from s2s_gui.text.tokenizer import without_surrogates

LINE_END = re.compile(r"(\r\n|\n|\r)")
OUTER = re.compile(r"[\s\ufeff]*")
# Counts are bounded, so that a long run of letters costs no more than its length.
ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.)[!-~]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE
)
ABBREVIATION = re.compile(r"(?:^|[^A-Za-z])[A-Z][A-Za-z]{0,3}\.[ \t]*$")
CLAUSE_END = re.compile(r"[，；：、;:—]+\s*|,(?!\d)\s*")
BLANKS = re.compile(r"\s+")

UNSPACED = frozenset({"zh", "ja", "yue", "wuu", "lzh"})
CHARACTERS_A_TOKEN = 16
LONGEST_ABBREVIATION = 12
WINDOW = 4000
WIDEST = 8 * WINDOW
# Code points: a longer pile of marks is cut like any other text.
LONGEST_CHARACTER = 32
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line and the characters that end it ("" for the last one)."""

    content: str
    end: str


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of offsets into a line. ``glued``: cut inside a word, so no blank belongs before it."""

    start: int
    end: int
    glued: bool = False


def lines(text: str) -> list[TextLine]:
    """Split ``text`` into lines; a final line end is followed by one more, empty line. Joining them gives ``text``."""
    return [TextLine(content, end) for content, end in zip(*split(text), strict=True)]


def split(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of ``text`` and what ends each; much quicker than ``lines`` on a long text."""
    parts = LINE_END.split(text)
    return parts[::2], [*parts[1::2], ""]


def inner(content: str) -> Span:
    """Return the line's range without the blanks around it."""
    opening = OUTER.match(content)
    start = opening.end() if opening else 0
    end = len(content)
    while end > start and (content[end - 1].isspace() or content[end - 1] == "\ufeff"):
        end -= 1
    return Span(start, end)


def has_words(text: str) -> bool:
    """Say whether there is anything to translate: a letter or Han character that is not part of a web address."""
    return any(character.isalpha() for character in ADDRESS.sub(" ", text))


def sentences(content: str, language: str) -> Iterator[Span]:
    """Yield the sentences of a line, without the blanks around each; ``language`` is an ISO 639 code."""
    whole = inner(content)
    text = without_surrogates(content[whole.start : whole.end])
    at = whole.start
    for cut in _cuts(text, language):
        trimmed = inner(cut)
        if trimmed.end > trimmed.start:
            yield Span(at + trimmed.start, at + trimmed.end)
        at += len(cut)


def _cuts(text: str, language: str) -> Iterator[str]:
    """Yield sentences that together are ``text``.

    A long text is given to the library in windows, whose last sentence begins the next one: its time grows faster
    than the text. A window grows until it holds a sentence's end, but not for ever.
    """
    at = 0
    width = WINDOW
    while at < len(text):
        window = text[at : at + width]
        cuts = _merged(sentencex.segment(language, window), language)
        if "".join(cuts) != window:
            cuts = [window]
        if at + width < len(text):
            if len(cuts) > 1:
                cuts.pop()
            elif width < WIDEST:
                width *= 2
                continue
            else:
                cuts = [window[: window.rfind(" ") + 1] or window]
        yield from cuts
        at += sum(len(cut) for cut in cuts)
        width = WINDOW


def _merged(cuts: list[str], language: str) -> list[str]:
    """Undo cuts after an abbreviation in Latin letters ("Mr. "), which the library makes in Chinese text."""
    if language not in UNSPACED:
        return cuts
    merged: list[str] = []
    for cut in cuts:
        if merged and ABBREVIATION.search(merged[-1][-LONGEST_ABBREVIATION:]):
            merged[-1] += cut
        else:
            merged.append(cut)
    return merged


def shortened(content: str, span: Span, fits: Callable[[str], bool], longest: int) -> Iterator[Span]:
    """Cut a sentence into parts that fit the model: after a clause, else at a blank, else between two characters.

    ``fits`` says whether a text fits; ``longest`` is the model's limit in tokens, used to bound the search.
    """
    at = span.start
    glued = span.glued
    while at < span.end:
        window = content[at : min(span.end, at + longest * CHARACTERS_A_TOKEN)]
        length = len(window)
        if at + length < span.end or not fits(window):
            length = _longest_part(window, fits)
        trimmed = inner(window[:length])
        if trimmed.end > trimmed.start:
            yield Span(at + trimmed.start, at + trimmed.end, glued)
        cut = at + length
        glued = cut < span.end and _inside_word(content[cut - 1], content[cut])
        at = cut


def joint(span: Span, target: str) -> str:
    """Return what stands between a translated segment and the one before it, in the language ``target``."""
    return "" if span.glued or target in UNSPACED else " "


def _longest_part(window: str, fits: Callable[[str], bool]) -> int:
    """Return the length of the longest beginning that fits, by the best kind of cut that there is."""
    for pattern in (CLAUSE_END, BLANKS):
        cuts = [match.end() for match in pattern.finditer(window) if match.start() > 0]
        count = _fitting(window, cuts, fits)
        if count:
            return cuts[count - 1]
    longest = max(1, _fitting(window, range(1, len(window) + 1), fits))
    for length in range(longest, max(0, longest - LONGEST_CHARACTER), -1):
        if length == len(window) or not _are_one(window[length - 1], window[length]):
            return length
    return longest


def _fitting(window: str, cuts: Sequence[int], fits: Callable[[str], bool]) -> int:
    """Return how many of the ascending ``cuts`` leave a beginning that fits; a longer beginning fits no better."""
    return bisect_left(cuts, True, key=lambda cut: not fits(window[:cut]))


def _are_one(left: str, right: str) -> bool:
    """Say whether two code points are drawn as one: a mark, a joiner or a skin tone belongs to what is before it."""
    return "\u200d" in (left, right) or right in SKIN_TONES or unicodedata.category(right).startswith("M")


def _inside_word(left: str, right: str) -> bool:
    return not left.isspace() and not right.isspace() and left.isalnum() and right.isalnum() and left < "\u2e80"
