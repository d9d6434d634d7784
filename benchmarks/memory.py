"""Peak memory of a running program and everything it starts, by role: driver, JVM, Python workers."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from benchmarks.common import timed

PROC = Path("/proc")
MEBIBYTE = 1 << 20


@dataclass(slots=True)
class Peaks:
    """Highest memory seen, in bytes: of each role, and of all processes at one moment."""

    total: int = 0
    roles: dict[str, int] = field(default_factory=dict)

    def add(self, sample: Mapping[str, int]) -> None:
        """Take in the bytes of each role at one moment."""
        self.total = max(self.total, sum(sample.values()))
        for role, size in sample.items():
            self.roles[role] = max(self.roles.get(role, 0), size)

    def mebibytes(self) -> dict[str, int]:
        """Rounded numbers for a report, ``total`` first."""
        return {name: size // MEBIBYTE for name, size in {"total": self.total, **self.roles}.items()}


class MemorySampler:
    """Sample the memory of a process tree in a thread, from ``with`` to the end of its block.

    Memory is the proportional set size, in which a page that n processes share counts 1/n for each; the resident
    size where the system does not tell. Without ``/proc`` everything stays zero.
    """

    def __init__(self, pid: int, interval: float = 1.0) -> None:
        self.peaks = Peaks()
        self._pid = pid
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> MemorySampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.peaks.add(measure_tree(self._pid))
            if self._stop.wait(self._interval):
                return


@dataclass(frozen=True, slots=True)
class Run:
    """A program that has ended: exit code, wall time in seconds and peak memory."""

    code: int
    seconds: float
    peaks: Peaks


def run_measured(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> Run:
    """Run a program to its end, its output passed through."""
    with timed() as timing:
        process = subprocess.Popen(command, env=environment, cwd=directory)
        with MemorySampler(process.pid) as sampler:
            code = process.wait()
    return Run(code, timing.seconds, sampler.peaks)


def measure_tree(pid: int) -> dict[str, int]:
    """Bytes by role of a process and all its descendants, now."""
    sizes: dict[str, int] = {}
    for process in _descendants(pid):
        if size := _memory(process):
            role = _role(process)
            sizes[role] = sizes.get(role, 0) + size
    return sizes


def _descendants(pid: int) -> list[Path]:
    """Directories in ``/proc`` of a process and all that it started, directly or not."""
    children: dict[int, list[int]] = {}
    for directory in PROC.glob("[0-9]*"):
        stat = _read(directory / "stat")
        if stat:  # "pid (name) state parent ...", where the name may hold anything
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(directory.name))
    found = [pid]
    for process in found:  # grows while it is walked
        found += children.get(process, [])
    return [PROC / str(process) for process in found]


def _role(process: Path) -> str:
    command = _read(process / "cmdline")
    if "pyspark.daemon" in command or "pyspark.worker" in command:
        return "workers"
    return "jvm" if _read(process / "comm").strip() == "java" else "driver"


def _memory(process: Path) -> int:
    """Bytes of one process; zero if it is gone."""
    for file, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        for line in _read(process / file).splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # the process has ended, or is not ours
        return ""


def stop_on_failure(name: str, run: Run) -> None:
    """End this program when the one that was measured has failed."""
    if run.code:
        sys.exit(f"{name} ended with exit code {run.code}")
