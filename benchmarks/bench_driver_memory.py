"""Whether the driver grows with the number of rounds.

Trains a made-up corpus for many rounds, and looks at the driver's Python and at Java after each: anonymous memory,
memory maps, open files and threads, as the system counts them. The growth is the slope of a straight line through the
second half of the rounds, so that what is loaded and compiled at the beginning does not count. What the driver keeps on
purpose is a record a round, below 1 KiB.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.bench_rounds import write_corpus
from benchmarks.common import (
    ROOT,
    Target,
    print_table,
    report_targets,
    setting_arguments,
    spark_environment,
    write_result,
)
from benchmarks.corpus import synthetic_corpus

SHARDS: Final = 2
MOST_GROWTH: Final = 20.0  # KiB a round: 4 MiB in 200 rounds, the tenth part of what the allocator wavers by
PROC: Final = Path("/proc")


def main(argv: Sequence[str] | None = None) -> int:
    """Train, write ``results/driver_memory.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    settings = (
        "train.epochs=1", f"train.rounds={options.rounds}", f"train.shards={SHARDS}", "train.sample=0", "model.dim=50"
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        write_corpus(synthetic_corpus(options.vocabulary), work / "corpus")
        command = [sys.executable, str(ROOT / "jobs" / "train.py"), "--input", str(work / "corpus"), "--quiet"]
        command += ["--format", "parquet", "--column", "words", "--output", str(work / "model")]
        command += ["--events", str(work / "events.jsonl"), *setting_arguments(settings)]
        samples = follow(command, work / "events.jsonl")
    if len(samples) < options.rounds:
        sys.exit(f"the job has ended after {len(samples)} of {options.rounds} rounds")
    growth = {key: slope([sample[key] for sample in samples]) for key in samples[0]}
    ends = {key: (samples[len(samples) // 2][key], samples[-1][key]) for key in samples[0]}
    rows = [(key, f"{ends[key][0]:,}", f"{ends[key][1]:,}", f"{value:.3g}") for key, value in growth.items()]
    print_table(("measure", "in the middle", "at the end", "a round"), rows)
    targets = [
        Target("driver's Python, KiB a round", growth["driver KiB"], MOST_GROWTH, at_least=False),
        Target("driver's memory maps a round", growth["driver maps"], 0.05, at_least=False),
        Target("driver's open files a round", growth["driver files"], 0.05, at_least=False),
        Target("driver's threads a round", growth["driver threads"], 0.05, at_least=False),
    ]
    passed = report_targets(targets)
    result = {"rounds": options.rounds, "vocabulary": options.vocabulary, "growth": growth, "samples": samples[::10]}
    write_result("driver_memory", result, targets)
    return 0 if passed else 1


def follow(command: Sequence[str], events: Path) -> list[dict[str, int]]:
    """Run the job; what it takes after each round."""
    samples: list[dict[str, int]] = []
    process = subprocess.Popen(command, env=spark_environment(f"local[{SHARDS}]"))
    try:
        while process.poll() is None:
            if (done := rounds_done(events)) > len(samples) and (java := find_java(process.pid)) is not None:
                sample = {f"driver {key}": value for key, value in look(process.pid).items()}
                sample |= {f"Java {key}": value for key, value in look(java).items()}
                samples += [sample] * (done - len(samples))
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    return samples


def rounds_done(events: Path) -> int:
    """Rounds that the events tell of."""
    if not events.exists():
        return 0
    lines = events.read_text(encoding="utf-8").split("\n")[:-1]
    return sum(json.loads(line)["event"] == "round" for line in lines)


def look(pid: int) -> dict[str, int]:
    """What a process takes now."""
    status = (PROC / str(pid) / "status").read_text()
    numbers = {key: int(value) for key, value in re.findall(r"^(RssAnon|Threads):\s+(\d+)", status, re.MULTILINE)}
    maps = (PROC / str(pid) / "maps").read_text().count("\n")
    files = len(list((PROC / str(pid) / "fd").iterdir()))
    return {"KiB": numbers["RssAnon"], "maps": maps, "files": files, "threads": numbers["Threads"]}


def find_java(parent: int) -> int | None:
    """The Java process that a driver has started."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                name = (entry / "cmdline").read_bytes().split(b"\0")[0]
            except OSError:
                continue
            if int(status[1]) == parent and name.endswith(b"java"):
                return int(entry.name)
    return None


def slope(values: Sequence[int]) -> float:
    """Of a straight line through the second half."""
    half = np.asarray(values[len(values) // 2 :], np.float64)
    return float(np.polyfit(np.arange(len(half)), half, 1)[0])


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200, metavar="T")
    parser.add_argument("--vocabulary", type=int, default=20_000, metavar="V")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
