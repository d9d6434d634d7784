"""What a Python worker of Spark does between tasks."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from functools import lru_cache

import pyarrow as pa


@lru_cache(maxsize=8)
def freeze_modules(task: str) -> None:
    """Take what a worker has loaded by the end of its first task of a kind out of garbage collection.

    Spark has its workers collect after each task, before they accept the next. With all the modules here, that takes
    longer than all else between two short tasks. Once for each kind of task: later garbage is still collected.
    """
    gc.freeze()


def release_memory() -> None:
    """Give back what tasks of another kind have left in the allocators: training has weights, or is somewhere else.

    Takes a few milliseconds.
    """
    pa.default_memory_pool().release_unused()
    with suppress(OSError, TypeError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
