"""What many shards cost beside few: seconds of the rounds, what shards read and write in them, and accuracy.

The main job on the same text with few and with many shards, on the same cores. With ``--vocabulary`` the text is made
up of so many words that follow Zipf's law, and only bytes and seconds are looked at. ``--tree`` runs another checkout
beside this one, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from benchmarks.bench_rounds import write_corpus
from benchmarks.common import (
    EVALUATION,
    ROOT,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    setting_arguments,
    spark_environment,
    write_result,
)
from benchmarks.corpus import read_corpus, synthetic_corpus
from benchmarks.memory import run_measured, stop_on_failure
from benchmarks.scores import score
from w2v_spark import KeyedVectors
from w2v_spark.config import Config

MOST: Final = 3.0  # times the seconds of the fewest shards
SCORES: Final = ("analogies", "wordsim353", "simlex999")
STAGES: Final = ("read", "train", "write")

MEANING: Final = {
    "seconds": "wall time of all rounds; of each stage the sum over rounds and shards, of a core; merge: wall time",
    "bytes_read": "of weights, by all shards of a round on average: the rows that they have asked for",
    "bytes_written": "the same; the merge reads what shards have written, and the weights before, and writes as many",
    "weights_bytes": "of both matrices: times the shards, what each of the two would be if all rows were exchanged",
}

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, write ``results/<name>.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        if options.vocabulary:
            corpus = synthetic_corpus(options.vocabulary)
        else:
            corpus = read_corpus(data_files(options.data), options.tokens, Config())
        words = write_corpus(corpus, work / "corpus")
        trees = [*options.tree, ROOT]
        rows = [
            _run(options, tree, shards, work)
            for _ in range(options.runs)
            for shards in options.shards
            for tree in trees
        ]  # fmt: skip
    _print(rows)
    targets = [] if options.vocabulary else _judge(rows)
    passed = report_targets(targets)
    result = {"meaning": MEANING, "words": words, "cores": options.cores, "settings": options.set, "rows": rows}
    write_result(options.name, result, targets)
    return 0 if passed else 1


def _run(options: argparse.Namespace, tree: Path, shards: int, work: Path) -> Row:
    model = work / "model"
    command = [sys.executable, str(tree / "jobs" / "train.py"), "--input", str(work / "corpus"), "--overwrite"]
    command += ["--format", "parquet", "--column", "words", "--output", str(model)]
    settings = [f"train.shards={shards}", f"model.dim={options.dim}", f"train.epochs={options.epochs}", *options.set]
    environment = {**spark_environment(f"local[{options.cores}]"), "PYTHONPATH": str(tree)}
    (work / "run").mkdir(exist_ok=True)
    run = run_measured([*command, *setting_arguments(settings)], environment, work / "run")
    stop_on_failure(f"{shards} shards", run)
    rounds = json.loads((model / "history.json").read_text())["rounds"]
    described, vectors = json.loads((model / "model.json").read_text()), KeyedVectors.load(model)
    scored: dict[str, float] = {}
    if not options.vocabulary:
        scored = score(pa.array(vectors.words), vectors.matrix, options.eval)
    seconds: dict[str, float] = {stage: shards * sum(entry["seconds"][stage] for entry in rounds) for stage in STAGES}
    seconds["merge"] = sum(entry["seconds"]["merge"] for entry in rounds)
    row: Row = {
        "tree": "this" if tree == ROOT else tree.name, "shards": shards, "rounds": len(rounds),
        "vocabulary": len(vectors), "seconds": {"rounds": described["timings"]["rounds"], **seconds},
        "weights_bytes": 8 * len(vectors) * options.dim,
        "bytes_read": sum(entry.get("bytes_read", 0) for entry in rounds) / len(rounds),
        "bytes_written": sum(entry.get("bytes_written", 0) for entry in rounds) / len(rounds),
        "peak_mebibytes": run.peaks.mebibytes(), **scored,
    }  # fmt: skip
    print(json.dumps(row), flush=True)
    return row


def _judge(rows: Sequence[Row]) -> list[Target]:
    """The most shards against the fewest, of this checkout: medians."""
    mine = [row for row in rows if row["tree"] == "this"]
    few, many = (
        sorted(row["seconds"]["rounds"] for row in mine if row["shards"] == shards)
        for shards in (min(row["shards"] for row in mine), max(row["shards"] for row in mine))
    )
    ratio = many[len(many) // 2] / few[len(few) // 2]
    return [Target("seconds of the most shards by those of the fewest", ratio, MOST, at_least=False)]


def _print(rows: Sequence[Row]) -> None:
    table = []
    for row in rows:
        whole = row["shards"] * row["weights_bytes"]
        shares = [f"{row[key] / whole:.1%}" for key in ("bytes_read", "bytes_written")]
        stages = [f"{row['seconds'][stage]:.1f}" for stage in ("rounds", *STAGES, "merge")]
        scored = [f"{row[key]:.1f}" for key in SCORES if key in row]
        table.append((row["tree"], str(row["shards"]), str(row["rounds"]), *stages, *shares, *scored))
    scored_names = [key for key in SCORES if key in rows[0]]
    header = ("tree", "shards", "rounds", "seconds", *STAGES, "merge", "read of all", "written of all", *scored_names)
    print_table(header, table)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--eval", type=Path, default=EVALUATION, metavar="DIR", help="of the test sets")
    parser.add_argument("--tokens", type=int, default=17_000_000, metavar="N", help="words of text, before min_count")
    parser.add_argument("--vocabulary", type=int, default=0, metavar="V", help="of made-up text in the place of a real")
    parser.add_argument("--shards", type=int, nargs="+", default=[2, 32], metavar="P")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--epochs", type=int, default=5, metavar="N")
    parser.add_argument("--runs", type=int, default=1, metavar="N")
    parser.add_argument("--cores", type=int, default=min(2, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--tree", type=Path, nargs="*", default=[], metavar="DIR", help="other checkouts")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for the main job")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    parser.add_argument("--name", default="exchange", metavar="NAME", help="of the result file")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
