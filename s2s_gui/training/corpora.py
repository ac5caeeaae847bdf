"""Parallel text in memory, mixed into an endless stream of text pairs that depends on seed and place alone.

The stream comes in pools. Pool k is made from (seed, k) and nothing else, so a run goes on exactly where it stopped.
"""

import lzma
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from s2s_gui.errors import RecipeError
from s2s_gui.text.protected import MARKS, MOST_SPANS, find, marked
from s2s_gui.training.recipe import Mixture, Recipe

POOL_PAIRS = 32768
FINAL_MARKS = ".!?。！？…"
COMMON = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*[A-Za-z0-9]", re.ASCII)
UNSPACED = {"zh", "ja", "th", "lo", "km", "my"}


@dataclass(frozen=True, slots=True)
class Example:
    """A pair to learn from: texts and the number of its direction in the recipe."""

    source: str
    target: str
    direction: int


def read_pairs(path: Path, columns: int = 2) -> list[tuple[str, ...]]:
    """Read a TSV file, plain or .xz; raises ``RecipeError`` with the line of the first fault."""
    pairs = []
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, 1):
                cells = tuple(line.rstrip("\n").split("\t"))
                if len(cells) < columns:
                    raise RecipeError(f"Line {number} of {path} has {len(cells)} column(s) instead of {columns}.")
                pairs.append(cells)
    except FileNotFoundError:
        raise RecipeError(f"There is no corpus {path}.") from None
    except (OSError, UnicodeDecodeError, lzma.LZMAError, EOFError) as error:
        raise RecipeError(f"The corpus {path} cannot be read: {error}.") from error
    if not pairs:
        raise RecipeError(f"The corpus {path} is empty.")
    return pairs


def _open(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


class Corpora:
    """All corpora that a recipe's licences admit, and the stream of examples drawn from them."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        admitted = [corpus for corpus in recipe.corpora if corpus.licence in recipe.mixture.licences]
        if not admitted:
            raise RecipeError(f"No corpus of the recipe has a licence among {', '.join(recipe.mixture.licences)}.")
        self.names = tuple(Path(corpus.path).name.removesuffix(".xz").removesuffix(".tsv") for corpus in admitted)
        self.pairs = [read_pairs(folder / corpus.path) for corpus in admitted]
        mixture, directions = recipe.mixture, recipe.directions
        early = [corpus.weight for corpus in admitted]
        late = [(corpus.late_weight if mixture.late else None) or corpus.weight for corpus in admitted]
        self.shares, self.late_shares = (_shares(self.pairs, weights, mixture.temperature) for weights in (early, late))
        weights = np.array(recipe.direction_weights or (1.0,) * len(directions))
        self.direction_shares: np.ndarray = weights / weights.sum()
        self.columns = [recipe.columns(direction) for direction in directions]
        self.blanks = ["" if language.code in UNSPACED else " " for language in recipe.languages]
        self.mixture: Mixture = mixture
        self.seed = recipe.schedule.seed

    def pool(self, number: int, *, is_late: bool = False) -> list[Example]:
        """Return pool ``number``, about ``POOL_PAIRS`` pairs, joined and varied as the mixture says.

        Each corpus is gone through in passes, each pass in an order of its own, so no pair is seen twice before all
        have been seen once. ``is_late`` asks for the corpora's late weights.
        """
        shares = self.late_shares if is_late else self.shares
        random = np.random.default_rng([self.seed, number])
        drawn: list[tuple[str, ...]] = []
        for corpus, pairs in enumerate(self.pairs):
            start, end = (int((number + i) * POOL_PAIRS * shares[corpus]) for i in (0, 1))
            drawn += [pairs[i] for i in self._places(corpus, len(pairs), start, end)]
        random.shuffle(drawn)
        return [self.vary(example, random) for example in self._join(drawn, random)]

    def _places(self, corpus: int, count: int, start: int, end: int) -> list[int]:
        places: list[int] = []
        while start < end:
            turn, first = divmod(start, count)
            order = np.random.default_rng([self.seed, corpus, turn, 7]).permutation(count)
            taken = order[first : first + end - start]
            places += taken.tolist()
            start += len(taken)
        return places

    def _join(self, drawn: list[tuple[str, ...]], random: np.random.Generator) -> list[Example]:
        directions = random.choice(len(self.columns), size=len(drawn), p=self.direction_shares)
        joined = random.random(len(drawn)) < self.mixture.join
        counts = random.integers(2, 5, size=len(drawn))
        examples, i = [], 0
        while i < len(drawn):
            count = int(counts[i]) if joined[i] else 1
            source, target = self.columns[directions[i]]
            parts = drawn[i : i + count]
            texts = [self.blanks[side].join(pair[side] for pair in parts) for side in (source, target)]
            examples.append(Example(texts[0], texts[1], int(directions[i])))
            i += count
        return examples

    def vary(self, example: Example, random: np.random.Generator) -> Example:
        """Change case or final marks now and then, as the mixture says."""
        source, target = example.source, example.target
        case, mark = random.random(2)
        if case < self.mixture.lower:
            source = source.lower()
        elif case < self.mixture.lower + self.mixture.upper:
            source = source.upper()
        if mark < self.mixture.no_final_mark and source[-1:] in FINAL_MARKS and target[-1:] in FINAL_MARKS:
            source, target = source.rstrip(FINAL_MARKS) or source, target.rstrip(FINAL_MARKS) or target
        if self.mixture.marks:
            is_wanted = random.random() < self.mixture.marks
            source, target = with_marks(source, target, random, is_wanted=is_wanted)
        return Example(source, target, example.direction)


def with_marks(source: str, target: str, random: np.random.Generator, *, is_wanted: bool) -> tuple[str, str]:
    """Put marks for what both sides have alike and a translation leaves as it is.

    ``is_wanted``: where there is nothing of the kind, for words and numbers, or else a mark at an end of both.
    """
    spans = [span for span in find(source, amounts=True) if source.count(span) == 1 == target.count(span)][:MOST_SPANS]
    if is_wanted and not spans:
        words = [word for word in COMMON.findall(source) if source.count(word) == 1 == target.count(word)]
        spans = words[: int(random.integers(1, 3))]
    marks = [MARKS[i] for i in random.permutation(MOST_SPANS)]
    if spans or not is_wanted:
        chosen = marks[: len(spans)]
        return marked(source, spans, chosen), marked(target, spans, chosen)
    blank = " " if random.random() < 0.5 else ""
    if random.random() < 0.8:
        return source + blank + marks[0], target + blank + marks[0]
    return marks[0] + blank + source, marks[0] + blank + target


def _shares(pairs: list[list[tuple[str, ...]]], weights: list[float], temperature: float) -> np.ndarray:
    sizes = np.array([len(corpus) * weight for corpus, weight in zip(pairs, weights, strict=True)])
    shares: np.ndarray = sizes ** (1 / temperature)
    return shares / shares.sum()
