"""The training loop on toy tasks: it learns, resumes exactly, stops early, and shares its work among processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from s2s_gui.description import NetworkConfig
from s2s_gui.errors import RecipeError
from s2s_gui.formats import native
from s2s_gui.manage.opening import open_model
from s2s_gui.training.development import translate_all
from s2s_gui.training.loss import guided_loss
from s2s_gui.training.recipe import Guide, Recipe, Watch
from s2s_gui.training.trainer import Trainer
from tests.toy import GRU, LETTERS, LSTM, TRANSFORMER, toy_pairs, toy_recipe


@pytest.fixture(autouse=True)
def _small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy's pool need not be as large as a real one: making it would take longer than learning."""
    monkeypatch.setattr("s2s_gui.training.corpora.POOL_PAIRS", 4096)


def train(recipe: Recipe, folder: Path, *, resume: bool = False) -> Trainer:
    trainer = Trainer(recipe, folder, folder / "out", resume=resume)
    trainer.run(None)
    return trainer


def weights(folder: Path) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in native.read(folder).weights.items()}


@pytest.mark.parametrize(
    ("network", "is_reversed", "updates"), [(LSTM, True, 700), (GRU, True, 300), (TRANSFORMER, False, 300)]
)
def test_a_toy_task_is_learnt_to_95_per_cent(
    network: NetworkConfig, is_reversed: bool, updates: int, tmp_path: Path
) -> None:
    train(toy_recipe(tmp_path, network, is_reversed=is_reversed, updates=updates), tmp_path)
    model = open_model(tmp_path / "out" / "last")
    pairs = toy_pairs(300, 5, is_reversed=is_reversed, seed=2)
    found = translate_all(model, [source for source, _ in pairs], model.card.directions[0])
    right = sum(text == target for text, (_, target) in zip(found, pairs, strict=True))
    assert right / len(pairs) > 0.95


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_resumed_run_is_the_run_that_was_not_interrupted(precision: str, tmp_path: Path) -> None:
    network = msgspec.structs.replace(TRANSFORMER, dropout=0.1)
    for name in ("whole", "halves"):
        (tmp_path / name).mkdir()
    recipe = toy_recipe(tmp_path / "whole", network, updates=12, precision=precision, average=0.9)
    train(recipe, tmp_path / "whole")
    recipe = toy_recipe(tmp_path / "halves", network, updates=12, precision=precision, average=0.9)
    trainer = Trainer(recipe, tmp_path / "halves", tmp_path / "halves" / "out", resume=False)
    rest = trainer.recipe
    trainer.recipe = msgspec.structs.replace(
        rest, schedule=msgspec.structs.replace(rest.schedule, hold=1.0), watch=Watch(every=5)
    )
    stop_after(trainer, 5)
    train(recipe, tmp_path / "halves", resume=True)
    whole, halves = (weights(tmp_path / name / "out" / "last") for name in ("whole", "halves"))
    for name, value in whole.items():
        np.testing.assert_array_equal(value, halves[name], err_msg=name)


def stop_after(trainer: Trainer, updates: int) -> None:
    """Run until a look at ``updates`` has saved, then be killed."""

    class KilledError(Exception):
        pass

    save = trainer.save

    def save_and_die(name: str) -> None:
        save(name)
        if name == "last" and trainer.progress.update >= updates:
            raise KilledError

    trainer.save = save_and_die  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        trainer.run(None)


def test_early_stopping_keeps_the_best(tmp_path: Path) -> None:
    recipe = toy_recipe(tmp_path, GRU, updates=400, rate=0.5, matrix_rate=0.5)  # rates that soon do harm
    recipe = msgspec.structs.replace(recipe, watch=Watch(every=5, metric="loss", patience=3))
    trainer = train(recipe, tmp_path)
    looks = [row for row in metrics(tmp_path) if "dev" in row]
    losses = [row["dev"]["dev aa > bb"]["loss"] for row in looks]
    assert trainer.progress.update < 400
    assert len(losses) == losses.index(min(losses)) + 1 + 3
    assert trainer.progress.best == pytest.approx(min(losses), abs=1e-4)
    best, last = (weights(tmp_path / "out" / name) for name in ("best", "last"))
    assert any(not np.array_equal(best[name], last[name]) for name in best)
    assert (tmp_path / "out" / "curves.svg").read_text().startswith("<?xml")


def test_a_guide_shows_where_to_look(tmp_path: Path) -> None:
    recipe = toy_recipe(tmp_path, GRU, is_reversed=True, updates=300)
    train(recipe, tmp_path).save("guide")
    losses = {}
    for name, guide in (("alone", None), ("guided", Guide("out/guide", weight=1.0, until=1.0))):
        schedule = msgspec.structs.replace(recipe.schedule, updates=100)
        one = msgspec.structs.replace(recipe, network=TRANSFORMER, schedule=schedule, guide=guide)
        trainer = Trainer(one, tmp_path, tmp_path / name, resume=False)
        trainer.run(None)
        batch = trainer.stream.next(512)
        with torch.no_grad():
            _, wanted = open_model(tmp_path / "out" / "guide").network.features(
                batch.source, batch.lengths, batch.inputs
            )
            _, found = trainer.network.features(batch.source, batch.lengths, batch.inputs)
        assert wanted is not None
        assert found is not None
        entropy = guided_loss(wanted, wanted, batch.labels)
        losses[name] = float(guided_loss(found, wanted, batch.labels) - entropy)
    assert losses["guided"] < 0.7 * losses["alone"]


def test_a_guide_with_another_tokenizer_is_refused(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(toy_recipe(tmp_path, TRANSFORMER), guide=Guide("golden"))
    shutil.copytree(Path(__file__).parent.parent / "golden" / "gru", tmp_path / "golden")
    shuffled = ["</s>", "<unk>", *reversed(LETTERS)]
    (tmp_path / "golden" / "words.txt").write_text("\n".join(shuffled) + "\n")
    with pytest.raises(RecipeError, match="another tokenizer"):
        Trainer(recipe, tmp_path, tmp_path / "out", resume=False)


def metrics(folder: Path) -> list[dict[str, dict[str, dict[str, float]]]]:
    return [json.loads(line) for line in (folder / "out" / "metrics.jsonl").read_text().splitlines()]


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    recipe = toy_recipe(tmp_path, GRU, updates=1)
    train(recipe, tmp_path)
    with pytest.raises(RecipeError, match="--resume"):
        Trainer(recipe, tmp_path, tmp_path / "out", resume=False)
    with pytest.raises(RecipeError, match="no training run"):
        Trainer(recipe, tmp_path, tmp_path / "elsewhere", resume=True)


def test_minutes_end_a_run_and_its_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s_gui.training.trainer.REPORT_UPDATES", 1)
    recipe = toy_recipe(tmp_path, GRU)
    trainer = Trainer(recipe, tmp_path, tmp_path / "out", resume=False)
    trainer.run(0.03)
    assert trainer.progress.minutes >= 0.03
    factors = [row["rate_factor"] for row in metrics(tmp_path) if "rate_factor" in row]
    assert factors[-1] < 0.5  # type: ignore[operator]


def has_loopback() -> bool:
    with socket.socket() as listener, socket.socket() as caller:
        try:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            caller.connect(listener.getsockname())
        except OSError:
            return False
    return True


@pytest.mark.skipif(not has_loopback(), reason="processes of one run talk over the loopback interface, which is down")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_two_processes_share_an_update(precision: str, tmp_path: Path) -> None:
    recipe = toy_recipe(tmp_path, TRANSFORMER, updates=6, tokens=256, precision=precision)
    recipe = msgspec.structs.replace(recipe, watch=Watch(every=4, save_every_minutes=1e-6))
    table = msgspec.json.encode(recipe)
    (tmp_path / "recipe.json").write_bytes(table)
    script = tmp_path / "train.py"
    script.write_text(
        "import sys, msgspec, torch, torch.distributed as dist\n"
        "from pathlib import Path\n"
        "from s2s_gui.training.command import leave_together\n"
        "from s2s_gui.training.recipe import Recipe\n"
        "from s2s_gui.training.trainer import Trainer\n"
        "here = Path(sys.argv[1])\n"
        "dist.init_process_group('gloo')\n"
        "torch.set_num_threads(1)\n"
        "recipe = msgspec.json.decode((here / 'recipe.json').read_bytes(), type=Recipe)\n"
        "trainer = Trainer(recipe, here, here / 'out', resume=False)\n"
        "trainer.run(None)\n"
        "total = torch.cat([w.detach().flatten() for w in trainer.network.parameters()])\n"
        "both = [torch.empty_like(total) for _ in range(2)]\n"
        "dist.all_gather(both, total)\n"
        "assert torch.equal(both[0], both[1])\n"
        "leave_together(trainer)\n"
    )
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*run, str(script), str(tmp_path)], capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    state = torch.load(tmp_path / "out" / "training.pt", weights_only=True)
    assert state["progress"]["update"] == 6
    assert state["place"]["batch"] == 12
    assert open_model(tmp_path / "out" / "last").card.id == "toy"
