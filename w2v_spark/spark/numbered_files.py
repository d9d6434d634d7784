"""Files by their numbers, each written by whichever Spark task it falls to."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.spark.spark_errors import translated_errors

_RESULT_SCHEMA = pa.schema([("number", pa.int64()), ("file", pa.string())])


@dataclass(frozen=True, slots=True)
class WriteNumbered:
    """Writes files by their numbers: runs on the executors under ``mapInArrow``."""

    write: Callable[[int, str], None]
    suffix: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file: its number and its name, which no other attempt uses."""
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            file = f"{number:05d}-{uuid.uuid4().hex}{self.suffix}"
            self.write(number, file)
            yield pa.RecordBatch.from_pylist([{"number": number, "file": file}], schema=_RESULT_SCHEMA)


def write_numbered(
    spark: SparkSession, write: Callable[[int, str], None], suffix: str, count: int, tasks: int | None = None
) -> list[str]:
    """Let Spark tasks write files; their names in the order of their numbers.

    Parameters
    ----------
    write : callable
        Writes a file, given its number, from 0, and its name. It is pickled, and called on the executors.
    suffix : str
        How the names end.
    count : int
        How many files there are.
    tasks : int, optional
        How many tasks share them; by default each file has one.

    Raises
    ------
    W2VError
        What a task has raised.
    """
    numbers = spark.range(0, count, 1, min(tasks or count, count))
    with translated_errors():
        rows = numbers.mapInArrow(WriteNumbered(write, suffix), "number bigint, file string").toArrow().to_pylist()
    files = {row["number"]: row["file"] for row in rows}
    return [files[number] for number in range(count)]
