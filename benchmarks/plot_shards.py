"""Draw accuracy against shards, one line a merge, from the results of ``bench_shards``: the plot of the README."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

from benchmarks.common import RESULTS, ROOT

ROUNDS: Final = 80  # of every line, so that merges and nothing else differ
PICTURE: Final = ROOT / "docs" / "design" / "shards.svg"
LINES: Final = {"curvature": ("tab:blue", "o"), "adasum": ("tab:orange", "s"), "mean": ("tab:red", "^")}

Row = dict[str, Any]


def main() -> int:
    """Write ``docs/design/shards.svg``."""
    rows: list[Row] = json.loads((RESULTS / "shards_grid.json").read_text(encoding="utf-8"))["rows"]
    one = next(row["analogies"] for row in rows if row["shards"] == 1)
    mpl.rcParams["svg.hashsalt"] = "w2v-spark"  # the same file from the same results
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    axes.axhline(one, color="gray", linestyle=":", label="one shard")
    for merge, (colour, marker) in LINES.items():
        points = sorted((r["shards"], r["analogies"]) for r in rows if r["merge"] == merge and r["rounds"] == ROUNDS)
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=merge)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set(xlabel="shards", ylabel="Google analogies, %", ylim=(0, None))
    axes.set_title(f"17 million words, 5 epochs, D = 100, {ROUNDS} rounds", fontsize="medium")
    axes.legend()
    figure.savefig(PICTURE, metadata={"Date": None})
    print(f"written to {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
