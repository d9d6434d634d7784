"""Gates in SQL: queries over the new vectors, the incumbent and the drift that must return no row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from pyspark.sql import DataFrame, SparkSession

from w2v_spark.errors import ConfigError, Name
from w2v_spark.evaluation.gates import Verdict
from w2v_spark.inputs.files import spark_path
from w2v_spark.publishing.layout import DRIFT, VECTORS
from w2v_spark.spark.spark_errors import SPARK_ERRORS, one_line_cause, quiet_analysis
from w2v_spark.storage import Directory

_VECTORS: Final = {"id": "int", "word": "string", "count": "bigint", "vector": "array<float>"}
_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "vectors": _VECTORS,
    "incumbent": _VECTORS,
    "drift": {
        "word": "string", "count_before": "bigint", "count_after": "bigint", "rank_before": "int", "rank_after": "int",
        "rank_change": "int", "cosine": "double", "overlap": "double",
    },
}  # fmt: skip
_SHOWN: Final = 200  # characters of a row


def check_queries(spark: SparkSession, queries: Sequence[str]) -> None:
    """Refuse what Spark does not understand, before there is anything to ask about.

    Raises
    ------
    ConfigError
    """
    for query in queries:
        try:
            with quiet_analysis():
                _ask(spark, query, {}).schema  # noqa: B018 - Spark looks at it
        except SPARK_ERRORS as error:
            raise ConfigError(Name("gate-sql"), f" {query!r} cannot be run: {one_line_cause(error)}") from error


def run_queries(
    spark: SparkSession, queries: Sequence[str], staging: Directory, incumbent: Directory | None
) -> list[Verdict]:
    """Ask each query; one that returns a row has not passed.

    Parameters
    ----------
    staging : Directory
        The new result; a drift table is there only where a training has gone on from a version.
    incumbent : Directory, optional
        Without it the view is empty.
    """
    views = {"vectors": staging.child(VECTORS)}
    if incumbent is not None:
        views["incumbent"] = incumbent.child(VECTORS)
    if staging.exists(DRIFT):
        views["drift"] = staging.child(DRIFT)
    verdicts = []
    for query in queries:
        rows = _ask(spark, query, views).limit(1).collect()
        reason = "returned no row"
        if rows:
            row = json.dumps(rows[0].asDict(recursive=True), default=str, ensure_ascii=False)
            reason = f"returned a row: {row if len(row) <= _SHOWN else row[:_SHOWN] + ' ...'}"
        verdicts.append(Verdict(query, not rows, f"{query} {reason}", {}))
    return verdicts


def _ask(spark: SparkSession, query: str, views: Mapping[str, Directory]) -> DataFrame:
    """The rows of a query: the views are part of it, so nothing of the session changes, and no DROP or INSERT works."""
    parts = ", ".join(f"{name} AS ({_view(name, views.get(name))})" for name in _COLUMNS)
    return spark.sql(f"WITH {parts} SELECT * FROM (\n{query.strip().rstrip(';')}\n)")


def _view(name: str, place: Directory | None) -> str:
    if place is None:
        columns = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in _COLUMNS[name].items())
        return f"SELECT {columns} WHERE false"
    path = spark_path(place.path) if place.is_local else place.uri
    return f"SELECT * FROM parquet.`{path.replace('`', '``')}`"
