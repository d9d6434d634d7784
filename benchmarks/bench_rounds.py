"""What a round costs beside training with a vocabulary of a million words, and how much memory the driver needs.

The whole main job on a made-up corpus of 64 million words whose words follow Zipf's law, two shards on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import (
    ROOT,
    Target,
    between_rounds,
    print_table,
    report_targets,
    setting_arguments,
    spark_environment,
    waiting,
    write_result,
)
from benchmarks.corpus import Corpus, synthetic_corpus
from benchmarks.memory import run_measured, stop_on_failure

SHARDS = 2
SETTINGS = ("train.epochs=8", "train.rounds=12", f"train.shards={SHARDS}", "train.sample=1e-4")
DRIVER_CONSTANT = 400  # MiB: Python, numpy, numba, pyarrow and PySpark, and the vocabulary's words
FILES = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Train, write ``results/rounds.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        words = write_corpus(synthetic_corpus(options.vocabulary), work / "corpus")
        command = [sys.executable, str(ROOT / "jobs" / "train.py"), "--input", str(work / "corpus")]
        command += ["--format", "parquet", "--column", "words", "--output", str(work / "model")]
        command += setting_arguments([*SETTINGS, f"model.dim={options.dim}", *options.set])
        run = run_measured(command, spark_environment(f"local[{SHARDS}]"), work)
        stop_on_failure("the main job", run)
        rounds = json.loads((work / "model" / "history.json").read_text())["rounds"]
        stages = json.loads((work / "model" / "model.json").read_text())["timings"]
    wall, beside = sum(entry["seconds"]["total"] for entry in rounds), between_rounds(rounds)
    weights = 8 * options.vocabulary * options.dim / 2**20
    memory = run.peaks.mebibytes()
    rows = [
        (str(entry["round"] + 1), f"{entry['tokens'] / SHARDS:,.0f}", *(f"{s:.2f}" for s in entry["seconds"].values()))
        for entry in rounds
    ]
    print_table(("round", "words a shard", *rounds[0]["seconds"]), rows)
    print_table(("memory", "peak MiB"), [(name, f"{size:,}") for name, size in memory.items()])
    targets = [
        Target("between rounds, part of the rounds' wall time", beside / wall, 0.15, at_least=False),
        Target("driver's peak, MiB", memory["driver"], 1.5 * weights + DRIVER_CONSTANT, at_least=False),
    ]
    passed = report_targets(targets)
    result = {
        "vocabulary": options.vocabulary, "dim": options.dim, "words": words, "weights_mebibytes": weights,
        "between_rounds": beside, "waiting": waiting(rounds), "rounds_seconds": wall, "rounds": rounds,
        "stages": stages, "peak_mebibytes": memory, "seconds": run.seconds,
    }  # fmt: skip
    write_result("rounds", result, targets)
    return 0 if passed else 1


def write_corpus(corpus: Corpus, directory: Path) -> int:
    """Write the sentences as arrays of words, a document each; how many words there are."""
    directory.mkdir()
    step = -(-corpus.sentences // FILES)
    for start in range(0, corpus.sentences, step):
        offsets = corpus.offsets[start : start + step + 1]
        words = corpus.vocabulary.words.take(pa.array(corpus.ids[offsets[0] : offsets[-1]]))
        lists = pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), words)
        pq.write_table(pa.table({"words": lists}), directory / f"part-{start}.parquet")
    return len(corpus)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vocabulary", type=int, default=1_000_000, metavar="V")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for the main job")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
