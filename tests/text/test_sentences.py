import time

import pytest
import sentencex
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s_gui.text.sentences import Span, _in_window, has_words, inner, joint, lines, sentences, shortened

ANY = st.text(st.characters(codec=None), max_size=60) | st.text("ab .。，!\n\r\t\u3000\u2028é\U0001f600", max_size=60)


def texts(content: str, language: str) -> list[str]:
    return [content[span.start : span.end] for span in sentences(content, language)]


@settings(deadline=None, max_examples=200)
@given(ANY)
def test_lines_join_to_the_text(text: str) -> None:
    found = lines(text)
    assert "".join(line.content + line.end for line in found) == text
    assert len(found) == len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert found[-1].end == ""


def test_only_real_line_ends_end_a_line() -> None:
    found = lines("a\u2028b\x0bc\x0c\x85d\r\ne\rf\n")
    assert [(line.content, line.end) for line in found] == [
        ("a\u2028b\x0bc\x0c\x85d", "\r\n"),
        ("e", "\r"),
        ("f", "\n"),
        ("", ""),
    ]


@settings(deadline=None, max_examples=200)
@given(ANY.filter(lambda text: "\n" not in text and "\r" not in text), st.sampled_from(["zh", "en", "xx"]))
def test_nothing_but_blanks_is_lost_between_sentences(content: str, language: str) -> None:
    at = 0
    for span in sentences(content, language):
        assert content[at : span.start].replace("\ufeff", "").strip() == ""
        assert span.start < span.end
        at = span.end
    assert content[at:].replace("\ufeff", "").strip() == ""


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 300), st.text("ab .。，!“”\u3000\ud800", max_size=12))),
    st.sampled_from(["zh", "en"]),
)
def test_a_long_line_that_is_edited_is_cut_as_if_it_were_new(edits: list[tuple[int, int, str]], language: str) -> None:
    content = "".join(f"今天第{number}个人来了。He is number {number}, I think. " for number in range(250))
    for place, length, new in edits:
        content = content[:place] + new + content[place + length :]
        kept = list(sentences(content, language))
        _in_window.cache_clear()
        assert kept == list(sentences(content, language))


def test_a_key_has_one_window_cut_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[int] = []
    segment = sentencex.segment

    def counted(language: str, text: str) -> list[str]:
        cut.append(len(text))
        return segment(language, text)

    monkeypatch.setattr(sentencex, "segment", counted)
    content = "".join(f"The {number}. train of today is late. " for number in range(1000))
    list(sentences(content, "en"))
    assert len(cut) > 5
    cut.clear()
    middle = content.index("500.")
    list(sentences(f"{content[:middle]}x{content[middle:]}", "en"))
    assert len(cut) == 1


def test_chinese_sentences() -> None:
    content = "　你好。他说：“你好吗？我很好。”真的吗？？是的……好吧。Mr. Smith来了。3.14是π。"
    assert texts(content, "zh")[:4] == ["你好。", "他说：“你好吗？我很好。”", "真的吗？？", "是的……好吧。"]
    assert "".join(texts(content, "zh")) == content.strip()
    assert any(text.startswith("Mr. Smith") for text in texts(content, "zh"))


@pytest.mark.parametrize("blank", ["\u00a0", "\u3000", "\u2028"])
def test_a_wide_blank_behind_a_capital_letter(blank: str) -> None:
    content = f"It is B{blank}. Next one. And B{blank}."
    assert texts(content, "en") == [f"It is B{blank}.", "Next one.", f"And B{blank}."]


def test_a_full_stop_inside_an_address_of_full_width_ends_nothing() -> None:
    text = "发到ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ。谢谢。"
    assert [text[one.start : one.end] for one in sentences(text, "zh")] == [text[:-3], "谢谢。"]


def test_english_sentences() -> None:
    content = ' Mr. Smith went home at 5 p.m. today.  He said: "Hello there. How are you?" Next one!'
    assert texts(content, "en") == [
        "Mr. Smith went home at 5 p.m. today.",
        'He said: "Hello there. How are you?"',
        "Next one!",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ("  12:30 – 50 % ", False),
        ("😀!?", False),
        ("https://example.org/a?b=c", False),
        ("me@example.org", False),
        ("½²_٣ Ⅷ-me@example.org", False),
        ("½²_٣", False),
        ("www.", True),
        ("see www.example.org", True),
        ("中", True),
        ("é", True),
    ],
)
def test_has_words(text: str, expected: bool) -> None:
    assert has_words(text) is expected


def parts(content: str, longest: int) -> list[str]:
    whole = inner(content)
    return [
        content[one.start : one.end] for one in shortened(content, whole, lambda text: len(text) <= longest, longest)
    ]


def test_too_long_is_cut_after_clauses_then_at_blanks_then_anywhere() -> None:
    assert parts("今天很好，我们走吧；再见", 8) == ["今天很好，", "我们走吧；再见"]
    assert parts("one, two three", 9) == ["one,", "two three"]
    assert parts("one two three", 8) == ["one two", "three"]
    assert parts("1,000,000", 6) == ["1,000,", "000"]
    assert parts("abcdefgh", 3) == ["abc", "def", "gh"]
    assert parts("abe\u0301fg", 3) == ["ab", "e\u0301f", "g"]
    assert parts("ab👩\u200d👧cd", 4) == ["ab", "👩\u200d👧c", "d"]
    assert parts("abc👋🏽", 4) == ["abc", "👋🏽"]


def test_a_pile_of_marks_is_cut_like_other_text() -> None:
    assert [len(part) for part in parts("a" + "\u0301" * 299, 100)] == [100, 100, 100]


def test_the_next_sentence_is_looked_for_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    segment = sentencex.segment

    def counted(language: str, text: str) -> list[str]:
        widths.append(len(text))
        return segment(language, text)

    monkeypatch.setattr(sentencex, "segment", counted)
    found = sentences("你好。" * 50_000, "zh")
    assert next(found) == Span(0, 3)
    assert widths == [4000]
    widths.clear()
    assert sum(span.end - span.start for span in sentences("“" * 100_000 + "。", "zh")) == 100_001
    assert max(widths) <= 32_000


@settings(deadline=None, max_examples=200)
@given(ANY, st.integers(1, 12))
def test_cutting_loses_nothing_but_blanks(text: str, longest: int) -> None:
    content = text.replace("\ufeff", "")
    found = parts(content, longest)
    assert "".join("".join(found).split()) == "".join(content.split())
    assert all(len(part) <= longest for part in found)


def test_joints_follow_the_target() -> None:
    assert joint(Span(0, 1), "zh") == ""
    assert joint(Span(0, 1), "en") == " "
    assert joint(Span(0, 1, glued=True), "en") == ""


@pytest.mark.parametrize(
    "content", ["你好吗" * 20_000, "a" * 60_000, "Hello there. " * 5_000, "今天，好。" * 10_000, "A. " * 20_000]
)
def test_very_long_lines_take_time_in_proportion(content: str) -> None:
    started = time.perf_counter()
    has_words(content)
    for span in sentences(content, "zh"):
        list(shortened(content, span, lambda text: len(text) <= 126, 126))
    assert time.perf_counter() - started < 20
