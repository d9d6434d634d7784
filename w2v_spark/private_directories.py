"""Directories in which what is kept may be run: they belong to the user, and nobody else may enter them."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path


def _places() -> Iterator[Path]:
    """Directories for what is kept, best first: what ``NUMBA_CACHE_DIR`` names, the user's cache, a temporary one."""
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(named)
    with contextlib.suppress(RuntimeError):  # a user without a home, as pods have
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "w2v-spark")
    with contextlib.suppress(OSError):  # no temporary directory
        yield Path(tempfile.gettempdir(), f"w2v-spark-{user()}")


def user() -> int:
    """The number of this process's user; 0 where users have none."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def is_private(directory: Path) -> bool:
    """Whether a directory, and no link to one, belongs to the user, and nobody else may enter it."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == user() and not status.st_mode & 0o077


def make_private(directory: Path) -> bool:
    """Make a directory if it is missing; whether it is private and can be written to."""
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if status.st_uid == user() and stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o022:
            directory.chmod(0o700)  # only this user could write to it so far
        if not is_private(directory):
            return False
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def find_directory(name: str) -> Path | None:
    """A private directory of this name in the first place that can be written to; None when there is none."""
    directories = (place.absolute() / name for place in _places())
    return next((directory for directory in directories if make_private(directory)), None)
