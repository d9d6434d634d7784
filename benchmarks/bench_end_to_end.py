"""Measure the way from raw text to published vectors: time, memory, accuracy, and the time that gensim takes."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.common import (
    EVALUATION,
    ROOT,
    Target,
    add_data_argument,
    between_rounds,
    data_files,
    print_table,
    report_targets,
    setting_arguments,
    spark_environment,
    waiting,
    write_result,
)
from benchmarks.gensim_run import write_sentences
from benchmarks.memory import run_measured, stop_on_failure
from w2v_spark.evaluation.kind import Settings
from w2v_spark.evaluation.suite import evaluate

CORES = 2
EPOCHS = 3
RESTRICT = 30_000
SETTINGS = (
    "model.dim=100",
    "model.window=5",
    "model.negatives=5",
    "train.sample=1e-4",
    "vocabulary.min_count=5",
    f"train.epochs={EPOCHS}",
)
GENSIM_SETTINGS = {"vector_size": 100, "window": 5, "negative": 5, "sample": 1e-4, "min_count": 5, "workers": CORES}

Report = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run both programs, compare, write ``results/end_to_end.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    files = data_files(options.data)[: 1 if options.quick else None]
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        before = (options.runs + 1) // 2  # gensim and the others after it: a machine that slows down slows both
        runs = [run_ours(files, work, options.set) for _ in range(before)]
        gensim = None if options.skip_gensim else run_gensim(files, work, options)
        runs += [run_ours(files, work, options.set) for _ in range(options.runs - before)]
        ours = {**sorted(runs, key=lambda run: float(run["seconds"]))[(len(runs) - 1) // 2]}
        ours["seconds_of_runs"] = [run["seconds"] for run in runs]
        ours["accuracy"] = _accuracy(work / "model", options.evaluation)
    result: Report = {"corpus": options.data.name, "files": len(files), "ours": ours, "gensim": gensim}
    if gensim is not None:
        result["times_as_fast_as_gensim"] = gensim["seconds"] / ours["seconds"]
    _print(result)
    targets = [] if options.quick else judge(result)
    passed = report_targets(targets) if targets else True
    write_result("end_to_end_quick" if options.quick else "end_to_end", result, targets)
    return 0 if passed else 1


def run_ours(files: Sequence[Path], work: Path, settings: Sequence[str] = ()) -> Report:
    """The main job on two cores, timed from outside: start of Python and of the JVM included.

    Parameters
    ----------
    files : Parquet files with a column ``text``
    work : directory for the output, which becomes ``work/model``
    settings : more ``section.key=value`` for the job
    """
    few = work / "few.parquet"
    pq.write_table(pq.read_table(files[0], columns=["text"]).slice(0, 200), few)
    for source, output in (([few], work / "few"), (files, work / "model")):  # first a few, so that kernels are compiled
        command = [sys.executable, str(ROOT / "jobs" / "train.py"), "--input", *map(str, source), "--format", "parquet"]
        command += ["--output", str(output), "--overwrite", *setting_arguments([*SETTINGS, *settings])]
        run = run_measured(command, spark_environment(f"local[{CORES}]"), work)
        stop_on_failure("the main job", run)
    model = json.loads((work / "model" / "model.json").read_text())
    rounds = json.loads((work / "model" / "history.json").read_text())["rounds"]
    return {
        "seconds": run.seconds,
        "stages": model["timings"],
        "words_per_second": sum(entry["tokens"] for entry in rounds) / model["timings"]["train"],
        "peak_mebibytes": run.peaks.mebibytes(),
        "rounds": len(rounds),
        "between_rounds": between_rounds(rounds),
        "waiting": waiting(rounds),
        "config": model["config"],
        "corpus": model["corpus"],
    }


def run_gensim(files: Sequence[Path], work: Path, options: argparse.Namespace) -> Report:
    """Gensim in a process of its own on the same sentences; epochs beyond those it trains are extrapolated."""
    text, report = work / "sentences.txt", work / "gensim.json"
    print("writing the sentences for gensim (not timed) ...", flush=True)
    words = write_sentences(files, text)
    whole = options.gensim_epochs >= EPOCHS
    command = [sys.executable, "-m", "benchmarks.gensim_run", "--text", str(text), "--report", str(report)]
    command += ["--settings", json.dumps(GENSIM_SETTINGS), "--epochs", str(options.gensim_epochs)]
    command += ["--vectors", str(work / "gensim")] if whole else []
    print("training gensim ...", flush=True)
    run = run_measured(command, {**os.environ, "PYTHONPATH": str(ROOT)}, work)
    stop_on_failure("gensim", run)
    result: Report = json.loads(report.read_text())
    result["seconds"] = result["scan_seconds"] + result["train_seconds"] / result["epochs"] * EPOCHS
    result["extrapolated"] = not whole
    result["words_written"] = words
    result["peak_mebibytes"] = run.peaks.mebibytes()
    result["accuracy"] = _accuracy(work / "gensim", options.evaluation) if whole else None
    return result


def judge(result: Report) -> list[Target]:
    """The promises that can be judged with what was run."""
    ours = result["ours"]
    lost = (ours["between_rounds"] + ours["waiting"]) / ours["seconds"]
    targets = [Target("between rounds and waiting, part of the wall time", lost, 0.05, False)]
    if accuracy := ours["accuracy"]:
        targets += [
            Target("Google analogies, %", accuracy["analogies"], 53),
            Target("WordSim-353, Spearman x 100", accuracy["wordsim353"], 68),
        ]
    if "times_as_fast_as_gensim" in result:
        targets.append(Target("times as fast as gensim", result["times_as_fast_as_gensim"], 10))
    return targets


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--eval", dest="evaluation", type=Path, default=EVALUATION, metavar="DIR", help="test sets")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for the main job")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="of ours, of which the median counts")
    parser.add_argument("--skip-gensim", action="store_true", help="run the main job alone")
    parser.add_argument("--gensim-epochs", type=int, default=1, help="train so many, extrapolate the rest")
    parser.add_argument("--quick", action="store_true", help="only the first file; judges nothing")
    return parser.parse_args(argv)


def _accuracy(vectors: Path, directory: Path) -> dict[str, float] | None:
    """Analogies in percent, similarities as Spearman x 100; None where the test sets are absent."""
    similarity = sorted((directory / "similarity").glob("*.txt"))
    analogies = directory / "questions-words.txt"
    if not analogies.is_file():
        print(f"no test sets in {directory}: accuracy is not measured")
        return None
    report = evaluate(vectors, {"analogies": [analogies], "similarity": similarity}, settings=Settings(RESTRICT))
    (answered,) = report["analogies"]
    scores = {"analogies": "total", "semantic": "semantic", "syntactic": "syntactic"}
    values = {name: 100 * answered[key]["accuracy"] for name, key in scores.items()}
    return values | {Path(row["file"]).stem: 100 * (row["spearman"] or 0.0) for row in report["similarity"]}


def _print(result: Report) -> None:
    ours, gensim = result["ours"], result["gensim"]
    rows = [(name, f"{seconds:.1f}") for name, seconds in ours["stages"].items()]
    rows.append(("of which between rounds", f"{ours['between_rounds']:.1f}"))
    rows.append(("of which waiting for the slower shard", f"{ours['waiting']:.1f}"))
    rows.append(("whole process", f"{ours['seconds']:.1f}"))
    if gensim is not None:
        train = "gensim: training" + (f", {EPOCHS} epochs from {gensim['epochs']}" if gensim["extrapolated"] else "")
        rows += [("gensim: vocabulary scan", f"{gensim['scan_seconds']:.1f}")]
        rows += [(train, f"{gensim['seconds'] - gensim['scan_seconds']:.1f}")]
    print_table(("stage", "seconds"), rows)
    print_table(("memory", "peak MiB"), [(name, f"{size:,}") for name, size in ours["peak_mebibytes"].items()])
    for name, part in (("w2v-spark", ours), ("gensim", gensim)):
        if part is not None and part["accuracy"]:
            print_table(
                (f"accuracy of {name}", "%"), [(key, f"{value:.2f}") for key, value in part["accuracy"].items()]
            )


if __name__ == "__main__":
    sys.exit(main())
