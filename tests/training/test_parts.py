"""Loss, optimisers, corpora and batches, each against something worked out another way."""

import lzma
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from s2s_gui.errors import RecipeError
from s2s_gui.networks.layers import Stacked
from s2s_gui.text.protected import MARKS
from s2s_gui.training import loss
from s2s_gui.training.batches import IGNORED, Encoder, make_batch, pool_batches
from s2s_gui.training.corpora import POOL_PAIRS, Corpora, Example, read_pairs, with_marks
from s2s_gui.training.optimise import Optimisers, orthogonalise, rate_factor
from s2s_gui.training.recipe import Corpus, Mixture, Recipe, Schedule
from s2s_gui.training.stream import BatchStream, Place
from tests.toy import GRU, toy_recipe


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_output_loss_is_cross_entropy_with_its_gradients(smoothing: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "CHUNK_TOKENS", 4)
    torch.manual_seed(0)
    features, weight, bias = torch.randn(3, 5, 6), torch.randn(11, 6), torch.randn(11)
    labels = torch.randint(0, 11, (3, 5))
    labels[0, 3:] = IGNORED
    found: list[torch.Tensor | None] = []
    wanted: list[torch.Tensor | None] = []
    for results in (found, wanted):
        leaves = [leaf.clone().requires_grad_() for leaf in (features, weight, bias)]
        if results is found:
            value, plain = loss.output_loss(leaves[0], leaves[1], leaves[2], labels, smoothing)
            logits = torch.nn.functional.linear(*leaves).flatten(0, 1)
            assert_close(plain, torch.nn.functional.cross_entropy(logits, labels.flatten()))
        else:
            logits = torch.nn.functional.linear(*leaves).flatten(0, 1)
            value = torch.nn.functional.cross_entropy(logits, labels.flatten(), label_smoothing=smoothing)
        (3 * value).backward()  # type: ignore[no-untyped-call]
        results += [value, *(leaf.grad for leaf in leaves)]
    for ours, theirs in zip(found, wanted, strict=True):
        assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 6, 20), (3, 20, 6)])
def test_orthogonalised_matrices_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_muon_treats_each_block_alone() -> None:
    torch.manual_seed(0)
    stacked = Stacked(6, 6, 2)
    single = [Stacked(6, 6, 1), Stacked(6, 6, 1)]
    gradient = torch.randn(12, 6)
    schedule = Schedule(clip=1e9)
    for block, layer in enumerate(single):
        layer.weight.data.copy_(stacked.weight.data[6 * block : 6 * block + 6])
        layer.weight.grad = gradient[6 * block : 6 * block + 6].clone()
        layer.bias.grad = torch.zeros(6)
    stacked.weight.grad, stacked.bias.grad = gradient.clone(), torch.zeros(12)
    for layer in (stacked, *single):
        Optimisers(layer, schedule).step(1.0)
    assert_close(stacked.weight, torch.cat([layer.weight for layer in single]))


def test_the_rate_rises_holds_and_ends_at_its_floor() -> None:
    schedule = Schedule(warmup=10, hold=0.5, floor=0.02)
    assert rate_factor(schedule, 0, 0.0) == pytest.approx(0.1)
    assert rate_factor(schedule, 9, 0.1) == rate_factor(schedule, 500, 0.5) == 1.0
    assert rate_factor(schedule, 500, 0.75) == pytest.approx(0.51)
    assert rate_factor(schedule, 500, 1.0) == pytest.approx(0.02)


def corpora(folder: Path, mixture: Mixture, sizes: dict[str, tuple[int, float, str]]) -> Corpora:
    entries = []
    for name, (count, weight, licence) in sizes.items():
        with lzma.open(folder / f"{name}.tsv.xz", "wt", encoding="utf-8") as file:
            file.writelines(f"{name}{i}.\t{name}{i}。\n" for i in range(count))
        entries.append(Corpus(f"{name}.tsv.xz", weight, licence))  # type: ignore[arg-type]
    recipe: Recipe = msgspec.structs.replace(toy_recipe(folder, GRU), corpora=tuple(entries), mixture=mixture)
    return Corpora(recipe, folder)


def test_shares_follow_size_weight_and_temperature(tmp_path: Path) -> None:
    sizes = {"a": (900, 1.0, "open"), "b": (100, 4.0, "open")}
    assert corpora(tmp_path, Mixture(), sizes).shares == pytest.approx([9 / 13, 4 / 13])
    assert corpora(tmp_path, Mixture(temperature=2), sizes).shares == pytest.approx([30 / 50, 20 / 50])


def test_a_corpus_is_seen_once_before_it_is_seen_twice(tmp_path: Path) -> None:
    count = int(POOL_PAIRS * 0.75)
    drawn = corpora(tmp_path, Mixture(), {"a": (count, 1.0, "open")})
    seen = Counter(example.source for number in range(3) for example in drawn.pool(number))
    assert set(seen.values()) == {4}
    assert [e.source for e in drawn.pool(1)] == [e.source for e in drawn.pool(1)]
    assert [e.source for e in drawn.pool(1)] != [e.source for e in drawn.pool(0)]


def test_late_weights_hold_for_pools_begun_while_the_rate_falls(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.tsv").write_text(f"{name}\t{name}\n" * 4000)
    entries = (Corpus("a.tsv"), Corpus("b.tsv", late_weight=3.0))
    recipe: Recipe = msgspec.structs.replace(toy_recipe(tmp_path, GRU), corpora=entries, mixture=Mixture(late=True))

    def stream() -> BatchStream:
        return BatchStream(Corpora(recipe, tmp_path), WORDS, 1, 0, 1)

    def share(batches: BatchStream, is_late: bool) -> float:
        pool = batches.place.pool
        drawn = [batches.next(4096, is_late=is_late)]
        while batches.place.pool == pool:
            drawn.append(batches.next(4096, is_late=is_late))
        ids = torch.cat([batch.source[:, -2] for batch in drawn[:-1]])
        return float((ids == ord("b")).float().mean())

    early = stream()
    assert share(early, False) == pytest.approx(0.5, abs=0.02)
    begun = early.place
    assert share(early, True) == pytest.approx(0.5, abs=0.02)
    assert not begun.is_late
    late = early.place
    assert late.is_late
    assert share(early, True) == pytest.approx(0.75, abs=0.02)
    again = stream()
    again.place = Place(late.pool, 1, 4096, True)
    early.place = Place(late.pool, 1, 4096, True)
    early._batches = []
    assert_close(again.next(4096).source, early.next(4096).source)
    plain: Recipe = msgspec.structs.replace(recipe, mixture=Mixture())
    assert Corpora(plain, tmp_path).late_shares.tolist() == [0.5, 0.5]


def test_licences_are_a_switch(tmp_path: Path) -> None:
    sizes = {"a": (10, 1.0, "open"), "b": (10, 1.0, "non-commercial")}
    assert corpora(tmp_path, Mixture(licences=("open",)), sizes).names == ("a",)
    with pytest.raises(RecipeError, match="unclear"):
        corpora(tmp_path, Mixture(licences=("unclear",)), sizes)


def test_pairs_are_joined_and_varied(tmp_path: Path) -> None:
    mixture = Mixture(join=0.5, lower=0.2, upper=0.2, no_final_mark=0.3)
    pool = corpora(tmp_path, mixture, {"A": (5000, 1.0, "open")}).pool(0)
    joined = [example for example in pool if example.source.strip(".").count("A") + example.source.count("a") > 1]
    assert 0.4 < len(joined) / len(pool) < 0.6
    assert all(example.source.count(" ") == example.target.count(" ") for example in joined)
    lower = sum("a" in example.source for example in pool) / len(pool)
    unmarked = [example for example in pool if not example.source.endswith(".")]
    assert 0.15 < lower < 0.25
    assert 0.25 < len(unmarked) / len(pool) < 0.35
    assert not any(example.target.endswith("。") for example in unmarked)


def marked_pair(source: str, target: str, *, is_wanted: bool, seed: int = 0) -> tuple[str, str]:
    return with_marks(source, target, np.random.default_rng(seed), is_wanted=is_wanted)


@pytest.mark.parametrize("is_wanted", [False, True])
def test_what_both_sides_have_and_is_no_language_gives_way_to_marks(is_wanted: bool) -> None:
    source, target = marked_pair("See {a} at x@y.zz, {b}.", "见 x@y.zz 的 {a}。", is_wanted=is_wanted)
    names = {mark: source.index(mark) for mark in MARKS if mark in source}
    assert len(names) == 2
    first, second = sorted(names, key=names.__getitem__)
    assert source == f"See {first} at {second}, {{b}}."
    assert target == f"见 {second} 的 {first}。"


def test_words_in_common_do_only_where_marks_are_wanted() -> None:
    texts = "Room 12 in the Hilton", "希尔顿12号房"
    assert marked_pair(*texts, is_wanted=False) == texts
    found = [marked_pair(*texts, is_wanted=True, seed=seed) for seed in range(20)]
    assert {source.translate(dict.fromkeys(map(ord, MARKS), "M")) for source, _ in found} == {"Room M in the Hilton"}
    assert len({source for source, _ in found}) > 3


def test_without_anything_in_common_a_mark_is_at_the_same_end_of_both() -> None:
    found = [marked_pair("I see.", "我懂。", is_wanted=True, seed=seed) for seed in range(40)]
    for source, target in found:
        assert source.replace("I see.", "") == target.replace("我懂。", "")
        assert source.startswith("I see.") == target.startswith("我懂。")
    assert {source.startswith("I see.") for source, _ in found} == {True, False}


def test_marks_come_as_often_as_the_mixture_says(tmp_path: Path) -> None:
    pool = corpora(tmp_path, Mixture(marks=0.3), {"a": (3000, 1.0, "open")}).pool(0)
    sides = [[example.source for example in pool], [example.target for example in pool]]
    shares = [sum(any(mark in text for mark in MARKS) for text in side) / len(pool) for side in sides]
    assert shares[0] == shares[1]
    assert 0.27 < shares[0] < 0.33


@pytest.mark.parametrize(("content", "said"), [(b"a\tb\nc\n", "Line 2"), (b"", "empty"), (b"\xff\tb\n", "cannot be")])
def test_a_broken_corpus_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.tsv").write_bytes(content)
    with pytest.raises(RecipeError, match=said):
        read_pairs(tmp_path / "bad.tsv")
    with pytest.raises(RecipeError, match="There is no corpus"):
        read_pairs(tmp_path / "none.tsv")


WORDS = Encoder(lambda text: list(map(ord, text)), lambda text: list(map(ord, text)), (None, 7), 0, -1, 32)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.text("ab", max_size=40), st.text("cd", max_size=40), st.integers(0, 1)), max_size=60))
def test_every_usable_example_is_in_one_batch(rows: list[tuple[str, str, int]]) -> None:
    examples = [Example(*row) for row in rows]
    usable = Counter(
        (row[2], row[0], row[1]) for row in rows if row[0] and row[1] and len(row[0]) + row[2] < 32 > len(row[1])
    )
    seen: Counter[tuple[int, str, str]] = Counter()
    for batch in pool_batches(examples, WORDS, 128, np.random.default_rng(0)):
        assert batch.labels.numel() <= 128
        assert batch.inputs[:, 0].eq(-1).all()
        assert_close(batch.inputs[:, 1:][batch.labels[:, 1:] != IGNORED], shifted(batch.labels))
        for source, length, labels in zip(batch.source, batch.lengths, batch.labels, strict=True):
            ids = source[: int(length)].tolist()
            target = labels[labels != IGNORED].tolist()
            assert ids[-1] == target[-1] == 0
            tagged = ids[0] == 7
            seen[int(tagged), "".join(map(chr, ids[tagged:-1])), "".join(map(chr, target[:-1]))] += 1
    assert seen == usable


def shifted(labels: torch.Tensor) -> torch.Tensor:
    return torch.cat([row[row != IGNORED][:-1] for row in labels])


def test_little_is_wasted_on_padding() -> None:
    random = np.random.default_rng(0)
    lengths = random.gamma(2, 5, (8000, 2)).astype(int) % 30
    examples = [Example("a" * (n + 1), "b" * (n + 1 + d % 4), 0) for n, d in lengths.tolist()]
    batches = list(pool_batches(examples, WORDS, 2048, random))
    padded = sum(batch.source.numel() + batch.labels.numel() for batch in batches)
    full = sum(int(batch.lengths.sum()) + batch.target_tokens for batch in batches)
    assert full / padded > 0.9


def test_make_batch_by_hand() -> None:
    batch = make_batch([([5, 6, 0], [8, 0]), ([5, 0], [8, 9, 0])], 0, -1)
    assert batch.source.tolist() == [[5, 6, 0], [5, 0, 0]]
    assert batch.lengths.tolist() == [3, 2]
    assert batch.inputs.tolist() == [[-1, 8, 0], [-1, 8, 9]]
    assert batch.labels.tolist() == [[8, 0, IGNORED], [8, 9, 0]]
    assert batch.target_tokens == 5
