"""Plain Parquet files on local disks and mounts, read by the Python workers: no row of them goes through Java."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs as pafs
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import BinaryType, DataType, StringType, StructType

from w2v_spark.errors import InputError
from w2v_spark.inputs.files import is_local, list_local
from w2v_spark.spark.fingerprint import open_uri
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.vectors.thrift import decode_struct

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

_MOST_FILES: Final = 1_000  # whose footers the driver reads
_LEAST_BYTES: Final = 4 << 20  # of a piece, as Spark reckons
_MOST_BYTES: Final = 256 << 20
_PIECES_A_CORE: Final = 2  # so that cores end at about the same time; each loads the vocabulary, and counts by itself
_SAMPLED_FILES: Final = 8
_SAMPLED_BYTES: Final = 1 << 20  # of a footer, which takes a second or so to decode
_BATCH_BYTES: Final = 4 << 20
_BATCH_ROWS: Final = 4_096  # as many as Java holds at a time; documents differ in length
_BUFFER_BYTES: Final = 1 << 20
_CODECS: Final = frozenset({0, 1, 2, 6, 7})  # none, Snappy, gzip, Zstandard, LZ4_RAW: which all readers have
_CHANGE_ROWS: Final = (
    "spark.sql.files.ignoreCorruptFiles",
    "spark.sql.files.ignoreMissingFiles",
    "spark.sql.parquet.fieldId.read.enabled",
)
_BAD_FOOTER: Final = (OSError, pa.ArrowException, ValueError, TypeError, LookupError, AttributeError)
_DECRYPT: Final = ("parquet.crypto.factory.class", "spark.hadoop.parquet.crypto.factory.class")


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Consecutive row groups of a file.

    Attributes
    ----------
    path : str
    first, stop : int
        Which they are, from 0.
    of : int
        How many the file has.
    rows : int
        Of these.
    bytes : int
        About how many the documents in them have.
    """

    path: str
    first: int
    stop: int
    of: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text in Parquet files, in pieces of about the same size.

    Attributes
    ----------
    column : str
        That of the documents, in every file.
    parts : tuple of tuple of RowGroups
        Each is what one task reads.
    kept : str
        A local directory in which the first pass keeps the words of each for the second; empty where it does not.
    """

    column: str
    parts: tuple[tuple[RowGroups, ...], ...]
    kept: str = ""

    @property
    def bytes(self) -> int:
        """About how many all documents have."""
        return sum(some.bytes for part in self.parts for some in part)

    def map(self, spark: SparkSession, task: Task, schema: str | StructType) -> DataFrame:
        """What a task for ``mapInArrow`` makes of the documents, whichever pieces it is called for."""
        return self.numbers(spark).mapInArrow(ReadPieces(self, task), schema)

    def numbers(self, spark: SparkSession) -> DataFrame:
        """The number of each piece, each in a partition of its own."""
        return spark.range(0, len(self.parts), 1, max(len(self.parts), 1))

    def documents(self, number: int) -> Iterator[pa.RecordBatch]:
        """Those of a piece, as `read_documents`."""
        return (batch for some in self.parts[number] for batch in read_documents(some, self.column))


@dataclass(frozen=True, slots=True)
class ReadPieces:
    """Reads pieces by their numbers for another task: runs on the executors under ``mapInArrow``."""

    pieces: Pieces
    task: Task

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What the task makes of batches of one column, ``document``."""
        numbers = (number for batch in batches for number in batch.column(0).to_pylist())
        return self.task(batch for number in numbers for batch in self.pieces.documents(number))


def read_documents(groups: RowGroups, column: str) -> Iterator[pa.RecordBatch]:
    """The documents of some row groups.

    Yields
    ------
    RecordBatch
        One column ``document``, of the type that it has in the file; of 4 MiB, or of 4,096 documents if these are less.

    Raises
    ------
    InputError
        The file cannot be read, or is not what it was when its footer was read. Names it.

    Notes
    -----
    Memory: a batch, and the pages that it comes from; a row group is never held. One thread.
    """
    try:
        # A mapped file that somebody cuts off would end the process.
        with pq.ParquetFile(
            groups.path, memory_map=False, pre_buffer=False, buffer_size=_BUFFER_BYTES, page_checksum_verification=True
        ) as file:
            chosen = range(groups.first, groups.stop)
            _check_unchanged(groups, file, column)
            size = min(max(_BATCH_BYTES * groups.rows // max(groups.bytes, 1), 1), _BATCH_ROWS)
            found = 0
            for batch in file.iter_batches(size, row_groups=chosen, columns=[column], use_threads=False):
                found += len(batch)
                yield pa.record_batch([batch.column(0)], names=["document"])
            if found != groups.rows:
                raise OSError(f"{found:,} rows where its footer has {groups.rows:,}")
    except (OSError, pa.ArrowException) as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{groups.path} cannot be read: {cause}; repair it or leave it out") from error


def _check_unchanged(groups: RowGroups, file: pq.ParquetFile, column: str) -> None:
    metadata = file.metadata
    is_same = metadata.num_row_groups == groups.of and column in file.schema_arrow.names
    if not is_same or sum(metadata.row_group(i).num_rows for i in range(groups.first, groups.stop)) != groups.rows:
        raise InputError(
            f"the input has changed while it was read: {groups.path} is another file than it was; wait until nobody "
            "writes to the input, and start again"
        )


def find_pieces(documents: DataFrame, paths: Sequence[str], column: str) -> Pieces | None:
    """The pieces of Parquet files that can be read without Spark and give the same documents; None if there are none.

    Parameters
    ----------
    documents : DataFrame
        Of all rows of the files, with the column ``document`` as it is in them.
    paths : sequence of str
        What the files were given as.
    column : str
        What ``document`` is called there.

    Notes
    -----
    None also where this process cannot see or read the files, so that Spark says what is wrong with them. Cost: to read
    the footer of each, of at most 1,000 files.
    """
    spark, field = documents.sparkSession, documents.schema["document"]
    types = _types_in_files(field.dataType)
    if not types or field.metadata or not all(map(is_local, paths)) or _reads_otherwise(spark):
        return None  # metadata ask Spark to pad strings
    files = _files(documents, paths)
    if files is None:
        return None
    try:
        groups = _read_footers(files, column, types)
    except _BAD_FOOTER:
        return None
    return None if groups is None else Pieces(column, cut(groups, default_parallelism(spark)))


def cut(groups: Sequence[RowGroups], parallelism: int) -> tuple[tuple[RowGroups, ...], ...]:
    """Row groups in the order of their files, as pieces of about the same size.

    A small text is one piece. Else there are two a core, of 4 to 256 MiB each as far as row groups allow.
    """
    sizes = np.array([max(some.bytes, 1) for some in groups], np.int64)
    total, ends = int(sizes.sum()), np.cumsum(sizes)
    wanted = _PIECES_A_CORE * parallelism
    count = max(math.ceil(total / _MOST_BYTES), min(wanted, math.ceil(total / _LEAST_BYTES)))
    numbers = ((ends - sizes / 2) * count / max(total, 1)).astype(np.int64)  # by their middles
    parts: list[list[RowGroups]] = []
    for i, some in enumerate(groups):
        if not i or numbers[i] != numbers[i - 1]:
            parts.append([some])
        elif (last := parts[-1][-1]).path == some.path and last.stop == some.first:
            rows, size = last.rows + some.rows, last.bytes + some.bytes
            parts[-1][-1] = replace(last, stop=some.stop, rows=rows, bytes=size)
        else:
            parts[-1].append(some)
    return tuple(map(tuple, parts))


def _types_in_files(kind: DataType) -> tuple[pa.DataType, ...]:
    """As what pyarrow may see what Spark sees as plain strings or as bytes; nothing for any other type."""
    if kind == StringType():  # not of another collation
        return (pa.string(), pa.large_string())
    return (pa.binary(), pa.large_binary()) if kind == BinaryType() else ()


def _reads_otherwise(spark: SparkSession) -> bool:
    """Whether settings of the session change what Spark gives of files."""
    return any((spark.conf.get(key, None) or "").lower() == "true" for key in _CHANGE_ROWS) or any(
        spark.conf.get(key, None) for key in _DECRYPT
    )


def _files(documents: DataFrame, paths: Sequence[str]) -> list[str] | None:
    """The files that Spark is about to read, in the order of their names; None if not each is a local one, and once."""
    uris = sorted(documents.inputFiles())  # each once, but Spark reads one twice that was given twice
    listed = [list_local(path) for path in paths]
    if not uris or len(uris) > _MOST_FILES or None in listed:
        return None
    found = []
    for uri in uris:
        try:
            filesystem, path = open_uri(uri)
        except (pa.ArrowException, OSError):
            return None
        if not isinstance(filesystem, pafs.LocalFileSystem):
            return None
        found.append(path)
    expected = [os.path.normpath(file.absolute()) for some in listed for file in some or ()]
    return found if sorted(map(os.path.normpath, found)) == sorted(expected) else None


def _read_footers(files: Sequence[str], column: str, types: tuple[pa.DataType, ...]) -> list[RowGroups] | None:
    """All row groups with rows; None where a file has no such column, or one that readers may take differently."""
    sizes = list[tuple[str, int, int, int, int]]()
    for path in files:
        with pq.ParquetFile(path, memory_map=False) as file:
            metadata, schema = file.metadata, file.schema_arrow
            if not _has(file.schema, schema, column) or schema.field(column).type not in types:
                return None
            for i in range(metadata.num_row_groups):
                group = metadata.row_group(i)
                if group.num_rows < 0 or group.total_byte_size < 0:
                    return None
                if group.num_rows:
                    sizes.append((path, i, metadata.num_row_groups, group.num_rows, group.total_byte_size))
    step = max(1, len(files) // _SAMPLED_FILES)
    share = _share_of_bytes(files[::step], column)
    if share is None:
        return None
    return [RowGroups(path, i, i + 1, of, rows, int(size * share)) for path, i, of, rows, size in sizes]


def _has(schema: pq.ParquetSchema, arrow: pa.Schema, column: str) -> bool:
    """Whether a file has a column of that name, and none that pyarrow or Spark might take for it."""
    alike = [name for name in arrow.names if name.lower() == column.lower()]
    paths = [schema.column(i).path for i in range(len(schema))]
    return alike == [column] and [path for path in paths if f"{path}.".startswith(f"{column}.")] == [column]


def _share_of_bytes(files: Sequence[str], column: str) -> float | None:
    """What part of row groups a column is; None where footers are too large, or it cannot be read by everyone.

    Footers are decoded by code of ours: pyarrow ends the process where it is asked for a column that is encrypted.
    """
    own, total = 0, 0
    for path in files:
        footer = _footer(path)
        if len(footer) > _SAMPLED_BYTES:
            return None
        groups = decode_struct(footer).get(4, [])
        for chunk in (chunk for group in groups for chunk in group.get(1, [])):
            described: dict[int, Any] = chunk.get(3, {})
            if described.get(3) == [column.encode()]:
                if described.get(4) not in _CODECS or 8 in chunk:
                    return None
                own += max(described.get(6, 0), 0)
            total += max(described.get(6, 0), 0)
    return own / total if total else 1.0


def _footer(path: str) -> bytes:
    """The bytes of a footer. Raises `OSError` or `ValueError` if there is none."""
    with Path(path).open("rb") as file:
        file.seek(-8, 2)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, 2)
        return file.read(length)
