"""All nearest neighbours as a table: batches of rows over Spark tasks, each of which writes a file."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from pyspark.sql import SparkSession

from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.both_sides import PairFiles, find_both_sides
from w2v_spark.spark.numbered_files import write_numbered
from w2v_spark.spark.side_rows import load_candidates, read_queried
from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.neighbour_request import Request
from w2v_spark.vectors.neighbour_table import (
    NAME_COLUMNS,
    QUERY_COLUMNS,
    neighbour_schema,
    to_batch,
    write_neighbours,
)
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.csls import NEAREST, Measure, mean_of_largest, to_csls
from w2v_spark.vectors.search.known_pairs import find_by_known
from w2v_spark.vectors.search.tiled import Neighbours, find_neighbours

FORMAT_VERSION: Final = "1"
_QUERIES: Final = "queries.npy"
_PARTS: Final = "parts"
_TABLE: Final = "table"
_LEAST_KEPT: Final = 16


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
    pairs: PairFiles | None

    def __call__(self, number: int, file: str) -> None:
        """Write a file of the table."""
        request, staging = self.request, Directory.open(self.staging)
        candidates, labels = load_candidates(request.among)
        start = number * self.rows_per_file
        stop = min(start + self.rows_per_file, self.rows)
        mine = np.arange(start, stop, dtype=np.int32) if self.all_rows else _read_queries(staging)[start:stop]
        if self.is_of_one_table:
            found, own = find_neighbours(candidates, mine, request.topn, request.restrict), labels
        else:
            unit, own = read_queried(request.of, mine)
            found = _find_between(unit, mine, candidates, request, self.pairs)
        own, names = own.select(QUERY_COLUMNS[request.of.kind]), labels.select(NAME_COLUMNS[request.among.kind])
        parts, rows = staging.child(_PARTS), (to_batch(batch, own, names) for batch in found)
        schema = neighbour_schema(own.schema, names.schema)
        write_neighbours(parts.filesystem, parts.file(file), rows, self.metadata, schema)


def _find_between(
    unit: Matrix, rows: Ids, among: Matrix, request: Request, pairs: PairFiles | None
) -> Iterator[Neighbours]:
    """Neighbours of some rows of one table among those of another, by cosine, or by CSLS where pairs are given."""
    if pairs is None:
        yield from find_neighbours(unit, np.arange(len(unit), dtype=np.int32), request.topn, request.restrict, among)
        return
    known = pairs.of_rows(rows)
    means = mean_of_largest(known)
    for found in find_by_known(unit, rows, among, request.topn, known, pairs.reverse()):
        yield to_csls(found, means[found.queries])


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
        Seconds: ``pairs`` with CSLS, ``search``, ``publish`` and ``total``.

    Raises
    ------
    InputError
        A vector is not finite, or those of the two tables differ in length.
    StoreError
        A table is damaged, or was changed meanwhile.

    Notes
    -----
    Memory of a worker: the candidates, 4 W D bytes and their labels; and the rows of a file, up to 16,384, if they are
    of another table. By CSLS a first pass finds what is near by cosine on both sides: a worker holds some 300 W bytes
    more, the driver 240 W. The search then goes through all candidates of those rows only for which that does not
    say which are best.
    """
    begin = time.perf_counter()
    with target.beside() as staging:
        if request.queries is not None:
            buffer = io.BytesIO()
            np.save(buffer, request.queries, allow_pickle=False)
            staging.write_bytes(_QUERIES, buffer.getvalue())
        pairs = None
        if request.measure is Measure.CSLS:
            with progress.stage("pairs"):
                pairs = find_both_sides(spark, request, staging, _kept(request.topn), tasks)
        with progress.stage("search"):
            staging.child(_PARTS).create()
            count = -(-request.rows // request.rows_per_file)
            files = write_numbered(spark, _task(request, staging, pairs), ".parquet", count, tasks)
        with progress.stage("publish"):
            target.replace_by(staging, _collect_parts(files, staging))
    return {**progress.seconds, "total": round(time.perf_counter() - begin, 3)}


def _kept(topn: int) -> int:
    """How many candidates are kept of each row, so that those who rank by CSLS are among them as a rule."""
    return max(2 * topn + _LEAST_KEPT, NEAREST)


def _task(request: Request, staging: Directory, pairs: PairFiles | None) -> FindNeighbours:
    is_of_one_table, all_rows = request.is_of_one_table, request.queries is None
    of_words = is_of_one_table and request.of.kind == "words"
    sizes = {"vocabulary_size": str(request.of.files.rows)}
    tables = {"of": request.of.kind, "among": request.among.kind, "rows": str(request.of.files.rows)}
    metadata = {
        "format_version": FORMAT_VERSION,
        **(sizes if of_words else tables),
        "topn": str(request.topn),
        "candidates": str(request.candidates),
        **({} if request.measure is Measure.COSINE else {"measure": request.measure}),
    }
    bare = replace(request, queries=None, skipped=0)
    step = request.rows_per_file
    return FindNeighbours(bare, staging.uri, is_of_one_table, all_rows, request.rows, step, metadata, pairs)


def _collect_parts(files: Sequence[str], staging: Directory) -> str:
    """Give the files their names in a folder of their own; its name."""
    table = staging.child(_TABLE).create()
    for number, file in enumerate(files):
        staging.child(_PARTS).move(file, table, f"part-{number:05d}.parquet")
    return _TABLE
