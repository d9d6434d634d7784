"""One job at a time in an output: the second one stops before it starts Spark, and says who the first one is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from w2v_spark.errors import InUse
from w2v_spark.publishing.lock import Lock
from w2v_spark.storage import Directory


def check_free(directory: Directory) -> None:
    """Refuse a directory in which another job is at work.

    Raises
    ------
    InUse
        Says whose job it is, where it runs, and since when.
    """
    holder = Lock(directory).read()
    if holder is not None and holder.why_stale() is None:
        raise InUse(f"{directory.uri} is in use by {holder}; wait until it has ended, or choose another directory")


@contextlib.contextmanager
def occupied(directory: Directory, purpose: str, say: Callable[[str], None]) -> Iterator[Lock]:
    """Hold the lock of an output; a directory that was made for it and has stayed empty goes again.

    Raises
    ------
    InUse
        Another job is at work there.
    """
    is_new = not directory.exists()
    try:
        with Lock(directory, purpose=purpose, say=say) as lock:
            yield lock
    finally:
        if is_new and directory.is_local:
            with contextlib.suppress(OSError):  # it is not empty
                Path(directory.path).rmdir()
