"""What is found to be no language, and that it comes back as it was."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s2s_gui.text.protected import MARKS, MOST_SPANS, PIECES, Shielded, find, marked, shield


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Visit https://example.com/docs?id=42, please.", ["https://example.com/docs?id=42"]),
        ("详情请访问https://example.com/a。", ["https://example.com/a"]),
        ("见 www.example.org/x/ 或 ftp://a.b/c", ["www.example.org/x/", "ftp://a.b/c"]),
        ("Write to anna.smith@example.org.", ["anna.smith@example.org"]),
        ("Run `pip install torch` twice", ["`pip install torch`"]),
        ('<b>Bold</b> and <a href="x y">this</a><br/>', ["<b>", "</b>", '<a href="x y">', "</a><br/>"]),
        ("R&amp;D &#39;x", ["&amp;", "&#39;"]),
        ("Hello {name}, {{count}} of {0}, ${HOME}", ["{name}", "{{count}}", "{0}", "${HOME}"]),
        ("您好 %s，您有 %1$d 条（%(n)s，%5.2f）", ["%s", "%1$d", "%(n)s", "%5.2f"]),
        ("in /usr/local/bin or ~/a/b.txt or C:\\Users\\x", ["/usr/local/bin", "~/a/b.txt", "C:\\Users\\x"]),
        ("@anna #news Ctrl+Shift+S", ["@anna", "#news", "Ctrl+Shift+S"]),
        ("Version 2.13.0-rc1 of 2026-11-27", ["2.13.0-rc1", "2026-11-27"]),
        ("Call +49 170 1234567 or 13800138000.", ["+49 170 1234567", "13800138000"]),
        ("我爱你😍😍 👨‍👩‍👧 🇩🇪 ✓ ♪", ["😍😍", "👨‍👩‍👧", "🇩🇪", "✓", "♪"]),
        ("From gate B12 with LH723, COVID-19, 从T3到A380", ["B12", "LH723", "COVID-19", "T3", "A380"]),
        ("Open config.yaml 和report-2.docx。", ["config.yaml", "report-2.docx"]),
        ("a\x01b", ["\x01"]),
    ],
)
def test_spans_are_found(text: str, spans: list[str]) -> None:
    assert find(text, amounts=False) == spans


@pytest.mark.parametrize(
    "text",
    [
        "The 100% discount and/or 50%discount, 3/4 of it, 1/2/2026, 10:30, 5% sure.",
        "It costs $1,249.50 or 3.50 €; 1 234 people, No. 12-14, room 12.",
        "a < b and c > d, A&B, x_1 = {",
        "A man of 40. I, 9AM, 20KG, No.5, Mr. X2y, end.In 2026 ROOM 12, e.g. this.is it",
        "#话题# 今天的温度是25度，3月18日上午9:30，第2章。",
        "I'm 5'11\" - that's it... Wait!? @ noon",
    ],
)
def test_language_is_left_alone(text: str) -> None:
    assert find(text, amounts=False) == []
    assert shield(text, amounts=False) == Shielded(text)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("It costs $1,249.50, or €12,345,678; 1,200 people.", ["1,249.50", "12,345,678"]),
        ("销售额为1,204,300.25元，比去年多3,299.00元。", ["1,204,300.25", "3,299.00"]),
        ("1,2,3,4; 12,34; 1,234,56; 1.234,50; 2,500; 10.5; a1,234.50", []),
    ],
)
def test_long_amounts_are_spans_where_both_languages_write_them_alike(text: str, spans: list[str]) -> None:
    assert find(text, amounts=True) == spans
    assert find(text, amounts=False) == []


PARTS = st.lists(
    st.sampled_from(
        ["Hi ", "，", "https://a.b/c?d=1", " x@y.zz ", "{a}", "%s", "😀", "`q`", "<i>", "你好", ". ", "\x02"]
    )
    | st.text(max_size=5)
)


@example(["%s "] * 6 + ["\x02"])
@given(PARTS)
def test_what_is_shielded_comes_back(parts: list[str]) -> None:
    text = "".join(parts)
    shielded = shield(text, amounts=True)
    found = shielded.restored(shielded.text)
    if len(find(text, amounts=True)) <= MOST_SPANS:
        assert found == text
    plain = str.maketrans("", "", "".join(MARKS))  # of those that are the text's own, late ones are left out
    assert found.translate(plain) == text.translate(plain)
    assert shielded.missing(shielded.text) == ()
    assert len(shielded.spans) == min(len(find(text, amounts=True)), MOST_SPANS)
    assert shielded.restored("") == ""


@given(PARTS, st.lists(st.sampled_from([*MARKS, "a", "好"]), max_size=20), st.integers(0, 20))
def test_marks_of_a_translation_are_restored_once_and_what_grows_only_grows(
    parts: list[str], written: list[str], cut: int
) -> None:
    shielded = shield("".join(parts), amounts=True)
    text = "".join(written)
    whole = shielded.restored(text)
    assert whole.startswith(shielded.restored(text[:cut]))
    for mark, span in zip(MARKS, shielded.spans, strict=False):
        assert (span in shielded.missing(text)) or mark in text
    assert len(whole) <= len(text) + sum(map(len, shielded.spans))


def test_spans_beyond_the_last_mark_stay() -> None:
    shielded = shield("{a} {b} {c} {d} {e} {f} {g}", amounts=True)
    assert shielded.text == "\x01 \x02 \x03 \x04 \x05 \x06 {g}"


def test_the_beginning_of_a_translation_gets_the_marks_of_its_source() -> None:
    assert shield("Visit {a} or x@y.zz!", amounts=True).hidden("访问 {a} 或 x@y") == "访问 \x01 或 x@y"


def test_a_plain_text_has_no_marks() -> None:
    plain = Shielded("\x01{a}", is_plain=True)
    assert plain.restored("x\x01y") == "x\x01y"
    assert shield("none", amounts=True).restored("x\x01y") == "xy"


def test_pieces_are_those_of_byte_fallback() -> None:
    shielded = shield("{a} 你好", amounts=True)
    assert PIECES[0] == "<0x01>"
    assert shielded.piece("<0x01>") == "{a}"
    assert shielded.piece("<0x02>") == "<0x02>"


def test_only_the_first_of_equal_spans_gives_way_to_a_mark() -> None:
    assert marked("a b a", ["a", "b"], ["\x03", "\x01"]) == "\x03 \x01 a"


@pytest.mark.parametrize(
    ("part", "spans"),
    [
        ("a", 0),
        ("a@", 0),
        ("1 1", 9091),
        ("/a", 1),
        ("<a ", 0),
        ("<a b=", 0),
        ("%", 0),
        ("{", 0),
        ("http://", 1),
        ("A1-", 0),
        ("a.", 0),
        ("A", 0),
        ("www.", 1),
        ("1.", 1),
        ("😀\u200d", 1),
    ],
)
def test_a_long_run_of_nearly_a_span_is_gone_through_in_one_go(part: str, spans: int) -> None:
    # Where the time grew with the square of the length, this would take hours.
    assert len(find(part * 100_000, amounts=True)) == spans
