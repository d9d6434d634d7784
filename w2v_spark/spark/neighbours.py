"""All nearest neighbours as a table: batches of words over Spark tasks, each of which writes a file."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.errors import StoreError
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.neighbour_request import Request
from w2v_spark.vectors.neighbour_table import to_batch, write_neighbours
from w2v_spark.vectors.reading import open_vectors
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.tiled import find_neighbours, normalise
from w2v_spark.vectors.table_files import describe_vectors

FORMAT_VERSION: Final = "1"
_QUERIES: Final = "queries.npy"
_PARTS: Final = "parts"
_TABLE: Final = "table"
_RESULT_SCHEMA = pa.schema([("number", pa.int64()), ("file", pa.string())])


@dataclass(frozen=True, slots=True)
class FindNeighbours:
    """Neighbours of the words of some files, by their numbers: runs on the executors under ``mapInArrow``."""

    vectors: str
    fingerprint: str
    staging: str
    all_words: bool
    rows: int
    rows_per_file: int
    topn: int
    restrict: int | None
    metadata: dict[str, str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file: its number and its name, which no other attempt uses."""
        unit, words = _load_vectors(self.vectors, self.fingerprint)
        staging = Directory.open(self.staging)
        queries = None if self.all_words else _read_queries(staging)
        parts = staging.child(_PARTS)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            start = number * self.rows_per_file
            stop = min(start + self.rows_per_file, self.rows)
            mine = np.arange(start, stop, dtype=np.int32) if queries is None else queries[start:stop]
            found = find_neighbours(unit, mine, self.topn, self.restrict)
            file = f"{number:05d}-{uuid.uuid4().hex}.parquet"
            rows = (to_batch(batch, words) for batch in found)
            write_neighbours(parts.filesystem, parts.file(file), rows, self.metadata)
            yield pa.RecordBatch.from_pylist([{"number": number, "file": file}], schema=_RESULT_SCHEMA)


@lru_cache(maxsize=1)
def _load_vectors(location: str, fingerprint: str) -> tuple[Matrix, pa.StringArray]:
    """The normalised vectors and the words, kept by an executor's Python worker from task to task."""
    table = open_vectors(location)
    if describe_vectors(location).fingerprint != fingerprint:
        raise StoreError(f"{location} was changed while its neighbours were looked for; start again")
    return normalise(table.stack), table.words


def _read_queries(staging: Directory) -> Ids:
    queries: Ids = np.load(io.BytesIO(staging.read_bytes(_QUERIES)), allow_pickle=False)
    return queries


def write_neighbour_table(
    spark: SparkSession, request: Request, target: Publication, progress: Progress, tasks: int | None = None
) -> dict[str, float]:
    """Find the neighbours and publish them, whole or not at all.

    Parameters
    ----------
    request, target
        Checked already.
    tasks : int, optional
        How many Spark tasks share the files; by default each has one. It changes no byte of the result.

    Returns
    -------
    dict
        Seconds: ``search``, ``publish`` and ``total``.

    Raises
    ------
    InputError
        A vector is not finite.
    StoreError
        The vector table is damaged, or was changed meanwhile.
    """
    begin = time.perf_counter()
    with target.beside() as staging:
        if request.queries is not None:
            buffer = io.BytesIO()
            np.save(buffer, request.queries, allow_pickle=False)
            staging.write_bytes(_QUERIES, buffer.getvalue())
        with progress.stage("search"), translated_errors():
            files = _search(spark, request, staging, tasks)
        with progress.stage("publish"):
            target.replace_by(staging, _collect_parts(files, staging))
    return {**progress.seconds, "total": round(time.perf_counter() - begin, 3)}


def _search(spark: SparkSession, request: Request, staging: Directory, tasks: int | None) -> list[str]:
    """Run the tasks; the names of the files that they have written, in order."""
    staging.child(_PARTS).create()
    metadata = {
        "format_version": FORMAT_VERSION,
        "vocabulary_size": str(request.files.rows),
        "topn": str(request.topn),
        "candidates": str(request.candidates),
    }
    find = FindNeighbours(
        request.vectors, request.files.fingerprint, staging.uri, request.queries is None, request.rows,
        request.rows_per_file, request.topn, request.restrict, metadata,
    )  # fmt: skip
    count = -(-request.rows // request.rows_per_file)
    numbers = spark.range(0, count, 1, min(tasks or count, count))
    rows = numbers.mapInArrow(find, "number bigint, file string").toArrow().to_pylist()
    files = {row["number"]: row["file"] for row in rows}
    return [files[number] for number in range(count)]


def _collect_parts(files: Sequence[str], staging: Directory) -> str:
    """Give the files their names in a folder of their own; its name."""
    table = staging.child(_TABLE).create()
    for number, file in enumerate(files):
        staging.child(_PARTS).move(file, table, f"part-{number:05d}.parquet")
    return _TABLE
