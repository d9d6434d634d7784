"""The tables of documents and of tags: one Parquet row each, written by many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import fs

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.part_writer import PartWriter
from w2v_spark.vectors.stream import Counts
from w2v_spark.vectors.table import (
    FORMAT_VERSION,
    METADATA_PREFIX,
    ROWS_PER_GROUP,
    VECTOR_SCHEMA,
    check_finite,
    open_writer,
    to_lists,
)
from w2v_spark.vectors.table_format import VECTOR, is_simple

Mask = npt.NDArray[np.bool_]

TAG_SCHEMA: Final = pa.schema(
    [
        pa.field("tag", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),
        VECTOR_SCHEMA.field(VECTOR),
    ]
)
"""Columns of the table of tags."""


def document_schema(id_type: pa.DataType) -> pa.Schema:
    """Columns of the table of documents, whose ids have the type that the input gives them.

    Raises
    ------
    InputError
        The type is nested, or none that can name something.
    """
    if not is_simple(id_type):
        raise InputError(f"ids of type {id_type} cannot name documents: expected a string, a number or a date")
    vector = VECTOR_SCHEMA.field(VECTOR).with_nullable(True)
    fields = [pa.field("id", id_type, nullable=False), pa.field("tokens", pa.int64(), nullable=False), vector]
    return pa.schema(fields)


class DocumentBatch(NamedTuple):
    """Some documents.

    Attributes
    ----------
    ids : pa.Array, (rows,)
        No nulls.
    tokens : int64, (rows,)
        Words of the vocabulary in each document.
    matrix : float32, (rows, D)
    missing : bool, (rows,), optional
        Documents without a vector; what the matrix has there does not count.
    """

    ids: pa.Array
    tokens: Counts
    matrix: Matrix
    missing: Mask | None = None


class LabelledBatch(NamedTuple):
    """Rows that become a row group: columns but the vector, vectors, and which of these are null."""

    labels: pa.Table
    matrix: Matrix
    missing: Mask


def write_documents_part(
    filesystem: fs.FileSystem,
    path: str,
    id_type: pa.DataType,
    dim: int,
    batches: Iterable[DocumentBatch],
    metadata: Mapping[str, str],
    files: int | None = None,
) -> int:
    """Write one file of a table of documents.

    Several may be written at the same time: no file depends on another one. The bytes depend on the content alone, not
    on how the documents were cut into batches.

    Parameters
    ----------
    filesystem, path
        Where to write. After an error half a file is there.
    id_type : pa.DataType
    dim : int
        D.
    batches : iterable of DocumentBatch
        There may be none. No more than two of them and two row groups are held.
    metadata : mapping of str to str
        Written under ``w2v.`` + key, beside ``w2v.format_version``, ``w2v.dim``, ``w2v.rows`` and ``w2v.files``, which
        are set here. It must be the same in all files of a table: files that differ in it are not read as one.
    files : int, optional
        How many files the table has, so that a missing one is noticed.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    InputError
        A batch does not agree in itself or with the types, an id is null, or a number is not finite.

    Notes
    -----
    Every file carries digests of all that is in it (`checksums`). Cost: about 0.6 s a GB, beside the disk's.
    """
    schema = document_schema(id_type)
    rows = (_checked_batch(batch, schema, dim) for batch in batches)
    return write_part(filesystem, path, schema, dim, rows, metadata, files)


def write_tags(
    filesystem: fs.FileSystem,
    path: str,
    labels: tuple[pa.StringArray, pa.StringArray],
    documents: Counts,
    tokens: Counts,
    matrix: Matrix,
    metadata: Mapping[str, str],
) -> None:
    """Write the table of tags, which is one file.

    Parameters
    ----------
    filesystem, path
        Where to write.
    labels : pair of pa.StringArray, (rows,)
        Names of the tags, and their values: ``party`` and ``Labour``. No nulls.
    documents, tokens : int64, (rows,)
        Documents that have the tag, and their words.
    matrix : float32, (rows, D)
    metadata : mapping of str to str
        As for documents.

    Raises
    ------
    InputError
        The lengths do not agree, a label is null or occurs twice, or a number is not finite.
    """
    counts = [pa.array(numbers, pa.int64()) for numbers in (documents, tokens)]
    columns = [*labels, *counts]
    if {len(column) for column in columns} != {len(matrix)} or matrix.ndim != 2:
        lengths = ", ".join(str(len(column)) for column in columns)
        raise InputError(f"tags of lengths {lengths} with a matrix {matrix.shape}: expected one length, and (rows, D)")
    table = pa.table(dict(zip(TAG_SCHEMA.names, columns, strict=False)))
    if len(distinct := table.group_by(["tag", "value"]).aggregate([])) != len(table):
        raise InputError(f"{len(table)} tags, of which {len(distinct)} are distinct: expected each value once")
    rows = checked_batch(table, matrix, None)
    write_part(filesystem, path, TAG_SCHEMA, matrix.shape[1], iter([rows]), metadata, 1)


def write_part(
    filesystem: fs.FileSystem,
    path: str,
    schema: pa.Schema,
    dim: int,
    batches: Iterator[LabelledBatch],
    metadata: Mapping[str, str],
    files: int | None,
) -> int:
    """Write one file of a table whose rows have labels and a vector, from batches that have been checked."""
    start = 0
    with open_writer(filesystem, path, schema) as writer:
        for group in _regroup(batches, ROWS_PER_GROUP):
            _write_group(writer, schema, group, start)
            start += len(group.matrix)
        own = {"format_version": FORMAT_VERSION, "dim": str(dim), "rows": str(start)}
        counted = {} if files is None else {"files": str(files)}
        pairs = {**metadata, **own, **counted}
        writer.finish({METADATA_PREFIX + key: value for key, value in sorted(pairs.items())})
    return start


def _write_group(writer: PartWriter, schema: pa.Schema, group: LabelledBatch, start: int) -> None:
    matrix = np.ascontiguousarray(group.matrix[~group.missing])
    check_finite(matrix, np.flatnonzero(~group.missing) + start, "row")
    vectors = to_lists(matrix, group.missing)
    columns = [column.combine_chunks() for column in group.labels.columns]
    nulls: list[int] = np.flatnonzero(group.missing).tolist()
    writer.write_group(pa.record_batch([*columns, vectors], schema=schema), matrix, nulls)


def _checked_batch(batch: DocumentBatch, schema: pa.Schema, dim: int) -> LabelledBatch:
    """A batch that agrees with the file; `InputError` if it does not."""
    ids, tokens, matrix, missing = batch
    if ids.type != schema.field("id").type or tokens.shape != (len(ids),) or matrix.shape != (len(ids), dim):
        raise InputError(
            f"{len(ids)} ids of type {ids.type}, tokens {tokens.shape} and vectors {matrix.shape}: expected ids of "
            f"type {schema.field('id').type}, and for each a number of tokens and {dim} numbers"
        )
    if missing is not None and missing.shape != (len(ids),):
        raise InputError(f"a mask {missing.shape} of missing vectors for {len(ids)} documents: expected one for each")
    labels = pa.table([ids, pa.array(tokens, pa.int64())], schema=pa.schema(list(schema)[:-1]))
    return checked_batch(labels, matrix, missing)


def checked_batch(labels: pa.Table, matrix: Matrix, missing: Mask | None) -> LabelledBatch:
    """A batch of a table; `InputError` if a label is null or vectors are not float32."""
    for name, column in zip(labels.column_names, labels.columns, strict=True):
        if column.null_count:
            raise InputError(f"{column.null_count} of {len(column)} values of {name!r} are null: expected none")
    if matrix.dtype != np.float32:
        raise InputError(f"vectors are {matrix.dtype}, expected float32")
    return LabelledBatch(labels, matrix, np.zeros(len(matrix), np.bool_) if missing is None else missing)


def _regroup(batches: Iterator[LabelledBatch], size: int) -> Iterator[LabelledBatch]:
    """Cut rows anew, ``size`` at a time; the last are fewer."""
    held: list[LabelledBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(len(some.matrix) for some in held) >= size:
            whole = _joined(held)
            full = len(whole.matrix) // size * size
            for start in range(0, full, size):
                yield _cut(whole, start, start + size)
            held = [_cut(whole, full, len(whole.matrix))]
    if held and len((rest := _joined(held)).matrix):
        yield rest


def _joined(parts: list[LabelledBatch]) -> LabelledBatch:
    labels, matrices, masks = zip(*parts, strict=True)
    return LabelledBatch(pa.concat_tables(labels), np.concatenate(matrices), np.concatenate(masks))


def _cut(rows: LabelledBatch, start: int, stop: int) -> LabelledBatch:
    return LabelledBatch(rows.labels.slice(start, stop - start), rows.matrix[start:stop], rows.missing[start:stop])
