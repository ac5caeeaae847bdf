import pytest
import torch

from s2s_gui.engine.alignment import links
from s2s_gui.messages import Link


def test_strong_links_and_always_the_strongest() -> None:
    flat = torch.tensor([0.09, 0.08, 0.07, 0.9])
    sharp = torch.tensor([0.05, 0.75, 0.2, 0.0])
    found = links([flat, sharp], 3)
    assert [(link.source, link.target) for link in found] == [(0, 0), (1, 1), (2, 1)]
    assert [link.weight for link in found] == pytest.approx([0.09, 0.75, 0.2])


def test_no_attention_no_links() -> None:
    assert links([], 3) == ()
    assert links([torch.ones(1)], 1) == (Link(0, 0, 1.0),)
