"""All nearest neighbours as a table: batches of rows over Spark tasks, each of which writes a file."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.errors import StoreError
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.numbered_files import write_numbered
from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.labelled_rows import open_rows, read_source
from w2v_spark.vectors.neighbour_request import Request, Side
from w2v_spark.vectors.neighbour_table import (
    NAME_COLUMNS,
    QUERY_COLUMNS,
    neighbour_schema,
    to_batch,
    write_neighbours,
)
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.tiled import find_neighbours, normalise
from w2v_spark.vectors.table_files import find_fingerprint
from w2v_spark.vectors.table_source import TableSource

FORMAT_VERSION: Final = "1"
_QUERIES: Final = "queries.npy"
_PARTS: Final = "parts"
_TABLE: Final = "table"
_STRETCH: Final = 16_384  # rows of a table that are read at a time


@dataclass(frozen=True, slots=True)
class FindNeighbours:
    """Neighbours of the rows of a file, by its number: is called on the executors.

    Parameters
    ----------
    request : Request
        Without queries: these lie in ``staging``, unless all rows get neighbours.
    """

    request: Request
    staging: str
    is_of_one_table: bool
    all_rows: bool
    rows: int
    rows_per_file: int
    metadata: dict[str, str]

    def __call__(self, number: int, file: str) -> None:
        """Write a file of the table."""
        request, staging = self.request, Directory.open(self.staging)
        candidates, labels = _load_candidates(request.among)
        start = number * self.rows_per_file
        stop = min(start + self.rows_per_file, self.rows)
        mine = np.arange(start, stop, dtype=np.int32) if self.all_rows else _read_queries(staging)[start:stop]
        if self.is_of_one_table:
            found, own = find_neighbours(candidates, mine, request.topn, request.restrict), labels
        else:
            unit, own = _read_queried(request.of, mine)
            places = np.arange(len(mine), dtype=np.int32)
            found = find_neighbours(unit, places, request.topn, request.restrict, candidates)
        own, names = own.select(QUERY_COLUMNS[request.of.kind]), labels.select(NAME_COLUMNS[request.among.kind])
        parts, rows = staging.child(_PARTS), (to_batch(batch, own, names) for batch in found)
        schema = neighbour_schema(own.schema, names.schema)
        write_neighbours(parts.filesystem, parts.file(file), rows, self.metadata, schema)


@lru_cache(maxsize=1)
def _load_candidates(side: Side) -> tuple[Matrix, pa.Table]:
    """The normalised vectors and their labels, kept by an executor's Python worker from task to task."""
    rows = open_rows(side.location, side.table)
    _check_unchanged(side)
    return normalise(rows.stack), rows.labels.combine_chunks()


def _read_queried(side: Side, rows: Ids) -> tuple[Matrix, pa.Table]:
    """Some rows, ascending, of a table that is not held: normalised vectors and labels.

    Those that were asked for may lie far apart: no more is held than they and the rows of one stretch.
    """
    units, labels = list[Matrix](), list[pa.Table]()
    for near in np.split(rows, np.flatnonzero(np.diff(rows // _STRETCH)) + 1):
        first = int(near[0])
        found = read_source(_find_source(side), first, int(near[-1]) + 1)
        units.append(normalise(found.stack)[near - first])
        labels.append(found.labels.take(pa.array(near - first)))
    _check_unchanged(side)
    return np.concatenate(units), pa.concat_tables(labels)


@lru_cache(maxsize=1)
def _find_source(side: Side) -> TableSource:
    """The footers of a table, read once by a worker."""
    return TableSource.find(side.location, side.table)


def _check_unchanged(side: Side) -> None:
    if find_fingerprint(side.location, side.table) != side.files.fingerprint:
        raise StoreError(f"{side.location} was changed while its neighbours were looked for; start again")


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
        A vector is not finite, or those of the two tables differ in length.
    StoreError
        A table is damaged, or was changed meanwhile.

    Notes
    -----
    Memory of a worker: the candidates, 4 W D bytes and their labels; and the rows of a file, up to 16,384, if they are
    of another table.
    """
    begin = time.perf_counter()
    with target.beside() as staging:
        if request.queries is not None:
            buffer = io.BytesIO()
            np.save(buffer, request.queries, allow_pickle=False)
            staging.write_bytes(_QUERIES, buffer.getvalue())
        with progress.stage("search"):
            staging.child(_PARTS).create()
            count = -(-request.rows // request.rows_per_file)
            files = write_numbered(spark, _task(request, staging), ".parquet", count, tasks)
        with progress.stage("publish"):
            target.replace_by(staging, _collect_parts(files, staging))
    return {**progress.seconds, "total": round(time.perf_counter() - begin, 3)}


def _task(request: Request, staging: Directory) -> FindNeighbours:
    is_of_one_table, all_rows = request.is_of_one_table, request.queries is None
    of_words = is_of_one_table and request.of.kind == "words"
    sizes = {"vocabulary_size": str(request.of.files.rows)}
    tables = {"of": request.of.kind, "among": request.among.kind, "rows": str(request.of.files.rows)}
    metadata = {
        "format_version": FORMAT_VERSION,
        **(sizes if of_words else tables),
        "topn": str(request.topn),
        "candidates": str(request.candidates),
    }
    bare = Request(request.of, request.among, None, request.topn, request.restrict)
    step = request.rows_per_file
    return FindNeighbours(bare, staging.uri, is_of_one_table, all_rows, request.rows, step, metadata)


def _collect_parts(files: Sequence[str], staging: Directory) -> str:
    """Give the files their names in a folder of their own; its name."""
    table = staging.child(_TABLE).create()
    for number, file in enumerate(files):
        staging.child(_PARTS).move(file, table, f"part-{number:05d}.parquet")
    return _TABLE
