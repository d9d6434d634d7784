"""Spark's daemon, from which Python workers are forked, with all that they need loaded once for all of them.

``spark.python.daemon.module = w2v_spark.spark.daemon``. Nothing may be loaded here that starts a thread: what is forked
from a process with threads may find their locks taken. Arrow would start one, which frees memory of an allocator that
is not the one it uses; on Linux it is asked not to, elsewhere each worker loads Arrow by itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from typing import Final

from pyspark.daemon import manager

from w2v_spark.kernels import checksum, merge, touched, train  # noqa: F401  loaded, for workers to find
from w2v_spark.kernels.target import load_runtime
from w2v_spark.spark.warm_up import OF_WORKERS

_ARROW_OPTIONS: Final = "JE_ARROW_MALLOC_CONF"


def preload() -> None:
    """Load what workers will ask for, and take it out of garbage collection, which they do after each task."""
    load_runtime()
    if sys.platform == "linux" and _ARROW_OPTIONS not in os.environ:
        os.environ[_ARROW_OPTIONS] = "background_thread:false"
        with contextlib.suppress(Exception):  # whoever needs a module that fails meets the error, and says it
            for module in ("pyspark.worker", *OF_WORKERS):
                importlib.import_module(module)
    gc.freeze()


if __name__ == "__main__":
    preload()
    manager()
