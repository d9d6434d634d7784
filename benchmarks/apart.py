"""Benchmarks that leave nothing behind, however they end: neither files nor processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from benchmarks.common import timed
from benchmarks.memory import PROC, MemorySampler, Run

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


def check_room(directory: Path, needed: int, subject: str) -> None:
    """End the program where a directory is none, or its disk has fewer free bytes than are needed."""
    if not directory.is_dir():
        sys.exit(f"--output {directory} is no directory; make it, or name another")
    free = shutil.disk_usage(directory).free
    if free < needed:
        sys.exit(
            f"{subject} {needed / 1e9:.1f} GB of free disk while this runs, {directory} has {free / 1e9:.1f} GB; "
            "name a directory on a larger disk with --output DIR"
        )


@contextmanager
def work_directory(parent: Path, seconds: float) -> Iterator[Path]:
    """A temporary directory that is removed whatever ends the block: an error, a signal or the time limit."""

    def end(number: int, frame: FrameType | None) -> None:
        _ignore_endings()
        limit = f"the time limit of {seconds:g} s; set another with --time-limit"
        sys.exit(f"stopped by {limit if number == signal.SIGALRM else signal.Signals(number).name}")

    before = {number: signal.signal(number, end) for number in ENDINGS}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=parent) as name:
            try:
                yield Path(name).absolute()  # for programs that run in other directories
            finally:
                _ignore_endings()  # nothing interrupts the removal
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def run_apart(command: Sequence[str], environment: Mapping[str, str], directory: Path, interval: float = 1.0) -> Run:
    """Run a program in a session of its own and measure it; nothing of the session outlives this call.

    Memory is sampled every ``interval`` seconds.
    """
    with timed() as timing:
        process = subprocess.Popen(command, env=environment, cwd=directory, start_new_session=True)
        try:
            with MemorySampler(process.pid, interval) as sampler:
                code = process.wait()
        finally:
            _kill_session(process)
    return Run(code, timing.seconds, sampler.peaks)


def _ignore_endings() -> None:
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill a program's process group, and Python workers of Spark, which have a group of their own in its session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for _ in range(100):
        members = _session_members(process.pid)
        for member in members:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        if not members:
            return
        time.sleep(0.05)


def _session_members(session: int) -> list[int]:
    """Processes of a session that have not ended; none without ``/proc``."""
    found = []
    for stat in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            # "pid (name) state parent group session ...", where the name may hold anything
            state, _, _, number = stat.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if int(number) == session and state not in "ZX":
                found.append(int(stat.parent.name))
    return found
