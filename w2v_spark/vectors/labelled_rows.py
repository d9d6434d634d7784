"""Rows of any published table: its labels, which are all columns but the vector, and the vectors."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.storage import errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.part_file import PartReader
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.table_format import TableFormat
from w2v_spark.vectors.table_source import TableSource, map_groups, read_as_one


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """The rows of a table that have a vector.

    Attributes
    ----------
    labels : pa.Table, (rows,)
        All columns but the vector.
    stack : RowStack, (rows, D)
        The vectors, in mapped files or in memory.
    without : pa.Table
        The labels of the rows that have none.
    metadata : dict of str to str
        Of the files, keys without the ``w2v.`` prefix; empty if another program wrote them.
    """

    labels: pa.Table
    stack: RowStack
    without: pa.Table
    metadata: dict[str, str]


def open_rows(location: str | PathLike[str], table: TableFormat) -> LabelledRows:
    """Open a table of the result at a location, or of a directory of files; vectors stay in the files if they can.

    They are mapped as `reading.open_vectors` does it, and otherwise read.

    Parameters
    ----------
    location : str or Path
        The output directory of a run, a root of versions or ``ROOT@version``, or a directory of the table's files: a
        path or a URI.
    table : TableFormat

    Raises
    ------
    StoreError
        There is no such table, it is not complete, or a byte of it is not as it was written.

    Notes
    -----
    Cost: labels and levels are read; of mapped vectors only the pages that a query touches.
    """
    return read_as_one(location, table, _open)


def read_rows(location: str | PathLike[str], table: TableFormat, start: int, stop: int) -> LabelledRows:
    """Read some rows of a table into memory, and no others: numbered from 0 among those that have a vector.

    Parameters and errors are those of `open_rows`. Cost: the row groups in which the rows are.
    """
    return read_as_one(location, table, lambda source: read_source(source, start, stop))


def _open(source: TableSource) -> LabelledRows:
    stack = map_groups(source) if source.is_local else None
    if stack is None:
        return read_source(source)
    groups = [_labels(reader, group, start, rows) for reader, group, start, rows in source.groups()]
    labels, without = _joined(source, groups)
    return LabelledRows(labels, stack, without, source.metadata)


def read_source(source: TableSource, start: int = 0, stop: int | None = None) -> LabelledRows:
    """`read_rows` of a table whose footers have been read: the files may have been replaced since."""
    groups: list[tuple[pa.Table, pa.Table]] = []
    pieces: list[Matrix] = []
    for reader, group, first, rows, inside in _groups_with(source, start, stop):
        labels, without = _labels(reader, group, first, rows)
        groups.append((labels.slice(inside.start, inside.stop - inside.start), without))
        if len(labels):
            matrix = reader.vectors(group, first, len(labels))[inside]
            if pieces and matrix.shape[1] != pieces[0].shape[1]:
                lengths = f"{matrix.shape[1]} after vectors of {pieces[0].shape[1]}"
                raise StoreError(f"{reader.path}: vectors of length {lengths}")
            pieces.append(matrix)
    nothing: Matrix = np.empty((0, int(source.metadata.get("dim", 0))), dtype=np.float32)
    labels, without = _joined(source, groups)
    return LabelledRows(labels, RowStack(pieces or [nothing]), without, source.metadata)


def _groups_with(
    source: TableSource, start: int, stop: int | None
) -> Iterator[tuple[PartReader, int, int, int, slice]]:  # fmt: skip
    """Row groups in which some rows are: reader, number, first row, rows, and which of its vectors are wanted."""
    before = place = 0
    for part in source.parts:
        there = part.count_vectors()
        if stop is not None and (before >= stop or before + there <= start):
            before, place = before + there, place + sum(part.rows)
            continue
        with part.read() as reader:
            for group, rows in enumerate(part.rows):
                there = rows - len(reader.nulls(group))
                begin, end = max(start - before, 0), there if stop is None else min(stop - before, there)
                if begin < end or (stop is None and not there):
                    yield reader, group, place, rows, slice(begin, end)
                before, place = before + there, place + rows


def _labels(reader: PartReader, group: int, start: int, rows: int) -> tuple[pa.Table, pa.Table]:
    """Labels of a row group with and without a vector."""
    labels, nulls = reader.labels(group, start, rows), reader.nulls(group)
    if not len(nulls):
        return labels, labels.slice(0, 0)
    return labels.take(pa.array(np.setdiff1d(np.arange(rows), nulls))), labels.take(pa.array(nulls))


def _joined(source: TableSource, groups: list[tuple[pa.Table, pa.Table]]) -> tuple[pa.Table, pa.Table]:
    labels, without = zip(*groups, strict=True)
    with errors_naming(posixpath.dirname(source.parts[0].path)):  # ids of two types
        return pa.concat_tables(labels), pa.concat_tables(without)
