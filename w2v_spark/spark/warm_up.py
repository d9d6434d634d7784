"""Workers that start and import what they need while the driver still plans."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.spark.ending import own_java
from w2v_spark.spark.resources import default_parallelism

_OF_WORKERS: Final = ("w2v_spark.spark.count_pass", "w2v_spark.spark.encode_tasks", "w2v_spark.spark.step_task")


def warm_workers(spark: SparkSession) -> None:
    """Have Spark start its Python workers and import in them what the first passes need, and do not wait for it.

    Nothing where this process has not started Java itself: other sessions may be warm, or somebody else's.
    """
    if own_java() is not None:
        threading.Thread(target=_start_workers, args=(spark,), name="w2v-warm-up", daemon=True).start()


def load(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Import in a worker."""
    with contextlib.suppress(Exception):  # whoever needs a module that fails meets the error, and says it
        for module in _OF_WORKERS:
            importlib.import_module(module)
    yield from batches


def _start_workers(spark: SparkSession) -> None:
    tasks = default_parallelism(spark)
    with contextlib.suppress(Exception):  # the same
        spark.range(0, tasks, 1, tasks).mapInArrow(load, "id bigint").write.format("noop").mode("overwrite").save()
