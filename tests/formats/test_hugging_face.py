import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from s2s_gui.description import Direction
from s2s_gui.engine.model import Model, assemble
from s2s_gui.formats.huggingface import m2m
from s2s_gui.formats.huggingface import marian as hf_marian
from tests.formats.decoding import hypotheses, source_ids
from tests.shared import shared

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def marian() -> Model:
    return assemble(hf_marian.read(shared("interop", "synthetic", "hf-marian")))


def way(model: Model, tag: str, prefix: str = "") -> Direction:
    return next(one for one in model.card.ways() if (one.tag, one.prefix) == (tag, prefix))


@pytest.mark.parametrize(("beam", "key"), [(1, "greedy"), (4, "beam_4")])
def test_marian_decodes_as_transformers_does(marian: Model, beam: int, key: str) -> None:
    rows = json.loads(shared("interop", "synthetic", "expected.json").read_text())["rows"]
    assert len(rows) == 28
    for row in rows:
        tag, text = row["source"].split(" ", 1)
        expected = row[key]
        (found,) = hypotheses(marian, text, way(marian, tag), beam)
        assert source_ids(marian, text, way(marian, tag)) == row["source_ids"]
        assert [token.id for token in found.tokens] == expected["ids"][1:]
        assert found.text == expected["text"]
        log_probs = [token.log_prob for token in found.tokens]
        assert log_probs == pytest.approx(expected["token_log_probabilities"], abs=TOLERANCE)
        if "score" in expected:
            assert found.score == pytest.approx(expected["score"], abs=TOLERANCE)


def test_tags_are_offered_as_languages(marian: Model) -> None:
    assert {str(way) for way in marian.card.ways()} == {"en > es", "en > en"}


@pytest.mark.parametrize("kind", ["m2m", "nllb"])
@pytest.mark.parametrize(("beam", "key"), [(1, "greedy"), (4, "beam_4")])
def test_many_languages_decode_as_in_transformers(kind: str, beam: int, key: str) -> None:
    model = assemble(m2m.read(shared("interop", "synthetic", kind)))
    expected: dict[str, Any] = json.loads(shared("interop", "synthetic", "expected_m2m_nllb.json").read_text())[kind]
    assert len(model.card.languages) == {"m2m": 100, "nllb": 202}[kind]
    for row in expected["rows"]:
        names = [row[f"{side}_language"] for side in ("source", "target")]
        direction = way(model, *(f"__{name}__" if kind == "m2m" else name for name in names))
        (found,) = hypotheses(model, row["source"], direction, beam)
        assert source_ids(model, row["source"], direction) == row["source_ids"]
        assert [token.id for token in found.tokens] == row[key]["ids"][1:]
        assert "_" not in found.text
        if "score" in row[key]:
            assert found.score == pytest.approx(row[key]["score"], abs=TOLERANCE)


def test_tokenizer_json_cuts_as_the_sentencepiece_file_does(tmp_path: Path) -> None:
    shutil.copytree(shared("interop", "synthetic", "nllb"), tmp_path / "nllb")
    whole = assemble(m2m.read(tmp_path / "nllb"))
    (tmp_path / "nllb" / "sentencepiece.bpe.model").unlink()
    alone = assemble(m2m.read(tmp_path / "nllb"))
    expected = json.loads(shared("interop", "synthetic", "expected_m2m_nllb.json").read_text())["nllb"]
    texts = [row["source"] for row in expected["rows"]]
    texts += ["  Tom   sees\tthe cat ", "ﬁne — “quotes” ½ Ⅷ", "naïve café", "你好 world", "a" * 70, "e\u0301tude", ""]
    for text in texts:
        assert alone.source.encode(text) == whole.source.encode(text), text
        ids = [piece.id for piece in whole.source.encode(text)]
        assert alone.target.decode(ids) == whole.target.decode(ids)
