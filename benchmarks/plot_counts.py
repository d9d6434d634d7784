"""Draw how good skip-gram, PPMI-SVD and LSA are by the size of the text, from the results of `bench_counts`."""

from __future__ import annotations

import json
import statistics
import sys
from typing import Any, Final

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

from benchmarks.common import RESULTS, ROOT

PICTURE: Final = ROOT / "docs" / "guide" / "counts.svg"
LINES: Final = {
    "skipgram": ("tab:blue", "o"),
    "skipgram, 50 epochs": ("tab:cyan", "D"),
    "ppmi_svd": ("tab:orange", "s"),
    "lsa": ("tab:green", "^"),
}
PANELS: Final = {
    "analogies": "Google analogies, %",
    "wordsim353": "WordSim-353, Spearman x 100",
    "simlex999": "SimLex-999, Spearman x 100",
}

Row = dict[str, Any]


def main() -> int:
    """Write the picture of the guide."""
    rows: list[Row] = json.loads((RESULTS / "counts.json").read_text(encoding="utf-8"))["rows"]
    mpl.rcParams["svg.hashsalt"] = "w2v-spark"  # the same file from the same results
    figure, panels = plt.subplots(1, len(PANELS), figsize=(9.6, 3.4), layout="constrained")
    for axes, (metric, title) in zip(panels, PANELS.items(), strict=True):
        for model, (colour, marker) in LINES.items():
            points = sorted(means(rows, model, metric).items())
            if points:
                axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=model)
        axes.set_xscale("log")
        axes.set(xlabel="words of text")
        axes.set_title(title, fontsize="medium")
    panels[0].legend()
    figure.savefig(PICTURE, metadata={"Date": None})
    print(f"written to {PICTURE.relative_to(ROOT)}")
    return 0


def means(rows: list[Row], model: str, metric: str) -> dict[int, float]:
    """The mean of all seeds, by the number of words."""
    sizes = {row["words"] for row in rows if row["model"] == model}
    return {
        size: statistics.mean(row[metric] for row in rows if row["model"] == model and row["words"] == size)
        for size in sizes
    }


if __name__ == "__main__":
    sys.exit(main())
