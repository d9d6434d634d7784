"""Topics measured on the text of their documents, as a Spark job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from w2v_spark.errors import InputError, Name
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import Analyzer
from w2v_spark.topics.coherence import Measures, WordCounter
from w2v_spark.topics.documents import DocumentFiles


@dataclass(frozen=True, slots=True)
class ReadTopics:
    """Documents and the rows of their topics from files: runs on the executors under ``mapInArrow``."""

    table: str
    names: tuple[str, ...]
    ids: tuple[int, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Columns ``id`` and ``topic``, of documents that have a topic."""
        table = Directory.open(self.table)
        order = np.argsort(self.ids)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            with table.filesystem.open_input_file(table.file(self.names[number])) as stream:
                for batch in pq.ParquetFile(stream).iter_batches(columns=["document", "topic"]):
                    some = batch.filter(batch.column("topic").is_valid())
                    places = np.searchsorted(np.asarray(self.ids)[order], some.column("topic").to_numpy())
                    rows = pa.array(order[places].astype(np.int32))
                    yield pa.record_batch([some.column("document"), rows], names=["id", "topic"])


@dataclass(frozen=True, slots=True)
class CountTopicWords:
    """The words of topics in documents: runs on the executors under ``mapInArrow``."""

    counter: WordCounter
    analyzer: Analyzer

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Counts of a partition."""

        def documents() -> Iterator[tuple[pa.Array, npt.NDArray[np.int32]]]:
            for batch in batches:
                yield batch.column(0), batch.column(1).to_numpy()

        self.counter.count(documents(), self.analyzer)
        yield from self.counter.batches()


def measure_topics(
    spark: SparkSession,
    documents: DataFrame,
    analyzer: Analyzer,
    files: DocumentFiles,
    table: Directory,
    topics: tuple[list[int], list[list[str]]],
) -> Measures:
    """Measure topics on the text of their documents.

    Parameters
    ----------
    documents : DataFrame
        Columns ``document`` and ``id``.
    analyzer : Analyzer
        Reads text as the model has read it.
    table : Directory
        The files of documents with their topics.
    topics : list of int and list of list of str
        The numbers of the topics, and the words of each that are looked for.

    Raises
    ------
    InputError
        No document of the text has the id of one that has a topic.

    Notes
    -----
    Text and topics are joined by ids: a shuffle of the text. Cost otherwise: one pass over it. All counts are whole
    numbers, and so nothing depends on the order in which they are added up.
    """
    ids, words = topics
    names = tuple(info.base_name for info in table.list())
    kind = from_arrow_type(files.id_type)
    read = ReadTopics(table.uri, names, tuple(ids))
    known = spark.range(0, len(names), 1, len(names)).mapInArrow(read, f"id {kind.simpleString()}, topic int")
    both = documents.where(F.col("id").isNotNull()).withColumn("id", F.col("id").cast(kind)).join(known, "id")
    counter = WordCounter(words)
    counts = both.select("document", "topic").mapInArrow(
        CountTopicWords(counter, analyzer), "what int, one int, other int, value bigint"
    )
    summed: Any = counts.groupBy("what", "one", "other").agg(F.sum("value").alias("value")).toArrow()
    measures = counter.measure(summed)
    if not measures.documents:
        raise InputError(
            "no document of ", Name("input"), f" has an id of {files.directory}: give the text that the documents were "
            "trained on, and its column of ids with ", Name("id")
        )  # fmt: skip
    return measures
