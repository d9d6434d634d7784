"""The vector table, read or mapped: from any file system, written by this package or by another program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.storage import damage_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.stream import Batch, Counts, VectorStream
from w2v_spark.vectors.table_format import WORD_TABLE
from w2v_spark.vectors.table_source import TableSource, map_groups, read_as_one


@dataclass(frozen=True, slots=True)
class VectorTable:
    """A vector table in memory, or its words and counts in memory and its vectors in mapped files.

    Attributes
    ----------
    words : pa.StringArray, (V,)
        In rank order.
    counts : int64, (V,)
        Occurrences in the corpus.
    stack : RowStack, (V, D)
        The vectors.
    metadata : dict of str to str
        Key-value metadata of the files, keys without the ``w2v.`` prefix; empty if another program wrote the files.
    """

    words: pa.StringArray
    counts: Counts
    stack: RowStack
    metadata: dict[str, str]

    @property
    def matrix(self) -> Matrix:
        """The vectors as one matrix, (V, D) float32, C-contiguous, read-only; a copy if they are mapped."""
        return self.stack.to_matrix()


def open_vectors(location: str | PathLike[str], limit: int | None = None) -> VectorTable:
    """Open a vector table, or its ``limit`` most frequent words; the vectors stay in the files, which are mapped.

    Files on a local or mounted disk are mapped if this package wrote them, or if the vectors lie there in the same way;
    any other table is read like `read_vectors` does it. A mapped file must not be cut or written over while it is in
    use; one that is deleted or replaced stays readable. Parameters and errors are those of `read_vectors`; but whether
    mapped vectors are damaged is found out when they are first used, by blocks of about 1 MiB.

    Notes
    -----
    Cost: words, counts and 5 bytes a vector are read; of the vectors only the pages that a query touches.
    """
    return read_as_one(location, WORD_TABLE, _open, limit)


def _open(source: TableSource) -> VectorTable:
    stack = map_groups(source) if source.is_local else None
    if stack is None:
        return _read(source)
    words, counts = _read_labels(source)
    return VectorTable(words, counts, stack, source.metadata)


def _read_labels(source: TableSource) -> tuple[pa.StringArray, Counts]:
    words: list[pa.StringArray] = []
    counts: list[Counts] = []
    for reader, group, start, rows in source.groups():
        some, their_counts = reader.words(group, start, rows)
        words.append(some)
        counts.append(their_counts)
    return pa.concat_arrays(words), np.concatenate(counts)


def read_vectors(location: str | PathLike[str], limit: int | None = None) -> VectorTable:
    """Read a vector table, or its ``limit`` most frequent words, into memory.

    Parameters
    ----------
    location : str or Path
        A path or any URI that `pyarrow.fs` opens: the output directory of a run, a root of versions or
        ``ROOT@version``, a directory of Parquet files, or the one file of a table.
    limit : int, optional
        Row groups beyond it are not read.

    Raises
    ------
    ConfigError
        ``limit`` is below 1.
    StoreError
        There is no finished table at ``location``, or a file is not Parquet, has other columns, nulls, vectors of
        unequal length or numbers that are not finite, or ids that do not follow the file before it; or one byte of it
        is not as it was written. The message names the file.

    Notes
    -----
    Cost: one copy of the matrix and a row group beside it; about 1 GB/s from a local disk cache.
    """
    return read_as_one(location, WORD_TABLE, _read, limit)


def stream_vectors(location: str | PathLike[str], limit: int | None = None) -> VectorStream:
    """Read a vector table, or its ``limit`` most frequent words, a row group at a time.

    Parameters and errors are those of `read_vectors`; some errors come only with the batch that is wrong.
    """
    source = TableSource.find(location, WORD_TABLE, limit)

    def batches() -> Iterator[Batch]:
        yield from _read_batches(source)
        if source.may_be_mixed():
            raise StoreError(f"{location} has been replaced while it was read; start again")

    return VectorStream(source.rows, batches())


def _read(source: TableSource) -> VectorTable:
    words: list[pa.StringArray] = []
    counts: list[Counts] = []
    matrix: Matrix = np.empty((0, 0), dtype=np.float32)
    start = 0
    for batch in _read_batches(source):
        stop = start + len(batch.words)
        if start == 0:
            with damage_naming(source.parts[0].path):
                matrix = np.empty((source.rows, batch.matrix.shape[1]), dtype=np.float32)
        matrix[start:stop] = batch.matrix
        counts.append(batch.counts)
        words.append(batch.words)
        start = stop
    return VectorTable(pa.concat_arrays(words), np.concatenate(counts), RowStack([matrix]), source.metadata)


def _read_batches(source: TableSource) -> Iterator[Batch]:
    dim = 0
    for reader, group, start, rows in source.groups():
        words, counts = reader.words(group, start, rows)
        vectors = reader.vectors(group, start, rows)
        if vectors.shape[1] != (dim or vectors.shape[1]):
            raise StoreError(f"{reader.path}: vectors of length {vectors.shape[1]} after vectors of {dim}")
        dim = vectors.shape[1]
        yield Batch(words, vectors, counts)


def read_words(location: str | PathLike[str]) -> list[str]:
    """The words of a vector table in rank order, without their vectors.

    Raises
    ------
    StoreError
        As `read_vectors`; what only the vectors would show goes unseen.
    """
    words: list[str] = read_counts(location)[0].to_pylist()
    return words


def read_counts(location: str | PathLike[str]) -> tuple[pa.StringArray, Counts]:
    """The same with their counts. Raises `StoreError` as `read_words`."""
    return _read_labels(TableSource.find(location, WORD_TABLE))
