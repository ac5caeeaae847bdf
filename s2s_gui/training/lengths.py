"""BLEU by the length of the source, one line a model: where a vector of fixed length gives out and attention does not.

``python -m s2s_gui.training.lengths PICTURE.svg MODEL... --recipe RECIPE.toml --direction "zh > en"`` translates the
recipe's test sets of that direction and puts their lines together by length, in characters where the language has no
blanks, else in words (Cho et al. 2014 and Bahdanau et al. 2015 drew this). Sets with several references are left out.
The lines of a set that is scored in lower case are put into it on both sides.

Long lines come from other sets than short ones: compare models at one length rather than lengths of one model. As in
the window, a line of several sentences is translated sentence by sentence.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.figure import Figure

from s2s_gui.engine.model import Model
from s2s_gui.errors import RecipeError, TranslatorError
from s2s_gui.manage.opening import open_model
from s2s_gui.training.corpora import UNSPACED
from s2s_gui.training.development import translate_all
from s2s_gui.training.evaluate import read_side
from s2s_gui.training.recipe import Recipe, read_recipe
from s2s_gui.training.scoring import bleu_and_chrf

STARTS = (1, 6, 11, 16, 21, 31, 41, 61)
FEWEST_LINES = 30


@dataclass(frozen=True, slots=True)
class Line:
    """A line to translate with its reference, and whether both are scored in lower case."""

    source: str
    reference: str
    lowercase: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """Lines whose length is from ``first`` to ``last``, None for no end."""

    first: int
    last: int | None
    lines: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.first}+" if self.last is None else f"{self.first}–{self.last}"


def held_out(recipe: Recipe, base: Path, direction: str, names: Sequence[str] = ()) -> list[Line]:
    """Return the lines of the recipe's test sets of a direction: those of ``names``, or all with one reference."""
    tests = [one for one in recipe.test if one.direction == direction and len(one.references) == 1]
    if missing := [name for name in names if name not in {one.name for one in tests}]:
        raise RecipeError(f"The recipe has no test set {missing[0]} with one reference for {direction}.")
    lines = []
    for test in tests:
        if test.name in names or not names:
            sources, references = read_side(base / test.source), read_side(base / test.references[0])
            if len(sources) != len(references):
                raise RecipeError(f"The two sides of the test set {test.name} have different numbers of lines.")
            lines += [Line(*sides, test.lowercase) for sides in zip(sources, references, strict=True)]
    if not lines:
        raise RecipeError(f"The recipe has no test set with one reference for {direction}.")
    return lines


def length(text: str, language: str) -> int:
    """Return how long a text is: characters without blanks where words have none between them, else words."""
    words = text.split()
    return sum(map(len, words)) if language in UNSPACED else len(words)


def by_length(lines: Sequence[Line], language: str, fewest: int = FEWEST_LINES) -> list[Bin]:
    """Sort lines into bins by the length of their source; a bin with less than ``fewest`` is left out."""
    lengths = [length(line.source, language) for line in lines]
    bins = []
    for first, after in zip(STARTS, (*STARTS[1:], None), strict=True):
        inside = [i for i, count in enumerate(lengths) if count >= first and (after is None or count < after)]
        if len(inside) >= fewest:
            bins.append(Bin(first, None if after is None else after - 1, tuple(inside)))
    return bins


def score(model: Model, direction: str, lines: Sequence[Line], bins: Iterable[Bin]) -> list[float]:
    """Return the BLEU of a model in each bin, in percent."""
    way = model.direction(*(part.strip() for part in direction.split(">")))
    texts = translate_all(model, [line.source for line in lines], way)
    pairs = [
        (text.lower(), line.reference.lower()) if line.lowercase else (text, line.reference)
        for text, line in zip(texts, lines, strict=True)
    ]
    found = []
    for one in bins:
        hypotheses, references = zip(*(pairs[i] for i in one.lines), strict=True)
        found.append(bleu_and_chrf(list(hypotheses), [list(references)], way.target.code)[0].value)
    return found


def draw(bins: Sequence[Bin], scores: Mapping[str, Sequence[float]], unit: str, picture: Path) -> None:
    """Draw a line for each model to ``picture`` (.svg), the same bytes for the same figures."""
    mpl.rcParams["svg.hashsalt"] = "s2s"
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for marker, (name, values) in zip("osD^vPX*" * len(scores), scores.items(), strict=False):
        axes.plot(range(len(bins)), values, marker=marker, label=name)
    axes.set_xticks(range(len(bins)), [f"{one}\n{len(one.lines)} lines" for one in bins], fontsize="small")
    axes.set_xlabel(f"{unit} in the source")
    axes.set_ylabel("BLEU")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", frameon=False)
    figure.savefig(picture, format="svg", metadata={"Date": None})


def table(bins: Sequence[Bin], scores: Mapping[str, Sequence[float]], unit: str) -> str:
    """Return the figures as a table in Markdown."""
    rows = [[unit, "lines", *scores], ["---"] * (2 + len(scores))]
    for place, one in enumerate(bins):
        rows.append([str(one), str(len(one.lines)), *(f"{values[place]:.1f}" for values in scores.values())])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def compare(folders: Sequence[Path], recipe_path: Path, direction: str, names: Sequence[str], picture: Path) -> str:
    """Measure the models in ``folders``, draw the picture and return the table."""
    recipe = read_recipe(recipe_path)
    lines = held_out(recipe, recipe_path.parent, direction, names)
    language = recipe.languages[recipe.columns(direction)[0]].code
    bins = by_length(lines, language)
    if not bins:
        raise RecipeError(f"The test sets have less than {FEWEST_LINES} lines of every length.")
    scores = {folder.name: score(open_model(folder), direction, lines, bins) for folder in folders}
    unit = "characters" if language in UNSPACED else "words"
    draw(bins, scores, unit, picture)
    return table(bins, scores, unit)


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m s2s_gui.training.lengths", description="Draw BLEU by length.")
    parser.add_argument("picture", type=Path, help="the .svg to write")
    parser.add_argument("models", type=Path, nargs="+", help="folders of models")
    parser.add_argument("--recipe", type=Path, required=True, help="whose test sets are taken")
    parser.add_argument("--direction", default="zh > en", help="as in the recipe")
    parser.add_argument("--sets", nargs="+", default=[], metavar="NAME", help="test sets, all if none is named")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        sys.stdout.write(compare(asked.models, asked.recipe, asked.direction, asked.sets, asked.picture))
    except TranslatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
