"""How long a model takes to open, and how much memory: ``python -m tests.bench.opening [FOLDER] [--precision int8]``.

Without a folder it makes a MarianMT model of OPUS-MT's size with random weights. With a precision the network gets its
quick form too. Times are processor time, which on one
thread is what a machine without other work takes; the best of several fresh processes, the file in the page cache.
Memory is the peak above what the imports take.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import torch
from safetensors.numpy import save_file

from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import assemble, quickened
from s2s_gui.engine.translator import translate
from s2s_gui.formats.opening import describe
from s2s_gui.manage.opening import TRIAL_ELSE
from s2s_gui.messages import DecodeOptions
from s2s_gui.networks.products import Precision

RUNS = 7
STAGES = ("plain read", "describe", "assemble", "trial")
# A random network does not end by itself; this ratio ends it after 9 tokens, about what the sentence needs.
TRIAL_OPTIONS = DecodeOptions(max_length_ratio=0.1)
BASE = Path(__file__).parents[1] / "oracles" / "recorded" / "base"
VOCABULARY, PIECES, WIDTH, INNER, LAYERS = 58101, 32000, 512, 2048, 6


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--precision", choices=("fp32", "int8"))
    parser.add_argument("--once", action="store_true", help="measure in this process and print JSON")
    arguments = parser.parse_args()
    if arguments.once:
        torch.set_num_threads(1)
        print(json.dumps(measure(arguments.folder, arguments.precision)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch) / "opus-mt-en-de"
        if arguments.folder is None:
            make(folder)
        command = [sys.executable, "-m", "tests.bench.opening", "--once", str(folder)]
        command += ["--precision", arguments.precision] if arguments.precision else []
        runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(RUNS)]
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    for name in STAGES:
        print(f"{name:12} {best[name] * 1000:7.0f} ms")
    ready = min(run["describe"] + run["assemble"] + run["trial"] for run in runs)
    print(f"{'ready':12} {ready * 1000:7.0f} ms, {ready / best['plain read']:.2f} times a plain read")
    for name in ("assembled", "peak"):
        print(f"{name:12} {best[name] / 1e6:7.0f} MB, {best[name] / best['weights']:.2f} times the weights")


def measure(folder: Path, precision: Precision | None) -> dict[str, float]:
    """Return seconds and bytes of one opening."""
    largest = max((file for file in folder.iterdir() if file.is_file()), key=lambda file: file.stat().st_size)
    times = [time.process_time()]
    largest.read_bytes()
    times.append(time.process_time())
    before = memory()
    forget_peak()
    times.append(time.process_time())
    with tempfile.TemporaryDirectory() as scratch:
        found = describe(folder, Path(scratch))
        times.append(time.process_time())
        assert found.description is not None
        model = assemble(found.description, found.faults, precision or "fp32")
        if precision is not None:
            model = quickened(model, precision)
    times.append(time.process_time())
    assembled = peak() - before
    way = next(iter(model.card.ways()))
    deque(translate(model, 0, TRIAL_ELSE, way, TRIAL_OPTIONS, SentenceCache()), maxlen=0)
    times.append(time.process_time())
    spans = [end - start for start, end in pairwise(times)]
    del spans[1]
    return dict(zip(STAGES, spans, strict=True)) | {
        "assembled": assembled,
        "peak": peak() - before,
        "weights": 4 * model.parameters,
    }


def make(folder: Path) -> None:
    """Write a model of OPUS-MT's size, 300 MB."""
    folder.mkdir()
    config = json.loads((BASE / "config.json").read_text())
    config |= {f"{side}_ffn_dim": INNER for side in ("encoder", "decoder")}
    config |= {f"{side}_layers": LAYERS for side in ("encoder", "decoder")}
    config |= {f"{side}_attention_heads": 8 for side in ("encoder", "decoder")}
    config |= {"d_model": WIDTH, "vocab_size": VOCABULARY, "decoder_vocab_size": VOCABULARY}
    config |= {"pad_token_id": VOCABULARY - 1, "decoder_start_token_id": VOCABULARY - 1}
    (folder / "config.json").write_text(json.dumps(config))
    numbers = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = {"".join(numbers.choices(letters, k=numbers.randint(2, 8))) for _ in range(4 * PIECES)}
    pieces = sorted(("\u2581" + word if numbers.random() < 0.6 else word) for word in words)
    sides = numbers.sample(pieces, PIECES), numbers.sample(pieces, PIECES)
    for name, side in zip(("source.spm", "target.spm"), sides, strict=True):
        (folder / name).write_bytes(_sentencepiece([*side, *letters]))
    tokens = ["</s>", "<unk>", *list(dict.fromkeys([*letters, *sides[0], *sides[1]]))[: VOCABULARY - 3], "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({token: id for id, token in enumerate(tokens)}))
    save_file(_weights(), folder / "model.safetensors")


def _weights() -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(1)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return numbers.standard_normal((rows, columns), np.float32) * np.float32(columns**-0.5)

    weights = {"model.shared.weight": matrix(VOCABULARY, WIDTH), "final_logits_bias": np.zeros((1, VOCABULARY), "f4")}
    for side, attentions in (("encoder", ("self_attn",)), ("decoder", ("self_attn", "encoder_attn"))):
        for at in range(LAYERS):
            layer = f"model.{side}.layers.{at}"
            linear = {f"{name}.{part}_proj": (WIDTH, WIDTH) for name in attentions for part in ("q", "k", "v", "out")}
            for name, shape in {**linear, "fc1": (INNER, WIDTH), "fc2": (WIDTH, INNER)}.items():
                weights[f"{layer}.{name}.weight"] = matrix(*shape)
                weights[f"{layer}.{name}.bias"] = np.zeros(shape[0], np.float32)
            for name in (*(f"{one}_layer_norm" for one in attentions), "final_layer_norm"):
                weights[f"{layer}.{name}.weight"] = np.ones(WIDTH, np.float32)
                weights[f"{layer}.{name}.bias"] = np.zeros(WIDTH, np.float32)
    return weights


def _sentencepiece(pieces: list[str]) -> bytes:
    """Return the small model's settings with other pieces; all but the first three, which are special, are normal."""
    small = (BASE / "source.spm").read_bytes()
    begin, end = small.index(b"\n\t\n\x02du"), small.index(b"\x12\x0b <")
    middle = b""
    for rank, piece in enumerate(pieces):
        text = piece.encode()
        inner = b"\n" + bytes([len(text)]) + text + b"\x15" + np.float32(-5 - rank / PIECES).tobytes()
        middle += b"\n" + bytes([len(inner)]) + inner
    return small[:begin] + middle + small[end:]


def forget_peak() -> None:
    """Let Linux count the peak from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def memory() -> int:
    return psutil.Process().memory_info().rss


def peak() -> int:
    status = Path("/proc/self/status").read_text()
    return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
