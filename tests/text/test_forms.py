"""Text in the forms that models learn: script, width, capitals; lengths never change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_gui.description import Direction, Language
from s2s_gui.text.forms import as_learnt, simplified, traditional

ENGLISH, SIMPLIFIED, TRADITIONAL = Language("en"), Language("zh", "Hans"), Language("zh", "Hant")
FROM_CHINESE, TO_CHINESE = Direction(SIMPLIFIED, ENGLISH), Direction(ENGLISH, SIMPLIFIED)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("請問附近有地鐵站嗎？", "请问附近有地铁站吗？"),
        ("他看著著名的頭髮。", "他看着著名的头发。"),
        ("皇后在房子後面。", "皇后在房子后面。"),
        ("乾隆皇帝的衣服很乾淨", "乾隆皇帝的衣服很干净"),
        ("我在７號門，車牌ＡＢ１２。", "我在7号门，车牌AB12。"),
        ("已经是简体了。", "已经是简体了。"),
    ],
)
def test_chinese_is_read_in_simplified_characters(text: str, wanted: str) -> None:
    assert as_learnt(text, FROM_CHINESE) == wanted


def test_a_model_that_knows_traditional_characters_gets_them() -> None:
    assert as_learnt("請問", Direction(TRADITIONAL, ENGLISH)) == "請問"
    assert as_learnt("請問", Direction(Language("zh"), ENGLISH)) == "請問"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("WHERE IS THE TRAIN STATION?", "Where is the train station?"),
        ("CAN I HELP YOU? I'M HERE.", "Can I help you? I'm here."),
        ('"DO NOT ENTER!"', '"Do not enter!"'),
        ("WARNING", "Warning"),
        ("NASA", "NASA"),
        ("USA!", "USA!"),
        ("I work at NASA in WASHINGTON.", "I work at NASA in WASHINGTON."),
        ("Ｈｅｌｌｏ, 2 ｏｆ ３", "Hello, 2 of 3"),
    ],
)
def test_shouted_english_is_read_as_a_sentence(text: str, wanted: str) -> None:
    assert as_learnt(text, TO_CHINESE) == wanted


def test_capitals_stay_where_the_target_can_have_them() -> None:
    assert as_learnt("WHERE IS IT?", Direction(ENGLISH, Language("de"))) == "WHERE IS IT?"


def test_words_decide_which_traditional_character_is_meant() -> None:
    assert traditional("头发理发发现里面公里") == "頭髮理髮發現裡面公里"
    assert simplified(traditional("他着急地等着，头发白了。")) == "他着急地等着，头发白了。"


@given(st.text(max_size=60))
def test_no_length_changes(text: str) -> None:
    for changed in (as_learnt(text, FROM_CHINESE), as_learnt(text, TO_CHINESE), simplified(text), traditional(text)):
        assert len(changed) == len(text)


@given(st.text("Ii iÜßaBC ŉǰİ'.!", max_size=40))
def test_no_length_changes_with_letters_that_grow(text: str) -> None:
    assert len(as_learnt(text, TO_CHINESE)) == len(text)
