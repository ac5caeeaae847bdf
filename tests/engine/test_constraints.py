import pytest

from s2s_gui.engine.constraints import LoopGuard, guard, most_repeats, numeric_ids


@pytest.mark.parametrize(
    ("sequence", "most"), [("", 1), ("abc", 1), ("aab", 2), ("xababab", 3), ("hahahaha!", 4), ("abcabcab", 2)]
)
def test_most_repeats(sequence: str, most: int) -> None:
    assert most_repeats(sequence) == most


@pytest.mark.parametrize(("tokens", "excess"), [("ababab", 0), ("xabababab", 4), ("aaa", 0), ("aaaa", 2), ("abcd", 0)])
def test_a_run_may_stand_three_times(tokens: str, excess: int) -> None:
    assert LoopGuard(3, 2, frozenset()).excess([ord(token) for token in tokens]) == excess


def test_digits_may_stand_longer_but_not_for_ever() -> None:
    rule = LoopGuard(3, 2, frozenset({7}))
    assert rule.excess([5, *[7] * 12]) == 0
    assert rule.excess([5, *[7] * 13]) == 11


def test_the_source_allows_as_many_as_it_has() -> None:
    rule = guard(3, 6, frozenset())
    assert rule.excess([4] * 6) == 0
    assert rule.excess([4] * 7) == 1


def test_numeric_ids_have_no_letter() -> None:
    assert numeric_ids(["a", "▁1", "，", "<0x00>", "…", ""]) == {1, 2, 4}
