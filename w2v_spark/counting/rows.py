"""Rows of counts that several files have parts of, added up; and the files that sparse rows lie in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import StoreError
from w2v_spark.kernels.checksum import checksum, hexadecimal
from w2v_spark.kernels.jit import kernel
from w2v_spark.storage import Directory, damage_naming, errors_naming

Ints = npt.NDArray[np.int64]
Columns = npt.NDArray[np.int32]

_HEADER: Final = 16  # bytes: how many entries, and how many bytes the count of each has
_MANY: Final = 16  # in a part of all columns that is at least one in so many, it is quicker to look at all of them


class Rows(NamedTuple):
    """Consecutive rows of a sparse matrix.

    Attributes
    ----------
    starts : (rows + 1,) int64
        Row ``r`` has the entries ``starts[r]`` to ``starts[r + 1]``.
    columns : (entries,) int32
    values : (entries,) int64 counts, or float32 weights
    """

    starts: Ints
    columns: Columns
    values: npt.NDArray[Any]


class RowFile(NamedTuple):
    """A file of `Rows`.

    Attributes
    ----------
    name : str
    digest : str
    rows, entries : int
    """

    name: str
    digest: str
    rows: int
    entries: int


def write_rows(directory: Directory, rows: Rows, kind: str) -> RowFile:
    """Write rows to a new file that nobody else writes to, whose name ends with their kind."""
    data = b"".join([rows.starts.tobytes(), rows.values.tobytes(), rows.columns.tobytes()])
    name = f"{uuid.uuid4().hex}.{kind}"
    directory.write_bytes(name, data)
    return RowFile(name, hexadecimal(checksum(data)), len(rows.starts) - 1, len(rows.columns))


def read_rows(directory: Directory, file: RowFile, kind: npt.DTypeLike) -> Rows:
    """What `write_rows` has written, of int64 or float32 values: mapped where the file system is local.

    Raises
    ------
    StoreError
        The file is missing, or not what was written.
    """
    shown, dtype = f"{directory.uri}/{file.name}", np.dtype(kind)
    with damage_naming(shown), errors_naming(shown):
        if directory.is_local:
            data: Any = np.memmap(directory.file(file.name), np.uint8, "r").view(np.ndarray)
        else:
            data = np.frombuffer(directory.read_bytes(file.name), np.uint8)
        places = np.cumsum([8 * (file.rows + 1), dtype.itemsize * file.entries, 4 * file.entries])
        if len(data) != places[2] or hexadecimal(checksum(data)) != file.digest:
            raise StoreError(f"{shown} is damaged: its content is not what was written")
    starts, values, columns = np.split(data, places[:2])
    return Rows(starts.view(np.int64), columns.view(np.int32), values.view(dtype))


def pack_part(lengths: Columns, columns: Columns, counts: Ints) -> bytes:
    """Some entries of consecutive rows as bytes: counts take four bytes where they fit."""
    small = int(counts.max(initial=0)) < 1 << 32
    packed = counts.astype(np.uint32) if small else counts
    header = np.array([len(counts), packed.itemsize], np.int64)
    return b"".join([header.tobytes(), packed.tobytes(), lengths.tobytes(), columns.tobytes()])


def unpack_part(data: bytes, rows: int) -> tuple[Columns, Columns, Ints]:
    """What `pack_part` was given: the lengths of so many rows, columns and counts."""
    entries, size = np.frombuffer(data, np.int64, 2).tolist()
    counts = np.frombuffer(data, np.uint32 if size == 4 else np.int64, entries, _HEADER).astype(np.int64)
    whole = np.frombuffer(data, np.int32, rows + entries, _HEADER + size * entries)
    return whole[:rows], whole[rows:], counts


def add_parts(parts: Sequence[bytes], offsets: Sequence[int], rows: int, columns: int) -> Rows:
    """Add up parts of the same rows; the columns of each row ascend.

    Parameters
    ----------
    parts : sequence of bytes
        Of `pack_part`.
    offsets : sequence of int
        What the columns of each part are moved by.
    rows, columns : int
        Of the result.

    Notes
    -----
    Memory: 24 bytes an entry of the parts, and 8 a column.
    """
    unpacked = [unpack_part(part, rows) for part in parts]
    lengths = np.stack([part[0] for part in unpacked]) if parts else np.zeros((0, rows), np.int32)
    given = np.concatenate([np.zeros(0, np.int32), *(part[1] for part in unpacked)])
    counts = np.concatenate([np.zeros(0, np.int64), *(part[2] for part in unpacked)])
    sizes = np.array([len(part[1]) for part in unpacked], np.int64)
    begins = np.cumsum(sizes) - sizes
    starts = np.zeros(rows + 1, np.int64)
    found, totals = np.empty(len(given), np.int32), np.empty(len(given), np.int64)
    sums = np.zeros(columns, np.int64)
    add_rows(lengths, begins, np.asarray(offsets, np.int64), given, counts, sums, starts, found, totals)
    return Rows(starts, found[: starts[-1]].copy(), totals[: starts[-1]].copy())


@kernel
def add_rows(lengths, places, offsets, given, counts, sums, starts, columns, totals):
    """Add up the entries of each row from several parts.

    Parameters
    ----------
    lengths : (parts, rows) int32
        How many entries of each row each part has.
    places : (parts,) int64
        Where the entries of the next row of each part begin; moved.
    offsets : (parts,) int64
        Added to the columns of each part.
    given : (n,) int32, counts : (n,) int64
        The entries, part by part.
    sums : (columns,) int64
        Zeros, and zeros again in the end.
    starts : (rows + 1,) int64, columns : (n,) int32, totals : (n,) int64
        Overwritten: rows with ascending columns. No count is 0.
    """
    size = 0
    for r in range(lengths.shape[1]):
        begin = size
        for p in range(lengths.shape[0]):
            place, offset = places[p], offsets[p]
            for n in range(place, place + lengths[p, r]):
                c = given[n] + offset
                if sums[c] == 0:
                    columns[size] = c
                    size += 1
                sums[c] += counts[n]
            places[p] = place + lengths[p, r]
        if (size - begin) * _MANY > len(sums):
            size = begin
            for c in range(len(sums)):
                if sums[c] != 0:
                    columns[size] = c
                    size += 1
        else:
            columns[begin:size].sort()
        for n in range(begin, size):
            totals[n] = sums[columns[n]]
            sums[columns[n]] = 0
        starts[r + 1] = size
