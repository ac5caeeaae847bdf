"""Read sequence-to-sequence models of Keras: LSTM or GRU, one-hot or embedded, with or without attention.

The model of the Keras documentation, "Character-level recurrent sequence-to-sequence model", and its kin, saved by
Keras 2 or 3. What it computes is rebuilt from its graph; nothing in the file is run.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

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
from s2s_gui.formats.keras.characters import PADDING, Characters, numberings, read_characters
from s2s_gui.formats.keras.container import Stored, is_keras, open_container
from s2s_gui.formats.keras.graph import Layer, read_graph
from s2s_gui.formats.keras.network import KerasNetwork, Side, understand
from s2s_gui.formats.lazy import Array, LazyWeights, zeros
from s2s_gui.formats.naming import card_id, directions_of, language
from s2s_gui.formats.numbering import EOS, NEVER, UNK, Numbering, gathered

UNKNOWN = Language("und")
LONGEST = 128
MAX_RATIO = 4.0
# Both sides get tables of one width, which may make more of a file than it holds.
MOST_VALUES = 1 << 28
Maker = Callable[[], Array]


def recognises(path: Path) -> bool:
    """Say whether ``path`` is a ``.keras`` or ``.h5`` file, by its first bytes."""
    return path.is_file() and is_keras(path)


def read(path: Path) -> ModelDescription:
    """Return the model in the file; raise ``ModelError`` if it, or the list of characters beside it, is not usable."""
    container = open_container(path)
    network = understand(read_graph(container, path))
    _check_arrays(network, path)
    most = max(network.source.size, network.target.size) * network.config(container.version).width
    if most > MOST_VALUES:
        raise ModelError(str(path), [f"Its tables would have {most:,} values; up to {MOST_VALUES:,} can be read."])
    characters, side_file = read_characters(path, network)
    source, target = numberings(characters, network)
    config = msgspec.structs.replace(
        network.config(container.version), source_vocabulary=len(source.tokens), target_vocabulary=len(target.tokens)
    )
    card = ModelCard(
        id=card_id(characters.name or path.stem),
        name=characters.name or path.stem,
        directions=_directions(characters, path),
        network=config,
        tokenizer=TokenizerFiles(
            "source.json", "target.json", "words" if characters.has_words else "characters", specials=_specials(source)
        ),
        decoding=_decoding(characters, network, source, target),
        licence=characters.licence or "unknown",
    )
    kinds = {array.dtype for layer in _layers(network) for array in layer.arrays}
    return ModelDescription(
        card,
        _weights(network, config, source, target),
        Vocabulary(side_file.name, tokens=source.tokens),
        Vocabulary(side_file.name, tokens=target.tokens),
        format=f"Keras {container.version}",
        precision=", ".join(sorted(f"fp{kind.removeprefix('float')}" for kind in kinds)),
        files=(path, side_file),
    )


def _directions(characters: Characters, path: Path) -> tuple[Direction, ...]:
    sides = [language(code) if code else None for code in (characters.source_language, characters.target_language)]
    if any(sides):
        return (Direction(sides[0] or UNKNOWN, sides[1] or UNKNOWN),)
    return directions_of(path.stem) or (Direction(UNKNOWN, UNKNOWN),)


def _specials(source: Numbering) -> tuple[str, ...]:
    return (PADDING,) if PADDING in source.tokens[EOS:] else ()


def _decoding(characters: Characters, network: KerasNetwork, source: Numbering, target: Numbering) -> DecodingDefaults:
    """Without a mask the padding of the training runs through the encoder, and so it must here."""
    start = target.tokens.index(characters.start)
    padding = [id for id, token in enumerate(target.tokens) if token == PADDING and id != UNK]
    is_filled = not network.source.is_masked
    filler = -1
    if characters.source_padding:
        filler = source.tokens.index(characters.source_padding)
    elif network.source.embedding is not None and is_filled:
        filler = source.id_of(0)
    return DecodingDefaults(
        eos=EOS,
        unk=UNK,
        start=start,
        never=(*padding, *(() if start == EOS else (start,))),
        source_end=(),
        pad_source_to=characters.longest_source if is_filled else 0,
        pad_source_with=filler,
        max_length_ratio=MAX_RATIO,
        max_source=max(4, characters.longest_source or LONGEST),
    )


def _layers(network: KerasNetwork) -> list[Layer]:
    single = (network.source.embedding, network.target.embedding, network.attention, network.readout, network.output)
    return [*network.source.cells, *network.target.cells, *(layer for layer in single if layer is not None)]


def _check_arrays(network: KerasNetwork, path: Path) -> None:
    """Compare every array's shape with what the layers' descriptions demand."""
    hidden = network.target.cells[-1].config["units"]
    seen = hidden * (2 if network.attention else 1)
    wanted: list[tuple[Layer, list[tuple[int, ...]]]] = []
    for side in (network.source, network.target):
        width = side.width
        if side.embedding is not None:
            wanted.append((side.embedding, [(side.size, side.width)]))
        for cell in side.cells:
            one_way = _cell_shapes(cell, width)
            wanted.append((cell, one_way * 2 if cell.both_ways else one_way))
            width = cell.config["units"] * (2 if cell.both_ways else 1)
    if network.readout is not None:
        wanted.append((network.readout, _dense_shapes(network.readout, seen)))
        seen = network.readout.config["units"]
    wanted.append((network.output, _dense_shapes(network.output, seen)))
    if network.attention is not None and network.attention.kind == "AdditiveAttention":
        wanted.append((network.attention, [(hidden,)] if network.attention.config.get("use_scale", True) else []))
    elif network.attention is not None:
        wanted.append((network.attention, [()] if network.attention.config.get("use_scale") else []))
    faults = [
        f"The layer {layer.name!r} has arrays of the shapes {_shapes([array.shape for array in layer.arrays])};"
        f" by the model's description it needs {_shapes(shapes)}."
        for layer, shapes in wanted
        if [array.shape for array in layer.arrays] != shapes
    ]
    if faults:
        raise ModelError(str(path), faults)


def _cell_shapes(cell: Layer, width: int) -> list[tuple[int, ...]]:
    units = cell.config["units"]
    columns = units * (4 if cell.kind == "LSTM" else 3)
    shapes: list[tuple[int, ...]] = [(width, columns), (units, columns)]
    if cell.config.get("use_bias", True):
        shapes.append((2, columns) if cell.kind == "GRU" and cell.config.get("reset_after") else (columns,))
    return shapes


def _dense_shapes(layer: Layer, width: int) -> list[tuple[int, ...]]:
    units = layer.config["units"]
    return [(width, units), (units,)] if layer.config.get("use_bias", True) else [(width, units)]


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(str(list(shape)) for shape in shapes) or "none"


def _weights(network: KerasNetwork, config: RecurrentConfig, source: Numbering, target: Numbering) -> LazyWeights:
    wanted: dict[str, Maker] = {
        "source_embedding.weight": partial(_embedding, network.source, source.rows, config.width),
        "target_embedding.weight": partial(_embedding, network.target, target.rows, config.width),
        "output.weight": gathered(network.output.name, partial(_dense, network, network.output, config), target.rows),
        "output_bias": gathered(network.output.name, _bias(network.output), target.rows, NEVER),
    }
    for name, side in (("encoder", network.source), ("decoder", network.target)):
        for i, cell in enumerate(side.cells):
            arrays = len(cell.arrays) // (2 if cell.both_ways else 1)
            wanted |= _cell(f"{name}.", f"_l{i}", cell, cell.arrays[:arrays], config.width if i == 0 else None)
            if cell.both_ways:
                backwards = cell.arrays[arrays:]
                wanted |= _cell(f"{name}.", f"_l{i}_reverse", cell, backwards, config.width if i == 0 else None)
    if network.readout is not None:
        wanted["readout.weight"] = partial(_dense, network, network.readout, config)
        wanted["readout.bias"] = partial(_widened, _bias(network.readout), config.width)
    if network.attention is not None:
        wanted |= _attention(network.attention, config.hidden)
    return LazyWeights(wanted)


def _embedding(side: Side, rows: Sequence[int], width: int) -> Array:
    """Return the table of an Embedding layer, or unit vectors for a one-hot input, with zeros up to ``width``."""
    table = np.zeros((len(rows), width), np.float32)
    is_skipped = side.embedding is not None and side.is_masked
    known = [(id, row) for id, row in enumerate(rows) if row >= 0 and not (row == 0 and is_skipped)]
    ids, places = [id for id, _ in known], [row for _, row in known]
    if side.embedding is None:
        table[ids, places] = 1
    else:
        table[ids, : side.width] = side.embedding.arrays[0].read()[places]
    return table


def _cell(prefix: str, suffix: str, cell: Layer, arrays: Sequence[Stored], width: int | None) -> Mapping[str, Maker]:
    """Return an LSTM's or GRU's weights as PyTorch has them; ``width`` if the input is wider than the kernel."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {f"{prefix}{name}{suffix}": partial(_cell_weight, name, cell, arrays, width) for name in names}


def _cell_weight(name: str, cell: Layer, arrays: Sequence[Stored], width: int | None) -> Array:
    """Return one of a cell's weights; a GRU's gates are z, r, h in Keras and r, z, n in PyTorch."""
    units = cell.config["units"]
    if name == "weight_ih":
        array = arrays[0].read().T
        array = array if width is None else _widened(lambda: array, width)
    elif name == "weight_hh":
        array = arrays[1].read().T
    elif len(arrays) < 3:
        array = np.zeros(units * (4 if cell.kind == "LSTM" else 3), np.float32)
    else:
        biases = arrays[2].read()
        biases = biases if biases.ndim == 2 else np.stack((biases, np.zeros_like(biases)))
        array = biases[0 if name == "bias_ih" else 1]
    if cell.kind == "GRU":
        array = np.concatenate((array[units : 2 * units], array[:units], array[2 * units :]))
    return array


def _dense(network: KerasNetwork, layer: Layer, config: RecurrentConfig) -> Array:
    """Return a Dense layer's kernel, [output, input], in our order and width of inputs and outputs."""
    kernel = layer.arrays[0].read().T
    reads_readout = layer is network.output and network.readout is not None
    if network.context_first and not reads_readout:
        kernel = np.concatenate((kernel[:, config.hidden :], kernel[:, : config.hidden]), axis=1)
    if reads_readout:
        return _widened(lambda: kernel, config.width)
    if layer is network.readout:
        return _widened(lambda: kernel.T, config.width).T
    return kernel


def _bias(layer: Layer) -> Maker:
    return layer.arrays[1].read if len(layer.arrays) > 1 else zeros(layer.config["units"])


def _widened(array: Maker, width: int) -> Array:
    """Return an array whose last axis is filled up with zeros."""
    values = array()
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, width - values.shape[-1])])


def _attention(attention: Layer, hidden: int) -> Mapping[str, Maker]:
    """Return the weights of an attention that compares the vectors as they are: its products change nothing."""
    scale = attention.arrays[0].read if attention.arrays else lambda: np.ones(1, np.float32)
    if attention.kind == "Attention":
        return {"attention.key.weight": lambda: np.eye(hidden, dtype=np.float32) * scale().reshape(-1)[0]}
    return {
        "attention.key.weight": lambda: np.eye(hidden, dtype=np.float32),
        "attention.query.weight": lambda: np.eye(hidden, dtype=np.float32),
        "attention.query.bias": zeros(hidden),
        "attention.score.weight": lambda: np.broadcast_to(scale(), (hidden,)).reshape(1, hidden),
    }
