"""Spark's daemon, from which Python workers are forked, with the compiler and the kernels loaded once for all of them.

``spark.python.daemon.module = w2v_spark.spark.daemon``. Nothing may be imported here that starts a thread, as Arrow
does: what is forked from a process with threads may find their locks taken.
"""

from __future__ import annotations

from numba.core.registry import cpu_target
from pyspark.daemon import manager

from w2v_spark.kernels import checksum, merge, touched, train  # noqa: F401  loaded, for workers to find

if __name__ == "__main__":
    # What the compiler knows of its target: it is asked for where a kernel is read from disk, too.
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    manager()
