"""How long vectors of the size of GoogleNews's take into a table and out of it again, and with how much memory.

A made-up file in word2vec's binary format. Both jobs run as a user runs them and are measured from outside, the start
of Python included. The file that comes out is compared with the one that went in.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.apart import check_room, run_apart, work_directory
from benchmarks.bench_open import BLOCK, random_blocks
from benchmarks.common import ROOT, Target, print_table, report_targets, write_result
from benchmarks.memory import Run, stop_on_failure

FULL, QUICK = 3_000_000, 100_000  # words; GoogleNews has 3,000,000 of D = 300
DIM = 300
MOST_MEBIBYTES = 1_024
MOST_WORD = 16  # bytes of a made-up word, and then some
INTERVAL = 0.1  # seconds; the import compares words at its end for a moment only, and takes memory for it


def main(argv: Sequence[str] | None = None) -> int:
    """Make the file, import and export it, write ``results/import.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    size = options.vocabulary * (4 * options.dim + MOST_WORD)
    check_room(options.output, 3 * size, f"{options.vocabulary:,} words of {options.dim} numbers need")  # three copies
    with work_directory(options.output, options.time_limit) as work:
        given, table, written = work / "given.bin", work / "table", work / "written.bin"
        write_binary(given, options.vocabulary, options.dim)
        runs = {
            "import": run(work, "import_vectors", "--input", given, "--output", table),
            "export": run(work, "export", "--vectors", table, "--output", written),
        }
        identical = filecmp.cmp(given, written, shallow=False)
        size = given.stat().st_size
    peaks = {job: measured.peaks.mebibytes()["total"] for job, measured in runs.items()}
    print_table(
        ("", "seconds", "MB/s", "peak MiB"),
        [(job, f"{r.seconds:.1f}", f"{size / r.seconds / 1e6:,.0f}", f"{peaks[job]:,}") for job, r in runs.items()],
    )
    targets = [Target(f"peak memory of the {job}, MiB", peaks[job], MOST_MEBIBYTES, at_least=False) for job in runs]
    targets.append(Target("files that are the same byte for byte, of 1", int(identical), 1))
    passed = report_targets(targets)
    result = {
        "vocabulary": options.vocabulary,
        "dim": options.dim,
        "file_bytes": size,
        "seconds": {job: round(measured.seconds, 3) for job, measured in runs.items()},
        "peak_mebibytes": peaks,
        "identical": identical,
    }
    is_full = (options.vocabulary, options.dim) == (FULL, DIM)
    write_result("import" if is_full else "import_quick", result, targets)
    return 0 if passed else 1


def write_binary(path: Path, rows: int, dim: int) -> None:
    """A file of made-up words and normal numbers, in the bytes that gensim writes; a block of rows at a time."""
    with path.open("wb") as file:
        file.write(f"{rows} {dim}\n".encode())
        for start, block in zip(range(0, rows, BLOCK), random_blocks(rows, dim), strict=True):
            words = (f"word{rank} ".encode() for rank in range(start, start + len(block)))
            file.write(b"".join(word + row.tobytes() for word, row in zip(words, block, strict=True)))


def run(work: Path, job: str, *arguments: str | Path) -> Run:
    """Run a job of this checkout; ends the program when the job fails."""
    command = [sys.executable, str(ROOT / "jobs" / f"{job}.py"), *map(str, arguments)]
    measured = run_apart(command, {**os.environ, "PYTHONPATH": str(ROOT)}, work, INTERVAL)
    stop_on_failure(f"jobs/{job}.py", measured)
    return measured


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vocabulary", type=int, metavar="V", help=f"words (default: {FULL})")
    parser.add_argument("--dim", type=int, default=DIM, metavar="D", help="numbers a word (default: %(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(tempfile.gettempdir()),
        metavar="DIR",
        help="where to make the temporary directory (default: %(default)s)",
    )
    parser.add_argument("--time-limit", type=float, default=1800, metavar="SECONDS", help="for all (default: 1800)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} words")
    options = parser.parse_args(argv)
    options.vocabulary = options.vocabulary or (QUICK if options.quick else FULL)
    if min(options.vocabulary, options.dim, options.time_limit) <= 0:
        parser.error("--vocabulary, --dim and --time-limit must be positive")
    return options


if __name__ == "__main__":
    sys.exit(main())
