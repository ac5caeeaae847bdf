"""Read plain PyTorch state dicts of LSTM or GRU encoder-decoders, by a recipe that lies beside them.

Only weights are ever unpickled; a file with code in it, or a TorchScript program, is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    ModelDescription,
    RecurrentConfig,
    TokenizerFiles,
    Vocabulary,
)
from s2s_gui.errors import ModelError
from s2s_gui.formats.lazy import Array, LazyWeights, zeros
from s2s_gui.formats.naming import card_id, directions_of, language
from s2s_gui.formats.numbering import EOS, NEVER, UNK, Numbering, gathered, numbering
from s2s_gui.formats.pytorch import checkpoint
from s2s_gui.formats.pytorch.recipe import Names, Recipe, named, read_recipe

UNKNOWN = Language("und")
UNDER = ("state_dict", "model_state_dict", "model")
MAX_RATIO = 3.0
MOST_UNITS = 8192
MOST_VALUES = 1 << 28
KINDS = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}
Shape = tuple[int, ...]


def recognises(path: Path) -> bool:
    """Say whether ``path`` is a file that ``torch.save`` has written, whatever is in it."""
    return path.is_file() and checkpoint.is_checkpoint(path)


def read(path: Path) -> ModelDescription:
    """Return the model; raise ``ModelError`` if the weights or the recipe beside them cannot be used."""
    state = _state(checkpoint.load(path), path)
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    makers = checkpoint.tensors_of(state, path.name)
    recipe, side_file = read_recipe(path, shapes)
    names = named(recipe, shapes, path)
    source, target = (
        numbering(tokens, _place(tokens, recipe.unknown), _place(tokens, recipe.end))
        for tokens in (recipe.source_vocabulary, recipe.target_vocabulary)
    )
    config = _config(recipe, names, shapes, source, target, path)
    widths = [shapes[f"{name}.weight"][1] for name in (names.source_embedding, names.target_embedding)]
    directions = (language(recipe.source_language), language(recipe.target_language))
    card = ModelCard(
        id=card_id(recipe.name or path.stem),
        name=recipe.name or path.stem,
        directions=(Direction(directions[0] or UNKNOWN, directions[1] or UNKNOWN),)
        if any(directions)
        else directions_of(path.stem) or (Direction(UNKNOWN, UNKNOWN),),
        network=config,
        tokenizer=TokenizerFiles("source.txt", "target.txt", recipe.tokens, specials=_specials(recipe)),
        decoding=_decoding(recipe, source, target),
        licence=recipe.licence or "unknown",
    )
    return ModelDescription(
        card,
        _weights(recipe, names, config, widths, makers, source, target),
        Vocabulary(side_file.name, tokens=source.tokens),
        Vocabulary(side_file.name, tokens=target.tokens),
        format="PyTorch",
        precision=", ".join(sorted({KINDS[tensor.dtype] for tensor in state.values()})),
        files=(path, side_file),
    )


def _state(whole: Any, path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors by name, wherever the file keeps them; an encoder and decoder apart are put together."""
    if isinstance(whole, Mapping):
        whole = next((whole[name] for name in UNDER if isinstance(whole.get(name), Mapping)), whole)
    if not isinstance(whole, Mapping):
        raise _error(path, f"holds a {type(whole).__name__} and not weights by name: save model.state_dict()")
    found: dict[str, torch.Tensor] = {}
    for name, part in whole.items():
        inner = part.items() if isinstance(part, Mapping) else [("", part)]
        for rest, tensor in inner:
            full = f"{name}.{rest}" if rest else str(name)
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                found[full.removeprefix("module.")] = tensor
    if not found:
        raise _error(path, "holds no weights by name")
    for name, tensor in found.items():
        if tensor.dtype not in KINDS or tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise _error(path, f"holds {name} as a {tensor.dtype} tensor of a kind that cannot be read")
    return found


def _config(
    recipe: Recipe,
    names: Names,
    shapes: Mapping[str, Shape],
    source: Numbering,
    target: Numbering,
    path: Path,
) -> RecurrentConfig:
    """Return the network that the recipe speaks of, after comparing all tensors' shapes with it."""
    hidden = shapes.get(f"{names.decoder}.weight_hh_l0", (0, 0))[-1]
    widths = [shapes.get(f"{name}.weight", (0, 0))[-1] for name in (names.source_embedding, names.target_embedding)]
    side = hidden // 2 if recipe.bidirectional else hidden
    most = max(len(recipe.source_vocabulary), len(recipe.target_vocabulary)) * max(widths)
    if not all(1 <= size <= MOST_UNITS for size in (hidden, side, *widths)) or most > MOST_VALUES:
        raise _error(
            path, "does not hold the matrices of embeddings, LSTMs or GRUs of a usual size under the recipe's names"
        )
    wanted: dict[str, Shape] = {
        f"{names.source_embedding}.weight": (len(recipe.source_vocabulary), widths[0]),
        f"{names.target_embedding}.weight": (len(recipe.target_vocabulary), widths[1]),
        f"{names.output}.weight": (len(recipe.target_vocabulary), hidden),
        f"{names.output}.bias": (len(recipe.target_vocabulary),),
    }
    ways = ("", "_reverse") if recipe.bidirectional else ("",)
    wanted |= _cell_shapes(recipe, names.encoder, widths[0], side, ways)
    looks = recipe.attention == "bahdanau"
    wanted |= _cell_shapes(recipe, names.decoder, widths[1] + (hidden if looks else 0), hidden, ("",))
    if looks:
        for part, rows in (("Wa", hidden), ("Ua", hidden), ("Va", 1)):
            wanted[f"{names.attention}.{part}.weight"] = (rows, hidden)
            wanted[f"{names.attention}.{part}.bias"] = (rows,)
    optional = {name for name in wanted if ".bias" in name}
    missing = sorted(wanted.keys() - shapes.keys() - optional)
    strangers = sorted(shapes.keys() - wanted.keys())
    faults = []
    if missing:
        faults.append(f"By the recipe these tensors should be there: {', '.join(missing[:8])}.")
    if strangers:
        faults.append(
            f"The recipe has no use for these tensors: {', '.join(strangers[:8])}. Networks with other parts than"
            " embeddings, an LSTM or GRU on each side, one output layer and Bahdanau's attention cannot be read."
        )
    faults += [
        f"{name} has the shape {list(shapes[name])}; by the recipe it should be {list(shape)}."
        for name, shape in wanted.items()
        if name in shapes and shapes[name] != shape
    ]
    if faults:
        raise ModelError(str(path), faults)
    return RecurrentConfig(
        len(source.tokens),
        len(target.tokens),
        cell=recipe.cell,
        layers=recipe.layers,
        width=max(widths),
        hidden=hidden,
        bidirectional=recipe.bidirectional,
        reverse_source=recipe.reverse_source,
        attention=recipe.attention,
        tied="none",
        scale_embedding=False,
        readout=False,
    )


def _cell_shapes(recipe: Recipe, name: str, width: int, hidden: int, ways: tuple[str, ...]) -> dict[str, Shape]:
    rows = hidden * (4 if recipe.cell == "lstm" else 3)
    found: dict[str, Shape] = {}
    for layer in range(recipe.layers):
        fed = width if layer == 0 else hidden * len(ways)
        for way in ways:
            end = f"_l{layer}{way}"
            found[f"{name}.weight_ih{end}"], found[f"{name}.weight_hh{end}"] = (rows, fed), (rows, hidden)
            found[f"{name}.bias_ih{end}"] = found[f"{name}.bias_hh{end}"] = (rows,)
    return found


def _decoding(recipe: Recipe, source: Numbering, target: Numbering) -> DecodingDefaults:
    """What stands around the source is turned round with it in our network, so it is put the other way here."""
    around = [(source.tokens.index(token),) if token else () for token in (recipe.source_start, recipe.source_end)]
    start = target.tokens.index(recipe.start)
    never = {start, *(id for id, token in enumerate(target.tokens) if recipe.padding and token == recipe.padding)}
    return DecodingDefaults(
        eos=EOS,
        unk=UNK,
        start=start,
        never=tuple(sorted(never - {EOS, UNK})),
        source_start=around[1] if recipe.reverse_source else around[0],
        source_end=around[0] if recipe.reverse_source else around[1],
        max_length_ratio=MAX_RATIO,
        max_source=recipe.longest_source,
    )


def _specials(recipe: Recipe) -> tuple[str, ...]:
    names = (recipe.start, recipe.padding, recipe.source_start, recipe.source_end)
    return tuple(dict.fromkeys(name for name in names if name))


def _weights(
    recipe: Recipe,
    names: Names,
    config: RecurrentConfig,
    widths: Sequence[int],
    makers: Mapping[str, Callable[[], Array]],
    source: Numbering,
    target: Numbering,
) -> LazyWeights:
    def rows(name: str, side: Numbering, fill: float = 0.0) -> Callable[[], Array]:
        known = sum(row >= 0 for row in side.rows)
        return gathered(name, makers.get(name, zeros(known)), side.rows, fill)

    relu = recipe.decoder_embedding_relu
    seen = config.hidden * (1 if recipe.attention == "none" else 2)
    wanted: dict[str, Callable[[], Array]] = {
        "source_embedding.weight": partial(
            _table, rows(f"{names.source_embedding}.weight", source), config.width, relu=False
        ),
        "target_embedding.weight": partial(
            _table, rows(f"{names.target_embedding}.weight", target), config.width, relu=relu
        ),
        "output.weight": partial(
            _inserted, rows(f"{names.output}.weight", target), config.hidden, seen - config.hidden
        ),
        "output_bias": rows(f"{names.output}.bias", target, NEVER),
    }
    count = 4 if recipe.cell == "lstm" else 3
    for ours, theirs, width in (("encoder", names.encoder, widths[0]), ("decoder", names.decoder, widths[1])):
        is_both = recipe.bidirectional and ours == "encoder"
        bias = zeros(count * (config.hidden // 2 if is_both else config.hidden))
        for layer in range(recipe.layers):
            for way in ("", "_reverse") if is_both else ("",):
                end = f"_l{layer}{way}"
                for kind in ("weight_hh", "bias_ih", "bias_hh"):
                    wanted[f"{ours}.{kind}{end}"] = makers.get(f"{theirs}.{kind}{end}", bias)
                kernel = makers[f"{theirs}.weight_ih{end}"]
                wanted[f"{ours}.weight_ih{end}"] = (
                    partial(_inserted, kernel, width, config.width - width) if layer == 0 else kernel
                )
    if recipe.attention == "bahdanau":
        wanted |= _attention(names.attention, makers, config.hidden)
    return LazyWeights(wanted)


def _attention(name: str, makers: Mapping[str, Callable[[], Array]], hidden: int) -> dict[str, Callable[[], Array]]:
    """Return the attention's weights; the key's bias goes to the query, and the score's moves all scores alike."""
    query, key = (makers.get(f"{name}.{part}.bias", zeros(hidden)) for part in ("Wa", "Ua"))
    return {
        "attention.query.weight": makers[f"{name}.Wa.weight"],
        "attention.query.bias": lambda: query() + key(),
        "attention.key.weight": makers[f"{name}.Ua.weight"],
        "attention.score.weight": makers[f"{name}.Va.weight"],
    }


def _table(array: Callable[[], Array], width: int, *, relu: bool) -> Array:
    """Return a matrix whose rows are filled up with zeros to ``width``."""
    values = _inserted(array, width, 0)
    values = np.pad(values, ((0, 0), (0, width - values.shape[1])))
    return np.maximum(values, 0) if relu else values


def _inserted(array: Callable[[], Array], place: int, count: int) -> Array:
    """Return a matrix with ``count`` columns of zeros put in before column ``place``."""
    values = array()
    return np.concatenate((values[:, :place], np.zeros((len(values), count), np.float32), values[:, place:]), axis=1)


def _place(tokens: tuple[str, ...], token: str) -> int:
    return tokens.index(token) if token in tokens else -1


def _error(path: Path, words: str) -> ModelError:
    return ModelError(str(path), [f"{path.name} {words}."])
