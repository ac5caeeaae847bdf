"""What a key costs in a short text and in a long one: typing.py [model folder].

Types into the middle of texts of 10 and of 1,000 sentences that are translated already, one sentence a line, five a
line, and all on one line, and prints the median processor time from the text to its whole translation.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from s2s_gui import paths
from s2s_gui.console.bench_typing import keystrokes
from s2s_gui.engine.cache import SentenceCache
from s2s_gui.engine.model import Model
from s2s_gui.engine.translator import translate
from s2s_gui.manage.quick import open_quick
from s2s_gui.messages import DecodeOptions

NAMES = ("train", "bus", "letter", "cat", "house", "book", "river", "answer", "child", "song")
TYPED = "I would like to go to the station"
WARM_UPS = 3


def main() -> None:
    """Measure all forms and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=paths.shipped("models") / "zh-en-fast")
    torch.set_num_threads(1)
    model = open_quick(parser.parse_args().folder, "auto")
    for a_line in (1, 5, 1000):
        short, long = (cost(model, count, min(a_line, count)) for count in (10, 1000))
        print(
            f"{a_line:5} a line: 10 sentences {short:.2f} ms, 1,000 sentences {long:.2f} ms, ratio {long / short:.2f}"
        )


def cost(model: Model, count: int, a_line: int) -> float:
    """Return the median milliseconds of a key."""
    cache = SentenceCache()
    run(model, text(count, a_line, "I."), cache)
    costs = [run(model, text(count, a_line, f"{typed}."), cache) for typed in keystrokes(TYPED)]
    return 1000 * statistics.median(costs[WARM_UPS:])


def text(count: int, a_line: int, typed: str) -> str:
    """Return ``count`` sentences; ``typed`` is the one in the middle."""
    made = [f"The {NAMES[at % 10]} of {NAMES[at // 10 % 10]} number {at} is late." for at in range(count)]
    made[count // 2] = typed
    return "\n".join(" ".join(made[at : at + a_line]) for at in range(0, count, a_line))


def run(model: Model, whole: str, cache: SentenceCache) -> float:
    """Translate ``whole`` and return the seconds of processor time."""
    began = time.process_time()
    for _ in translate(model, 0, whole, model.direction("en", "zh"), DecodeOptions(), cache):
        pass
    return time.process_time() - began


if __name__ == "__main__":
    main()
