"""Learning curves of a run as a picture, from its metrics."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure


def draw_curves(metrics: Path, picture: Path) -> None:
    """Draw loss and any dev scores over target tokens from ``metrics`` (JSON lines) to ``picture`` (.svg or .png)."""
    mpl.rcParams["svg.hashsalt"] = "s2s"
    rows: list[dict[str, Any]] = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    learnt = [row for row in rows if "loss" in row]
    has_scores = any("bleu" in dev for row in rows for dev in row.get("dev", {}).values())
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, *right = figure.subplots(1, 1 + has_scores, squeeze=False)[0]
    left.plot([row["target_tokens"] / 1e6 for row in learnt], [row["loss"] for row in learnt], label="training")
    looks = [row for row in rows if "dev" in row]
    for name in dict.fromkeys(key for row in looks for key in row["dev"]):
        seen = [(row["target_tokens"] / 1e6, row["dev"][name]) for row in looks if name in row["dev"]]
        left.plot([x for x, _ in seen], [dev["loss"] for _, dev in seen], marker=".", label=name)
        for axes in right:
            axes.plot([x for x, _ in seen], [dev["bleu"] for _, dev in seen], marker=".", label=name)
    for axes, label in zip((left, *right), ("loss, nats a token", "BLEU"), strict=False):
        axes.set_xlabel("target tokens, millions")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small", frameon=False)
    figure.savefig(picture)
