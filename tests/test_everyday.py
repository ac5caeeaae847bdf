"""The everyday sentences: the lists are whole, the checkers see planted faults, the bundled model says what it said."""

from pathlib import Path

import pytest

from s2s_gui import paths
from s2s_gui.messages import Hypothesis, Line, Segment
from s2s_gui.text.protected import MARKS, find
from tests.bench.everyday import (
    SENTENCE_END,
    SIDES,
    Fault,
    Output,
    Side,
    faults,
    open_exact,
    read_entries,
    read_outputs,
    stored,
    translated,
    with_judgements,
    write_outputs,
)

BUNDLED = ("zh-en-better", "zh-en-fast")
FEWEST = {
    "greeting": 15,
    "shopping": 15,
    "travel": 20,
    "mail": 20,
    "question": 15,
    "number": 12,
    "date": 12,
    "negation": 12,
    "name": 12,
    "capitals": 10,
    "word": 12,
    "bare": 12,
    "several": 15,
    "long": 18,
}
EVERY = 10
EACH_SIDE = pytest.mark.parametrize("side", SIDES)
EACH_MODEL = pytest.mark.parametrize("model", BUNDLED)


@EACH_SIDE
def test_a_list_has_200_sentences_of_all_kinds(side: Side) -> None:
    entries = read_entries(side)
    assert len({entry.source for entry in entries}) == len(entries) == sum(FEWEST.values()) == 200
    assert {kind: sum(entry.kind == kind for entry in entries) for kind in FEWEST} == FEWEST
    assert all(text and text == text.strip() for entry in entries for text in (entry.source, entry.reference))


@EACH_SIDE
def test_the_entries_are_what_their_kind_says(side: Side) -> None:
    sources: dict[str, list[str]] = {kind: [] for kind in FEWEST}
    for entry in read_entries(side):
        sources[entry.kind].append(entry.source)
    assert all(len(SENTENCE_END.findall(source)) == 0 for source in sources["bare"])
    assert all(len(source.split()) == 1 for source in sources["word"])
    if side == "en":
        assert all(source.isupper() for source in sources["capitals"])
        assert all(len(source.split()) >= 40 for source in sources["long"])
    else:
        assert all(len(source) >= 60 for source in sources["long"])


def line(source: str, text: str, *, cut: bool = False) -> Line:
    hypothesis = Hypothesis(text, (), 0.0, stopped="loop" if cut else "")
    return Line(source, text, (Segment(0, len(source), (), (hypothesis,)),))


@pytest.mark.parametrize(
    ("side", "source", "text", "expected"),
    [
        ("zh", "你好。", "Hello.", []),
        ("zh", "他很忙。", "He is very, very, very busy.", ["loop"]),
        ("zh", "他很忙。", "He is busy and he is busy and he is busy and.", ["loop"]),
        ("zh", "我们住在这里。", "We live in . . . s.", ["loop"]),
        ("zh", "我等着……", "I am waiting......", []),
        ("zh", "不，不，不！", "No, no, no!", []),
        ("en", "He laughed.", "他笑了，他笑了，他笑了。", ["loop"]),
        ("en", "It is cold.", "天气很冷，天气很冷。", []),
        ("zh", "你好。", "你好。", ["echo"]),
        ("zh", "請問在哪裡？", "请问 where is it?", []),
        ("en", "WHERE IS IT?", "where is it？", ["echo"]),
        ("en", "Anna lives in Toronto.", "Anna lives in Toronto的。", ["echo"]),
        ("en", "Google and Microsoft have offices here.", "Google和Microsoft都在这里。", []),
        ("en", "Wait! I forgot it. Is it here?", "等等！", ["dropped"]),
        ("zh", "等等！我忘了。在这儿吗？", "Wait, I forgot. Is it here?", []),
        ("zh", "你吃药了吗?要吃３．５克.", "Take 3.5 grams", ["dropped"]),
        ("en", "Hello.", " ", ["empty"]),
    ],
)
def test_planted_faults_are_found(side: Side, source: str, text: str, expected: list[Fault]) -> None:
    assert faults(line(source, text), side) == expected


def test_a_loop_that_the_search_has_cut_is_found() -> None:
    assert faults(line("你好。", "Hello.", cut=True), "zh") == ["loop"]


def test_judgements_stay_with_unchanged_outputs(tmp_path: Path) -> None:
    path = tmp_path / "outputs.tsv"
    assert read_outputs(path) == []
    write_outputs(path, [Output("一", "one", "yes"), Output("二", "too", "no"), Output("三", "three")])
    fresh = [Output("一", "one"), Output("二", "two"), Output("三", "three")]
    assert [one.accepted for one in with_judgements(fresh, read_outputs(path))] == ["yes", "", ""]


def test_an_unknown_judgement_is_refused(tmp_path: Path) -> None:
    write_outputs(tmp_path / "outputs.tsv", [Output("一", "one", "maybe")])
    with pytest.raises(ValueError, match="maybe"):
        read_outputs(tmp_path / "outputs.tsv")


@EACH_MODEL
@EACH_SIDE
def test_the_bundled_models_say_what_was_stored(side: Side, model: str) -> None:
    outputs = read_outputs(stored(model, side))
    assert all(one.accepted for one in outputs), "a reader has to judge each"
    assert [one.source for one in outputs] == [entry.source for entry in read_entries(side)]
    sample = outputs[::EVERY]
    found = translated(open_exact(paths.shipped("models") / model), [one.source for one in sample], side)
    changed = [(one.text, new.text) for one, new in zip(sample, found, strict=True) if one.text != new.text]
    # Another processor adds in another order: where two words are all but equally likely, a line may change.
    assert len(changed) <= 3, changed


KEPT: dict[Side, list[str]] = {
    "en": [
        "Visit https://example.com/docs?id=42 for details.",
        "Send the report to anna.smith@example.org before Friday.",
        "Open the file config.yaml and set {name} to your user name.",
        "Run `pip install torch` in the terminal.",
        "Call me at +49 170 1234567.",
        "Your flight leaves from gate B12.",
        "Mr. Smith paid $1,234.56 to Dr. Jones.",
        "Sales rose to 1,204,300 units last year.",
        "You have %d new messages.",
        "Press Ctrl+S to save the file.",
        "I love you 😍😍",
        "Thanks, see you tomorrow 👍",
        "The files are in /usr/local/share now.",
        "Please read the <b>second</b> page again.",
    ],
    "zh": [
        "详情请访问 https://example.com/docs?id=42。",
        "请在周五之前把报告发到 anna.smith@example.org。",
        "打开 config.yaml 文件，把 {name} 设成你的用户名。",
        "在终端里运行 `pip install torch`。",
        "请打电话给我：+49 170 1234567。",
        "您的航班从B12登机口起飞。",
        "价格为3,299.00元，含税。",
        "您有 %d 条新消息。",
        "按 Ctrl+S 保存文件。",
        "我爱你😍😍",
        "谢谢，明天见👍",
        "文件现在在 /usr/local/share 里。",
        "请把第<b>二</b>页再读一遍。",
    ],
}


@EACH_MODEL
@EACH_SIDE
def test_what_is_no_language_comes_out_as_it_went_in(side: Side, model: str) -> None:
    lines = translated(open_exact(paths.shipped("models") / model), KEPT[side], side)
    for line in lines:
        spans = find(line.source, amounts=True)
        assert [line.text.count(span) for span in spans] == [1] * len(spans), line
        assert not any(mark in line.text for mark in MARKS)
    copied = [
        span in [token.text for token in line.segments[0].hypotheses[0].tokens]
        for line in lines
        for span in find(line.source, amounts=True)
    ]
    # The model itself puts most of them in their places; the others are put at the end for it.
    assert sum(copied) / len(copied) >= 0.8
