"""What a Python worker of Spark does between tasks."""

from __future__ import annotations

import gc
from functools import lru_cache


@lru_cache(maxsize=8)
def freeze_modules(task: str) -> None:
    """Take what a worker has loaded by the end of its first task of a kind out of garbage collection.

    Spark has its workers collect after each task, before they accept the next. With all the modules here, that takes
    longer than all else between two short tasks. Once for each kind of task: later garbage is still collected.
    """
    gc.freeze()
