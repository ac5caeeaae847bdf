"""The training loop: batches in, model folders out, exact resume after a kill.

``OUT/last`` and ``OUT/best`` are model folders like any other; ``OUT/training.pt`` is what resuming needs beside them,
``OUT/metrics.jsonl`` one line a report, ``OUT/curves.svg`` their picture. Several processes (torchrun) share each
update: process r of n takes every n-th batch, gradients are averaged by DistributedDataParallel.
"""

import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from s2s_gui.description import ModelCard
from s2s_gui.errors import RecipeError
from s2s_gui.formats import native
from s2s_gui.manage.opening import open_model
from s2s_gui.networks.build import build
from s2s_gui.networks.network import Network
from s2s_gui.text.opening import open_tokenizer, read_vocabulary
from s2s_gui.text.tokenizer import Tokenizer
from s2s_gui.training.batches import IGNORED, Batch, pool_batches
from s2s_gui.training.corpora import Corpora
from s2s_gui.training.curves import draw_curves
from s2s_gui.training.development import Scores, score_dev_sets
from s2s_gui.training.loss import guided_loss, output_loss
from s2s_gui.training.optimise import Optimisers, rate_factor
from s2s_gui.training.preparation import choose_precision, decoding, directions, encoder
from s2s_gui.training.recipe import Recipe, with_vocabulary
from s2s_gui.training.stream import BatchStream, Place
from s2s_gui.training.vocabulary import learn_tokenizer

REPORT_UPDATES = 25


@dataclass(slots=True)
class Progress:
    """How far a run is. ``minutes`` of wall time spent learning; ``best`` is the lowest value of the watched metric."""

    update: int = 0
    minutes: float = 0.0
    target_tokens: int = 0
    best: float = math.inf
    since_best: int = 0
    last_look: float = 0.0


@dataclass(slots=True)
class Report:
    """Sums since the last report."""

    loss: float = 0.0
    tokens: int = 0
    wall: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=time.process_time)


class Objective(nn.Module):
    """The network with its loss: what DistributedDataParallel wraps."""

    def __init__(self, network: Network, smoothing: float, guide: Network | None) -> None:
        super().__init__()
        self.network = network
        self.smoothing = smoothing
        self._guides = (guide,)  # in a tuple, so that its weights are not taken for some to learn

    def forward(self, batch: Batch, guiding: float) -> tuple[Tensor, Tensor]:
        """Return the loss to learn from and the plain cross entropy to look at, in nats a token.

        ``guiding`` is the weight of the guide's attention in the first, 0 for none.
        """
        features, attention = self.network.features(batch.source, batch.lengths, batch.inputs)
        weight, bias = self.network.output_layer()
        loss, plain = output_loss(features, weight, bias, batch.labels, self.smoothing)
        (guide,) = self._guides
        if guide is not None and guiding and attention is not None:
            with torch.no_grad():
                _, wanted = guide.features(batch.source, batch.lengths, batch.inputs)
            if wanted is not None:
                loss = loss + guiding * guided_loss(attention, wanted.to(attention.dtype), batch.labels)
        return loss, plain


class Trainer:
    """One run of a recipe. ``base`` is the folder that the recipe's paths start from."""

    def __init__(self, recipe: Recipe, base: Path, out: Path, *, resume: bool) -> None:
        self.recipe, self.base, self.out = recipe, base, out
        self.rank, self.world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        out.mkdir(parents=True, exist_ok=True)
        if (out / "training.pt").exists() and not resume:
            raise RecipeError(f"{out} holds a training run already: go on with --resume, or name another folder.")
        self.corpora = Corpora(recipe, base)
        if self.rank == 0:
            self.files = learn_tokenizer(recipe, base, self.corpora, out)
        if self.world > 1:
            dist.barrier()
            self.files = learn_tokenizer(recipe, base, self.corpora, out)
        self.directions = directions(recipe)
        self.tokenizer = self._open_tokenizer()
        self.decoding = decoding(recipe, self.tokenizer)
        self.encoder = encoder(self.tokenizer, self.directions, self.decoding, recipe.mixture.longest)
        torch.manual_seed(recipe.schedule.seed + self.rank)
        config = with_vocabulary(recipe.network, self.tokenizer.size, self.tokenizer.size)
        self.precision = choose_precision(recipe.schedule.precision)
        with torch.random.fork_rng():
            torch.manual_seed(recipe.schedule.seed)
            self.network = build(config)
        self.progress = Progress()
        self.stream = BatchStream(self.corpora, self.encoder, recipe.schedule.seed, self.rank, self.world)
        if not resume:
            self._start_output_bias()
        self.network.to(self.precision)
        self.optimisers = Optimisers(self.network, recipe.schedule)
        self.average: list[Tensor] = []
        if recipe.schedule.average:
            self.average = [master.detach().clone() for _, master in self.optimisers.pairs]
        if resume:
            self._restore()
        objective = Objective(self.network, recipe.schedule.label_smoothing, self._open_guide())
        self.objective: nn.Module = DistributedDataParallel(objective) if self.world > 1 else objective

    def run(self, minutes: float | None) -> Progress:
        """Train until the budget is spent or nothing gets better; ``minutes`` overrides the recipe's budget."""
        schedule, watch, progress = self.recipe.schedule, self.recipe.watch, self.progress
        budget = minutes or schedule.minutes
        counts_updates = bool(schedule.updates) and minutes is None
        total = schedule.updates if counts_updates else budget
        bar = tqdm(
            total=total,
            initial=min(total, self._spent(counts_updates)),
            unit="upd" if counts_updates else "min",
            disable=self.rank != 0,
            bar_format="{l_bar}{bar}| {n:.1f}/{total_fmt} {unit} [{elapsed}<{remaining}] {postfix}",
        )
        report, saved = Report(), progress.minutes  # the shared clock: all processes must save together
        self.network.train()
        while self._spent(counts_updates) < total:
            began = time.monotonic()
            spent = self._spent(counts_updates) / total
            batch = self.stream.next(self._batch_tokens(spent), is_late=spent > schedule.hold)
            loss, plain = self.objective(batch, self._guiding(spent))
            loss.backward()
            factor = rate_factor(schedule, progress.update, spent)
            norm = self.optimisers.step(factor)
            self._move_average()
            tokens = batch.target_tokens
            report.loss += float(plain) * tokens
            report.tokens += tokens
            progress.update += 1
            self._count(tokens, (time.monotonic() - began) / 60)
            bar.update(min(total, self._spent(counts_updates)) - bar.n)
            if progress.update % REPORT_UPDATES == 0:
                report = self._report(report, norm, factor, bar)
            now = float(progress.update) if counts_updates else progress.minutes
            ends = self._spent(counts_updates) >= total
            if now - progress.last_look >= watch.every or ends:
                progress.last_look = now
                is_enough = self._look(bar)
                self.save("last")
                saved, report = progress.minutes, Report()
                if is_enough:
                    bar.write(f"No better {watch.metric} in {watch.patience} looks: stopped early.")
                    break
            elif progress.minutes - saved >= watch.save_every_minutes:
                self.save("last")
                saved = progress.minutes
        bar.close()
        return progress

    def save(self, name: str) -> None:
        """Write ``out / name`` as a model folder, and for "last" the state to resume from."""
        if self.world > 1:
            states: list[Any] = [None] * self.world
            dist.all_gather_object(states, torch.get_rng_state())
        else:
            states = [torch.get_rng_state()]
        if self.rank != 0:
            return
        masters = self.average or [master.detach() for _, master in self.optimisers.pairs]
        weights = {
            name: tensor.numpy() for (name, _), tensor in zip(self.network.named_parameters(), masters, strict=True)
        }
        card = self.card()
        files = {file: (self.out / file).read_bytes() for file in {self.files.source, self.files.target}}
        native.write(card, weights, files, f"# {card.name}\n\n{card.notes}\n", self.out / name)
        if name == "last":
            state = {
                "progress": asdict(self.progress),
                "place": asdict(self.stream.place),
                "optimisers": self.optimisers.state(),
                "average": self.average,
                "random": states,
            }
            torch.save(state, self.out / "training.part")
            (self.out / "training.part").replace(self.out / "training.pt")

    def card(self) -> ModelCard:
        """Return the card of what has been learnt so far."""
        recipe = self.recipe
        return ModelCard(
            id=recipe.id,
            name=recipe.name,
            task=recipe.task,
            directions=self.directions,
            network=msgspec.structs.replace(self.network.config, dropout=0.0),
            tokenizer=self.files,
            decoding=self.decoding,
            licence=recipe.licence,
            training_data=self.corpora.names,
            notes=recipe.notes,
        )

    def _spent(self, counts_updates: bool) -> float:
        return self.progress.update if counts_updates else self.progress.minutes

    def _batch_tokens(self, spent: float) -> int:
        for share, tokens in self.recipe.schedule.early_tokens:
            if spent < share:
                return tokens
        return self.recipe.schedule.tokens

    def _open_guide(self) -> Network | None:
        guide = self.recipe.guide
        if guide is None:
            return None
        model = open_model(self.base / guide.path)
        if (self.base / guide.path / model.card.tokenizer.source).read_bytes() != (
            self.out / self.files.source
        ).read_bytes() or model.card.directions != self.directions:
            raise RecipeError(f"The guide {guide.path} has another tokenizer or other directions than the recipe.")
        return model.network

    def _guiding(self, spent: float) -> float:
        guide = self.recipe.guide
        return guide.weight if guide is not None and spent < guide.until else 0.0

    def _count(self, tokens: int, minutes: float) -> None:
        """Add to the counts; all processes count as the slowest does, so that they end together."""
        if self.world > 1:
            shared = torch.tensor([float(tokens), minutes], dtype=torch.float64)
            dist.all_reduce(shared)
            tokens, minutes = int(shared[0]), float(shared[1]) / self.world
        self.progress.target_tokens += tokens
        self.progress.minutes += minutes

    def _move_average(self) -> None:
        decay = min(self.recipe.schedule.average, (1 + self.progress.update) / (10 + self.progress.update))
        with torch.no_grad():
            for mean, (_, master) in zip(self.average, self.optimisers.pairs, strict=bool(self.average)):
                mean.lerp_(master, 1 - decay)

    def _report(self, report: Report, norm: float, factor: float, bar: "tqdm[Any]") -> Report:
        wall, cpu = time.monotonic() - report.wall, time.process_time() - report.cpu
        row = {
            "update": self.progress.update,
            "minutes": round(self.progress.minutes, 2),
            "target_tokens": self.progress.target_tokens,
            "loss": round(report.loss / report.tokens, 4),
            "gradient_norm": round(norm, 3),
            "rate_factor": round(factor, 4),
            "tokens_per_second": round(report.tokens * self.world / wall),
            "tokens_per_cpu_second": round(report.tokens / cpu),
        }
        bar.set_postfix_str(f"loss {row['loss']:.2f}, {row['tokens_per_second']} tok/s")
        self._log(row)
        return Report()

    def _look(self, bar: "tqdm[Any]") -> bool:
        """Score the dev sets, keep the best weights; say whether it is time to stop."""
        progress, watch = self.progress, self.recipe.watch
        if not self.recipe.dev:
            return False
        scores = self._scores() if self.rank == 0 else None
        if self.world > 1:
            shared = [scores]
            dist.broadcast_object_list(shared)
            scores = shared[0]
        assert scores is not None
        value = scores.value(watch.metric)
        is_better = value < progress.best
        progress.best, progress.since_best = (value, 0) if is_better else (progress.best, progress.since_best + 1)
        if is_better:
            self.save("best")
        row = {
            "update": progress.update,
            "minutes": round(progress.minutes, 2),
            "target_tokens": progress.target_tokens,
        }
        self._log(row | scores.row())
        if self.rank == 0:
            bar.write(f"{progress.minutes:6.1f} min  {scores}")
            draw_curves(self.out / "metrics.jsonl", self.out / "curves.svg")
        return bool(watch.patience) and progress.since_best >= watch.patience

    def _scores(self) -> Scores:
        """Score a float32 copy with the weights that would be saved.

        A copy, because DistributedDataParallel holds on to the storage and dtype of the weights that learn; its
        initial values must not draw from the run's random numbers.
        """
        with torch.random.fork_rng():
            network = build(self.network.config).eval()
        source = self.average or [master for _, master in self.optimisers.pairs]
        with torch.no_grad():
            for weight, better in zip(network.parameters(), source, strict=True):
                weight.copy_(better)
        return score_dev_sets(network, self.card(), self.tokenizer, self.recipe, self.base, self.encoder)

    def _log(self, row: dict[str, Any]) -> None:
        if self.rank == 0:
            with (self.out / "metrics.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _restore(self) -> None:
        try:
            state = torch.load(self.out / "training.pt", weights_only=True)
        except FileNotFoundError:
            raise RecipeError(f"{self.out} holds no training run to resume.") from None
        self.progress = Progress(**state["progress"])
        self.stream.place = Place(**state["place"])
        self.optimisers.restore(state["optimisers"])
        self.average = state["average"]
        if self.rank < len(state["random"]):
            torch.set_rng_state(state["random"][self.rank])

    def _open_tokenizer(self) -> Tokenizer:
        tags = [direction.tag for direction in self.directions if direction.tag]
        vocabulary = read_vocabulary(self.out / self.files.source, self.files.kind)
        return open_tokenizer(vocabulary, self.files, eos=0, unk=1, tags=tags)

    def _start_output_bias(self) -> None:
        """Begin with the logarithms of the tokens' frequencies, which spares the first hundred updates."""
        counts = np.ones(self.tokenizer.size)
        for batch in pool_batches(self.corpora.pool(0), self.encoder, 4096, None):
            labels = batch.labels[batch.labels != IGNORED].numpy()
            counts += np.bincount(labels, minlength=len(counts))
        with torch.no_grad():
            self.network.output_layer()[1].copy_(torch.from_numpy(np.log(counts / counts.sum())))
