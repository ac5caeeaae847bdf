"""What a training run is: corpora and their balance, tokenizer, network, schedule, budget. Read from TOML.

Every option is a field here and nowhere else; an unknown key is refused by its name. Paths are relative to the
recipe's own folder.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from s2s_gui.description import DecodingDefaults, Language, NetworkConfig, Rate, RecurrentConfig, TransformerConfig
from s2s_gui.errors import RecipeError

Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Weight = Annotated[float, msgspec.Meta(gt=0)]


class Corpus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parallel text: TSV, plain or .xz, one pair a line, columns in the order of ``languages``.

    ``weight``: how many passes it gets for one pass of a corpus of weight 1 (at temperature 1). ``late_weight`` takes
    its place once the rate falls: what is learnt last is kept best, so the cleanest text should come then.
    """

    path: str
    weight: Weight = 1.0
    licence: Literal["open", "unclear", "non-commercial"] = "open"
    late_weight: Weight | None = None


class DevSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Held-out pairs in the same form; the first ``lines`` of them are looked at during training."""

    name: str
    path: str
    lines: Positive = 200
    directions: tuple[str, ...] = ()


class TestSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a finished model is measured on: paths as ``s2s evaluate`` takes them, ``:N`` for a column of a TSV file."""

    name: str
    direction: str
    source: str
    references: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    lowercase: bool = False


class Mixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How corpora become a stream of examples.

    A corpus of n pairs and weight w has the share (n w)^(1 / temperature). ``join``: share of examples that are two
    to four pairs put together, so that long input is met. ``lower``, ``upper``: share whose source is in that case.
    ``no_final_mark``: share that loses the final punctuation on both sides. ``marks``: share where a word or number
    that both sides have gives way to one of the marks of ``text/protected.py``, or one is put at the ends; with any,
    addresses, code and the like always do. ``late``: while the rate falls, the corpora's late weights hold.
    ``licences`` is the switch for whose text is used.
    """

    temperature: Annotated[float, msgspec.Meta(ge=1)] = 1.0
    join: Share = 0.0
    lower: Share = 0.0
    upper: Share = 0.0
    no_final_mark: Share = 0.0
    marks: Share = 0.0
    late: bool = False
    longest: Annotated[int, msgspec.Meta(ge=4, le=4096)] = 128
    licences: tuple[Literal["open", "unclear", "non-commercial"], ...] = ("open", "unclear", "non-commercial")


class TokenizerPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokenizer to learn, or with ``path`` the SentencePiece model to take."""

    kind: Literal["sentencepiece", "words", "characters"] = "sentencepiece"
    size: Annotated[int, msgspec.Meta(ge=4, le=1 << 20)] = 16000
    path: str = ""
    coverage: Annotated[float, msgspec.Meta(gt=0.9, le=1)] = 0.9995
    lines: Positive = 1_000_000


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how fast to learn.

    The budget is ``minutes`` of wall time spent in training, or ``updates`` where that is not 0. The rate rises over
    ``warmup`` updates, holds until the share ``hold`` of the budget, then falls in a straight line to ``floor`` of
    itself at the budget's end. ``tokens``: padded target tokens of a batch in one process; while less than a share of
    the budget is spent, the entries of ``early_tokens`` (share, tokens) hold instead.
    """

    minutes: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    updates: Annotated[int, msgspec.Meta(ge=0)] = 0
    tokens: Positive = 4096
    early_tokens: tuple[tuple[Share, Positive], ...] = ()
    optimiser: Literal["muon", "adamw"] = "muon"
    matrix_rate: Weight = 2e-3
    rate: Weight = 2e-3
    warmup: Annotated[int, msgspec.Meta(ge=0)] = 80
    hold: Share = 0.6
    floor: Share = 0.02
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    clip: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    label_smoothing: Rate = 0.1
    average: Rate = 0.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = 1


class Guide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trained model with the same tokenizer whose attention the network learns to follow at first.

    A Transformer finds out late where to look; a recurrent model soon does, and showing it saves the early hours.
    ``path`` is the model's folder, ``weight`` that of the guiding loss beside the main one; it ends when the share
    ``until`` of the budget is spent.
    """

    path: str
    weight: Weight = 0.5
    until: Share = 0.4


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When to look at the dev sets and when to give up.

    Every ``every`` minutes (or updates, where the budget is in updates) the dev sets are scored. ``metric`` decides
    which weights are the best; after ``patience`` looks without a better one training stops (0: never).
    """

    every: Weight = 10.0
    save_every_minutes: Weight = 5.0
    metric: Literal["loss", "bleu", "chrf"] = "loss"
    patience: Annotated[int, msgspec.Meta(ge=0)] = 0


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole training run. ``languages`` names the corpora's columns; ``directions`` what is learnt ("en > zh").

    With more than one direction each source begins with a tag piece that names the target ("<2zh>").
    ``direction_weights`` balances them; empty means alike. ``published`` says what others score on the test sets.
    """

    id: str
    name: str
    licence: str
    notes: str = ""
    published: str = ""
    task: Literal["translate", "summarise", "generate"] = "translate"
    languages: tuple[Language, Language]
    directions: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    direction_weights: tuple[Weight, ...] = ()
    corpora: Annotated[tuple[Corpus, ...], msgspec.Meta(min_length=1)]
    dev: tuple[DevSet, ...] = ()
    test: tuple[TestSet, ...] = ()
    mixture: Mixture = Mixture()
    tokenizer: TokenizerPlan = TokenizerPlan()
    network: NetworkConfig
    decoding: DecodingDefaults = DecodingDefaults()
    schedule: Schedule = Schedule()
    watch: Watch = Watch()
    guide: Guide | None = None

    def columns(self, direction: str) -> tuple[int, int]:
        """Return the columns of source and target of ``direction``."""
        names = [language.code for language in self.languages]
        source, _, target = (part.strip() for part in direction.partition(">"))
        if source not in names or target not in names or source == target:
            raise RecipeError(
                f'The direction "{direction}" is not made of the recipe\'s languages {" and ".join(names)}.'
            )
        return names.index(source), names.index(target)

    def tag(self, direction: str) -> str:
        """Return the piece that asks for the direction's target, "" in a recipe of one direction."""
        target = self.languages[self.columns(direction)[1]]
        return f"<2{target.code}>" if len(self.directions) > 1 else ""


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe; raises ``RecipeError`` with what is wrong.

    ``data`` may name a file, relative to the recipe, whose tables several recipes share; a table that the recipe has
    itself takes their place. Test sets of directions that the recipe does not have are left out.
    """
    table = _table(path)
    data = table.pop("data", "")
    if data:
        table = _table(path.parent / str(data)) | table
    for side in ("source_vocabulary", "target_vocabulary"):  # known only when the tokenizer is; see trainer
        if isinstance(table.get("network"), dict):
            table["network"].setdefault(side, 2)
    try:
        recipe = msgspec.convert(table, Recipe)
    except msgspec.ValidationError as error:
        raise RecipeError(f"The recipe {path} is not right: {error}.") from error
    for direction in recipe.directions:
        recipe.columns(direction)
    recipe = msgspec.structs.replace(
        recipe, test=tuple(one for one in recipe.test if one.direction in recipe.directions)
    )
    if recipe.direction_weights and len(recipe.direction_weights) != len(recipe.directions):
        raise RecipeError(f"The recipe {path} has {len(recipe.directions)} directions but other direction_weights.")
    if faults := recipe.network.faults():
        raise RecipeError(f"The network of {path} is not right: {' '.join(faults)}")
    return recipe


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"There is no recipe {path}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"The recipe {path} cannot be read: {error}.") from error


def with_vocabulary(config: NetworkConfig, source: int, target: int) -> RecurrentConfig | TransformerConfig:
    """Return the network's configuration with the sizes of the learnt vocabularies."""
    return msgspec.structs.replace(config, source_vocabulary=source, target_vocabulary=target)
