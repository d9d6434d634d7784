"""All nearest neighbours as a table: blocks of words over Spark tasks, each of which writes a file."""

from __future__ import annotations

import io
import os
import posixpath
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from w2v_spark.errors import ConfigError, InputError, StoreError, WordNotFound
from w2v_spark.spark.failures import own_errors
from w2v_spark.spark.job import SUCCESS_FILE, check_writable
from w2v_spark.storage import Directory
from w2v_spark.training.history import Progress
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.description import TableFiles, describe_vectors, read_words
from w2v_spark.vectors.neighbour_table import to_batch, write_neighbours
from w2v_spark.vectors.neighbours import QUERY_ROWS, Ids, check_request, find_neighbours, normalise
from w2v_spark.vectors.reading import open_vectors

FORMAT_VERSION: Final = "1"
_QUERIES: Final = "queries.npy"
_PARTS: Final = "parts"
_TABLE: Final = "table"
_MOST_FILES: Final = 64  # of a table that is not large: enough to keep as many cores busy
_ROWS_PER_FILE: Final = 16_384
_SHOWN: Final = 5
_RESULT_SCHEMA = pa.schema([("number", pa.int64()), ("file", pa.string())])


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, checked before Spark starts.

    Attributes
    ----------
    vectors : str
        The vector table: output directory of a run or directory of Parquet files, by path or URI.
    files : TableFiles
    queries : int32, (Q,), or None
        Ids of the words that get neighbours, ascending; None for all of them.
    topn : int
    restrict : int or None
        Neighbours come from so many of the most frequent words.
    skipped : int
        Words asked for that have no vector.
    """

    vectors: str
    files: TableFiles
    queries: Ids | None
    topn: int
    restrict: int | None = None
    skipped: int = 0

    @classmethod
    def build(
        cls,
        vectors: str,
        topn: int,
        words: Sequence[str] | None = None,
        restrict: int | None = None,
        skip_unknown: bool = False,
    ) -> Request:
        """Look words up and check everything that can be checked without reading the vectors.

        Raises
        ------
        ConfigError
            ``topn`` or ``restrict`` is below 1.
        StoreError
            There is no complete vector table.
        WordNotFound
            Some of the words have no vector, and ``skip_unknown`` is not set; or none has one.
        InputError
            ``words`` is empty.
        """
        check_request(topn, restrict)
        vectors = Directory.open(vectors).uri
        files = describe_vectors(vectors)
        if words is None:
            return cls(vectors, files, None, topn, restrict)
        if not words:
            raise InputError("there are no words to find neighbours for: expected a word a line")
        index = {word: row for row, word in enumerate(read_words(vectors))}
        asked = list(dict.fromkeys(words))
        unknown = [word for word in asked if word not in index]
        if unknown and (len(unknown) == len(asked) or not skip_unknown):
            shown = ", ".join(map(repr, unknown[:_SHOWN])) + (", ..." if len(unknown) > _SHOWN else "")
            hint = "" if skip_unknown else "; leave them out or give --skip-unknown"
            raise WordNotFound(
                f"{len(unknown)} of {len(asked)} words are not among the {len(index)} of the vocabulary: {shown}{hint}"
            )
        rows = sorted(index[word] for word in asked if word in index)
        return cls(vectors, files, np.array(rows, dtype=np.int32), topn, restrict, len(unknown))

    @property
    def rows(self) -> int:
        """Q, how many words get neighbours."""
        return self.files.rows if self.queries is None else len(self.queries)

    @property
    def candidates(self) -> int:
        """Among how many words neighbours are looked for."""
        return min(self.restrict or self.files.rows, self.files.rows)

    @property
    def rows_per_file(self) -> int:
        """By the number of rows alone, so that files are the same however many tasks there are."""
        blocks = -(-self.rows // (QUERY_ROWS * _MOST_FILES))
        return min(blocks * QUERY_ROWS, _ROWS_PER_FILE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the table goes.

    Attributes
    ----------
    directory : Directory
    overwrite : bool
        Replace an earlier table.
    """

    directory: Directory
    overwrite: bool = False

    def check(self, request: Request) -> None:
        """Refuse, before Spark starts, an output that exists, cannot be made, or lies within the vector table.

        Raises
        ------
        ConfigError
        """
        uri = self.directory.uri
        if self.directory.is_local:
            check_writable(Path(self.directory.path))
        if self._lies_within(request):
            raise ConfigError(f"--output {uri} lies within the vector table {request.files.directory}; move it")
        if not self.directory.exists():
            return
        if not self.overwrite:
            raise ConfigError(f"--output {uri} exists; choose another directory, or give --overwrite to replace it")
        names = (info.base_name for info in self.directory.list())
        foreign = [name for name in names if name != SUCCESS_FILE and not _is_part(name)]
        if foreign:
            raise ConfigError(
                f"--output {uri} is not a table of neighbours, since it holds {foreign[0]!r}, and would be lost by "
                "--overwrite; choose another directory"
            )

    def _lies_within(self, request: Request) -> bool:
        table = Directory.open(request.vectors)
        if not table.filesystem.equals(self.directory.filesystem):
            return False
        paths = [PurePosixPath(os.path.realpath(path) if table.is_local else path)
                 for path in (request.files.directory, self.directory.path)]  # fmt: skip
        return paths[1].is_relative_to(paths[0])

    @property
    def name(self) -> str:
        """The last part of the output's path."""
        return posixpath.basename(self.directory.path)

    @property
    def parent(self) -> Directory:
        """The directory that holds the output."""
        uri, path = (posixpath.dirname(place) for place in (self.directory.uri, self.directory.path))
        return Directory(uri, self.directory.filesystem, path)

    def open_staging(self) -> Directory:
        """A new directory beside the output, hidden from engines that read the folder above."""
        return self.parent.child(f".{self.name}.{uuid.uuid4().hex}.tmp").create()


def _is_part(name: str) -> bool:
    return name.startswith("part-") and name.endswith(".parquet")


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
        with threadpool_limits(limits=1, user_api="blas"):
            for number in (number for batch in batches for number in batch.column(0).to_pylist()):
                start = number * self.rows_per_file
                stop = min(start + self.rows_per_file, self.rows)
                mine = np.arange(start, stop, dtype=np.int32) if queries is None else queries[start:stop]
                found = find_neighbours(unit, mine, self.topn, self.restrict)
                file = f"{number:05d}-{uuid.uuid4().hex}.parquet"
                found_batches = (to_batch(block, words) for block in found)
                write_neighbours(parts.filesystem, parts.file(file), found_batches, self.metadata)
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
    spark: SparkSession, request: Request, target: Target, progress: Progress, tasks: int | None = None
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
    staging = target.open_staging()
    try:
        if request.queries is not None:
            buffer = io.BytesIO()
            np.save(buffer, request.queries, allow_pickle=False)
            staging.write_bytes(_QUERIES, buffer.getvalue())
        with progress.stage("search"), own_errors():
            files = _search(spark, request, staging, tasks)
        with progress.stage("publish"):
            _publish(files, staging, target)
    finally:
        staging.delete()
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


def _publish(files: Sequence[str], staging: Directory, target: Target) -> None:
    """Give the files their names and move them into place together; ``_SUCCESS`` comes last where it is no rename."""
    table, output = staging.child(_TABLE).create(), target.directory
    for number, file in enumerate(files):
        staging.child(_PARTS).move(file, table, f"part-{number:05d}.parquet")
    if output.is_local:
        table.write_bytes(SUCCESS_FILE, b"")
    if output.exists():
        output.remove(SUCCESS_FILE)
        target.parent.move(target.name, staging, "old")
    staging.move(_TABLE, target.parent, target.name)
    if not output.is_local:
        output.write_bytes(SUCCESS_FILE, b"")
