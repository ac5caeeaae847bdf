import pytest

from s2s_gui.formats.naming import is_tag, pair_of, tag_of


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("enes", "en es"),
        ("en-es", "en es"),
        ("opus-mt-en-zh", "en zh"),
        ("translate-en_es", "en es"),
        ("eng-deu", "en de"),
        ("enen", None),
        ("marian-npz", None),
        ("model", None),
        ("", None),
    ],
)
def test_pairs(name: str, pair: str | None) -> None:
    found = pair_of(name)
    assert (" ".join(map(str, found)) if found else None) == pair


@pytest.mark.parametrize(
    ("piece", "language"),
    [(">>spa<<", "es"), (">>cmn_Hans<<", "zh-Hans"), ("<2en>", "en"), ("▁<2zh>", "zh"), (">>nonsense<<", "None")],
)
def test_tags(piece: str, language: str) -> None:
    assert is_tag(piece)
    assert str(tag_of(piece)) == language


def test_pieces_that_are_no_tags() -> None:
    assert not any(is_tag(piece) for piece in ("<2>", "<unk>", "en", ">>", ">><<", "<0x0A>", "<2 en>"))
