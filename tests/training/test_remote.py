"""Training from a pack: the parts against those that train here, then pack, train and join in a bare interpreter."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from torch.testing import assert_close

from s2s_gui.errors import RecipeError, RequestError
from s2s_gui.formats import native
from s2s_gui.manage.opening import open_model
from s2s_gui.networks.build import build as build_here
from s2s_gui.training.batches import make_batch
from s2s_gui.training.development import translate_all
from s2s_gui.training.loss import output_loss
from s2s_gui.training.optimise import Optimisers
from s2s_gui.training.recipe import Corpus, Mixture, Recipe, Schedule
from s2s_gui.training.remote.__main__ import main
from s2s_gui.training.remote.examples import EITHER, IGNORED, Batch, Examples, Rows, open_pack
from s2s_gui.training.remote.graphs import Updates
from s2s_gui.training.remote.join import join
from s2s_gui.training.remote.masters import Masters
from s2s_gui.training.remote.pack import Packer
from s2s_gui.training.remote.packed import build, compiled, operations
from s2s_gui.training.remote.run import Options, train
from tests.toy import GRU, TRANSFORMER, toy_pairs, toy_recipe

CPU = torch.device("cpu")
CONFIG = msgspec.structs.replace(TRANSFORMER, source_vocabulary=12, target_vocabulary=12)
# What torch and numpy themselves import of others' packages.
NEEDED_BY_TORCH = {"torch", "torchgen", "functorch", "numpy", "typing_extensions", "sympy", "mpmath", "networkx"}
NEEDED_BY_TORCH |= {"jinja2", "markupsafe", "fsspec", "filelock", "setuptools", "pkg_resources", "triton"}


def both_ways(folder: Path, **changes: object) -> Recipe:
    recipe = toy_recipe(folder, msgspec.structs.replace(TRANSFORMER, dropout=0.05))
    mixture = Mixture(longest=32, join=0.2, upper=0.1)
    return msgspec.structs.replace(recipe, directions=("aa > bb", "bb > aa"), mixture=mixture, **changes)


def packed(folder: Path, recipe: Recipe, pairs: int = 0) -> Path:
    path = folder / "toy.zip"
    Packer(recipe, folder, folder, pairs).write(path, tokens=512, warmup=10)
    return path


def ragged(rows: list[list[int]], tokens: int, before: int | None = None) -> Rows:
    """Lay rows end to end; with ``before`` each begins with it and loses its last id."""
    if before is not None:
        rows = [[before, *row[:-1]] for row in rows]
    ids = torch.zeros(tokens, dtype=torch.int64)
    places = torch.zeros_like(ids)
    offsets = torch.tensor([0, *np.cumsum([len(row) for row in rows]), sum(map(len, rows))], dtype=torch.int32)
    ids[: offsets[-1]] = torch.tensor([id for row in rows for id in row])
    places[: offsets[-1]] = torch.tensor([place for row in rows for place in range(len(row))])
    return Rows(ids, places, offsets)


def laid(pairs: list[tuple[list[int], list[int]]], tokens: int) -> Batch:
    targets = [target for _, target in pairs]
    labels = torch.full((tokens,), IGNORED)
    labels[: sum(map(len, targets))] = torch.tensor([id for target in targets for id in target])
    return Batch(ragged([source for source, _ in pairs], tokens), ragged(targets, tokens, -1), labels, 16)


PAIRS = [([5, 6, 7, 0], [8, 0]), ([5, 0], [8, 9, 0]), ([6, 6, 0], [0])]
SHAPES: list[dict[str, object]] = [{}, {"decoder": "attention", "norm": "pre"}, {"positions": "learned"}]


@pytest.mark.parametrize("shape", SHAPES, ids=["ssru", "attention, pre-norm", "learned positions"])
def test_the_loss_is_that_of_training_here(shape: dict[str, object]) -> None:
    torch.manual_seed(0)
    config = msgspec.structs.replace(CONFIG, **shape)
    here = build_here(config)
    there = build(msgspec.to_builtins(config))
    there.load_state_dict(here.state_dict())
    batch = make_batch(PAIRS, 0, -1)
    features, _ = here.features(batch.source, batch.lengths, batch.inputs)
    wanted, plain = output_loss(features, *here.output_layer(), batch.labels, 0.1)
    found, sums = there.losses(laid(PAIRS, 20), 0.1)
    assert_close(found, wanted)
    assert_close(sums, torch.tensor([6 * float(plain), 6.0, 9.0]))
    torch.autograd.backward([wanted, found])
    for (name, ours), theirs in zip(there.named_parameters(), here.parameters(), strict=True):
        assert_close(ours.grad, theirs.grad, msg=name)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's own, and it would end the compilation
def test_compiled_parts_do_the_same_and_are_compiled_once_for_all_layers() -> None:
    torch.manual_seed(0)
    config = msgspec.structs.replace(CONFIG, encoder_layers=3, decoder_layers=3)
    network = build(msgspec.to_builtins(config))
    wanted, _ = network.losses(laid(PAIRS, 20), 0.1)
    compilations: list[int] = []

    def backend(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., object]:
        compilations.append(len(graph.graph.nodes))
        return graph.forward

    torch._dynamo.reset()
    network.fast = compiled(backend)
    for _ in range(2):
        found, _ = network.losses(laid(PAIRS, 20), 0.1)
        assert_close(found, wanted)
    assert len(compilations) <= 5  # places, ends of encoder and decoder layers, of SSRUs, the loss


@pytest.mark.parametrize(("heads", "head", "block"), [(2, 64, 16), (4, 32, 32), (2, 64, 64), (4, 32, 128)])
def test_the_kernels_do_what_the_padded_forms_do(heads: int, head: int, block: int) -> None:
    """In Triton's interpreter, which needs no device; ``check`` compares outputs and gradients, and raises."""
    pytest.importorskip("triton", reason="triton is not installed (it comes with CUDA builds of torch)")
    code = (
        "import torch; from s2s_gui.training.remote import kernels\n"
        f"print(kernels.check(torch.device('cpu'), {heads}, {head}, {block}, torch.float32))"
    )
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert float(done.stdout) < 1e-5


def test_the_optimisers_are_those_of_training_here() -> None:
    torch.manual_seed(0)
    here = build_here(CONFIG)
    there = build(msgspec.to_builtins(CONFIG))
    there.load_state_dict(here.state_dict())
    schedule = Schedule(clip=0.5, weight_decay=0.01)
    optimisers = Optimisers(here, schedule)
    masters = Masters(there, list(there.parameters()), msgspec.to_builtins(schedule))
    for factor in (0.5, 1.0, 0.3):
        for ours, theirs in zip(there.parameters(), here.parameters(), strict=True):
            theirs.grad = torch.randn_like(theirs)
            assert ours.grad is not None
            ours.grad.copy_(theirs.grad)
        norm = optimisers.step(factor)
        masters.factor.fill_(factor)
        masters.step()
        assert float(masters.norm) == pytest.approx(norm, rel=1e-5)
    for (name, learnt), same in zip(there.named_parameters(), here.parameters(), strict=True):
        assert_close(learnt, same, atol=1e-5, rtol=1e-4, msg=name)


def test_an_update_asks_the_device_for_nothing() -> None:
    """Tensors on "meta" have no values: whoever wants one, or makes a tensor elsewhere, fails, as in a CUDA graph."""
    with torch.device("meta"):
        network = build(msgspec.to_builtins(msgspec.structs.replace(CONFIG, dropout=0.1)))
    network.to(torch.bfloat16)
    masters = Masters(network, list(network.parameters()), msgspec.to_builtins(Schedule()))
    updates = Updates(network, masters, 0.1, is_eager=True)
    batch = laid(PAIRS, 20)
    source, target = (
        Rows(side.ids.to("meta"), side.places.to("meta"), side.offsets.to("meta"))
        for side in (batch.source, batch.target)
    )
    for _ in range(2):
        updates(Batch(source, target, batch.labels.to("meta"), 16), 1.0)
    with pytest.raises(NotImplementedError):
        updates.taken()


def test_operations_are_six_for_each_weight_of_a_matrix() -> None:
    network = build(msgspec.to_builtins(msgspec.structs.replace(CONFIG, tied="all")))
    matrices = sum(weight.numel() for name, weight in network.named_parameters() if weight.dim() == 2)
    source, target = operations(msgspec.to_builtins(CONFIG))
    assert source + target == 6 * matrices  # the tied table counts once, as the output layer


def test_examples_are_the_pairs_in_both_directions(tmp_path: Path) -> None:
    plan, arrays = open_pack(packed(tmp_path, both_ways(tmp_path)))
    examples = Examples(plan, arrays, CPU)
    words = (tmp_path / "words.txt").read_text().splitlines()
    tags, seen, joined, capitals, filled, most = set(), 0, 0, 0, 0, 0
    for number in range(2):
        pool = examples.pool(number, 512, parts=3000)
        for batch in examples.batches(pool, 512):
            assert batch.source.ids.shape == batch.target.ids.shape == batch.labels.shape == (512,)
            assert bool((batch.labels[int(batch.target.offsets[-1]) :] == IGNORED).all())
            filled += max(int(side.offsets[-1]) for side in (batch.source, batch.target))
            most += 512
            sources, targets = (side.offsets.tolist() for side in (batch.source, batch.target))
            for row, (first, last) in enumerate(pairwise(sources)):
                if first == last:
                    assert targets[row] == targets[row + 1]
                    continue
                tag, *text, end = batch.source.ids[first:last].tolist()
                labels = batch.labels[targets[row] : targets[row + 1]].tolist()
                inputs = batch.target.ids[targets[row] : targets[row + 1]].tolist()
                assert end == labels[-1] == plan["eos"]
                assert inputs == [-1, *labels[:-1]]
                assert batch.source.places[first:last].tolist() == list(range(last - first))
                assert batch.target.places[targets[row] : targets[row + 1]].tolist() == list(range(len(labels)))
                assert max(last - first, len(labels)) <= batch.block
                read, written = ([words[id] for id in ids] for ids in (text, labels[:-1]))
                capitals += read != written
                assert [word.lower() for word in read] == written
                tags.add(tag)
                joined += len(text) > 5
                seen += 1
    assert tags == {way["tag"] for way in plan["ways"]}
    assert 3000 < seen < 6000
    assert filled > 0.95 * most
    assert joined > 0.05 * seen
    assert 0.03 * seen < capitals < 0.2 * seen


def test_a_part_is_seen_once_before_it_is_seen_twice(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(both_ways(tmp_path), mixture=Mixture(longest=32))
    plan, arrays = open_pack(packed(tmp_path, recipe))
    examples = Examples(plan, arrays, CPU)
    count = plan["corpora"][0]["count"]
    once, again = (examples.pool(number, 512, parts=count) for number in (0, 0))
    assert sorted(once.starts[0].tolist()) != once.starts[0].tolist()
    assert np.array_equal(once.flat, again.flat)
    assert len(once.starts[0]) == count
    assert int(once.lengths[0].sum()) == int(arrays["lengths"][0][:count].sum())


def test_late_weights_count_late(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(both_ways(tmp_path), mixture=Mixture(longest=32, late=True))
    (tmp_path / "other.tsv").write_text("z z\tz z\n" * 1000)
    corpora = (Corpus("train.tsv"), Corpus("other.tsv", late_weight=6.0))
    plan, arrays = open_pack(packed(tmp_path, msgspec.structs.replace(recipe, corpora=corpora)))
    examples = Examples(plan, arrays, CPU)
    z = (tmp_path / "words.txt").read_text().splitlines().index("z")
    shares = []
    for is_late in (False, True):
        pool = examples.pool(0, 512, 2000, is_late=is_late)
        shares.append(float((pool.flat[pool.starts[0]] == z).mean()))
    assert shares == pytest.approx([1 / 4, 6 / 9], abs=0.01)


def test_joined_parts_lose_their_blank_where_words_have_none() -> None:
    plan: dict[str, object] = {
        "network": {"target_vocabulary": 16},
        "seed": 1,
        "join": 1.0,
        "longest": 32,
        "eos": 0,
        "start": -1,
        "blanks": [-1, 4],
        "ways": [{"source": 0, "target": 1, "tag": -1, "share": 1.0}],
        "corpora": [{"first": 0, "count": 2, "share": 1.0, "late_share": 1.0}],
        "dev": [],
    }
    arrays: dict[str, np.ndarray] = {
        "ids": np.array([7, 7, 4, 8, 4, 9, 4, 9], np.uint16),
        "lengths": np.array([[2, 2], [2, 2]], np.uint16),
        "ways": np.array([EITHER, EITHER], np.int8),
    }
    examples = Examples(plan, arrays, CPU)
    (batch,) = examples.batches(examples.pool(0, 8, parts=2), 8)
    assert batch.block == 16
    assert sorted(batch.source.ids[:5].tolist()) == [0, 4, 7, 7, 8]  # the source side has blanks
    assert batch.labels[:4].tolist() == [4, 9, 9, 0]


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    pack = packed(tmp_path, both_ways(tmp_path))
    options = Options(updates=12, device="cpu", precision="bf16", pool_parts=500)
    whole = train(pack, tmp_path / "a", tmp_path / "whole", options)
    train(pack, tmp_path / "b", tmp_path / "halves", replace(options, leave_after=5))
    halves = train(pack, tmp_path / "b", tmp_path / "halves", options)
    for (name, ours), theirs in zip(whole.named_parameters(), halves.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    reports = [json.loads((tmp_path / name / "report.json").read_text()) for name in "ab"]
    assert reports[0]["progress"]["update"] == reports[1]["progress"]["update"] == 12
    assert reports[0]["progress"]["target_tokens"] == reports[1]["progress"]["target_tokens"] > 1000
    assert reports[0]["pieces"] == reports[1]["pieces"]
    assert [row["update"] for report in reports for row in report["history"]] == [12, 5, 12]
    other = packed(tmp_path, both_ways(tmp_path), pairs=50)
    with pytest.raises(SystemExit, match="another pack"):
        train(other, tmp_path / "c", tmp_path / "halves", options)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a script that runs a pack where no package but torch and numpy can be imported; it lists our modules."""
    script = tmp_path / "bare.py"
    script.write_text(
        "import importlib.metadata, json, runpy, sys\n"
        f"hidden = set(importlib.metadata.packages_distributions()) - {NEEDED_BY_TORCH!r}\n"
        "class Bare:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name.split('.')[0] in hidden - {'s2s_gui'}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "assert {'msgspec', 'sentencepiece', 'safetensors', 'tqdm'} <= hidden\n"
        "sys.meta_path.insert(0, Bare)\n"
        "pack, listed, *arguments = sys.argv[1:]\n"
        "sys.argv = [pack, *arguments]\n"
        "try:\n"
        "    runpy.run_path(pack, run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0, end.code\n"
        "ours = {n: m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 's2s_gui'}\n"
        "json.dump(ours, open(listed, 'w'))\n"
    )
    return script


def test_pack_train_and_join(tmp_path: Path, bare: Path) -> None:
    recipe = both_ways(tmp_path)
    pack = packed(tmp_path, recipe)
    out, listed = tmp_path / "out", tmp_path / "listed.json"
    budget = ["--updates", "300", "--device", "cpu", "--precision", "fp32"]
    done = subprocess.run(
        [sys.executable, "-I", bare, pack, listed, out, *budget, "--state", tmp_path / "state"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "target tokens/s" in done.stdout
    ours = json.loads(listed.read_text())
    assert "s2s_gui.training.remote.run" in ours
    assert all(place.startswith(str(pack)) for place in ours.values())
    assert sorted(path.name for path in out.iterdir()) == ["report.json", "weights.0"]
    report = json.loads((out / "report.json").read_text())
    assert set(report["dev"]) == {"dev aa > bb", "dev bb > aa"}
    assert max(report["dev"].values()) < 0.5
    card = join(pack, out, tmp_path / "run")
    assert [str(direction) for direction in card.directions] == ["aa > bb", "bb > aa"]
    *curve, look = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    assert [row["update"] for row in curve] == list(range(20, 301, 20))
    assert curve[0]["loss"] > 2 * curve[-1]["loss"]
    assert look == {
        "target_tokens": curve[-1]["target_tokens"],
        "dev": {k: {"loss": v} for k, v in report["dev"].items()},
    }
    assert (tmp_path / "run" / "curves.svg").stat().st_size > 1000
    assert {w.dtype for w in native.read(tmp_path / "run" / "best").weights.values()} == {np.dtype(np.float16)}
    model = open_model(tmp_path / "run" / "best")
    pairs = toy_pairs(100, 5, is_reversed=False, seed=2)
    for direction in model.card.directions:
        found = translate_all(model, [source for source, _ in pairs], direction)
        assert sum(text == target for text, (_, target) in zip(found, pairs, strict=True)) > 90


def test_three_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both_ways(tmp_path)
    recipe, pack, out, run = (tmp_path / name for name in ("toy.toml", "toy.zip", "out", "run"))
    recipe.write_text(
        'id = "toy"\nname = "Toy"\nlicence = "CC0"\ndirections = ["aa > bb"]\n'
        'languages = [{ code = "aa" }, { code = "bb" }]\ncorpora = [{ path = "train.tsv" }]\n'
        'test = [{ name = "toy", direction = "aa > bb", source = "dev.tsv:1", references = ["dev.tsv:2"] }]\n'
        '[tokenizer]\nkind = "words"\n[network]\nkind = "transformer"\nwidth = 16\nheads = 2\n'
        "feed_forward = 32\nencoder_layers = 1\ndecoder_layers = 1\n"
    )
    assert main(["pack", str(recipe), str(pack), "--pairs", "200", "--tokens", "256", "--warmup", "2"]) == 0
    assert main(["train", str(pack), str(out), "--updates", "2", "--device", "cpu"]) == 0
    assert (out / "state" / "state.pt").exists()
    assert "update 2, " in capsys.readouterr().out
    assert main(["join", str(pack), str(out), str(run), "--recipe", str(recipe)]) == 0
    assert "| toy | aa > bb | " in capsys.readouterr().out
    (out / "weights.0").write_bytes(b"damaged")
    assert main(["join", str(pack), str(out), str(run)]) == 1
    assert "copy it again" in capsys.readouterr().err
    (out / "weights.0").unlink()
    assert main(["join", str(pack), str(out), str(run)]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_pieces_of_another_pack_are_refused(tmp_path: Path) -> None:
    recipe = both_ways(tmp_path)
    pack = packed(tmp_path, recipe, pairs=200)
    train(pack, tmp_path / "out", tmp_path / "state", Options(updates=1, device="cpu", pool_parts=500))
    with pytest.raises(RequestError, match="were not made from"):
        join(packed(tmp_path, recipe, pairs=100), tmp_path / "out", tmp_path / "run")


def test_a_pack_is_the_same_twice_and_not_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = both_ways(tmp_path)
    first = packed(tmp_path, recipe, pairs=300).read_bytes()
    assert packed(tmp_path, recipe, pairs=300).read_bytes() == first
    with zipfile.ZipFile(tmp_path / "toy.zip") as archive:
        assert archive.testzip() is None
    monkeypatch.setattr("s2s_gui.training.remote.pack.MOST_MIB", 0)
    with pytest.raises(RecipeError, match="more than 0"):
        packed(tmp_path, recipe, pairs=300)
    with pytest.raises(RecipeError, match="Only a Transformer"):
        Packer(toy_recipe(tmp_path, GRU), tmp_path, tmp_path)
