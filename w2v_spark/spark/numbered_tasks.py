"""Pieces of work by their numbers, each done by whichever Spark task it falls to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.spark.join_tasks import one_row
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.spark.worker import freeze_modules

_SCHEMA: Final = "number bigint, value string"

Work = Callable[[int], Any]


@dataclass(frozen=True, slots=True)
class DoNumbered:
    """Does some work by its numbers: runs on the executors under ``mapInArrow``."""

    work: Work

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a number, with what has come out as JSON."""
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            yield one_row({"number": number, "value": json.dumps(self.work(number))})
        freeze_modules(type(self.work).__name__)


def tasks_for(count: int) -> int:
    """How many tasks share so many pieces of work: each is its own, so that none waits for others."""
    return max(count, 1)


def do_numbered(spark: SparkSession, work: Work, count: int) -> list[Any]:
    """Let Spark tasks do some work; what comes out, in the order of the numbers.

    Parameters
    ----------
    work : callable
        Takes a number, from 0, and returns a short value that JSON has. It is pickled, and called on the executors.
    count : int
        How many pieces there are.

    Raises
    ------
    W2VError
        What a task has raised.
    """
    numbers = spark.range(0, count, 1, tasks_for(count))
    with translated_errors():
        rows = numbers.mapInArrow(DoNumbered(work), _SCHEMA).toArrow().to_pylist()
    values = {row["number"]: json.loads(row["value"]) for row in rows}
    return [values[number] for number in range(count)]
