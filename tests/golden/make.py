"""Make the golden models anew: ``python -m tests.golden.make`` trains one tiny model a family and records its texts.

Only needed when the model folder's format changes; the recorded texts then change with the weights.
"""

import json
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import torch

from s2s_gui.description import NetworkConfig
from s2s_gui.formats import native
from s2s_gui.manage.opening import open_model
from s2s_gui.training.development import translate_all
from s2s_gui.training.trainer import Trainer
from tests.toy import GRU, LSTM, TRANSFORMER, toy_pairs, toy_recipe

HERE = Path(__file__).parent
NETWORKS: dict[str, NetworkConfig] = {
    "transformer": msgspec.structs.replace(TRANSFORMER, width=24, heads=2, feed_forward=32),
    "lstm": msgspec.structs.replace(LSTM, hidden=48, attention="bahdanau"),
    "gru": msgspec.structs.replace(GRU, width=16, hidden=32),
}


def main() -> None:
    """Train, halve the precision, record."""
    torch.set_num_threads(1)
    expected = {}
    for name, network in NETWORKS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            recipe = toy_recipe(folder, network, is_reversed=True, updates=400)
            recipe = msgspec.structs.replace(recipe, id=name, name=f"Reverses letters, {name}")
            Trainer(recipe, folder, folder / "out", resume=False).run(None)
            learnt = native.read(folder / "out" / "last")
            weights = {key: np.asarray(value).astype(np.float16) for key, value in learnt.weights.items()}
            files = {name: (folder / "out" / "last" / name).read_bytes() for name in learnt.card.files()}
            native.write(learnt.card, weights, files, "", HERE / name)
        model = open_model(HERE / name)
        sources = [source for source, _ in toy_pairs(20, 7, is_reversed=True, seed=3)]
        expected[name] = dict(zip(sources, translate_all(model, sources, model.card.directions[0]), strict=True))
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
