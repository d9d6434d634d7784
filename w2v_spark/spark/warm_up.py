"""Workers that start and import what they need while Spark's SQL starts and the driver plans, and the driver itself."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Iterable
from typing import Any, Final

import pyspark

from w2v_spark.spark.ending import own_java

_OF_DRIVER: Final = ("pandas", "pyspark.sql.pandas.functions")  # which PySpark asks for at the first ``mapInArrow``
PRELOADING_DAEMON: Final = "w2v_spark.spark.daemon"
OF_WORKERS: Final = ("w2v_spark.spark.count_pass", "w2v_spark.spark.encode_tasks", "w2v_spark.spark.step_task")
# What Spark's SQL adds to the environment of its workers: it takes none whose environment differs.
_OF_SQL: Final = {"SPARK_SIMPLIFIED_TRACEBACK": "1"}


def warm_driver() -> None:
    """Load what the first queries and kernels will ask for in this process, while Java starts."""
    from w2v_spark.kernels.target import load_runtime

    load_runtime()
    for module in _OF_DRIVER:
        importlib.import_module(module)


def warm_workers(context: pyspark.SparkContext) -> None:
    """Have Spark start its Python workers and import in them what the first passes need, and do not wait for it.

    Nothing where this process has not started Java itself: other sessions may be warm, or somebody else's. A job
    without SQL, since that has to be started and to compile a query first.
    """
    if own_java() is not None:
        context.environment.update(_OF_SQL)
        threading.Thread(target=_start_workers, args=(context,), name="w2v-warm-up", daemon=True).start()


def load(_: Iterable[Any]) -> None:
    """Import in a worker."""
    with contextlib.suppress(Exception):  # whoever needs a module that fails meets the error, and says it
        for module in OF_WORKERS:
            importlib.import_module(module)


def _start_workers(context: pyspark.SparkContext) -> None:
    with contextlib.suppress(Exception):  # the same
        tasks = context.defaultParallelism
        if context.getConf().get("spark.python.daemon.module") != PRELOADING_DAEMON or sys.platform != "linux":
            tasks = max(tasks // 2, 1)  # they import, and the driver's own first queries want a core, too
        context.parallelize(range(tasks), tasks).foreachPartition(load)
