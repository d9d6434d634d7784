"""What a run costs before it does anything: the main job on a small text and on the demo's, everything cached.

The small text are the first hundred thousand words of the demo's, in one file. Each job runs once for its caches (the
compiled kernels, Java's archive of classes) and then several times, another checkout in turn where ``--tree`` names it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.common import ROOT, Target, print_table, report_targets, setting_arguments, timed, write_result
from w2v_spark.cli.demo.command import SETTINGS
from w2v_spark.cli.demo.corpus import collect, source_roots, write_corpus

SMALL, DEMO = "small text", "demo"
SMALL_WORDS: Final = 100_000
MOST_SECONDS: Final = 8.0
MOST_OF_DEMO: Final = 0.5

MEANING: Final = {
    "seconds": "wall time from the start of Python to its end, of each run",
    "stages": "what the run itself tells of them, medians; start is what is not in its total: until there is a session",
}

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the jobs, write ``results/start.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        jobs = _jobs(work)
        trees = [*options.tree, ROOT]
        rows = [
            _run(job, jobs[job], tree, turn, options.cores, work)
            for job in jobs
            for turn in range(options.runs + 1)
            for tree in trees
        ]  # fmt: skip
    medians = [_median(rows, job, name) for job in jobs for name in map(_named, trees)]
    _print(medians)
    targets = _judge(medians)
    passed = report_targets(targets)
    result = {"meaning": MEANING, "cores": options.cores, "runs": options.runs, "rows": medians}
    write_result("start", result, targets)
    return 0 if passed else 1


def _jobs(work: Path) -> dict[str, list[str]]:
    """The arguments of each job, whose texts are written first."""
    write_corpus(collect(source_roots()), work / "corpus")
    small, words = work / "small.txt", 0
    with small.open("w", encoding="utf-8") as file:
        for passage in pq.read_table(work / "corpus", columns=["text"])["text"].to_pylist():
            if words >= SMALL_WORDS:
                break
            line = passage.split()
            words += len(line)
            file.write(" ".join(line) + "\n")
    return {
        SMALL: ["--input", str(small), *setting_arguments(["vocabulary.min_count=2"])],
        DEMO: ["--input", str(work / "corpus"), *setting_arguments(SETTINGS)],
    }


def _run(job: str, arguments: Sequence[str], tree: Path, turn: int, cores: int, work: Path) -> Row:
    """One run; the first of each, which fills caches, is turn 0."""
    model, directory = work / "model", work / "run"
    directory.mkdir(exist_ok=True)
    environment = {**os.environ, "MASTER": f"local[{cores}]", "PYTHONPATH": str(tree)}
    environment["PYTHONPYCACHEPREFIX"] = str(work / f"cache-{_named(tree)}")  # as an installed package has it
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "w2v_spark", "train", *arguments, "--output", str(model), "--overwrite", "--quiet"]
    with timed() as timing:
        code = subprocess.run(command, env=environment, cwd=directory, check=False).returncode
    if code:
        sys.exit(f"{job} of {tree} ended with exit code {code}")
    told = json.loads((model / "model.json").read_text())["timings"]
    stages = {name: told[name] for name in ("count", "encode", "train", "publish")}
    row: Row = {"job": job, "tree": _named(tree), "turn": turn, "seconds": timing.seconds}
    row["stages"] = {"start": timing.seconds - told["total"], **stages}
    print(json.dumps(row), flush=True)
    return row


def _median(rows: Sequence[Row], job: str, tree: str) -> Row:
    """The runs of a job in a checkout, without the first."""
    mine = [row for row in rows if row["job"] == job and row["tree"] == tree and row["turn"]]
    stages = {name: round(statistics.median(row["stages"][name] for row in mine), 2) for name in mine[0]["stages"]}
    seconds = [round(row["seconds"], 2) for row in mine]
    return {"job": job, "tree": tree, "median": statistics.median(seconds), "seconds": seconds, "stages": stages}


def _judge(medians: Sequence[Row]) -> list[Target]:
    """The small text in seconds; the demo's job beside the first of the other checkouts."""
    found = {(row["job"], row["tree"]): row["median"] for row in medians}
    targets = [Target("seconds of a small text", found[SMALL, "this"], MOST_SECONDS, at_least=False)]
    others = [row["tree"] for row in medians if row["job"] == DEMO and row["tree"] != "this"]
    for other in others[:1]:
        ratio = found[DEMO, "this"] / found[DEMO, other]
        targets.append(Target(f"the demo's job by that of {other}", ratio, MOST_OF_DEMO, at_least=False))
    return targets


def _print(medians: Sequence[Row]) -> None:
    stages = list(medians[0]["stages"])
    table = [
        (row["job"], row["tree"], f"{row['median']:.1f}", *(f"{row['stages'][name]:.1f}" for name in stages))
        for row in medians
    ]  # fmt: skip
    print_table(("job", "tree", "seconds", *stages), table)


def _named(tree: Path) -> str:
    return "this" if tree == ROOT else tree.name


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each job, beside the first")
    parser.add_argument("--cores", type=int, default=min(2, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--tree", type=Path, nargs="*", default=[], metavar="DIR", help="other checkouts")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
