"""The graph of a Keras model: layers and what flows between them, as Keras 2 and Keras 3 write it down.

Nothing named in it is ever imported or run. Layers other than those listed here are refused by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from s2s_gui.errors import ModelError
from s2s_gui.formats.keras.container import Container, Stored, layers_of

# Layers that do nothing once training is over.
IDLE = {"Dropout", "SpatialDropout1D", "GaussianDropout", "GaussianNoise", "Masking", "ActivityRegularization"}
# Operations by which Keras 3 writes down a mask that Keras 2 leaves unsaid.
MASKS = {"NotEqual", "Any"}
CELLS = {"LSTM", "GRU"}
KNOWN = {
    *IDLE,
    *MASKS,
    *CELLS,
    "Activation",
    "AdditiveAttention",
    "Attention",
    "Bidirectional",
    "Concatenate",
    "Dense",
    "Embedding",
    "InputLayer",
    "Softmax",
}
MAX_DEPTH = 64


class Edge(NamedTuple):
    """An output of a layer: the layer's name, which of its uses, which of its outputs."""

    layer: str
    use: int
    output: int


@dataclass(frozen=True, slots=True)
class Use:
    """What a layer reads in one of its uses; ``states`` are the first states of an LSTM or GRU."""

    inputs: tuple[Edge, ...]
    states: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer; one that Keras wraps in TimeDistributed or Bidirectional stands here itself."""

    name: str
    kind: str
    config: Mapping[str, Any]
    both_ways: bool
    uses: tuple[Use, ...]
    arrays: tuple[Stored, ...]

    @property
    def is_cell(self) -> bool:
        """Whether it is an LSTM or GRU."""
        return self.kind in CELLS


@dataclass(frozen=True, slots=True)
class Graph:
    """A model's layers by name, its inputs and its only output."""

    path: Path
    layers: Mapping[str, Layer]
    inputs: tuple[Edge, ...]
    output: Edge

    def at(self, edge: Edge) -> tuple[Layer, Use]:
        """Return the layer that gives ``edge`` and the use it gives it in."""
        layer = self.layers.get(edge.layer)
        if layer is None or not (0 <= edge.use < len(layer.uses) or (layer.kind == "InputLayer" and edge.use == 0)):
            self.refuse(f"it is damaged: the layer {edge.layer!r} is used but not described.")
        return layer, layer.uses[edge.use] if layer.uses else Use((), ())

    def source(self, edge: Edge) -> Edge:
        """Return where ``edge`` really comes from, before layers that do nothing after training."""
        for _ in range(MAX_DEPTH):
            layer, use = self.at(edge)
            is_linear = layer.kind == "Activation" and layer.config.get("activation") == "linear"
            if layer.kind not in IDLE and not is_linear:
                return edge
            edge = self.only(layer, use)
        return self.refuse("it is damaged: its layers feed themselves.")

    def is_masking(self, edge: Edge) -> bool:
        """Say whether a Masking layer lies right behind ``edge``."""
        for _ in range(MAX_DEPTH):
            layer, use = self.at(edge)
            if layer.kind not in IDLE or layer.kind == "Masking":
                return layer.kind == "Masking"
            edge = self.only(layer, use)
        return False

    def only(self, layer: Layer, use: Use) -> Edge:
        """Return the one input of a layer."""
        if len(use.inputs) != 1:
            self.refuse(f"the layer {layer.name!r} has {len(use.inputs)} inputs where one is expected.")
        return use.inputs[0]

    def refuse(self, what: str) -> NoReturn:
        """Raise ``ModelError`` with a sentence about the model."""
        raise ModelError(str(self.path), [f"{self.path.name} cannot be used as a translator: {what}"])


def read_graph(container: Container, path: Path) -> Graph:
    """Return the graph of the model; raise ``ModelError`` for layers that are not known here and for damage."""
    layers = {}
    for raw in layers_of(container.model, path):
        layer = _layer(raw, container, path)
        layers[layer.name] = layer
    config = container.model["config"]
    inputs, outputs = _edges(config.get("input_layers")), _edges(config.get("output_layers"))
    graph = Graph(path, layers, inputs, outputs[0] if outputs else Edge("", 0, 0))
    if len(outputs) != 1:
        graph.refuse(f"it has {len(outputs)} outputs; the model that was trained has one, the next token.")
    if len(inputs) != 2:
        graph.refuse(
            f"it has {len(inputs)} inputs; the model that was trained has two, the source and the target so far."
        )
    return graph


def _layer(raw: dict[str, Any], container: Container, path: Path) -> Layer:
    name = str(raw.get("name", raw["config"].get("name")))
    kind, config = _kind(raw, name, path), raw["config"]
    both_ways = kind == "Bidirectional"
    if kind in ("TimeDistributed", "Bidirectional"):
        inner = config.get("layer")
        if not isinstance(inner, dict) or not isinstance(inner.get("config"), dict):
            raise ModelError(str(path), [f"{path.name} is damaged: the layer {name!r} wraps nothing."])
        if both_ways and config.get("merge_mode", "concat") != "concat":
            raise ModelError(
                str(path),
                [f"The layer {name!r} joins its directions by {config['merge_mode']!r}; only 'concat' can be read."],
            )
        kind, config = _kind(inner, name, path), inner["config"]
        if both_ways and kind not in CELLS:
            raise ModelError(str(path), [f"The layer {name!r} runs a {kind} both ways, which cannot be read."])
    if kind not in KNOWN:
        why = " It holds program code, which is never run here." if kind == "Lambda" else ""
        raise ModelError(
            str(path), [f"{path.name} has the layer {name!r} of the kind {kind}, which cannot be read.{why}"]
        )
    if kind in CELLS:
        _check_cell(name, kind, config, path)
    nodes = raw.get("inbound_nodes", [])
    uses = tuple(_use(node, is_cell=kind in CELLS) for node in nodes) if isinstance(nodes, list) else ()
    return Layer(name, kind, config, both_ways, uses, container.arrays.get(name, ()))


def _kind(raw: dict[str, Any], name: str, path: Path) -> str:
    """Return a layer's class, if it is one of Keras' own."""
    kind, module, registered = raw.get("class_name"), raw.get("module"), raw.get("registered_name")
    is_own = module is None or (isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras"))
    if not isinstance(kind, str) or not is_own or (registered is not None and registered != kind):
        raise ModelError(
            str(path),
            [f"{path.name} has the layer {name!r} of the author's own kind {registered or kind!r}: it cannot be read."],
        )
    return kind


def _check_cell(name: str, kind: str, config: Mapping[str, Any], path: Path) -> None:
    faults = []
    if config.get("activation", "tanh") != "tanh":
        faults.append(f"The {kind} {name!r} has the activation {config['activation']!r}; only 'tanh' can be read.")
    if config.get("recurrent_activation", "sigmoid") not in ("sigmoid", "hard_sigmoid"):
        faults.append(f"The {kind} {name!r} has gates by {config['recurrent_activation']!r}, which cannot be read.")
    faults += [
        f"The {kind} {name!r} was made with {option}=True, which cannot be read."
        for option in ("time_major", "stateful")
        if config.get(option)
    ]
    if type(config.get("units")) is not int or not 0 < config["units"] <= 8192:
        faults.append(f"The {kind} {name!r} has {config.get('units')!r} units; from 1 to 8192 can be read.")
    if faults:
        raise ModelError(str(path), faults)


def _use(node: Any, *, is_cell: bool) -> Use:
    if isinstance(node, dict):
        kwargs = node.get("kwargs")
        states = list(_tensors(kwargs.get("initial_state"))) if isinstance(kwargs, dict) else []
        inputs = list(_tensors(node.get("args")))
        if isinstance(kwargs, dict):
            inputs += [edge for key in ("sequences", "inputs") for edge in _tensors(kwargs.get(key))]
    else:
        inputs, states = list(_edges(node)), []
        if isinstance(node, list):
            extra = [one[3] for one in node if isinstance(one, list) and len(one) > 3 and isinstance(one[3], dict)]
            states = [edge for kwargs in extra for edge in _edges(kwargs.get("initial_state"))]
    if is_cell and len(inputs) > 1:
        inputs, states = inputs[:1], inputs[1:] + states
    return Use(tuple(inputs), tuple(states))


def _tensors(value: Any, depth: int = 0) -> Iterator[Edge]:
    """Yield the tensors that Keras 3 writes into arguments, however they are nested."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        config = value.get("config")
        yield from _edges([config.get("keras_history")] if isinstance(config, dict) else None)
    elif isinstance(value, list) and depth < 4:
        for one in value:
            yield from _tensors(one, depth + 1)


def _edges(value: Any) -> tuple[Edge, ...]:
    """Return the edges of a list [[layer, use, output, ...], ...]; Keras 3 leaves the outer list away for one."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        value = [value]
    if not isinstance(value, list):
        return ()
    return tuple(Edge(one[0], one[1], one[2]) for one in value if _is_edge(one))


def _is_edge(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) >= 3
        and isinstance(value[0], str)
        and type(value[1]) is int
        and type(value[2]) is int
    )
