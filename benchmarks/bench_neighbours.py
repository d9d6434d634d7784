"""What the nearest neighbours of all words cost beside nothing but the matrix products that they need.

The job as a whole process on two cores, and two processes that multiply blocks of the same rows with numpy and throw
the result away, in turn on a made-up table.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import fs
from threadpoolctl import threadpool_limits

from benchmarks.common import ROOT, Target, print_table, report_targets, spark_environment, timed, write_result
from benchmarks.memory import run_measured, stop_on_failure
from w2v_spark.vectors.reading import open_vectors
from w2v_spark.vectors.search.tiled import QUERY_ROWS, normalise
from w2v_spark.vectors.table import write_vectors

PROCESSES = 2
COLUMNS = 1024  # of a product: 1 MiB, in the second-level cache

MEANING = {
    "products": "seconds of two processes with one BLAS thread each that hold the vectors already, from the word to "
    "begin to the end of the slower one",
    "job": "seconds of jobs/neighbours.py from the start of Python to its exit: JVM, workers, reading, writing",
    "ratio": "of the medians",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure both in turn, write ``results/neighbours.json``. Returns 1 when the target is missed."""
    options = _parse(argv)
    products, job = [], []
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        write_random_vectors(work / "vectors", options.vocabulary, options.dim)
        command = [sys.executable, str(ROOT / "jobs" / "neighbours.py"), "--vectors", str(work / "vectors")]
        command += ["--output", str(work / "out"), "--topn", str(options.topn), "--overwrite"]
        for _ in range(options.repeats):
            products.append(time_products(work / "vectors"))
            run = run_measured(command, spark_environment(f"local[{PROCESSES}]"), work)
            stop_on_failure("the job", run)
            job.append(run.seconds)
            memory = run.peaks.mebibytes()
            print(f"products {products[-1]:.1f} s, the job {job[-1]:.1f} s", flush=True)
    flop = 2.0 * options.vocabulary**2 * options.dim
    medians = statistics.median(products), statistics.median(job)
    rows = [
        (label, f"{median:.1f}", f"{flop / median / 1e9:.0f}", " ".join(f"{value:.1f}" for value in values))
        for label, median, values in zip(("products alone", "the job"), medians, (products, job), strict=True)
    ]
    print_table(("", "seconds, median", "GFLOP/s", "all runs"), rows)
    print_table(("memory of the job", "peak MiB"), [(role, f"{size:,}") for role, size in memory.items()])
    targets = [Target("the job / the products", medians[1] / medians[0], 3, at_least=False)]
    passed = report_targets(targets)
    result = {
        "meaning": MEANING, "vocabulary": options.vocabulary, "dim": options.dim, "topn": options.topn,
        "block": [QUERY_ROWS, COLUMNS], "products": products, "job": job, "ratio": medians[1] / medians[0],
        "peak_mebibytes": memory,
    }  # fmt: skip
    write_result("neighbours", result, targets)
    return 0 if passed else 1


def write_random_vectors(directory: Path, rows: int, dim: int, seed: int = 0) -> None:
    """A table of normal random vectors."""
    random = np.random.default_rng(seed)
    blocks = (random.standard_normal((min(10_000, rows - s), dim), np.float32) for s in range(0, rows, 10_000))
    words = pa.array([f"word{row}" for row in range(rows)])
    write_vectors(fs.LocalFileSystem(), str(directory), words, np.arange(rows, 0, -1), blocks, {})


def time_products(vectors: Path) -> float:
    """Seconds of all products of the job, in its blocks, in as many processes."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(PROCESSES)]
    workers = [
        context.Process(target=_multiply, args=(other, vectors, number)) for number, (_, other) in enumerate(pipes)
    ]
    for worker in workers:
        worker.start()
    for mine, _ in pipes:
        mine.recv()
    with timed() as timing:
        for mine, _ in pipes:
            mine.send("begin")
        for mine, _ in pipes:
            mine.recv()
    for worker in workers:
        worker.join()
    return timing.seconds


def _multiply(connection: Connection, vectors: Path, number: int) -> None:
    """What one process does: every ``PROCESSES``-th block of rows against all columns."""
    unit = normalise(open_vectors(vectors).stack)
    tile = np.empty(QUERY_ROWS * COLUMNS, dtype=np.float32)
    connection.send("ready")
    connection.recv()
    with threadpool_limits(limits=1, user_api="blas"):
        for start in range(number * QUERY_ROWS, len(unit), PROCESSES * QUERY_ROWS):
            rows = unit[start : start + QUERY_ROWS]
            for first in range(0, len(unit), COLUMNS):
                block = unit[first : first + COLUMNS]
                product = tile[: len(rows) * len(block)].reshape(len(rows), len(block))
                np.matmul(rows, block.T, out=product)
    connection.send("done")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vocabulary", type=int, default=150_000, metavar="V")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--topn", type=int, default=10, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
