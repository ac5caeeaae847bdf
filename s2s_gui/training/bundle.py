"""From a finished run to a folder that ships: weights in 8 bits, measured figures, a card for people.

``python -m s2s_gui.training.bundle RECIPE.toml RUN MODEL`` reads ``RUN/best``, measures the recipe's test sets and
writes ``MODEL``.
"""

import sys
from pathlib import Path

import msgspec
import torch

from s2s_gui.description import Figure, ModelCard
from s2s_gui.engine.model import Model, assemble
from s2s_gui.formats import native
from s2s_gui.formats.eight_bits import in_eight_bits
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import DecodeOptions
from s2s_gui.training.confidence import calibrate
from s2s_gui.training.evaluate import Evaluation, evaluate
from s2s_gui.training.preparation import decoding
from s2s_gui.training.recipe import Recipe, read_recipe


def bundle(recipe_path: Path, run: Path, folder: Path) -> ModelCard:
    """Write the run's best weights as ``folder`` and return its card."""
    recipe = read_recipe(recipe_path)
    description = native.read(run / "best")
    card = msgspec.structs.replace(
        description.card, decoding=decoding(recipe, assemble(description).target), licence=recipe.licence
    )
    files = {name: (run / "best" / name).read_bytes() for name in card.files()}
    weights = in_eight_bits(description.weights)
    native.write(card, weights, files, "", folder)  # the figures are those of the weights as they ship
    model = open_quick(folder, "fp32")
    measured = measure(model, recipe, recipe_path.parent)
    figures: list[Figure] = []
    for name, found in measured:
        figures.append(Figure(name, found.direction, "BLEU", found.bleu, found.bleu_signature))
        figures.append(Figure(name, found.direction, "chrF", found.chrf, found.chrf_signature))
    card = msgspec.structs.replace(
        card,
        name=recipe.name,
        notes=recipe.notes,
        figures=tuple(figures),
        calibration=calibrate(model, recipe, recipe_path.parent),
    )
    return native.write(card, weights, files, _readme(card, recipe, measured), folder)


def measure(model: Model, recipe: Recipe, base: Path) -> list[tuple[str, Evaluation]]:
    """Translate the recipe's test sets and return what they score."""
    found = []
    for test in recipe.test:
        source, _, target = (part.strip() for part in test.direction.partition(">"))
        direction = model.direction(source, target)
        paths = [base / reference for reference in test.references]
        measured = evaluate(model, direction, base / test.source, paths, DecodeOptions(), lowercase=test.lowercase)
        found.append((test.name, measured))
    return found


def _readme(card: ModelCard, recipe: Recipe, measured: list[tuple[str, Evaluation]]) -> str:
    directions = ", ".join(str(direction) for direction in card.directions)
    rows = "\n".join(
        f"| {name} | {found.direction} | {found.bleu:.1f} | {found.chrf:.1f} | {found.lines} |"
        for name, found in measured
    )
    signatures = "\n".join(f"- `{s}`" for s in sorted({f.bleu_signature for _, f in measured}))
    corpora = ", ".join(card.training_data)
    beam = card.decoding.beam_size
    search = f"beam {beam}" if beam > 1 else "greedy search"
    published = f"\n## Beside others\n\n{recipe.published}\n" if recipe.published else ""
    return f"""# {card.name}

{card.notes}

- Directions: {directions}
- Licence: {card.licence}
- Recipe: `resources/recipes/{recipe.id}.toml`

## Figures

Made by `s2s evaluate`, {search}, sacreBLEU.

| test set | direction | BLEU | chrF | lines |
|---|---|---|---|---|
{rows}

BLEU signatures:

{signatures}
{published}{_confidence(card)}
## Training text

{corpora}
"""


def _confidence(card: ModelCard) -> str:
    rows = "\n".join(
        f"| {one.direction} | {one.temperature:.2f} | {one.bias:+.2f} | {one.ece_before:.3f} | {one.ece_after:.3f} "
        f"| {one.doubtful_below:.2f} | {one.precision:.0%} | {one.marked:.0%} |"
        for one in card.calibration
    )
    if not rows:
        return ""
    return f"""
## Confidence

How often the model's first choice is the token that a person wrote, after each beginning of that person's translation
(so a synonym counts as wrong). Fitted on one half of the lines of {card.calibration[0].test_set}, measured on the other
half; ECE is the expected calibration error in 15 bins. The last columns: tokens of less confidence are marked as
doubtful, how many of the marked were not what the person wrote, and how many of all tokens are marked.

| direction | temperature | bias | ECE before | ECE after | doubtful below | precision | marked |
|---|---|---|---|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    torch.set_num_threads(1)
    bundle(*(Path(argument) for argument in sys.argv[1:4]))
