"""Does memory grow with use? memory.py [--count 10000] [model folder].

Translates that many different sentences through the worker's tasks and prints the resident memory on the way, and by
how much it grew over the second half, when every cache is full.
"""

import argparse
from collections import deque
from pathlib import Path

import psutil

from s2s_gui import paths
from s2s_gui.messages import LoadModel, Translate
from s2s_gui.tasks import make

PARTS = 10
NAMES = ("train", "bus", "letter", "cat", "house", "book", "river", "answer", "child", "song")


def main() -> None:
    """Measure once and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=paths.shipped("models") / "zh-en-fast")
    parser.add_argument("--count", type=int, default=10_000)
    arguments = parser.parse_args()
    sizes = resident(arguments.folder, arguments.count)
    print("resident after each tenth, MB:", " ".join(f"{size / 1e6:.1f}" for size in sizes))
    print(f"growth over the second half: {(sizes[-1] - sizes[len(sizes) // 2]) / 1e6:.1f} MB")


def resident(folder: Path, count: int) -> list[int]:
    """Return the resident bytes before the first translation and after each tenth of them."""
    run = make()
    deque(run(LoadModel(0, str(folder))), maxlen=0)
    process = psutil.Process()
    sizes = [process.memory_info().rss]
    for number in range(1, count + 1):
        text = f"The {NAMES[number % 10]} of {NAMES[number // 10 % 10]} number {number} is late."
        deque(run(Translate(number, text, "en", "zh")), maxlen=0)
        if number % (count // PARTS) == 0:
            sizes.append(process.memory_info().rss)
    return sizes


if __name__ == "__main__":
    main()
