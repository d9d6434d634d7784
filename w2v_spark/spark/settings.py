"""Spark settings for as long as a part of the job runs; the session's own ones are restored afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

_BATCH_BYTES: Final = 4 << 20
_BATCH_RECORDS: Final = 100_000
_BATCH_RECORDS_WITHOUT_BYTES: Final = 1_000  # where Spark knows no limit in bytes (before 4.1)
_ADAPTIVE: Final = "spark.sql.adaptive.enabled"


def pass_settings(spark: SparkSession, parallelism: int) -> AbstractContextManager[None]:
    """Settings of the passes over the text.

    Text comes to Python in batches of a few MiB. A small cluster gets four parts a core to sum the counts in instead of
    the usual 200, and no adaptive planning, which would measure for longer than they take.
    """
    records, size = "spark.sql.execution.arrow.maxRecordsPerBatch", "spark.sql.execution.arrow.maxBytesPerBatch"
    parts = "spark.sql.shuffle.partitions"
    knows_bytes = _is_known(spark, size)
    wanted = {
        records: _BATCH_RECORDS if knows_bytes else _BATCH_RECORDS_WITHOUT_BYTES,
        parts: min(int(spark.conf.get(parts) or 200), 4 * parallelism),
        _ADAPTIVE: "false",
        **({size: _BATCH_BYTES} if knows_bytes else {}),
    }
    return _settings(spark, wanted)


def round_settings(spark: SparkSession) -> AbstractContextManager[None]:
    """Settings of the rounds, whose jobs handle a few numbers: planning and compiling them would take far longer."""
    return _settings(spark, {_ADAPTIVE: "false", "spark.sql.codegen.wholeStage": "false"})


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


def _is_known(spark: SparkSession, key: str) -> bool:
    """Whether this Spark has a setting; asked with a default, it would not tell."""
    try:
        return spark.conf.get(key) is not None
    except PySparkException:
        return False
