"""How long opening a table of a million vectors takes, with how much memory, and what the first queries cost.

A made-up table, opened in fresh processes: mapped, mapped with a limit, and read. Each is opened twice, first after
the files have been dropped from the system's cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import fs

from benchmarks.common import ROOT, Target, print_table, report_targets, timed, write_result
from benchmarks.memory import MEBIBYTE
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.reading import read_vectors
from w2v_spark.vectors.table import write_vectors

BLOCK = 16_384
BATCH = 64
LIMIT = 100_000
MAX_SECONDS = 2.0
MAX_PART = 0.1  # of the matrix, in private memory


def main(argv: Sequence[str] | None = None) -> int:
    """Make the table, open it, write ``results/open.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    if options.open is not None:
        print(json.dumps(measure(options.open, options.way, options.limit)))
        return 0
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        table = Path(name) / "vectors"
        words = pa.array([f"word{rank}" for rank in range(options.vocabulary)])
        counts = np.arange(options.vocabulary, 0, -1)
        blocks = random_blocks(options.vocabulary, options.dim)
        write_vectors(fs.LocalFileSystem(), str(table), words, counts, blocks, {})
        runs = {
            f"{label}, {cache}": run(table, way, limit, cache == "cold")
            for label, way, limit in (("mapped", "map", None), (f"limit={LIMIT}", "map", LIMIT), ("read", "read", None))
            for cache in ("cold", "warm")
        }
    units = [key for key in runs["mapped, warm"] if key != "rows"]
    print_table(("", *units), [(label, *(f"{numbers[key]:,.2f}" for key in units)) for label, numbers in runs.items()])
    matrix = 4 * options.vocabulary * options.dim / MEBIBYTE
    targets = [
        Target(f"seconds to open, {cache} cache", runs[f"mapped, {cache}"]["open s"], MAX_SECONDS, at_least=False)
        for cache in ("cold", "warm")
    ]
    private = max(runs[f"mapped, {cache}"]["open MiB"] for cache in ("cold", "warm"))
    targets += [Target("private memory after opening, part of the matrix", private / matrix, MAX_PART, at_least=False)]
    passed = report_targets(targets)
    result = {"vocabulary": options.vocabulary, "dim": options.dim, "matrix_mebibytes": matrix, "runs": runs}
    write_result("open", result, targets)
    return 0 if passed else 1


def random_blocks(rows: int, dim: int) -> Iterator[Matrix]:
    """Normal numbers, as they are needed."""
    generator = np.random.default_rng(1)
    for start in range(0, rows, BLOCK):
        yield generator.standard_normal((min(BLOCK, rows - start), dim), dtype=np.float32)


def run(table: Path, way: str, limit: int | None, cold: bool) -> dict[str, float]:
    """Open the table in a fresh process and return what it measured."""
    if cold:
        drop_from_cache(table)
    command = [sys.executable, "-m", "benchmarks.bench_open", "--open", str(table), "--way", way]
    command += [] if limit is None else ["--limit", str(limit)]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    numbers: dict[str, float] = json.loads(process.stdout)
    return numbers


def drop_from_cache(directory: Path) -> None:
    """Write files through to the disk, and ask the system to forget what it holds of them."""
    for path in directory.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(table: Path, way: str, limit: int | None) -> dict[str, Any]:
    """Seconds of opening and of the first queries, and private memory after each, in MiB above that before."""
    before = private_memory()
    numbers: dict[str, Any] = {}

    def step(name: str, seconds: float) -> None:
        numbers[f"{name} s"] = seconds
        numbers[f"{name} MiB"] = (private_memory() - before) / MEBIBYTE

    with timed() as timing:
        if way == "map":
            vectors = KeyedVectors.load(table, limit)
        else:
            content = read_vectors(table, limit)
            vectors = KeyedVectors(content.words, content.stack, content.counts)
    step("open", timing.seconds)
    numbers["rows"] = len(vectors)
    with timed() as timing:
        vectors["word77"]
    step("look-up", timing.seconds)
    with timed() as timing:
        vectors.most_similar("word77")
    step("first query", timing.seconds)
    with timed() as timing:
        vectors.most_similar("word78")
    step("query", timing.seconds)
    with timed() as timing:
        vectors.most_similar_batch([f"word{rank}" for rank in range(BATCH)])
    step(f"batch of {BATCH}", timing.seconds)
    return numbers


def private_memory() -> int:
    """Bytes of this process that are neither in files nor shared: ``Anonymous`` in ``/proc/self/smaps_rollup``."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vocabulary", type=int, default=1_000_000, metavar="V")
    parser.add_argument("--dim", type=int, default=300, metavar="D")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    parser.add_argument("--open", type=Path, metavar="DIR", help=argparse.SUPPRESS)  # in the process that is measured
    parser.add_argument("--way", choices=("map", "read"), default="map", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
