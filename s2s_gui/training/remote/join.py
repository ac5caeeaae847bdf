"""Make a run's folder of what came back: the model with tokenizer and card from the pack, and the learning curve."""

import hashlib
import json
import zipfile
from pathlib import Path

import msgspec
import numpy as np

from s2s_gui.description import ModelCard
from s2s_gui.errors import RequestError
from s2s_gui.formats import native
from s2s_gui.manage.opening import open_model
from s2s_gui.training.bundle import measure
from s2s_gui.training.curves import draw_curves
from s2s_gui.training.recipe import read_recipe
from s2s_gui.training.remote.run import REPORT


def join(pack: Path, pieces: Path, run: Path) -> ModelCard:
    """Write ``run`` from a pack and the folder of the pieces that its training wrote; return its card."""
    try:
        report = json.loads((pieces / REPORT).read_text(encoding="utf-8"))
        content = b"".join(_checked(pieces / name, digest) for name, digest in report["pieces"].items())
        with zipfile.ZipFile(pack) as archive:
            plan = json.loads(archive.read("plan.json"))
            card = msgspec.json.decode(archive.read("card.json"), type=ModelCard)
            files = {name: archive.read(name) for name in card.files()}
    except (OSError, zipfile.BadZipFile) as error:
        raise RequestError(f"The pack {pack} or the pieces in {pieces} cannot be read: {error}.") from error
    if report["pack"] != hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest():
        raise RequestError(f"The pieces in {pieces} were not made from the pack {pack}.")
    weights = {}
    place = 0
    for name, shape in report["shapes"].items():
        count = int(np.prod(shape))
        weights[name] = np.frombuffer(content, "<f2", count, place).reshape(shape)
        place += 2 * count
    run.mkdir(parents=True, exist_ok=True)
    looks = {name: {"loss": loss} for name, loss in report["dev"].items()}
    rows = [*report["history"], {"target_tokens": report["progress"]["target_tokens"], "dev": looks}]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    draw_curves(run / "metrics.jsonl", run / "curves.svg")
    return native.write(card, weights, files, f"# {card.name}\n\n{card.notes}\n", run / "best")


def figures(recipe_path: Path, run: Path) -> str:
    """Measure ``run / best`` on the recipe's test sets, as a bundle does; return a table."""
    measured = measure(open_model(run / "best"), read_recipe(recipe_path), recipe_path.parent)
    rows = [f"| {name} | {found.direction} | {found.bleu:.1f} | {found.chrf:.1f} |\n" for name, found in measured]
    return "".join(["| test set | direction | BLEU | chrF |\n", "|---|---|---|---|\n", *rows])


def _checked(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise RequestError(f"The piece {path} is not what was written: copy it again.")
    return content
