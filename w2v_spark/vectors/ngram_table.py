"""The table of the n-grams of words: one Parquet row each, the most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa

from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.document_table import LabelledBatch, checked_batch, write_part
from w2v_spark.vectors.stream import Counts
from w2v_spark.vectors.table import ROWS_PER_FILE, ROWS_PER_GROUP, VECTOR_SCHEMA
from w2v_spark.vectors.table_format import VECTOR


def write_ngrams(
    folder: Directory,
    labels: pa.Array,
    words: Counts,
    rows: Callable[[int, int], Matrix],
    dim: int,
    metadata: Mapping[str, str],
) -> None:
    """Write the table into a directory, ``part-00000.parquet`` and so on.

    Parameters
    ----------
    folder : Directory
    labels : (B,) strings, or int64 where n-grams share buckets
        At least one: a table without rows is none.
    words : (B,) int64
        Words of the vocabulary that have the n-gram.
    rows : callable
        The vectors of the rows ``first`` to ``stop``, (stop - first, D) float32.
    dim : int
        D.
    metadata : mapping of str to str
        As for documents, see `document_table.write_documents_part`.

    Notes
    -----
    Memory: two row groups.
    """
    fields = [pa.field("ngram", labels.type, nullable=False), pa.field("words", pa.int64(), nullable=False)]
    schema = pa.schema([*fields, VECTOR_SCHEMA.field(VECTOR)])
    files = -(-len(labels) // ROWS_PER_FILE)

    def batches(first: int, stop: int) -> Iterator[LabelledBatch]:
        for start in range(first, stop, ROWS_PER_GROUP):
            end = min(start + ROWS_PER_GROUP, stop)
            columns = [labels[start:end], pa.array(words[start:end], pa.int64())]
            yield checked_batch(pa.table(columns, schema=pa.schema(fields)), rows(start, end), None)

    for number in range(files):
        first = number * ROWS_PER_FILE
        some = batches(first, min(first + ROWS_PER_FILE, len(labels)))
        path = folder.file(f"part-{number:05d}.parquet")
        write_part(folder.filesystem, path, schema, dim, some, metadata, files)
