"""A text in the forms that models learn: script of Chinese, width of letters, capitals. No length changes.

Offsets into a text stay right, since a character only ever gives way to one other. OpenCC (BYVoid and others) knows
the words of both scripts; where one of its words would be longer or shorter, the characters are taken one by one.
"""

import re
from functools import cache
from typing import Any

from s2s_gui.description import Direction
from s2s_gui.text.tokenizer import without_surrogates

FULL_WIDTH = {
    code: code - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for code in range(ord(first), ord(last) + 1)
}
# Words and addresses, with the signs that stand inside addresses; other punctuation of full width is that of Chinese.
WIDE_RUN = re.compile("[０-９Ａ-Ｚａ-ｚ]+(?:[＠．－＿：／＃？＝＆％＋～]+[０-９Ａ-Ｚａ-ｚ]+)*")
HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
WITHOUT_CASE = {"ar", "bn", "fa", "he", "hi", "ja", "km", "ko", "lo", "my", "ta", "te", "th", "ur", "yue", "zh"}
WORDS = re.compile(r"[^\W\d_]+")
FEWEST_LETTERS = 5
I_ALONE = re.compile(r"\bi\b")


def as_learnt(text: str, direction: Direction) -> str:
    """Return source text for a model that has learnt ``direction``.

    Letters and digits get half width. Traditional characters become simplified where the source is Chinese in
    simplified script. A whole text in capitals, of which models see little, gets the case of a sentence, if the
    target language has no capitals that it could pass on.
    """
    text = without_surrogates(text).translate(FULL_WIDTH)
    if (direction.source.code, direction.source.script) == ("zh", "Hans"):
        return _converted(text, "tw2s")
    if direction.target.code in WITHOUT_CASE and _is_shouted(text):
        return _as_sentence(text, direction.source.code)
    return text


def half_width(text: str) -> str:
    """Return ``text`` with words and addresses of full width, their punctuation included, in half width."""
    return WIDE_RUN.sub(lambda run: run[0].translate(HALF_WIDTH), text)


def simplified(text: str) -> str:
    """Return ``text`` with simplified characters for traditional ones."""
    return _converted(without_surrogates(text), "tw2s")


def traditional(text: str) -> str:
    """Return ``text`` with the traditional characters that Taiwan writes for simplified ones."""
    return _converted(without_surrogates(text), "s2tw")


def _is_shouted(text: str) -> bool:
    """Tell a text in capitals from an abbreviation, which is short, and from one that has words in small letters."""
    if not text.isupper():
        return False
    return sum(map(len, WORDS.findall(text))) >= FEWEST_LETTERS


def _as_sentence(text: str, language: str) -> str:
    small = text.lower()
    if len(small) != len(text):
        return text
    if language == "en":
        small = I_ALONE.sub("I", small)
    first = WORDS.search(small)
    if first is None or len(small[first.start()].upper()) != 1:
        return small
    return small[: first.start()] + small[first.start()].upper() + small[first.start() + 1 :]


def _converted(text: str, rules: str) -> str:
    if text.isascii():
        return text
    convert = _rules(rules).convert
    whole: str = convert(text)
    if len(whole) == len(text):
        return whole
    single = [convert(character) for character in text]
    return "".join(new if len(new) == 1 else old for old, new in zip(text, single, strict=True))


@cache
def _rules(name: str) -> Any:
    import opencc  # its dictionaries take 80 ms, which only Chinese text is worth

    return opencc.OpenCC(name)
