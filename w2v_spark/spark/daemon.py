"""Spark's daemon, from which Python workers are forked, with the compiler and the kernels loaded once for all of them.

``spark.python.daemon.module = w2v_spark.spark.daemon``. Nothing may be imported here that starts a thread, as Arrow
does: what is forked from a process with threads may find their locks taken.
"""

from __future__ import annotations

from pyspark.daemon import manager

from w2v_spark.kernels import checksum, merge, touched, train  # noqa: F401  loaded, for workers to find
from w2v_spark.kernels.target import load_target

if __name__ == "__main__":
    load_target()
    manager()
