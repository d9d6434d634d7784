"""How many shards suit a short run: seconds of its rounds with one shard and with two, and what ``auto`` takes.

The main job on the first words of a corpus, everything cached. What a round costs besides training is told in words
that a shard would train in that time: it is what `w2v_spark.training.plan.choose_shards` goes by.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.bench_rounds import write_corpus
from benchmarks.common import (
    ROOT,
    Target,
    add_data_argument,
    between_rounds,
    data_files,
    print_table,
    report_targets,
    setting_arguments,
    spark_environment,
    write_result,
)
from benchmarks.corpus import read_corpus
from benchmarks.memory import run_measured, stop_on_failure
from w2v_spark.config import Config
from w2v_spark.training.plan import Plan

CORES: Final = 2
MOST: Final = 1.1  # times the seconds of the number of shards that is done first

MEANING: Final = {
    "seconds": "wall time of all rounds, of each run; the first, which fills caches, is left out",
    "round_cost": "between rounds / rounds * words that a shard trains in a second: words; median",
    "ratio": "seconds with as many shards as auto takes, by those with the number that was done first; medians",
}

Row = dict[str, Any]


class Text(NamedTuple):
    """The first so many words, and how they are trained."""

    words: int
    dim: int
    epochs: int


TEXTS: Final = (
    Text(100_000, 100, 5), Text(1_000_000, 100, 5), Text(3_000_000, 100, 5), Text(10_000_000, 100, 5),
    Text(3_000_000, 300, 5), Text(10_000_000, 300, 5),
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Train, write ``results/short.json``. Returns 1 when the target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        rows = [row for text in TEXTS for row in _measure(text, options, Path(name))]
    _print(rows)
    targets = [Target("auto by the fastest, at worst", max(row["ratio"] for row in rows), MOST, at_least=False)]
    passed = report_targets(targets)
    write_result("short", {"meaning": MEANING, "corpus": options.data.name, "cores": CORES, "rows": rows}, targets)
    return 0 if passed else 1


def _measure(text: Text, options: argparse.Namespace, work: Path) -> list[Row]:
    """A row for each number of shards, which take turns."""
    corpus = read_corpus(data_files(options.data), text.words, Config())
    directory = work / f"{text.words}-{text.dim}"
    write_corpus(corpus, directory)
    runs = [
        (shards, _run(text, shards, directory, work))
        for turn in range(options.runs + 1)
        for shards in range(1, CORES + 1)
    ]
    rows = []
    for shards in range(1, CORES + 1):
        mine = [run for number, run in runs if number == shards][1:]
        row: Row = {
            **text._asdict(), "vocabulary": len(corpus.vocabulary), "shards": shards, "rounds": mine[0]["rounds"],
            "seconds": [run["seconds"] for run in mine], "median": statistics.median(run["seconds"] for run in mine),
            "round_cost": round(statistics.median(run["round_cost"] for run in mine)),
        }  # fmt: skip
        rows.append(row)
        print(json.dumps(row), flush=True)
    config = Config.from_dict({"train": {"epochs": text.epochs}})
    auto = Plan.build(config, CORES, len(corpus), len(corpus.vocabulary)).shards
    ratio = rows[auto - 1]["median"] / min(row["median"] for row in rows)
    return [{**row, "auto": auto, "ratio": ratio} for row in rows]


def _run(text: Text, shards: int, directory: Path, work: Path) -> Row:
    model = work / "model"
    command = [sys.executable, str(ROOT / "jobs" / "train.py"), "--input", str(directory), "--overwrite"]
    command += ["--format", "parquet", "--column", "words", "--output", str(model)]
    settings = [f"train.shards={shards}", f"model.dim={text.dim}", f"train.epochs={text.epochs}"]
    (work / "run").mkdir(exist_ok=True)
    run = run_measured(
        [*command, *setting_arguments(settings)], spark_environment(f"local[{CORES}]"), work / "run"
    )  # fmt: skip
    stop_on_failure(f"{shards} shards", run)
    rounds = json.loads((model / "history.json").read_text())["rounds"]
    train = sum(entry["seconds"]["train"] for entry in rounds)
    words_per_second = sum(entry["tokens"] for entry in rounds) / shards / train
    return {
        "rounds": len(rounds),
        "seconds": json.loads((model / "model.json").read_text())["timings"]["rounds"],
        "round_cost": between_rounds(rounds) / len(rounds) * words_per_second,
    }


def _print(rows: Sequence[Row]) -> None:
    table = [
        (
            f"{row['words']:,}", f"{row['vocabulary']:,}", str(row["dim"]), str(row["shards"]), str(row["rounds"]),
            f"{row['median']:.2f}", f"{row['round_cost']:,}", str(row["auto"]), f"{row['ratio']:.2f}",
        )
        for row in rows
    ]  # fmt: skip
    print_table(("words", "V", "D", "shards", "rounds", "seconds", "words a round", "auto", "ratio"), table)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each, beside the first")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
