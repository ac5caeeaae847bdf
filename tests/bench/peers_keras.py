"""The bundled recurrent model in Keras, for ``peers.py``: stock layers, the same weights, step by step.

As in Keras' own sequence-to-sequence example, one functional model reads the source and another makes one step of the
decoder and gives its states back. It runs on the torch backend and needs ``keras``, ``torch``, ``sentencepiece`` and
``safetensors``, and nothing of this program.
"""

import json
import os
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import sentencepiece
import torch
from keras import layers, ops
from numpy.typing import NDArray
from safetensors.numpy import load_file

Array = NDArray[Any]


class KerasModel:
    """An LSTM model of this program with Luong's attention: ``encoder`` and ``decoder`` are functional models."""

    def __init__(self, folder: Path) -> None:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        network = card["network"]
        fits = {"cell": "lstm", "attention": "luong", "tied": "all", "bidirectional": True, "reverse_source": False}
        if any(network[name] != value for name, value in fits.items()):
            raise ValueError(f"only a network with {fits} is built here")
        stored = load_file(folder / "weights.safetensors")
        self.weights = {name: array.astype(np.float32) for name, array in stored.items()}
        self.width, self.hidden, self.depth = network["width"], network["hidden"], network["layers"]
        self.size = network["target_vocabulary"]
        self.decoding = card["decoding"]
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(folder / card["tokenizer"]["source"]))
        self.tag = self.tokenizer.piece_to_id(card["directions"][0]["tag"])
        self.table = layers.Embedding(self.size, self.width)
        self.table.build()
        self.table.set_weights([self.weights["target_embedding.weight"]])
        self.encoder, self.decoder = self._encoder(), self._decoder()

    def ids(self, text: str) -> list[int]:
        """Return the ids of the direction's tag, the pieces of ``text`` and the end symbol."""
        return [self.tag, *self.tokenizer.encode(text), self.decoding["eos"]]

    def greedy(self, source: list[int], tokens: int) -> list[int]:
        """Return the best ids one by one, ``tokens`` of them: the end symbol is forbidden.

        Every step is a direct call of the decoder, which was a little quicker than ``predict_on_batch``.
        """
        never = [*self.decoding["never"], self.decoding["eos"]]
        found: list[int] = []
        with torch.inference_mode():
            memory, keys, *states = self.encoder(torch.tensor([source], dtype=torch.int32))
            x = np.zeros((1, 1, self.width), np.float32)
            while len(found) < tokens:
                logits, *states = self.decoder([torch.from_numpy(x), memory, keys, *states])
                allowed = np.array(ops.convert_to_numpy(logits)[0])
                allowed[never] = -np.inf
                found.append(int(allowed.argmax()))
                x = self.weights["target_embedding.weight"][None, None, found[-1]] * np.float32(self.width**0.5)
        return found

    def _encoder(self) -> Any:
        source = keras.Input((None,), dtype="int32")
        x = layers.Rescaling(self.width**0.5)(self.table(source))
        states = []
        for layer in range(self.depth):
            both = layers.Bidirectional(layers.LSTM(self.hidden // 2, return_sequences=True, return_state=True))
            x, *ends = both(x)
            both.set_weights([*self._lstm("encoder", f"{layer}"), *self._lstm("encoder", f"{layer}_reverse")])
            states += [ops.concatenate(ends[0::2], axis=-1), ops.concatenate(ends[1::2], axis=-1)]
        keys = self._dense(self.hidden, "attention.key.weight", "", None, x)
        return keras.Model(source, [x, keys, *states])

    def _decoder(self) -> Any:
        embedded = keras.Input((1, self.width))
        memory, keys = keras.Input((None, self.hidden)), keras.Input((None, self.hidden))
        before = [keras.Input((self.hidden,)) for _ in range(2 * self.depth)]
        x, after = embedded, []
        for layer in range(self.depth):
            lstm = layers.LSTM(self.hidden, return_sequences=True, return_state=True)
            x, h, c = lstm(x, initial_state=before[2 * layer : 2 * layer + 2])
            lstm.set_weights(self._lstm("decoder", f"{layer}"))
            after += [h, c]
        context = layers.Attention()([x, memory, keys])  # scores are dot products, as Luong's with the keys made before
        x = layers.Concatenate()([x, context])[:, 0]
        x = self._dense(self.width, "readout.weight", "readout.bias", "tanh", x)
        logits = self._dense(self.size, "target_embedding.weight", "output_bias", None, x)
        return keras.Model([embedded, memory, keys, *before], [logits, *after])

    def _lstm(self, part: str, name: str) -> list[Array]:
        """Return a layer's kernel, recurrent kernel and bias; Keras has the same order of gates and one bias."""
        kernel, again = (self.weights[f"{part}.weight_{kind}_l{name}"].T for kind in ("ih", "hh"))
        return [kernel, again, self.weights[f"{part}.bias_ih_l{name}"] + self.weights[f"{part}.bias_hh_l{name}"]]

    def _dense(self, size: int, weight: str, bias: str, activation: str | None, x: Any) -> Any:
        dense = layers.Dense(size, activation=activation, use_bias=bool(bias))
        found = dense(x)
        dense.set_weights([self.weights[weight].T, *([self.weights[bias]] if bias else [])])
        return found
