"""All counts of the first pass, kept in files by the tasks that add them up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from w2v_spark.corpus.word_counts import CountFile, CountWriter, WordCounts
from w2v_spark.spark.settings import frame_of
from w2v_spark.storage import Directory

_MOST_FILES: Final = 10_000
_SCHEMA: Final = (
    "word string, statistic string, count bigint, trained bigint, file string, tokens bigint, digest bigint"
)
_ARROW_SCHEMA: Final = pa.schema([
    ("word", pa.string()), ("statistic", pa.string()), ("count", pa.int64()), ("trained", pa.int64()),
    ("file", pa.string()), ("tokens", pa.int64()), ("digest", pa.int64()),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeepCounts:
    """Write a partition's words to a file, hand frequent ones on: runs on the executors under ``mapInArrow``."""

    uri: str
    min_count: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of ``_SCHEMA``: frequent words and statistics as they came, then a row that says what the file is."""
        writer = CountWriter(Directory.open(self.uri))
        for batch in batches:
            is_word = pc.is_valid(batch["word"])
            words = batch.filter(is_word)
            writer.write(words["word"], words["count"], words["digest"])
            passed = batch.filter(pc.or_(pc.invert(is_word), pc.greater_equal(batch["count"], self.min_count)))
            nothing = pa.nulls(len(passed), pa.int64())
            columns = [passed[name] for name in ("word", "statistic", "count", "trained")]
            columns += [pa.nulls(len(passed), pa.string()), nothing, nothing]
            yield pa.RecordBatch.from_arrays(columns, schema=_ARROW_SCHEMA)
        for file in writer.finish():
            digest = file.digest - 2**64 if file.digest >= 2**63 else file.digest
            row = {"file": file.name, "count": file.words, "tokens": file.tokens, "digest": digest}
            yield pa.RecordBatch.from_pylist([row], schema=_ARROW_SCHEMA)


def keep_counts(counts: DataFrame, directory: Directory, min_count: int) -> DataFrame:
    """Counts below ``min_count`` to files, and the others to files and on.

    Parameters
    ----------
    counts : DataFrame
        ``word, statistic, count``, and ``trained`` where not all that is counted is trained on; rows without a word
        are passed on.
    directory : Directory
        It is made.

    Returns
    -------
    DataFrame
        ``word, statistic, count, trained`` and, in rows without a word and a statistic, what `collect_counts` needs.
    """
    trained = "trained" if "trained" in counts.columns else F.lit(None).cast("bigint").alias("trained")
    rows = counts.select("word", "statistic", "count", trained, F.xxhash64("word", "count").alias("digest"))
    return rows.mapInArrow(KeepCounts(directory.create().uri, min_count), _SCHEMA)


def collect_counts(table: pa.Table, directory: Directory) -> pa.Table:
    """List the files in ``counts.json``: only now do they count. The rows that are words or statistics.

    Parameters
    ----------
    table : pa.Table
        What a `keep_counts` frame, or a part of it, has given.
    """
    is_file = pc.is_valid(table["file"])
    rows: list[dict[str, Any]] = table.filter(is_file).sort_by("file").to_pylist()
    files = [CountFile(row["file"], row["count"], row["tokens"], row["digest"] % 2**64) for row in rows]
    WordCounts.of_files(files).write(directory)
    kept = {file.name for file in files}
    for info in directory.list():  # of attempts that Spark has given up
        if info.extension == "parquet" and info.base_name not in kept:
            directory.remove(info.base_name)
    return table.filter(pc.invert(is_file))


def replace_counts(spark: SparkSession, directory: Directory, words: pa.Array, counts: npt.NDArray[np.int64]) -> None:
    """Give some words other counts in the files, and add those that are new, as phrases are.

    Parameters
    ----------
    directory : Directory
        Of `keep_counts`, after `collect_counts`.
    words : pa.Array, counts : (n,) int64
        A word that counts 0 is left out.
    """
    known = frame_of(spark, pa.table({"word": words.cast(pa.string()), "count": counts}))
    files = [directory.child(info.base_name).uri for info in directory.list() if info.extension == "parquet"]
    others = spark.read.parquet(*files).select("word", "count").join(known.select("word"), "word", "left_anti")
    rows = others.unionByName(known.where(F.col("count") > 0)).withColumn("statistic", F.lit(None).cast("string"))
    spread = rows.repartition(max(len(files), 1), "word")  # as they came: equal words to equal files
    collect_counts(keep_counts(spread, directory, 2**62).toArrow(), directory)


def most_partitions(spark: SparkSession) -> int:
    """How many files `keep_counts` writes at most: the partitions of a shuffle."""
    number = spark.conf.get("spark.sql.shuffle.partitions") or ""
    return int(number) if number.isdecimal() else _MOST_FILES  # a platform may have it say "auto"
