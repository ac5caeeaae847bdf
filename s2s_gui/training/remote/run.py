"""Train from a pack: ``python PACK.zip OUT --minutes 9 --device cuda``. Needs Python, torch and numpy, nothing else.

The state to go on from is kept in ``--state``, which may be large and need not come back; ``OUT`` gets what should:
the weights in half precision, cut into files that are small enough, and ``report.json``. Where the state holds a run,
it is gone on with. ``--minutes`` is the length of the whole run, by which the rates fall; ``--leave-after`` ends this
part of it earlier.
"""

import argparse
import hashlib
import json
import math
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch

from s2s_gui.training.optimise import rate_factor
from s2s_gui.training.remote.examples import BLOCKS, POOL_PARTS, Examples, Pool, open_pack
from s2s_gui.training.remote.graphs import Updates, matrix_rate
from s2s_gui.training.remote.masters import Masters
from s2s_gui.training.remote.packed import PackedTransformer, build, operations

PIECE_BYTES = 16 << 20
MOST_PIECES = 7  # with the report eight files
REPORT_UPDATES = 20
STATE = "state.pt"
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Options:
    """``minutes`` or ``updates`` is the whole budget; this call ends after ``leave_after`` of the same unit."""

    minutes: float = 0.0
    updates: int = 0
    leave_after: float = math.inf
    device: str = "cuda"
    precision: str = "bf16"
    is_eager: bool = False
    save_minutes: float = 3.0
    pool_parts: int = POOL_PARTS


@dataclass(slots=True)
class Progress:
    """How far a run is: updates, minutes spent learning, target tokens; the pool and the batch that come next.

    ``is_late``: the pool was drawn by the corpora's late weights; ``is_next_late``: so is the one after it.
    """

    update: int = 0
    minutes: float = 0.0
    target_tokens: int = 0
    pool: int = 0
    batch: int = 0
    is_late: bool = False
    is_next_late: bool = False


class Run:
    """A run in progress. ``state`` is the folder of what only this machine needs."""

    def __init__(self, pack: Path, state: Path, options: Options) -> None:
        self.options, self.state = options, state
        self.plan, arrays = open_pack(pack)
        self.pack = hashlib.sha256(json.dumps(self.plan, sort_keys=True).encode()).hexdigest()
        self.device = torch.device(options.device)
        self.dtype = torch.bfloat16 if options.precision == "bf16" else torch.float32
        self.examples = Examples(self.plan, arrays, self.device)
        schedule = self.plan["schedule"]
        torch.manual_seed(self.plan["seed"])
        self.network = build(self.plan["network"]).to(self.device)
        counts = self.examples.token_counts() + 1
        with torch.no_grad():  # begin with the tokens' frequencies, which spares the first hundred updates
            self.network.output_layer()[1].copy_((counts / counts.sum()).log())
        originals = [weight.detach().clone() for weight in self.network.parameters()]
        self.network.to(self.dtype)
        is_eager = options.is_eager or self.device.type != "cuda"
        if not is_eager:
            self._use_kernels()
        self.masters = Masters(self.network, originals, schedule)
        self.updates = Updates(self.network, self.masters, schedule["label_smoothing"], is_eager=is_eager)
        self.schedule = cast("Any", SimpleNamespace(**schedule))
        self.progress = Progress()
        self.history: list[dict[str, float]] = []
        self.rate = matrix_rate(self.device, self.dtype, *((8192, 20) if self.device.type == "cuda" else (1024, 3)))
        self._restore()

    def learn(self) -> None:
        """Train until the budget or this call's share of it is spent; the state is saved now and then, and at last."""
        progress = self.progress
        last = min(self._budget(), self._spent() + self.options.leave_after)
        saved, begun, before = progress.minutes, time.monotonic(), progress.minutes
        parts = min(self.options.pool_parts, sum(corpus["count"] for corpus in self.plan["corpora"]))
        self.network.train()
        tokens = self.plan["schedule"]["tokens"]
        with ThreadPoolExecutor(1) as ahead:  # the device must not wait for the next pool

            def asked(number: int, *, is_late: bool) -> Future[Pool]:
                return ahead.submit(self.examples.pool, number, tokens, parts, is_late=is_late)

            coming = asked(progress.pool, is_late=progress.is_late)
            while self._spent() < last:
                pool = coming.result()
                if not pool.batches:
                    raise SystemExit("The pack gives no usable example: each is longer than allowed.")
                if progress.batch == 0:
                    progress.is_next_late = self._spent() / self._budget() > self.plan["schedule"]["hold"]
                coming = asked(progress.pool + 1, is_late=progress.is_next_late)
                for batch in self.examples.batches(pool, tokens, progress.batch):
                    factor = rate_factor(self.schedule, progress.update, self._spent() / self._budget())
                    self.updates(batch, factor)
                    progress.update += 1
                    progress.batch += 1
                    progress.minutes = before + (time.monotonic() - begun) / 60
                    is_over = self._spent() >= last
                    is_due = progress.minutes - saved >= self.options.save_minutes
                    if progress.update % REPORT_UPDATES == 0 or is_over or is_due:
                        self._tell(factor)
                    if is_over:
                        break
                    if is_due:
                        self.save()
                        saved = progress.minutes
                if progress.batch >= len(pool.batches):
                    progress.pool, progress.batch, progress.is_late = progress.pool + 1, 0, progress.is_next_late
        self.save()

    def dev_losses(self) -> dict[str, float]:
        """Return the plain loss in nats a token on each of the plan's dev sets."""
        found = {}
        self.network.eval()
        with torch.no_grad():
            for dev in self.plan["dev"]:
                sums = self.updates.sums.new_zeros(3)
                tokens = self.plan["schedule"]["tokens"]
                for batch in self.examples.batches(self.examples.fixed(dev, tokens), tokens):
                    sums += self.network.losses(batch, 0.0)[1]
                loss, count, _ = sums.tolist()
                found[dev["name"]] = round(loss / max(count, 1), 4)
        self.network.train()
        return found

    def save(self) -> None:
        """Write the state whole or not at all."""
        self.state.mkdir(parents=True, exist_ok=True)
        is_cuda = self.device.type == "cuda"
        state = {
            "pack": self.pack,
            "progress": asdict(self.progress),
            "history": self.history,
            "masters": self.masters.state(),
            "random": torch.get_rng_state(),
            "device_random": torch.cuda.get_rng_state() if is_cuda else None,
        }
        torch.save(state, self.state / "state.part")
        (self.state / "state.part").replace(self.state / STATE)

    def write(self, out: Path) -> None:
        """Write the weights in pieces and the report of the run."""
        weights = zip(self.network.named_parameters(), self.masters.masters(), strict=True)
        shapes = {}
        content = bytearray()
        for (name, _), master in weights:
            half = master.cpu().numpy().astype(np.float16)
            if not np.isfinite(half).all():
                raise SystemExit(f"The weight {name} has values that half precision cannot hold.")
            shapes[name] = list(half.shape)
            content += half.tobytes()
        if len(content) > MOST_PIECES * PIECE_BYTES:
            raise SystemExit(f"The weights need more than {MOST_PIECES} files of {PIECE_BYTES >> 20} MiB.")
        out.mkdir(parents=True, exist_ok=True)
        pieces = {}
        for number, first in enumerate(range(0, len(content), PIECE_BYTES)):
            piece = bytes(content[first : first + PIECE_BYTES])
            (out / f"weights.{number}").write_bytes(piece)
            pieces[f"weights.{number}"] = hashlib.sha256(piece).hexdigest()
        report = {
            "pack": self.pack,
            "progress": asdict(self.progress),
            "history": self.history,
            "dev": self.dev_losses(),
            "shapes": shapes,
            "pieces": pieces,
        }
        (out / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")
        say(f"Dev loss, nats a token: {json.dumps(report['dev'])}")

    def _use_kernels(self) -> None:
        from s2s_gui.training.remote.kernels import check

        heads = self.plan["network"]["heads"]
        errors = [check(self.device, heads, self.plan["network"]["width"] // heads, block) for block in BLOCKS]
        say(f"Kernels checked on rows of {BLOCKS}: relative errors {', '.join(f'{error:.4f}' for error in errors)}.")
        self.network.speed_up()

    def _restore(self) -> None:
        path = self.state / STATE
        self._told = time.monotonic()
        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["pack"] != self.pack:
            raise SystemExit(f"{path} is of another pack: name another folder with --state.")
        self.masters.restore(state["masters"])
        self.progress = Progress(**state["progress"])
        self.history = state["history"]
        torch.set_rng_state(state["random"])
        if state["device_random"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["device_random"])
        say(f"Going on from update {self.progress.update}, minute {self.progress.minutes:.1f}.")

    def _budget(self) -> float:
        return self.options.updates or self.options.minutes

    def _spent(self) -> float:
        return self.progress.update if self.options.updates else self.progress.minutes

    def _tell(self, factor: float) -> None:
        loss, targets, sources = self.updates.taken()
        now = time.monotonic()
        seconds, self._told = now - self._told, now
        self.progress.target_tokens += int(targets)
        if not math.isfinite(loss):
            raise SystemExit(f"The loss is not a number any more at update {self.progress.update}: try lower rates.")
        row = {"update": self.progress.update, "minutes": round(self.progress.minutes, 3)}
        row |= {"target_tokens": self.progress.target_tokens, "loss": round(loss / max(targets, 1), 4)}
        self.history.append(row)
        costs = operations(self.plan["network"])
        rate = (sources * costs[0] + targets * costs[1]) / seconds
        say(
            f"update {self.progress.update}, minute {self.progress.minutes:.2f}, loss {loss / max(targets, 1):.3f}, "
            f"rates x {factor:.2f}, gradient {float(self.masters.norm):.2f}, {targets / seconds:,.0f} target tokens/s, "
            f"{rate / 1e12:.3g} TFLOP/s = {rate / self.rate:.1%} of a matrix product's {self.rate / 1e12:.3g}"
        )


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def train(pack: Path, out: Path, state: Path, options: Options) -> PackedTransformer:
    """Train, write what should come back, and return the network."""
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA device here: use --device cpu.")
    run = Run(pack, state, options)
    run.learn()
    run.write(out)
    return run.network


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what ``command`` reads, but for the pack."""
    parser.add_argument("out", type=Path, help="folder for what should come back")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, default=0.0, help="of the whole run")
    budget.add_argument("--updates", type=int, default=0, help="of the whole run, instead of minutes")
    parser.add_argument("--leave-after", type=float, default=math.inf, help="minutes (or updates) of this call")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--eager", action="store_true", help="no CUDA graphs, no kernels, nothing compiled")
    parser.add_argument("--save-minutes", type=float, default=3.0)
    parser.add_argument("--state", type=Path, default=None, help="folder of the state, OUT/state if none is named")


def command(pack: Path, asked: argparse.Namespace) -> int:
    """Run the command ``train``."""
    options = Options(
        asked.minutes,
        asked.updates,
        asked.leave_after,
        asked.device,
        asked.precision,
        asked.eager,
        asked.save_minutes,
    )
    train(pack, asked.out, asked.state or asked.out / "state", options)
    return 0


def main(arguments: list[str], pack: Path) -> int:
    """Run what a pack does when Python is given it."""
    parser = argparse.ArgumentParser(prog=f"python {pack.name}", description="Train from this pack.")
    add_options(parser)
    return command(pack, parser.parse_args(arguments))
