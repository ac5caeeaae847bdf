"""Keras files made without Keras, and what Keras computes with them, written out in numpy."""

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Layers = list[dict[str, Any]]
HIDDEN = 6


@dataclass
class KerasModel:
    """Layers as Keras describes them, arrays by layer in Keras' order, and the side file."""

    layers: Layers
    arrays: dict[str, list[Array]]
    characters: dict[str, Any]
    version: str
    inputs: list[str] = field(default_factory=lambda: ["source", "target"])
    output: str = "out"

    def description(self) -> dict[str, Any]:
        is_3 = self.version.startswith("3")
        config = {
            "name": "model",
            "layers": self.layers,
            "input_layers": [[name, 0, 0] for name in self.inputs],
            "output_layers": [self.output, 0, 0] if is_3 else [[self.output, 0, 0]],
        }
        return {"class_name": "Functional", "config": config}

    def write(self, path: Path) -> Path:
        """Write ``path`` (``.keras`` or ``.h5``) and ``characters.json`` beside it."""
        path.with_name("characters.json").write_text(json.dumps(self.characters), encoding="utf-8")
        if path.suffix == ".h5":
            with h5py.File(path, "w") as root:
                self._fill_h5(root)
            return path
        inside = io.BytesIO()
        with h5py.File(inside, "w") as root:
            self._fill_keras(root)
        write_zip(
            path,
            {
                "metadata.json": json.dumps({"keras_version": self.version}).encode(),
                "config.json": json.dumps(self.description()).encode(),
                "model.weights.h5": inside.getvalue(),
            },
        )
        return path

    def _fill_h5(self, root: h5py.File) -> None:
        root.attrs["keras_version"] = self.version
        root.attrs["model_config"] = json.dumps(self.description())
        for layer in self.layers:
            group = root.create_group(f"model_weights/{layer['name']}")
            arrays = self.arrays.get(layer["name"], [])
            names = [f"{layer['name']}/cell/array_{i}:0" for i in range(len(arrays))]
            group.attrs["weight_names"] = names
            for name, array in zip(names, arrays, strict=True):
                group[name] = array.astype(np.float32)

    def _fill_keras(self, root: h5py.File) -> None:
        counts: dict[str, int] = {}
        snake = {"InputLayer": "input_layer", "AdditiveAttention": "additive_attention"}
        for layer in self.layers:
            kind = layer["class_name"]
            own = snake.get(kind, kind.lower())
            number = counts[own] = counts.get(own, -1) + 1
            inner = "cell/vars" if kind in ("LSTM", "GRU") else "vars"
            group = root.create_group(f"layers/{own}{f'_{number}' if number else ''}/{inner}")
            for i, array in enumerate(self.arrays.get(layer["name"], [])):
                group[str(i)] = array.astype(np.float32)


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def layer(kind: str, name: str, version: str, inputs: list[Any], states: list[Any] | None = None, **config: Any) -> Any:
    """Return a layer's description; ``inputs`` and ``states`` are [layer, output] pairs."""
    config = {"name": name, **config}
    if not inputs:
        nodes: list[Any] = []
    elif version.startswith("3"):
        tensors = [
            {"class_name": "__keras_tensor__", "config": {"keras_history": [one, 0, output]}} for one, output in inputs
        ]
        first = (
            {
                "class_name": "__keras_tensor__",
                "config": {"keras_history": [states[0][0], 0, states[0][1]]},
            }
            if states
            else None
        )
        more = [
            {"class_name": "__keras_tensor__", "config": {"keras_history": [one, 0, output]}}
            for one, output in states or []
        ]
        kwargs = {"initial_state": more if len(more) > 1 else first} if states else {}
        nodes = [{"args": [tensors] if len(tensors) > 1 else tensors, "kwargs": kwargs}]
    else:
        nodes = [[[one, 0, output, {}] for one, output in [*inputs, *(states or [])]]]
    return {"class_name": kind, "config": config, "name": name, "inbound_nodes": nodes}


def shape(version: str, *sizes: int | None) -> dict[str, Any]:
    return {"batch_shape" if version.startswith("3") else "batch_input_shape": [None, *sizes]}


def classic(version: str = "3.15.1") -> KerasModel:
    """The first example of Keras' documentation: one-hot characters, LSTM states handed over, no mask."""
    source, target = "abc", "\t\nxyz"
    random = np.random.default_rng(1)
    cell: dict[str, Any] = {
        "units": HIDDEN,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "return_state": True,
    }
    layers = [
        layer("InputLayer", "source", version, [], **shape(version, None, len(source))),
        layer("InputLayer", "target", version, [], **shape(version, None, len(target))),
        layer("LSTM", "read", version, [["source", 0]], **cell),
        layer("LSTM", "write", version, [["target", 0]], [["read", 1], ["read", 2]], return_sequences=True, **cell),
        layer("Dense", "out", version, [["write", 0]], units=len(target), activation="softmax"),
    ]
    arrays = {
        "read": [random.normal(size=(width, 4 * HIDDEN)) for width in (len(source), HIDDEN)],
        "write": [random.normal(size=(width, 4 * HIDDEN)) for width in (len(target), HIDDEN)],
        "out": [random.normal(size=(HIDDEN, len(target))), random.normal(size=len(target))],
    }
    for name in ("read", "write"):
        arrays[name].append(random.normal(size=4 * HIDDEN))
    characters = {
        "source_characters": list(source),
        "target_characters": list(target),
        "start": "\t",
        "end": "\n",
        "longest_source": 5,
        "source_padding": None,
    }
    return KerasModel(layers, arrays, characters, version)


def attentive(version: str = "2.15.0") -> KerasModel:
    """Embeddings with masks, a GRU of the old kind with hard gates, additive attention whose context comes first."""
    source, target = "abcd", "#.xy"
    random = np.random.default_rng(2)
    cell: dict[str, Any] = {
        "units": HIDDEN,
        "recurrent_activation": "hard_sigmoid",
        "reset_after": False,
        "return_sequences": True,
    }
    layers = [
        layer("InputLayer", "source", version, [], **shape(version, None)),
        layer("InputLayer", "target", version, [], **shape(version, None)),
        layer("Embedding", "see", version, [["source", 0]], input_dim=5, output_dim=3, mask_zero=True),
        layer("Embedding", "say", version, [["target", 0]], input_dim=5, output_dim=4, mask_zero=True),
        layer("Dropout", "drop", version, [["see", 0]], rate=0.5),
        layer("GRU", "read", version, [["drop", 0]], return_state=True, **cell),
        layer("GRU", "write", version, [["say", 0]], [["read", 1]], **cell),
        layer("AdditiveAttention", "look", version, [["write", 0], ["read", 0]], use_scale=True),
        layer("Concatenate", "join", version, [["look", 0], ["write", 0]], axis=-1),
        layer("Dense", "out", version, [["join", 0]], units=5, activation="softmax"),
    ]
    arrays = {
        "see": [random.normal(size=(5, 3))],
        "say": [random.normal(size=(5, 4))],
        "read": [random.normal(size=(width, 3 * HIDDEN)) for width in (3, HIDDEN)] + [random.normal(size=3 * HIDDEN)],
        "write": [random.normal(size=(width, 3 * HIDDEN)) for width in (4, HIDDEN)] + [random.normal(size=3 * HIDDEN)],
        "look": [random.normal(size=HIDDEN)],
        "out": [random.normal(size=(2 * HIDDEN, 5)), random.normal(size=5)],
    }
    characters = {"source_characters": list(source), "target_characters": list(target), "start": "#", "end": "."}
    return KerasModel(layers, arrays, characters, version)


def classic_log_probs(model: KerasModel, source: str, target: str) -> Array:
    """Return log-probabilities [T, V] after each of the characters of ``target``."""
    characters = model.characters
    state = np.zeros(HIDDEN), np.zeros(HIDDEN)
    for i in range(characters["longest_source"]):
        known = [float(i < len(source) and one == source[i]) for one in characters["source_characters"]]
        state = _lstm(np.array(known), state, *model.arrays["read"])
    rows = []
    for token in target:
        x = np.array([float(one == token) for one in characters["target_characters"]])
        state = _lstm(x, state, *model.arrays["write"])
        rows.append(state[0] @ model.arrays["out"][0] + model.arrays["out"][1])
    return _log_softmax(np.array(rows))


def attentive_log_probs(model: KerasModel, source: str, target: str) -> Array:
    """As ``classic_log_probs``; the source is not padded, since a mask would skip the padding."""
    slope = 0.2 if model.version.startswith("2") else 1 / 6
    state, memory = np.zeros(HIDDEN), []
    for token in source:
        x = model.arrays["see"][0][1 + model.characters["source_characters"].index(token)]
        state = _gru(x, state, slope, *model.arrays["read"])
        memory.append(state)
    rows = []
    for token in target:
        x = model.arrays["say"][0][1 + model.characters["target_characters"].index(token)]
        state = _gru(x, state, slope, *model.arrays["write"])
        scores = np.array([(model.arrays["look"][0] * np.tanh(state + one)).sum() for one in memory])
        weights = np.exp(scores) / np.exp(scores).sum()
        seen = np.concatenate([weights @ np.array(memory), state])
        rows.append(seen @ model.arrays["out"][0] + model.arrays["out"][1])
    return _log_softmax(np.array(rows))


def _lstm(x: Array, state: tuple[Array, Array], kernel: Array, again: Array, bias: Array) -> tuple[Array, Array]:
    i, f, g, o = np.split(x @ kernel + state[0] @ again + bias, 4)
    cell = _sigmoid(f) * state[1] + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(cell), cell


def _gru(x: Array, state: Array, slope: float, kernel: Array, again: Array, bias: Array) -> Array:
    z, r, n = np.split(x @ kernel + bias, 3)
    update = np.clip(slope * (z + state @ again[:, :HIDDEN]) + 0.5, 0, 1)
    reset = np.clip(slope * (r + state @ again[:, HIDDEN : 2 * HIDDEN]) + 0.5, 0, 1)
    new = np.tanh(n + (reset * state) @ again[:, 2 * HIDDEN :])
    return update * state + (1 - update) * new


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _log_softmax(rows: Array) -> Array:
    return rows - np.log(np.exp(rows).sum(-1, keepdims=True))
