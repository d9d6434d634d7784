"""Where the estimator keeps its files: a directory that this process and the executors reach under one name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.errors import ConfigError
from w2v_spark.storage import Directory

LOCATION_SETTING: Final = "spark.w2v.directory"


def is_connect(spark: SparkSession) -> bool:
    """Whether a session is one of Spark Connect."""
    return type(spark).__module__.startswith("pyspark.sql.connect")


def find_location(spark: SparkSession, chosen: str | None) -> Directory:
    """The Param ``runDirectory``, else the setting ``spark.w2v.directory``, else for a local master a temporary one.

    Raises
    ------
    ConfigError
        A cluster, and neither is given; or executors do not see the directory.
    """
    is_local_master = (spark.conf.get("spark.master", None) or "").startswith("local")
    uri = chosen or spark.conf.get(LOCATION_SETTING, None)
    if not uri:
        if not is_local_master:
            raise ConfigError(
                "a cluster needs a directory that the driver and all executors reach under one name; set the Param "
                f"runDirectory, or {LOCATION_SETTING} among the settings of Spark, for example to a mounted path or an "
                "object store"
            )
        uri = tempfile.gettempdir()
    directory = Directory.open(uri).create()
    if directory.is_local and (is_connect(spark) or not is_local_master):
        _check_shared(spark, directory)
    return directory


def _check_shared(spark: SparkSession, directory: Directory) -> None:
    """`ConfigError` unless an executor sees a directory of this process."""
    probe = tempfile.mkdtemp(prefix="w2v-probe-", dir=directory.path)
    name = probe.rpartition("/")[2]
    try:
        rows = spark.range(0, 1, 1, 1).mapInArrow(_Sees(directory.uri, name), "seen boolean").collect()
    finally:
        directory.remove(name)
    if not rows[0]["seen"]:
        raise ConfigError(
            f"executors do not see {directory.uri} of this process; set Param runDirectory or {LOCATION_SETTING} to "
            "a directory that both reach under one name, for example a mounted path or an object store"
        )


class _Sees:
    """Whether an executor sees a directory: runs under ``mapInArrow``."""

    def __init__(self, uri: str, name: str) -> None:
        self.uri, self.name = uri, name

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row."""
        for _ in batches:
            yield pa.record_batch([pa.array([Directory.open(self.uri).exists(self.name)])], names=["seen"])
