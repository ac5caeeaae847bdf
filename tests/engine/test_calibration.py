from pathlib import Path

import numpy as np
import pytest
import torch

from s2s_gui.engine.calibration import OUTPUT, measure
from s2s_gui.engine.model import Model, assemble
from s2s_gui.engine.shortlist import LexicalShortlist, build
from s2s_gui.messages import Link
from s2s_gui.networks.layers import Stacked
from tests.formats import marian_small as small


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return assemble(small.description(small.sentencepiece(tmp_path_factory.mktemp("pieces")), width=16))


def test_every_matrix_has_a_multiplier(model: Model) -> None:
    found = measure(model, model.card.ways()[0], ["hello world", "你好", "...", "the cat sat"])
    matrices = {f"{name}.weight" for name, module in model.network.named_modules() if isinstance(module, Stacked)}
    assert set(found) == matrices | {OUTPUT}
    assert all(np.isfinite(alpha) and alpha > 0 for alpha in found.values())
    assert not any(module._forward_pre_hooks for module in model.network.modules())


def test_one_text_has_no_deviation(model: Model) -> None:
    way = model.card.ways()[0]
    one, twice = measure(model, way, ["hello world"]), measure(model, way, ["hello world"] * 2)
    assert one == pytest.approx(twice)
    ids = torch.tensor([[2, *(piece.id for piece in model.source.encode("hello world")), 0]])
    first = model.network._embed(model.network.target_embedding, ids, 0)  # type: ignore[operator]
    assert one["encoder.0.attention.weight"] == pytest.approx(127 / float(first.abs().max()))


def test_nothing_to_measure(model: Model) -> None:
    assert measure(model, model.card.ways()[0], ["", "..."]) == {}


def test_shortlist_from_links() -> None:
    pairs = [
        ([5, 6, 0], [7, 8, 0], [Link(0, 0, 0.9), Link(1, 1, 0.6), Link(1, 0, 0.2), Link(2, 2, 1.0)]),
        ([5, 0], [9, 0], [Link(0, 0, 0.3), Link(1, 1, 1.0), Link(7, 0, 1.0)]),
    ]
    lists = build(pairs, 10, 0, frequent=2, best=1)
    of = [lists.ids[int(a) : int(b)].tolist() for a, b in zip(lists.offsets, lists.offsets[1:], strict=False)]
    assert (of[5], of[6], of[4], of[9]) == ([7], [8], [0], [0])
    assert of[0] == [0, 7]
    assert lists.frequent == 2
    candidates = LexicalShortlist(lists, 12, joint=False).candidates([5, 0], []).tolist()
    assert {0, 1, 7} <= set(candidates)
    assert len(candidates) % 8 == 0


def test_export_of_what_was_measured(model: Model, tmp_path: Path) -> None:
    from s2s_gui.formats.marian import bergamot

    description = small.description(small.sentencepiece(tmp_path))
    wide = assemble(description)
    bergamot.write(description, tmp_path / "out", measure(wide, wide.card.ways()[0], ["hello"]))
    assert (tmp_path / "out" / "model.zhen.intgemm.alphas.bin").is_file()
