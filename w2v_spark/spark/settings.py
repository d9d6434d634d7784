"""Spark settings for as long as a part of the job runs; the session's own ones are restored afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

_BATCH_BYTES: Final = 4 << 20
_BATCH_RECORDS: Final = 100_000
_BATCH_RECORDS_WITHOUT_BYTES: Final = 1_000  # where Spark knows no limit in bytes (before 4.1)
_RECORDS: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
_BYTES: Final = "spark.sql.execution.arrow.maxBytesPerBatch"
_ADAPTIVE: Final = "spark.sql.adaptive.enabled"
_PARTITIONS: Final = "spark.sql.shuffle.partitions"
# What both parts of the job hand to and take from Spark is of these types, and far below 2 GiB a batch.
_ARROW: Final = {"spark.sql.execution.arrow.useLargeVarTypes": "false"}
# Rows are few, and to generate and to compile code for them takes Java a second or two when it has just started.
_INTERPRETED: Final = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
_FRAMES: Final = threading.Lock()


def text_pass_conf(spark: SparkSession, parallelism: int, is_small: bool = False) -> AbstractContextManager[None]:
    """Settings of the passes over the text.

    Text comes to Python in batches of a few MiB. A small cluster gets four parts a core to sum the counts in instead of
    the usual 200, and no adaptive planning, which would measure for longer than they take. A small text gets one part a
    core, and no code of its own.
    """
    knows_bytes = _is_known(spark, _BYTES)
    parts = parallelism if is_small else 4 * parallelism
    wanted = {
        _RECORDS: _BATCH_RECORDS if knows_bytes else _BATCH_RECORDS_WITHOUT_BYTES,
        _PARTITIONS: min(int(spark.conf.get(_PARTITIONS) or 200), parts),
        _ADAPTIVE: "false",
        **({_BYTES: _BATCH_BYTES} if knows_bytes else {}),
        **_known(spark, _ARROW),
        **(_known(spark, _INTERPRETED) if is_small else {}),
    }
    return _settings(spark, wanted)


def training_conf(spark: SparkSession) -> AbstractContextManager[None]:
    """Settings of the rounds, whose jobs handle a few numbers: planning and compiling them would take far longer."""
    return _settings(spark, {_ADAPTIVE: "false", **_known(spark, _ARROW), **_known(spark, _INTERPRETED)})


def frame_of(spark: SparkSession, table: pa.Table, schema: StructType | None = None) -> DataFrame:
    """A DataFrame of an Arrow table, also where the session sets no limit to the rows of a batch.

    PySpark cannot cut a table into batches without a limit, so it has one meanwhile.
    """
    with _FRAMES:  # one at a time: each restores what it has found
        limit = int(spark.conf.get(_RECORDS, None) or 0)
        with _settings(spark, {} if limit > 0 else {_RECORDS: _BATCH_RECORDS}):
            return spark.createDataFrame(table, schema)


@contextmanager
def _settings(spark: SparkSession, wanted: Mapping[str, Any]) -> Iterator[None]:
    before = {key: spark.conf.get(key, None) for key in wanted}
    try:
        for key, value in wanted.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


def _known(spark: SparkSession, wanted: Mapping[str, str]) -> dict[str, str]:
    """Those of some settings that this Spark has."""
    return {key: value for key, value in wanted.items() if _is_known(spark, key)}


def _is_known(spark: SparkSession, key: str) -> bool:
    """Whether this Spark has a setting; asked with a default, it would not tell."""
    try:
        return spark.conf.get(key) is not None
    except PySparkException:
        return False
