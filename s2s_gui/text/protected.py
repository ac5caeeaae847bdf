"""What a translation leaves as it is: addresses, code, placeholders, tags, emoji, long amounts.

Such spans are no language, and a model that spells them out again gets some of them wrong. A model that has learnt it
reads one control character instead of each, and copies that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_SPANS = 6
MARKS = tuple(map(chr, range(1, 1 + MOST_SPANS)))
_NO_MARKS = dict.fromkeys(map(ord, MARKS))
# As a SentencePiece model with byte fallback writes them.
PIECES = tuple(f"<0x{ord(mark):02X}>" for mark in MARKS)

_EXTENSIONS = (
    "txt|pdf|docx?|odt|rtf|xlsx?|pptx?|csv|json|ya?ml|toml|xml|html?|css|js|py|java|cpp|sh|bat|exe|zip|tar|gz|7z|png"
    "|jpe?g|gif|svg|mp[34]|wav|md|log|ini|cfg|conf"
)
_KINDS = (
    r"(?:https?|ftp)://[^\s<>\"'`\u0080-\U0010ffff]*[\w/#=&-]",
    r"(?<!\w)www\.[\w-]+(?:\.[\w-]+)+(?:/[^\s<>\"'`\u0080-\U0010ffff]*[\w/#=&-])?",
    r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    r"`[^`\n]+`",
    r"</?[a-z][\w-]*(?:\s+[\w:-]+=(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*\s*/?>",
    r"&(?:[a-z]+|\#\d+);",
    r"\$?\{\{?[\w .:$!-]*\}?\}",
    r"(?<![\d%])%(?:\d+\$|\(\w+\))?[-+0\#]*\d*(?:\.\d+)?(?:ll|l|h|z)?[sdiufgexXc@](?![a-z])",
    r"(?<![\w.])(?:~|\.\.?)?(?:/[\w.-]+){2,}/?",
    r"(?<!\w)[a-z]:\\[^\s，。；！？、]*[\w\\]",
    r"(?<![\w@])[@\#][a-z_]\w+",
    r"(?<!\w)(?:ctrl|alt|shift|cmd|esc)(?:\+\w+)+",
    r"(?<![\w.-])(?-i:[A-Z]{1,6}-?\d{1,5}[A-Z\d]{0,6}(?:-[A-Z\d]{1,6})*)(?![\w-])",
    r"(?<![\w.])[\w-]{1,64}\.(?:" + _EXTENSIONS + r")(?!\w)",
    r"(?<![\w.])v?\d+(?:\.\d+){2,}(?:-?(?:alpha|beta|rc|dev)[.\d]*)?(?!\w)",
    r"(?<![\w.,])\+?\d(?:[ -]?\d){6,20}(?![\w.,]\d)",
    "[\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
    "[\u200d\u20e3\ufe0e\ufe0f\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\U000e0020-\U000e007f]*",
    "[" + "".join(MARKS) + "]",
)
# Languages that write 1,234,500.75 alike. Elsewhere commas and points change places, and it is no copy that is wanted.
COMMAS = frozenset({"en", "zh", "ja", "ko", "th"})
_AMOUNT = r"(?<![\w.,])\d{1,3}(?:(?:,\d{3}){2,}(?:\.\d+)?|,\d{3}\.\d+)(?![\w.,]?\d)"
# Neighbours without anything between them are one span.
_SPAN, _SPAN_OR_AMOUNT = (
    re.compile("(?:" + "|".join(kinds) + ")+", re.ASCII | re.IGNORECASE) for kinds in (_KINDS, (*_KINDS, _AMOUNT))
)


@dataclass(frozen=True, slots=True)
class Shielded:
    """A text in which the character ``MARKS[i]`` stands for ``spans[i]``, or with ``is_plain`` one without marks."""

    text: str
    spans: tuple[str, ...] = ()
    is_plain: bool = False

    def restored(self, text: str) -> str:
        """Return ``text`` with the spans in place of their marks; marks without one, or seen before, are left out."""
        if self.is_plain or not any(mark in text for mark in MARKS):
            return text
        left = dict(zip(MARKS, self.spans, strict=False))
        return "".join(left.pop(one, "") if one in MARKS else one for one in text)

    def hidden(self, text: str) -> str:
        """Return another text with the marks of this one's spans, as far as they stand there."""
        return marked(text, self.spans, MARKS[: len(self.spans)])

    def piece(self, piece: str) -> str:
        """Return a piece of the vocabulary for people: the span that it stands for, or itself."""
        return self.spans[PIECES.index(piece)] if piece in PIECES[: len(self.spans)] else piece

    def missing(self, text: str) -> tuple[str, ...]:
        """Return the spans whose marks are not in ``text``."""
        return tuple(span for mark, span in zip(MARKS, self.spans, strict=False) if mark not in text)


def find(text: str, *, amounts: bool) -> list[str]:
    """Return the spans of ``text`` that are to stay, in their order; ``amounts``: numbers such as 1,234.50 too."""
    return (_SPAN_OR_AMOUNT if amounts else _SPAN).findall(text)


def shield(text: str, *, amounts: bool) -> Shielded:
    """Put marks in place of the first ``MOST_SPANS`` spans; later ones lose what would be taken for a mark."""
    spans: list[str] = []

    def mark(match: re.Match[str]) -> str:
        if len(spans) == MOST_SPANS:
            return match[0].translate(_NO_MARKS)
        spans.append(match[0])
        return MARKS[len(spans) - 1]

    shielded = (_SPAN_OR_AMOUNT if amounts else _SPAN).sub(mark, text)
    return Shielded(shielded, tuple(spans))


def marked(text: str, spans: Sequence[str], marks: Sequence[str]) -> str:
    """Return ``text`` with the first occurrence of each of ``spans`` replaced by its mark."""
    for span, mark in zip(spans, marks, strict=True):
        text = text.replace(span, mark, 1)
    return text
