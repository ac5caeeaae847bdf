"""Our reader of MarianMT folders against transformers: live behind the mark "oracle", recorded otherwise."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

from s2s_gui.engine.model import Model, assemble
from s2s_gui.formats.huggingface import marian as hf_marian
from tests.formats.decoding import hypotheses, source_ids
from tests.oracles.random_marian import KINDS, Kind, answers, build, sentences

RECORDED = Path(__file__).parent / "recorded"
COUNT = 50
TOLERANCE = 1e-4


def limits(model: Model, sources: list[str]) -> list[int]:
    (direction,) = model.card.ways()
    return [2 * len(source_ids(model, source, direction)) + 8 for source in sources]


def compare(model: Model, rows: list[dict[str, Any]]) -> None:
    (direction,) = model.card.ways()
    ended = 0
    for row in rows:
        assert source_ids(model, row["source"], direction) == row["source_ids"]
        for beams in (1, 4):
            (found,) = hypotheses(model, row["source"], direction, beams)
            expected = row[f"beam_{beams}"]
            assert [token.id for token in found.tokens] == expected["ids"], (row["source"], beams)
            log_probs = [token.log_prob for token in found.tokens]
            assert log_probs == pytest.approx(expected["log_probs"], abs=TOLERANCE)
            ended += expected["ids"][-1] == 0
    assert ended > len(rows) // 2, "too few of the random model's sentences end by themselves to try the beam"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_recorded(kind: Kind) -> None:
    model = assemble(hf_marian.read(RECORDED / kind.name))
    compare(model, json.loads((RECORDED / kind.name / "answers.json").read_text()))


@pytest.mark.oracle
@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("seed", [11, 12])
def test_live(kind: Kind, seed: int, tmp_path: Path) -> None:
    folder = RECORDED / kind.name if os.environ.get("RECORD") and seed == 11 else tmp_path
    build(kind, seed, folder)
    model = assemble(hf_marian.read(folder))
    sources = sentences(seed + 100, COUNT)
    rows = answers(folder, sources, limits(model, sources))
    if folder != tmp_path:
        (folder / "answers.json").write_text(json.dumps(rows) + "\n")
    compare(model, rows)
