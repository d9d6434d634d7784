"""What the input looks like from outside, by which a run that goes on recognises it."""

from __future__ import annotations

import hashlib
import json
import re
import string
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
from pyarrow import fs as pafs
from pyspark.sql import DataFrame, SparkSession

from w2v_spark.errors import W2VError
from w2v_spark.inputs.files import is_local, local_path
from w2v_spark.spark.spark_errors import SPARK_ERRORS, quiet_analysis
from w2v_spark.storage import Directory

_VERSION_QUERIES: Final = {
    "delta": "DESCRIBE HISTORY {table} LIMIT 1",
    "iceberg": "SELECT snapshot_id FROM {table}.refs WHERE name = 'main'",
}
"""The version or snapshot is the first column of the first row."""
_HISTORY: Final = {
    "delta": ("_delta_log", r"(\d+)\.json"),
    "iceberg": ("metadata", r"v?(\d+)\b.*\.metadata\.json"),
}
"""Where the directory of a table has a file for each version, and their names."""


def fingerprint_files(frame: DataFrame) -> dict[str, Any]:
    """The files that a DataFrame reads.

    Returns
    -------
    dict
        ``files``: number; ``bytes``: their size, where known; ``digest``: SHA-256 over path, size and time of
        modification of each file, in the order of their paths. Of no file, where the data do not lie in files that
        Spark shows.
    """
    entries = []
    for uri in sorted(frame.inputFiles()):
        try:
            filesystem, path = open_uri(uri)
            info = filesystem.get_file_info(path)
            entries.append([uri, info.size, info.mtime_ns])
        except (pa.ArrowException, OSError):  # a scheme that only Spark knows: paths alone
            entries.append([uri, None, None])
    digest = hashlib.sha256(json.dumps(entries).encode()).hexdigest()
    return {"files": len(entries), "bytes": sum(size or 0 for _, size, _ in entries), "digest": digest}


def open_uri(uri: str) -> tuple[pafs.FileSystem, str]:
    """Where a file lies that Spark has named. Raises what pyarrow raises for schemes that it does not know."""
    filesystem, path = pafs.FileSystem.from_uri(quote(uri, safe=string.punctuation))  # Spark keeps "ä" as it is
    return filesystem, path


def unrecognised(seen: dict[str, Any]) -> str | None:
    """What to tell whoever goes on with a run of an input that has neither files nor a version; None if it has one."""
    if seen["files"] or seen.get("version"):
        return None
    return (
        "the input has neither files nor a version by which to tell that it is the one that the run began with; what "
        "was counted and encoded stays, and what is still to be encoded is compared with what was counted"
    )


def table_version(spark: SparkSession, table: str) -> str | None:
    """The version of a table of a catalog, such as ``delta 12``; None where it has none, or the session cannot tell."""
    with quiet_analysis():
        try:
            rows = spark.sql(f"DESCRIBE TABLE EXTENDED {table}").collect()
            provider = next((row["data_type"].lower() for row in rows if row["col_name"] == "Provider"), "")
            if provider not in _VERSION_QUERIES:
                return None
            found = spark.sql(_VERSION_QUERIES[provider].format(table=table)).collect()
        except SPARK_ERRORS:
            return None
    return f"{provider} {found[0][0]}" if found else None


def path_version(path: str, format: str) -> str | None:
    """The version of a table by its directory, such as ``delta 12``; None where it has none, or it cannot be seen."""
    if format not in _HISTORY:
        return None
    folder, pattern = _HISTORY[format]
    try:
        entries = Directory.open(local_path(path) if is_local(path) else path).child(folder).list()
    except (W2VError, pa.ArrowException, OSError):
        return None
    numbers = [int(found[1]) for entry in entries if (found := re.fullmatch(pattern, entry.base_name))]
    return f"{format} {max(numbers)}" if numbers else None
