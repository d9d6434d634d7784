"""What every benchmark needs: the machine, the data, a stopwatch, targets, and results as JSON."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DATA = ROOT.parent / "shared" / "data" / "enwiki2015"
EVALUATION = ROOT.parent / "shared" / "eval"

PACKAGES = ("pyspark", "numba", "llvmlite", "numpy", "pyarrow", "pandas", "gensim", "duckdb")


@dataclass(slots=True)
class Timing:
    """Wall time of a block, in seconds; zero until it ends."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """A number that was promised: ``value`` must be at least, or at most, ``limit``."""

    name: str
    value: float
    limit: float
    at_least: bool = True

    @property
    def passed(self) -> bool:
        """Whether the promise is kept; never for NaN."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@contextmanager
def timed() -> Iterator[Timing]:
    """Measure a block: ``with timed() as timing: ...``, then ``timing.seconds``."""
    timing = Timing()
    started = time.perf_counter()
    try:
        yield timing
    finally:
        timing.seconds = time.perf_counter() - started


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, required where the default corpus is absent."""
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA if DATA.is_dir() else None,
        required=not DATA.is_dir(),
        metavar="DIR",
        help="Parquet files with a column 'text', one document a row",
    )


def data_files(directory: Path) -> list[Path]:
    """The Parquet files of a corpus, in order. Ends the program when there are none."""
    files = sorted(directory.glob("*.parquet"))
    if not files:
        sys.exit(f"no Parquet files in {directory}; give a directory of them with --data")
    return files


def spark_environment(master: str) -> dict[str, str]:
    """The environment of a job on a given master that imports the package from this checkout."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "MASTER": master, "PYTHONPATH": path}


def setting_arguments(settings: Sequence[str]) -> list[str]:
    """``section.key=value`` texts as arguments of the main job."""
    return [argument for setting in settings for argument in ("--set", setting)]


def between_rounds(rounds: Sequence[dict[str, Any]]) -> float:
    """Seconds of some rounds of a ``history.json`` beyond what the slowest shard of each has trained.

    Reading and writing weights, merging, scheduling. For as many shards as cores.
    """
    return float(sum(entry["seconds"]["total"] - entry["seconds"]["slowest"] for entry in rounds))


def waiting(rounds: Sequence[dict[str, Any]]) -> float:
    """Seconds that a shard has waited for the slowest to end its training, on average."""
    return float(sum(entry["seconds"]["slowest"] - entry["seconds"]["train"] for entry in rounds))


def report_targets(targets: Sequence[Target]) -> bool:
    """Print promised and measured numbers; True when every promise is kept."""
    rows = [
        (target.name, f"{target.value:.4g}", f"{'>=' if target.at_least else '<='} {target.limit:g}", _verdict(target))
        for target in targets
    ]
    print_table(("target", "measured", "promised", ""), rows)
    return all(target.passed for target in targets)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text in columns, the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    print()
    for row in (header, ["-" * width for width in widths], *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
    print(flush=True)


def write_result(name: str, result: dict[str, Any], targets: Sequence[Target] = ()) -> Path:
    """Write ``results/<name>.json``: the result, what was promised, and what is needed to repeat the run."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {
        "benchmark": name,
        "command": shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *map(_named, sys.argv[1:])]),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": describe_machine(),
        "targets": [{**asdict(target), "passed": target.passed} for target in targets],
        **result,
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path.relative_to(ROOT)}")
    return path


def describe_machine() -> dict[str, Any]:
    """Processor, cores that this process may use, memory in GiB, and the versions that matter."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
    }


def _named(argument: str) -> str:
    """An argument without the directories above a path, which are those of one machine."""
    path = Path(argument)
    return path.name if path.is_absolute() else argument


def _verdict(target: Target) -> str:
    return "pass" if target.passed else "FAIL"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout, with ``-dirty`` after it when files differ; None outside a repository."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    git = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return git.stdout.strip() or None
