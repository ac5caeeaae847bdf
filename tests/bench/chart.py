"""Draw what ``peers.py`` has measured: ``python -m tests.bench.chart REPORT.json resources/peers.svg``.

One panel for each work, one bar for each engine, ours first; the length is the time for a token put out. The ground is
transparent and the ink of middling lightness, to be read on white and on black.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

INK, GRID = "#7d8590", "#7d859055"
OURS, THEIRS = "#2f81f7", "#9aa4ae"
BAR, PANEL = 0.3, 0.62  # inches


@dataclass(frozen=True, slots=True)
class Bar:
    """One engine's microseconds a token, the greatest and least of its rounds, and ours / its own."""

    engine: str
    median: float
    least: float
    greatest: float
    ratio: float | None


def panels(report: dict[str, Any]) -> dict[str, list[Bar]]:
    """Return each work's bars; ours is the median over all peers' comparisons, for it was timed beside each."""
    found: dict[str, list[Bar]] = {}
    for work in dict.fromkeys(one["work"] for one in report["compared"]):
        rows = [one for one in report["compared"] if one["work"] == work]
        ours = sorted((one["ours"] for one in rows), key=lambda spread: spread["median"])[len(rows) // 2]
        theirs = [Bar(one["peer"], **one["theirs"], ratio=one["ratio"]["median"]) for one in rows]
        found[work] = [Bar("s2s-gui", **ours, ratio=None), *sorted(theirs, key=lambda bar: bar.median)]
    return found


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the chart as SVG, its words as text."""
    mpl.rcParams |= {
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "svg.hashsalt": "peers",
        "axes.facecolor": "none",
    }
    mpl.rcParams |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK)
    works = panels(report)
    heights = [BAR * len(bars) + PANEL for bars in works.values()]
    figure, grid = plt.subplots(
        len(works), 1, figsize=(8, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for axes, (work, bars) in zip(grid[:, 0], works.items(), strict=True):
        names = [bar.engine for bar in bars]
        values = [bar.median for bar in bars]
        reach = [[bar.median - bar.least for bar in bars], [bar.greatest - bar.median for bar in bars]]
        colours = [OURS if bar.ratio is None else THEIRS for bar in bars]
        axes.barh(names, values, color=colours, xerr=reach, error_kw={"ecolor": INK, "elinewidth": 1}, height=0.7)
        longest = max(bar.greatest for bar in bars)
        for place, bar in enumerate(bars):
            ratio = "" if bar.ratio is None else f"   ours takes {bar.ratio:.2f} of its time"
            axes.text(bar.greatest + longest * 0.012, place, f"{bar.median:,.0f}{ratio}", va="center")
        axes.set_title(work, loc="left", fontsize=10, fontweight="bold")
        axes.set_xlim(0, longest * 1.8)
        axes.invert_yaxis()
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    grid[-1, 0].set_xlabel(
        "microseconds for a token put out, shorter is quicker\n"
        f"median, least and greatest of {report['rounds']} rounds in alternation, {report['machine']}"
    )
    figure.savefig(path, transparent=True, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    draw(json.loads(arguments.report.read_text(encoding="utf-8")), arguments.picture)


if __name__ == "__main__":
    main()
