"""Random models in two common sizes, the same weights for every engine: ``python -m tests.bench.peers_models FOLDER``.

FOLDER/opus has the size of an OPUS-MT model (512/2048, 6 + 6 layers, 55k words), FOLDER/tiny that of Firefox' tiny ones
(256/1536, 6 + 2 layers with SSRU, 32k words, a shortlist); each is written by this program's own exporters. Every word
of FOLDER/texts.json, and every word that the models can put out, is one piece, so an output's words are its tokens.
The end symbol has so low a bias that no engine ends early: each runs to the length that it is told or to a limit of
its own. ``--small`` makes stand-ins, to try the scripts.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch

from s2s_gui.description import (
    DecodingDefaults,
    Direction,
    Language,
    ModelCard,
    ModelDescription,
    Shortlist,
    TokenizerFiles,
    TransformerConfig,
    Vocabulary,
)
from s2s_gui.engine.calibration import measure
from s2s_gui.engine.model import assemble
from s2s_gui.formats import native
from s2s_gui.formats.ctranslate2 import export as ctranslate2
from s2s_gui.formats.huggingface import marian_export
from s2s_gui.formats.marian import bergamot
from s2s_gui.networks.build import build

SEED = 20
LETTERS = "▁abcdefghijklmnopqrstuvwxyz"
NEVER_BIAS = -1e4
BEST, FREQUENT = 25, 100
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
UNIGRAM = 1

SIZES = {
    "opus": TransformerConfig(
        54776,
        54776,
        width=512,
        feed_forward=2048,
        decoder_layers=6,
        decoder="attention",
        activation="swish",
        positions="halves",
        norm_epsilon=1e-5,
    ),
    "tiny": TransformerConfig(32000, 32000, width=256, feed_forward=1536, decoder_layers=2),
}


def words(count: int) -> list[str]:
    """Return distinct words of two to four syllables."""
    generator = random.Random(SEED)
    syllables = [consonant + vowel for consonant in "bcdfghjklmnprstvz" for vowel in "aeiou"]
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(generator.choices(syllables, k=generator.randint(2, 4)))] = None
    return list(found)


def field(number: int, content: bytes | int) -> bytes:
    """Return one field of a protocol buffer."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    found = bytearray()
    number &= (1 << 64) - 1
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def sentencepiece_model(lexicon: list[str]) -> bytes:
    """Return a SentencePiece model: the end symbol, the unknown, whole words, and letters as a last resort."""
    scored = [("</s>", 0.0, CONTROL), ("<unk>", 0.0, UNKNOWN)]
    scored += [("▁" + word, -5.0 - place / len(lexicon), NORMAL) for place, word in enumerate(lexicon)]
    scored += [(letter, -30.0, NORMAL) for letter in LETTERS]
    pieces = b"".join(
        field(1, field(1, piece.encode()) + varint(2 << 3 | 5) + np.float32(score).tobytes() + field(3, kind))
        for piece, score, kind in scored
    )
    # Of the trainer's settings: the model's type, the size, the ids of unknown, beginning, end and padding.
    trainer = field(3, UNIGRAM) + field(4, len(scored)) + field(40, 1) + field(41, -1) + field(42, 0) + field(43, -1)
    normalizer = field(1, b"identity") + field(3, 1) + field(4, 1) + field(5, 1)
    return pieces + field(2, trainer) + field(3, normalizer)


def random_weights(network: TransformerConfig) -> dict[str, torch.Tensor]:
    """Return random weights whose output changes from word to word, as a text does.

    A tied network of random weights says one word for ever, which is a loop to whoever watches for loops. So the
    layers and words are kept small beside the positions, and the last norm passes on only the quickest sines.
    """
    torch.manual_seed(SEED)
    weights = {key: weight.clone() for key, weight in build(network).state_dict().items()}
    for key, weight in weights.items():
        if weight.dim() == 2:
            weight *= 0.05 if "embedding" in key else 0.2
    halves = weights[f"decoder.{network.decoder_layers - 1}.feed_forward_residual.norm.weight"].view(2, -1)
    halves[:, network.width // 32 :] = 0
    return weights


def description(name: str, network: TransformerConfig, lexicon: list[str]) -> ModelDescription:
    """Return a model with random weights."""
    weights = random_weights(network)
    weights["output_bias"][:2] = NEVER_BIAS
    weights["output_bias"][2 + len(lexicon) :] = NEVER_BIAS
    vocabulary = Vocabulary("joint.spm", sentencepiece_model(lexicon))
    card = ModelCard(
        id=f"peers-{name}",
        name=f"Random, {name}",
        directions=(Direction(Language("en"), Language("de")),),
        network=network,
        tokenizer=TokenizerFiles("joint.spm", "joint.spm"),
        decoding=DecodingDefaults(),
        licence="CC0-1.0",
    )
    arrays = {key: weight.numpy() for key, weight in weights.items()}
    return ModelDescription(card, arrays, vocabulary, vocabulary, shortlist(network, len(lexicon), name))


def shortlist(network: TransformerConfig, count: int, name: str) -> Shortlist | None:
    """Return a random shortlist, as many ids for a word as Firefox' have; the opus size has none."""
    if name != "tiny":
        return None
    generator = np.random.default_rng(SEED)
    rows = generator.integers(2, count + 2, (network.source_vocabulary, BEST))
    lists = [np.unique(row) for row in rows]
    offsets = np.cumsum([0, *(len(one) for one in lists)]).astype(np.uint64)
    return Shortlist(FREQUENT, offsets, np.concatenate(lists).astype(np.uint32))


def write(name: str, network: TransformerConfig, lexicon: list[str], folder: Path) -> None:
    """Write a model in the formats of all engines of its size."""
    made = description(name, network, lexicon)
    native.write_description(made, folder / "native")
    if name == "opus":
        marian_export.write(made, folder / "hf")
        ctranslate2.write(made, folder / "ctranslate2")
        return
    samples = [" ".join(random.Random(line).choices(lexicon, k=12)) for line in range(3)]
    model = assemble(made)
    alphas = measure(model, model.card.ways()[0], samples)
    bergamot.write(made, folder / "bergamot", alphas)
    whole = ModelDescription(made.card, made.weights, made.source, made.target)
    bergamot.write(whole, folder / "bergamot-whole", alphas)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="one that is not there yet")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    texts = {}
    for name, size in SIZES.items():
        network = size
        if arguments.small:
            network = TransformerConfig(
                2000, 2000, 64, 8, 128, 2, 2, size.decoder, activation=size.activation, positions=size.positions
            )
        lexicon = words(network.target_vocabulary - 2 - len(LETTERS))
        write(name, network, lexicon, arguments.folder / name)
        generator = random.Random(SEED)
        sentence = " ".join(generator.choices(lexicon, k=20))
        lines = [" ".join(generator.choices(lexicon, k=generator.randint(10, 30))) for _ in range(1000)]
        texts[name] = {"sentence": sentence, "document": lines}
    (arguments.folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")


if __name__ == "__main__":
    main()
