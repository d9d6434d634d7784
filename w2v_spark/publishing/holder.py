"""Which process holds something, and whether it is still there."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from w2v_spark.errors import StoreError

STALE_SECONDS: Final = 900.0
"""Without a sign of life, until a process of another machine counts as gone: long, since clocks differ."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as its file says it.

    Attributes
    ----------
    token : str
        Different for every lock that was ever taken.
    purpose : str
        What it is held for, such as ``train``.
    owner, host : str
        User and machine.
    pid : int
        The process, and ``machine`` says in which numbering: that of one boot of one kernel and one container.
    machine : str
    process_start : str
        When the process began, so that another one with its number is not taken for it; empty where it is not known.
    taken, heartbeat : float
        Seconds since 1970.
    """

    token: str
    purpose: str
    owner: str
    host: str
    pid: int
    machine: str
    process_start: str
    taken: float
    heartbeat: float

    @classmethod
    def of_this_process(cls, purpose: str) -> Holder:
        """The process that asks, with a new token."""
        now, pid = time.time(), os.getpid()
        host = socket.gethostname()
        return cls(uuid.uuid4().hex, purpose, _user(), host, pid, _machine(), _process_start(pid), now, now)

    @classmethod
    def from_dict(cls, value: dict[str, Any], heartbeat: float | None = None) -> Holder:
        """What `to_dict` gave, with another sign of life if there is one. Raises `StoreError` for anything else."""
        try:
            return cls(
                str(value["token"]), str(value["purpose"]), str(value["owner"]), str(value["host"]), int(value["pid"]),
                str(value["machine"]), str(value["process_start"]), float(value["taken"]),
                float(value["heartbeat"]) if heartbeat is None else heartbeat,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"a lock file does not say who holds it: {error!r}") from error

    @classmethod
    def unknown(cls, since: float) -> Holder:
        """Somebody who has left an unreadable file."""
        return cls("", "a job", "somebody", "an unknown host", 0, "", "", since, since)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {"made_by": "w2v-spark", **asdict(self)}

    @property
    def age(self) -> float:
        """Seconds since the lock was taken."""
        return max(0.0, time.time() - self.taken)

    def why_stale(self) -> str | None:
        """Why nobody is at work any more, or None if somebody may be."""
        if self.machine and self.machine == _machine():  # what the system says is better than any clock
            return None if _is_alive(self.pid, self.process_start) else "which is gone"
        silence = time.time() - self.heartbeat
        return f"which has not been heard of for {show_age(silence)}" if silence > STALE_SECONDS else None

    def __str__(self) -> str:
        return f"{self.purpose} of {self.owner} on {self.host} (process {self.pid}), begun {show_age(self.age)} ago"


def show_age(seconds: float) -> str:
    """A time in the unit that suits it, such as ``3 min``."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def show_time(seconds: float) -> str:
    """Seconds since 1970 as a UTC time, such as ``2026-01-31T04:05:06Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"


def _machine() -> str:
    """One numbering of processes: a boot of a kernel and a container in it; empty where the system says nothing."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _process_start(pid: int) -> str:
    """Clock ticks from the boot to the start of a process; empty where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[19]  # field 22; the name before may hold anything


def _is_alive(pid: int, process_start: str) -> bool:
    """Whether a process of this machine is there and is no other one, nor one that has ended but is still listed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        if status.rpartition(")")[2].split()[0] in ("Z", "X"):
            return False
    return not process_start or _process_start(pid) == process_start
