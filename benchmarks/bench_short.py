"""How many shards suit a short run: seconds of its rounds with one shard and with two, and what ``auto`` takes.

The main job on the first words of a corpus, everything cached. What a word takes, and a round besides training, is what
`w2v_spark.training.duration` foretells, by which ``auto`` chooses.
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
EPOCHS: Final = 5
MOST: Final = 1.1  # times the seconds of the number of shards that is done first

MEANING: Final = {
    "seconds": "wall time of all rounds, of each run; the first, which fills caches, is left out",
    "nanoseconds_a_word": "in which a shard trains it; median",
    "milliseconds_a_round": "between rounds; median",
    "ratio": "seconds with as many shards as auto takes, by those with the number that was done first; medians",
}

Row = dict[str, Any]


class Text(NamedTuple):
    """The first so many words, and the ``[model]`` that they train."""

    words: int
    model: dict[str, Any]

    @property
    def settings(self) -> list[str]:
        """Of the job, but for the shards."""
        model = (f"model.{key}={json.dumps(value)}" for key, value in self.model.items())
        return [f"train.epochs={EPOCHS}", *model]

    @property
    def config(self) -> Config:
        """The same with its defaults."""
        return Config().replace(train={"epochs": EPOCHS}, model=self.model)


TEXTS: Final = (
    Text(100_000, {}),
    Text(1_000_000, {}),
    Text(3_000_000, {}),
    Text(10_000_000, {}),
    Text(3_000_000, {"dim": 300}),
    Text(10_000_000, {"dim": 300}),
    Text(1_000_000, {"objective": "hierarchical_softmax"}),
    Text(3_000_000, {"architecture": "cbow"}),
    Text(1_000_000, {"subwords": True}),
    Text(3_000_000, {"subwords": True}),
)


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
    directory = work / str(text.words)
    if not directory.exists():
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
            **text._asdict(), "epochs": EPOCHS, "vocabulary": len(corpus.vocabulary), "shards": shards,
            "rounds": mine[0]["rounds"], "seconds": [run["seconds"] for run in mine],
        }  # fmt: skip
        row["median"] = statistics.median(row["seconds"])
        for key in ("nanoseconds_a_word", "milliseconds_a_round"):
            row[key] = round(statistics.median(run[key] for run in mine), 1)
        rows.append(row)
        print(json.dumps(row), flush=True)
    auto = Plan.build(text.config, CORES, len(corpus), len(corpus.vocabulary)).shards
    ratio = rows[auto - 1]["median"] / min(row["median"] for row in rows)
    return [{**row, "auto": auto, "ratio": ratio} for row in rows]


def _run(text: Text, shards: int, directory: Path, work: Path) -> Row:
    model = work / "model"
    command = [sys.executable, str(ROOT / "jobs" / "train.py"), "--input", str(directory), "--overwrite"]
    command += ["--format", "parquet", "--column", "words", "--output", str(model)]
    settings = [f"train.shards={shards}", *text.settings]
    (work / "run").mkdir(exist_ok=True)
    run = run_measured(
        [*command, *setting_arguments(settings)], spark_environment(f"local[{CORES}]"), work / "run"
    )  # fmt: skip
    stop_on_failure(f"{shards} shards", run)
    rounds = json.loads((model / "history.json").read_text())["rounds"]
    train = sum(entry["seconds"]["train"] for entry in rounds)
    words = sum(entry["tokens"] for entry in rounds)
    return {
        "rounds": len(rounds),
        "seconds": json.loads((model / "model.json").read_text())["timings"]["rounds"],
        "nanoseconds_a_word": 1e9 * train * shards / words,
        "milliseconds_a_round": 1e3 * between_rounds(rounds) / len(rounds),
    }


def _print(rows: Sequence[Row]) -> None:
    table = [
        (
            _named(row["model"]), f"{row['words']:,}", f"{row['vocabulary']:,}", str(row["shards"]), str(row["rounds"]),
            f"{row['median']:.2f}", f"{row['nanoseconds_a_word']:.0f}",
            f"{row['milliseconds_a_round']:.0f}", str(row["auto"]), f"{row['ratio']:.2f}",
        )
        for row in rows
    ]  # fmt: skip
    print_table(
        ("model", "words", "V", "shards", "rounds", "seconds", "ns a word", "ms a round", "auto", "ratio"), table
    )


def _named(model: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in model.items()) or "skipgram"


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each, beside the first")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
