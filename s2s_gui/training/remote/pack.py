"""Put code, recipe and token ids into one file that Python can run: ``python PACK.zip OUT --minutes 9``.

Ids are of 16 bits, compressed by xz. Every corpus is stored once, each pair after the recipe's tokenizer; what the
recipe's mixture varies (case, final marks) is stored beside it, for the one direction that it is meant for.
"""

import json
import lzma
import tempfile
import zipfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

import s2s_gui
from s2s_gui.description import ModelCard, TransformerConfig
from s2s_gui.errors import RecipeError
from s2s_gui.text.opening import open_tokenizer, read_vocabulary
from s2s_gui.training.corpora import UNSPACED, Corpora, Example, read_pairs
from s2s_gui.training.preparation import decoding, directions
from s2s_gui.training.recipe import Recipe, read_recipe, with_vocabulary
from s2s_gui.training.remote.examples import EITHER, LONGEST
from s2s_gui.training.vocabulary import learn_tokenizer

CODE = (
    "__init__.py",
    "networks/__init__.py",
    "networks/layers.py",
    "networks/network.py",
    "networks/transformer.py",
    "training/__init__.py",
    "training/optimise.py",
    "training/remote/__init__.py",
    "training/remote/examples.py",
    "training/remote/graphs.py",
    "training/remote/kernels.py",
    "training/remote/masters.py",
    "training/remote/packed.py",
    "training/remote/ragged.py",
    "training/remote/run.py",
)
NAMES = '''"""In place of the real file, which needs msgspec: names for the networks to import, with any fields."""

from types import SimpleNamespace

NetworkConfig = RecurrentConfig = TransformerConfig = SimpleNamespace
'''
MAIN = """import sys
from pathlib import Path

from s2s_gui.training.remote.run import main

sys.exit(main(sys.argv[1:], Path(sys.argv[0])))
"""
MOST_MIB = 64
LARGEST_ID = 0xFFFF
LONG_AGO = (1980, 1, 1, 0, 0, 0)


@dataclass(slots=True)
class Parts:
    """Pairs of ids as they are stored: of both sides, how long each is, the one direction it is for or ``EITHER``."""

    ids: "tuple[array[int], array[int]]" = field(default_factory=lambda: (array("H"), array("H")))
    lengths: "tuple[array[int], array[int]]" = field(default_factory=lambda: (array("H"), array("H")))
    ways: "array[int]" = field(default_factory=lambda: array("b"))

    def add(self, sides: Sequence[list[int]], way: int) -> None:
        """Store a pair."""
        for side, ids in enumerate(sides):
            self.ids[side].extend(ids)
            self.lengths[side].append(len(ids))
        self.ways.append(way)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return ``ids`` uint16 [M], one side after the other, ``lengths`` uint16 [2, N], ``ways`` int8 [N]."""
        return {
            "ids": np.concatenate([np.asarray(side) for side in self.ids]),
            "lengths": np.stack([np.asarray(side) for side in self.lengths]),
            "ways": np.asarray(self.ways),
        }


class Packer:
    """From a recipe to the content of a pack. ``pairs`` limits each corpus, for a trial."""

    def __init__(self, recipe: Recipe, base: Path, folder: Path, pairs: int = 0) -> None:
        if not isinstance(recipe.network, TransformerConfig):
            raise RecipeError("Only a Transformer can be trained from a pack; the recipe's network is another one.")
        self.recipe, self.base = recipe, base
        self.corpora = Corpora(recipe, base)
        if pairs:
            self.corpora.pairs = [some[:pairs] for some in self.corpora.pairs]
        self.files = learn_tokenizer(recipe, base, self.corpora, folder)
        self.directions = directions(recipe)
        vocabulary = read_vocabulary(folder / self.files.source, self.files.kind)
        tags = [direction.tag for direction in self.directions if direction.tag]
        self.tokenizer = open_tokenizer(vocabulary, self.files, eos=0, unk=1, tags=tags)
        if self.tokenizer.size > LARGEST_ID + 1:
            raise RecipeError(f"The tokenizer has {self.tokenizer.size} pieces; a pack's ids end at {LARGEST_ID}.")
        self.decoding = decoding(recipe, self.tokenizer)
        self.longest = min(recipe.mixture.longest, LONGEST)
        self.config = with_vocabulary(recipe.network, self.tokenizer.size, self.tokenizer.size)
        self.content = {self.files.source: (folder / self.files.source).read_bytes()}

    def card(self) -> ModelCard:
        """Return the card of what will be learnt."""
        recipe = self.recipe
        return ModelCard(
            id=recipe.id,
            name=recipe.name,
            task=recipe.task,
            directions=self.directions,
            network=msgspec.structs.replace(self.config, dropout=0.0),
            tokenizer=self.files,
            decoding=self.decoding,
            licence=recipe.licence,
            training_data=self.corpora.names,
            notes=recipe.notes,
        )

    def write(self, pack: Path, tokens: int, warmup: int) -> None:
        """Write the pack; each update has about ``tokens`` target positions, the rates rise over ``warmup`` updates."""
        parts = Parts()
        corpora = []
        random = np.random.default_rng(self.recipe.schedule.seed)
        shares = zip(self.corpora.shares, self.corpora.late_shares, strict=True)
        for (share, late), pairs in zip(shares, self.corpora.pairs, strict=True):
            first = len(parts.ways)
            for pair in pairs:
                self._add_pair(parts, pair, random)
            if len(parts.ways) > first:
                place = {"first": first, "count": len(parts.ways) - first}
                corpora.append(place | {"share": float(share), "late_share": float(late)})
        if not corpora:
            raise RecipeError("The corpora give no usable example: each is empty or longer than allowed.")
        for name in ("share", "late_share"):
            total = sum(corpus[name] for corpus in corpora)
            corpora = [corpus | {name: corpus[name] / total} for corpus in corpora]
        dev = self._dev(parts)
        arrays = parts.arrays()
        schedule = msgspec.to_builtins(self.recipe.schedule)
        plan: dict[str, Any] = {
            "network": msgspec.to_builtins(self.config),
            "schedule": schedule | {"tokens": tokens, "warmup": warmup, "floor": 0.0},
            "seed": self.recipe.schedule.seed,
            "join": self.recipe.mixture.join,
            "longest": self.longest,
            "eos": self.decoding.eos,
            "start": self.decoding.start,
            "blanks": [self._blank(language.code) for language in self.recipe.languages],
            "ways": self._ways(),
            "corpora": corpora,
            "dev": dev,
            "arrays": {name: [values.dtype.str, list(values.shape)] for name, values in arrays.items()},
        }
        content: dict[str, bytes] = {"__main__.py": MAIN.encode(), "s2s_gui/description.py": NAMES.encode()}
        for name in CODE:
            content[f"s2s_gui/{name}"] = (Path(s2s_gui.__file__).parent / name).read_bytes()
        content["plan.json"] = json.dumps(plan, ensure_ascii=False).encode()
        content["card.json"] = msgspec.json.encode(self.card())
        content |= self.content
        content |= {f"{name}.xz": lzma.compress(values.tobytes()) for name, values in arrays.items()}
        _write_zip(pack, content)

    def _ways(self) -> list[dict[str, Any]]:
        weights = self.recipe.direction_weights or (1.0,) * len(self.directions)
        ways = []
        for name, direction, weight in zip(self.recipe.directions, self.directions, weights, strict=True):
            source, target = self.recipe.columns(name)
            tag = self.tokenizer.id_of(direction.tag) if direction.tag else None
            ways.append({"source": source, "target": target, "tag": -1 if tag is None else tag, "share": weight})
        return ways

    def _blank(self, language: str) -> int:
        """Return the piece that a joined text loses in a language without blanks, -1 for none."""
        id = self.tokenizer.id_of("\u2581") if language in UNSPACED else None
        return -1 if id is None else id

    def _add_pair(self, parts: Parts, pair: tuple[str, ...], random: np.random.Generator) -> None:
        self._add(parts, pair[0], pair[1], EITHER)
        for way, (columns, share) in enumerate(
            zip(self.corpora.columns, self.corpora.direction_shares, strict=True)
        ):  # a pair serves all directions, so that its varied forms must be as much rarer
            if random.random() >= share:
                continue
            plain = Example(pair[columns[0]], pair[columns[1]], way)
            varied = self.corpora.vary(plain, random)
            if varied != plain:
                sides = dict(zip(columns, (varied.source, varied.target), strict=True))
                self._add(parts, sides[0], sides[1], way)

    def _add(self, parts: Parts, first: str, second: str, way: int) -> None:
        """Store a pair unless a side is empty, or too long with tag and end symbol."""
        sides = [[piece.id for piece in self.tokenizer.encode(text)] for text in (first, second)]
        if all(0 < len(ids) <= self.longest - 2 for ids in sides):
            parts.add(sides, way)

    def _dev(self, parts: Parts) -> list[dict[str, Any]]:
        found = []
        for dev in self.recipe.dev:
            first = len(parts.ways)
            for pair in read_pairs(self.base / dev.path)[: dev.lines]:
                self._add(parts, pair[0], pair[1], EITHER)
            for way, name in enumerate(self.recipe.directions):
                if not dev.directions or name in dev.directions:
                    place = {"first": first, "count": len(parts.ways) - first, "way": way}
                    found.append({"name": f"{dev.name} {name}"} | place)
        return found


def _write_zip(path: Path, content: dict[str, bytes]) -> None:
    """Write a zip archive with the same bytes for the same content; nothing in it is compressed once more."""
    size = sum(len(one) for one in content.values())
    if size > MOST_MIB << 20:
        raise RecipeError(f"The pack would have {size / (1 << 20):.0f} MiB, more than {MOST_MIB}: leave corpora out.")
    with zipfile.ZipFile(path, "w") as archive:
        for name, one in content.items():
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), one)


def pack(recipe_path: Path, out: Path, tokens: int, warmup: int, pairs: int = 0) -> None:
    """Write the pack ``out`` of a recipe."""
    recipe = read_recipe(recipe_path)
    with tempfile.TemporaryDirectory(prefix="s2s-") as scratch:
        Packer(recipe, recipe_path.parent, Path(scratch), pairs).write(out, tokens, warmup)
