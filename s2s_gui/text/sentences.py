"""Lines and sentences: where a text is cut for a model and how the translations are put together again.

Only line feeds, carriage returns and pairs of them end a line, and each is kept as it was. Sentences come from
sentencex; a cut loses nothing, since spans are offsets into the line.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import sentencex

from s2s_gui.text.forms import half_width
from s2s_gui.text.tokenizer import without_surrogates

LINE_END = re.compile(r"(\r\n|\n|\r)")
OUTER = re.compile(r"[\s\ufeff]*")
# Counts are bounded, so that a long run of letters costs no more than its length.
ADDRESS = r"(?:[a-z][a-z0-9+.-]{1,15}://|www\.)[!-~]+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
# Letters come one by one, with some numbers among them that ``isalpha`` knows to tell; no address is all letters.
ADDRESS_OR_LETTER = re.compile(ADDRESS + r"|[^\W\d_]", re.IGNORECASE)
ABBREVIATION = re.compile(r"(?:^|[^A-Za-z])[A-Z][A-Za-z]{0,3}\.[ \t]*$")
CLAUSE_END = re.compile(r"[，；：、;:—]+\s*|,(?!\d)\s*")
BLANKS = re.compile(r"\s+")
WIDE_BLANK = re.compile(r"[^\S\x00-\x7f]")

# What opens a line of a list, a quotation or a heading, and stays as it is. In other languages "3." is an ordinal.
OPENERS = re.compile(r"(?:(?:[-*+•·–—>]|>{2,9}|#{1,6}|[(（]?\d{1,3}[)）])[ \t]+)+|[(（]\d{1,3}[)）]|\d{1,3}、")
NUMBERED = re.compile(r"\d{1,3}\.[ \t]+")
NUMBERS_LISTS = frozenset({"en", "zh", "yue", "ja", "ko"})
CELL = re.compile(r"[^\t]*\t+|[^\t]+")

UNSPACED = frozenset({"zh", "ja", "yue", "wuu", "lzh"})
CHARACTERS_A_TOKEN = 16
LONGEST_ABBREVIATION = 12
WINDOW = 4000
WIDEST = 8 * WINDOW
# Half a million characters in one line; mostly a megabyte or two of memory.
WINDOWS = 128
# Code points: a longer pile of marks is cut like any other text.
LONGEST_CHARACTER = 32
SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line and the characters that end it ("" for the last one)."""

    content: str
    end: str


class Span(NamedTuple):
    """A half-open range of offsets into a line. ``glued``: cut inside a word, so no blank belongs before it."""

    start: int
    end: int
    glued: bool = False


def lines(text: str) -> list[TextLine]:
    """Split ``text`` into lines; a final line end is followed by one more, empty line. Joining them gives ``text``."""
    return [TextLine(content, end) for content, end in zip(*split(text), strict=True)]


def split(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of ``text`` and what ends each; much quicker than ``lines`` on a long text."""
    if "\r" not in text:
        contents = text.split("\n")
        return contents, [*["\n"] * (len(contents) - 1), ""]
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
    return any(found.group().isalpha() for found in ADDRESS_OR_LETTER.finditer(text))


def sentences(content: str, language: str) -> Iterator[Span]:
    """Yield the sentences of a line, without the blanks around each; ``language`` is an ISO 639 code."""
    for at, _, spans in stretches(content, language):
        for span in spans:
            yield Span(at + span.start, at + span.end)


def stretches(content: str, language: str) -> Iterator[tuple[int, str, tuple[Span, ...]]]:
    """Yield a line's sentences by the hundred: where a stretch begins, its text, and its sentences as offsets into it.

    A long line is cut in windows, whose last sentence begins the next one: the library's time grows faster than the
    text. A window grows until it holds a sentence's end, but not for ever. What opens the line of a list comes before
    the first sentence.
    """
    whole = inner(content)
    opening = OPENERS.match(content, whole.start, whole.end)
    if opening is None and language in NUMBERS_LISTS:
        opening = NUMBERED.match(content, whole.start, whole.end)
    at = whole.start if opening is None else opening.end()
    width = WINDOW
    while at < whole.end:
        end = min(at + width, whole.end)
        found, reach = _in_window(content[at:end], language, end == whole.end)
        if not reach:
            width *= 2
            continue
        yield at, content[at : at + reach], found
        at += reach
        width = WINDOW


# Remembered, since a key changes one window of a line and leaves most others as they were.
@lru_cache(maxsize=WINDOWS)
def _in_window(text: str, language: str, is_last: bool) -> tuple[tuple[Span, ...], int]:
    """Return the sentences of a window, as offsets into it, and how many characters they are with what parts them.

    A tab parts them too, as in a table.

    Unless the window is its line's last, its last sentence may go on and is left out; the count is 0 where that leaves
    nothing and a wider window should be tried.
    """
    # An address of full width has a full stop in it that ends no sentence; no length changes.
    window = half_width(without_surrogates(text))
    cuts = _merged(_cuts(language, window), language)
    if "".join(cuts) != window:
        cuts = [window]
    if not is_last:
        if len(cuts) > 1:
            cuts.pop()
        elif len(window) < WIDEST:
            return (), 0
        else:
            cuts = [window[: window.rfind(" ") + 1] or window]
    found: list[Span] = []
    at = 0
    for cell in (cell for cut in cuts for cell in CELL.findall(cut)):
        trimmed = inner(cell)
        if trimmed.end > trimmed.start:
            found.append(Span(at + trimmed.start, at + trimmed.end))
        at += len(cell)
    return tuple(found), at


def _cuts(language: str, window: str) -> list[str]:
    """Return the library's cuts, also where it stumbles over a wide blank between a capital letter and a full stop."""
    try:
        return sentencex.segment(language, window)
    except BaseException as error:  # a panic of the library's is not an Exception and can not be imported
        if type(error).__name__ != "PanicException":
            raise
    cuts: list[str] = []
    at = 0
    for cut in sentencex.segment(language, WIDE_BLANK.sub(" ", window)):
        cuts.append(window[at : at + len(cut)])
        at += len(cut)
    return cuts


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
