"""The processes of a running job, by what they do: found in /proc, so on Linux only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    session: int
    command: tuple[str, ...]

    @property
    def is_java(self) -> bool:
        return self.command[0].endswith("java")

    @property
    def is_python_of_spark(self) -> bool:
        return any(word in {"pyspark.daemon", "w2v_spark.spark.daemon"} for word in self.command)

    @property
    def is_executor(self) -> bool:
        return self.is_java and any("CoarseGrainedExecutorBackend" in word for word in self.command)


def processes(sessions: Iterable[int]) -> list[Process]:
    """All processes of some sessions, such as those of a job that was started with one of its own."""
    wanted, found = set(sessions), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # gone meanwhile
                status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                command = tuple((entry / "cmdline").read_bytes().decode(errors="replace").split("\0"))
                if int(status[3]) in wanted and status[0] != "Z":
                    found.append(Process(int(entry.name), int(status[1]), int(status[3]), command))
    return found


def python_workers(found: Iterable[Process]) -> list[int]:
    """Those that run tasks; their parent, the daemon, is none of them."""
    ours = [process for process in found if process.is_python_of_spark]
    daemons = {process.pid for process in ours}
    return [process.pid for process in ours if process.parent in daemons]


def daemons(found: Iterable[Process]) -> list[int]:
    """Those that start Python workers."""
    ours = [process for process in found if process.is_python_of_spark]
    return [process.pid for process in ours if process.parent not in {each.pid for each in ours}]


def end_session(job: subprocess.Popen[str]) -> None:
    """Kill what is left of a job that was started with a session of its own.

    Its number may belong to somebody else once it has been waited for and nobody of the session is left.
    """
    if job.poll() is None:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
    left = processes([job.pid])
    if job.pid not in {process.pid for process in left}:
        for process in left:
            kill_one(process.pid)


def kill_one(pid: int) -> bool:
    """Whether it was there to be killed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
