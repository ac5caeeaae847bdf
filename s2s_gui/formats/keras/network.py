"""From the training graph of a Keras sequence-to-sequence model to its encoder and the step of its decoder.

The model that was trained has two inputs and one output. The decoder is what leads from the output down to the target
input; the encoder is what the decoder's first states, and the attention's memory, come from.
"""

from dataclasses import dataclass
from itertools import pairwise

from s2s_gui.description import RecurrentConfig
from s2s_gui.formats.keras.graph import MAX_DEPTH, Edge, Graph, Layer


@dataclass(frozen=True, slots=True)
class Side:
    """LSTMs or GRUs one upon the other, lowest first, and the input below them.

    ``embedding`` is None where the input is one-hot. ``size`` is the number of ids, ``width`` that of values per id.
    """

    cells: tuple[Layer, ...]
    embedding: Layer | None
    size: int
    width: int
    is_masked: bool
    input: str


@dataclass(frozen=True, slots=True)
class KerasNetwork:
    """The parts by their work; ``context_first`` is the order in which context and decoder output are joined.

    ``initial``: for each of the decoder's layers the encoder's layer that its first state comes from.
    """

    source: Side
    target: Side
    initial: tuple[int, ...]
    attention: Layer | None
    context_first: bool
    readout: Layer | None
    output: Layer

    def config(self, version: str) -> RecurrentConfig:
        """Return our network's configuration; the file's vocabularies get places for "unknown" and "end" later."""
        top = self.target.cells[-1]
        widths = [self.source.width, self.target.width, self.readout.config["units"] if self.readout else 0]
        gates = {"sigmoid": "sigmoid", "hard_sigmoid": "clipped-fifth" if _major(version) < 3 else "clipped-sixth"}
        by_layer = tuple(range(len(self.source.cells)))
        return RecurrentConfig(
            self.source.size,
            self.target.size,
            cell="lstm" if top.kind == "LSTM" else "gru",
            layers=len(self.source.cells),
            width=max(widths),
            hidden=top.config["units"],
            bidirectional=self.source.cells[0].both_ways,
            reverse_source=bool(self.source.cells[0].config.get("go_backwards")),
            attention=_score(self.attention),  # type: ignore[arg-type]
            tied="none",
            scale_embedding=False,
            readout=self.readout is not None,
            gates=gates[top.config.get("recurrent_activation", "sigmoid")],  # type: ignore[arg-type]
            reset_after=top.kind == "LSTM" or bool(top.config.get("reset_after", False)),
            initial=() if self.initial == by_layer else self.initial,
        )


def understand(graph: Graph) -> KerasNetwork:
    """Find the parts; raise ``ModelError`` with what the network lacks or has too much."""
    output, below = _output(graph)
    layer, use = graph.at(below)
    readout = None
    if layer.kind == "Dense":
        if layer.config.get("activation") != "tanh":
            graph.refuse(f"the Dense layer {layer.name!r} before the output must have the activation 'tanh'.")
        readout = layer
        below = graph.source(graph.only(layer, use))
        layer, use = graph.at(below)
    attention, memory, context_first = None, None, False
    if layer.kind == "Concatenate":
        below, memory, attention, context_first = _joined(graph, layer, [graph.source(edge) for edge in use.inputs])
    target, states = _side(graph, below, "target")
    source, initial = _encoder(graph, memory, states)
    found = KerasNetwork(source, target, initial, attention, context_first, readout, output)
    _check(graph, found)
    return found


def _output(graph: Graph) -> tuple[Layer, Edge]:
    """Return the Dense layer of the output and what it reads."""
    layer, use = graph.at(graph.source(graph.output))
    activation = layer.config.get("activation")
    if layer.kind == "Softmax" or (layer.kind == "Activation" and activation == "softmax"):
        layer, use = graph.at(graph.source(graph.only(layer, use)))
        activation = "softmax" if layer.config.get("activation") in ("linear", None) else None
    if layer.kind != "Dense" or activation not in ("softmax", "linear"):
        graph.refuse(f"its output is the layer {layer.name!r}, not a Dense layer with a softmax over the vocabulary.")
    return layer, graph.source(graph.only(layer, use))


def _joined(graph: Graph, layer: Layer, edges: list[Edge]) -> tuple[Edge, Edge, Layer, bool]:
    """Return the decoder's output, the memory, the attention, and whether its context comes first."""
    places = [i for i, edge in enumerate(edges) if graph.at(edge)[0].kind in ("Attention", "AdditiveAttention")]
    if len(edges) != 2 or len(places) != 1 or layer.config.get("axis", -1) not in (-1, 2):
        graph.refuse(f"the layer {layer.name!r} must join the decoder's output with one attention's context.")
    attention, use = graph.at(edges[places[0]])
    inputs = [graph.source(edge) for edge in use.inputs]
    if len(inputs) not in (2, 3) or inputs[0] != edges[1 - places[0]] or inputs[-1] != inputs[1]:
        graph.refuse(f"the attention {attention.name!r} must look with the decoder's output at the encoder's outputs.")
    if attention.kind == "Attention" and attention.config.get("score_mode", "dot") != "dot":
        graph.refuse(f"the attention {attention.name!r} scores by {attention.config['score_mode']!r}, not by 'dot'.")
    return inputs[0], inputs[1], attention, places[0] == 0


def _side(graph: Graph, top: Edge, name: str) -> tuple[Side, list[tuple[Edge, ...]]]:
    """Follow LSTMs or GRUs from the topmost one's output down to the input; return them and their first states."""
    cells: list[Layer] = []
    states: list[tuple[Edge, ...]] = []
    edge, is_masked = top, False
    for _ in range(MAX_DEPTH):
        layer, use = graph.at(edge)
        if not layer.is_cell:
            break
        if edge.output:
            graph.refuse(f"a last state of the layer {layer.name!r} is used where its outputs are expected.")
        cells.insert(0, layer)
        states.insert(0, use.states)
        below = graph.only(layer, use)
        is_masked = graph.is_masking(below)
        edge = graph.source(below)
    if not cells:
        graph.refuse(
            f"no LSTM or GRU leads to the {name} input, but the layer {layer.name!r} of the kind {layer.kind}."
        )
    embedding = None
    if layer.kind == "Embedding":
        embedding = layer
        is_masked = is_masked or bool(layer.config.get("mask_zero"))
        edge = graph.source(graph.only(layer, use))
        layer, use = graph.at(edge)
    if layer.kind != "InputLayer":
        graph.refuse(f"the {name} input does not lead straight to an LSTM or GRU: the layer {layer.name!r} is between.")
    if embedding is not None:
        size, width = embedding.config.get("input_dim"), embedding.config.get("output_dim")
    else:
        shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
        size = width = shape[2] if isinstance(shape, list) and len(shape) == 3 else None
    if type(size) is not int or type(width) is not int or not 2 <= size <= 1 << 20 or not 1 <= width <= 8192:
        graph.refuse(
            f"its {name} input {layer.name!r} is neither one-hot vectors of a fixed size up to 8192 nor numbers of"
            " tokens for an Embedding layer."
        )
    return Side(tuple(cells), embedding, size, width, is_masked, layer.name), states


def _encoder(graph: Graph, memory: Edge | None, states: list[tuple[Edge, ...]]) -> tuple[Side, tuple[int, ...]]:
    """Return the encoder and which of its layers each of the decoder's layers begins with."""
    origins = [_origin(graph, edges) for edges in states]
    tops = [Edge(layer.name, use, 0) for layer, use in origins] if memory is None else [memory]
    source = max((_side(graph, top, "source")[0] for top in tops), key=lambda side: len(side.cells))
    names = [layer.name for layer in source.cells]
    if any(layer.name not in names for layer, _ in origins):
        graph.refuse("the decoder's layers begin with states of different encoders.")
    return source, tuple(names.index(layer.name) for layer, _ in origins)


def _origin(graph: Graph, states: tuple[Edge, ...]) -> tuple[Layer, int]:
    """Return the encoder's layer, and its use, whose last state a decoder's layer begins with."""
    if not states:
        graph.refuse("a layer of its decoder does not begin with the encoder's last state.")
    found: list[tuple[Edge, ...]] = []
    for state in states:
        edge = graph.source(state)
        layer, use = graph.at(edge)
        if layer.kind == "Concatenate":
            found.append(tuple(graph.source(part) for part in use.inputs))
        else:
            found.append((edge,))
    first = found[0][0]
    layer, _ = graph.at(first)
    count = 2 if layer.kind == "LSTM" else 1
    wanted = [
        tuple(Edge(first.layer, first.use, 1 + state + count * side) for side in range(2 if layer.both_ways else 1))
        for state in range(count)
    ]
    # Without return_sequences a GRU's output is its last state.
    is_output = layer.kind == "GRU" and not layer.both_ways and not layer.config.get("return_sequences")
    if not layer.is_cell or (found != wanted and not (is_output and found == [(first._replace(output=0),)])):
        graph.refuse(
            "its decoder must begin with the encoder's last states as they are, in their order"
            " (of a bidirectional encoder: forward and backward joined by Concatenate)."
        )
    return layer, first.use


def _check(graph: Graph, network: KerasNetwork) -> None:
    """Refuse what our network does not have."""
    encoder, decoder = network.source.cells, network.target.cells
    if network.source.input == network.target.input:
        graph.refuse("source and target are the same input.")
    if any(cell.both_ways or cell.config.get("go_backwards") for cell in decoder):
        graph.refuse("its decoder reads the target backwards.")
    if any(cell.config.get("go_backwards") for cell in encoder) and (len(encoder) > 1 or encoder[0].both_ways):
        graph.refuse("go_backwards can be read only where the encoder is one layer that runs one way.")
    if not decoder[-1].config.get("return_sequences"):
        graph.refuse(f"the layer {decoder[-1].name!r} of its decoder gives only its last output.")
    if network.attention is not None and not encoder[-1].config.get("return_sequences"):
        graph.refuse(f"the layer {encoder[-1].name!r}, which the attention looks at, gives only its last output.")
    for below, above in (*pairwise(encoder), *pairwise(decoder)):
        if not below.config.get("return_sequences"):
            graph.refuse(f"the layer {below.name!r} gives {above.name!r} only its last output.")
    if len({cell.both_ways for cell in encoder}) > 1:
        graph.refuse("some layers of its encoder run both ways and some do not.")
    for what, values in (
        ("kinds of cells", {cell.kind for cell in (*encoder, *decoder)}),
        ("activations of gates", {cell.config.get("recurrent_activation", "sigmoid") for cell in (*encoder, *decoder)}),
        ("settings of reset_after", {bool(cell.config.get("reset_after")) for cell in (*encoder, *decoder)}),
        (
            "sizes of states",
            {cell.config["units"] * (2 if cell.both_ways else 1) for cell in (*encoder, *decoder)},
        ),
    ):
        if len(values) > 1:
            graph.refuse(f"its encoder and decoder have different {what}: {', '.join(sorted(map(str, values)))}.")
    units = network.output.config.get("units")
    if units != network.target.size:
        graph.refuse(f"it reads {network.target.size} target tokens but writes {units!r}; both must be the same.")
    if network.readout is not None and type(network.readout.config.get("units")) is not int:
        graph.refuse(f"the layer {network.readout.name!r} does not say its number of units.")


def _score(attention: Layer | None) -> str:
    if attention is None:
        return "none"
    return "luong" if attention.kind == "Attention" else "concat"


def _major(version: str) -> int:
    head = version.split(".")[0]
    return int(head) if head.isdigit() else 2
