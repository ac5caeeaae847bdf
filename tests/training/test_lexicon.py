"""IBM Model 1 and the shortlist made of it, on a language where the right answer is known."""

import numpy as np
import pytest

from s2s_gui.training import lexicon
from s2s_gui.training.lexicon import Lexicon, lexical_shortlist

EOS, TAG, VOCABULARY = 0, 1, 60
SOURCES = range(10, 30)


def meaning(source: int) -> int:
    return source + 30


def sentences(count: int = 400) -> list[tuple[list[int], list[int]]]:
    """Target words are the meanings of the source's in another order."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(count):
        words = random.choice(SOURCES, size=random.integers(2, 7), replace=False)
        found.append(([TAG, *words.tolist(), EOS], [*map(meaning, random.permutation(words).tolist()), EOS]))
    return found


def test_each_word_leads_to_its_meaning_first() -> None:
    found = Lexicon(VOCABULARY, VOCABULARY)
    pairs = sentences()
    found.learn(lambda: pairs)
    best = found.best(1)
    assert [best[source].tolist() for source in SOURCES] == [[meaning(source)] for source in SOURCES]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = sentences(100)
    whole, parts = Lexicon(VOCABULARY, VOCABULARY), Lexicon(VOCABULARY, VOCABULARY)
    whole.learn(lambda: pairs)
    monkeypatch.setattr(lexicon, "PAIRS_AT_ONCE", 7)
    parts.learn(lambda: pairs)
    np.testing.assert_array_equal(whole.keys, parts.keys)
    np.testing.assert_allclose(whole.counts, parts.counts)


def test_expected_counts_add_up_to_the_target_tokens() -> None:
    pairs = sentences(50)
    found = Lexicon(VOCABULARY, VOCABULARY)
    found.learn(lambda: pairs)
    tokens = sum(len(target) for _, target in pairs)
    assert found.counts.sum() == pytest.approx(tokens, rel=0.02)


def test_the_shortlist_holds_meanings_and_the_commonest_words() -> None:
    pairs = sentences()
    found = lexical_shortlist(lambda: pairs, VOCABULARY, VOCABULARY, (TAG,), EOS, most=2, common=3)
    lists = [found.ids[int(a) : int(b)].tolist() for a, b in zip(found.offsets, found.offsets[1:], strict=False)]
    assert len(lists) == VOCABULARY
    assert all(meaning(source) in lists[source] and len(lists[source]) <= 2 for source in SOURCES)
    counts = np.bincount([id for _, target in pairs for id in target], minlength=VOCABULARY)
    assert set(np.argsort(-counts, kind="stable")[:3].tolist()) <= set(lists[TAG])
    assert EOS in lists[TAG]
    assert lists[59] == [EOS]


def test_without_tags_every_source_ends_with_the_commonest_words() -> None:
    pairs = [([10, EOS], [40, EOS]), ([11, EOS], [40, 41, EOS])]
    found = lexical_shortlist(lambda: pairs, VOCABULARY, VOCABULARY, (), EOS, most=1, common=2)
    assert {40, EOS} <= set(found.ids[int(found.offsets[EOS]) : int(found.offsets[EOS + 1])].tolist())
