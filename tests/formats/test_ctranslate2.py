import json
from pathlib import Path
from typing import Any

import pytest

from s2s_gui.engine.model import assemble
from s2s_gui.formats.ctranslate2 import argos
from s2s_gui.formats.ctranslate2 import folder as ctranslate2
from tests.formats.decoding import hypotheses
from tests.shared import shared

TOLERANCE = 1e-4
NAMES = [
    *("v1/aren-transliteration", "v1/aren-transliteration-i16"),
    *(f"v2/aren-transliteration{kind}" for kind in ("", "-i16", "-i8")),
    *("v3/aren-transliteration-i16", "v3/aren-transliteration-i8"),
    *("v4/aren-transliteration-i8", "v4/aren-transliteration-float16", "v5/aren-transliteration-i8"),
    *("v6/aren-transliteration-i8", "v6/aren-transliteration-bfloat16"),
]


@pytest.mark.parametrize("name", NAMES)
def test_every_version_gives_the_engines_answers(name: str) -> None:
    expected = json.loads(shared("interop", "ctranslate2", "expected.json").read_text())["models"][name]
    model = assemble(ctranslate2.read(shared("interop", "ctranslate2", name)))
    (direction,) = model.card.ways()
    for row in expected["rows"]:
        text = " ".join(row["source"])
        (greedy,) = hypotheses(model, text, direction)
        assert greedy.text.replace(" ", "") == row["greedy"]
        assert greedy.score == pytest.approx(row["greedy_score"], abs=TOLERANCE)
        log_probs = [token.log_prob for token in greedy.tokens]
        assert log_probs == pytest.approx(row["greedy_token_log_probabilities"], abs=TOLERANCE)
        best = hypotheses(model, text, direction, 4, 4)
        assert [one.text.replace(" ", "") for one in best] == [text for text, _ in row["beam_4"]]
        assert [one.score for one in best] == pytest.approx([score for _, score in row["beam_4"]], abs=TOLERANCE)


@pytest.mark.parametrize("name", ["ct2-float32", "ct2-float16", "ct2-int8", "ct2-int16", "ct2-from-npz"])
@pytest.mark.parametrize(("beam", "key"), [(1, "greedy"), (4, "beam_4")])
def test_converted_models_take_tokens(name: str, beam: int, key: str) -> None:
    table: dict[str, Any] = json.loads(shared("interop", "synthetic", "expected.json").read_text())
    model = assemble(ctranslate2.read(shared("interop", "synthetic", name)))
    (direction,) = model.card.ways()
    vocabulary = json.loads(shared("interop", "synthetic", "hf-marian", "vocab.json").read_text())
    pieces = {id: token for token, id in vocabulary.items()}
    for row, expected in zip(table["rows"], table[name][key], strict=True):
        tokens = [pieces[id] for id in row["source_ids"]]
        text = " ".join(tokens[:-1] if name == "ct2-from-npz" else tokens)
        (found,) = hypotheses(model, text, direction, beam)
        assert found.text.split(" ") == expected["tokens"]
        assert found.score == pytest.approx(expected["score"], abs=TOLERANCE)


def test_an_argos_package(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(shared("interop", "packages", "translate-en_es-1_0.argosmodel")) as archive:
        archive.extractall(tmp_path)
    assert argos.recognises(tmp_path)
    model = assemble(argos.read(tmp_path))
    assert [str(one) for one in model.card.ways()] == ["en > es"]
    assert (model.card.decoding.beam_size, model.card.decoding.length_penalty) == (4, 0.2)
    for row in json.loads(shared("interop", "packages", "expected_argos.json").read_text()):
        (found,) = hypotheses(model, row["source"], model.card.ways()[0], 4)
        assert found.text == row["text"]
        assert [token.text for token in found.tokens][:-1] == row["tokens"]
        assert found.score == pytest.approx(row["score"], abs=TOLERANCE)
