"""The vectors of a Parquet file where they lie in it, without reading them.

A column chunk of plain, uncompressed vectors that are all in one page ends in two lists of levels and the numbers::

    page header | length, repetition levels | length, definition levels | rows x D numbers of 4 bytes

The levels say where each vector begins and that nothing is null. Vectors of one length D give one sequence of levels,
so a chunk in which exactly these bytes lie before the numbers needs no other look, not even at its header. Source:
the Parquet format, "Data Pages" and "Run Length Encoding / Bit-Packing Hybrid".
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from w2v_spark.vectors.blocks import Matrix

MIN_DIM = 16  # the levels of shorter vectors are written in another way; they are read with a copy
_MAX_HEADER = 512  # bytes; about 40 without statistics

_COLUMNS, _ROWS = 1, 3  # fields of a row group in the footer
_FILE, _CHUNK = 1, 3  # of a column: another file that it is in, and the rest
_TYPE, _ENCODINGS, _PATH, _CODEC, _VALUES, _SIZE, _OFFSET, _DICTIONARY = 1, 2, 3, 4, 5, 7, 9, 11  # of that
_FLOAT, _UNCOMPRESSED, _PLAIN, _RLE = 4, 0, 0, 3


def map_group(content: mmap.mmap, group: Mapping[int, Any], defined: int) -> Matrix | None:
    """The vectors of a row group as a view of the file, or None if they do not lie there plainly.

    Parameters
    ----------
    content : mmap.mmap
        The whole file. Kept open by the view.
    group : mapping of int to Any
        What the footer says of the row group, from `thrift.decode_struct`.
    defined : int
        The definition level of a number that is not null.

    Returns
    -------
    float32, (rows, D), read-only, or None
        Not aligned in memory as a rule. None for vectors that are compressed, encoded, in several pages, null, or
        not of one length of at least 16: read those.

    Raises
    ------
    LookupError, TypeError, AttributeError
        The footer lacks something or has it in another type.

    Notes
    -----
    Cost: two comparisons, 5 bytes a vector; the numbers themselves are not touched.
    """
    rows = group[_ROWS]
    column = next((c for c in group[_COLUMNS] if c[_CHUNK][_PATH][0] == b"vector"), None)
    if column is None or _FILE in column:
        return None
    chunk = column[_CHUNK]
    dim, rest = divmod(chunk[_VALUES], max(rows, 1))
    is_plain = chunk[_CODEC] == _UNCOMPRESSED and set(chunk[_ENCODINGS]) <= {_PLAIN, _RLE}
    if not is_plain or _DICTIONARY in chunk or chunk[_TYPE] != _FLOAT or rest or dim < MIN_DIM:
        return None
    end = chunk[_OFFSET] + chunk[_SIZE]
    values = end - 4 * rows * dim
    if not 0 <= chunk[_OFFSET] < values < end <= len(content) or 4 * rows > values:
        return None
    levels = _levels(rows, dim, defined)
    header = values - len(levels) - chunk[_OFFSET]
    if not 0 < header <= _MAX_HEADER or content[values - len(levels) : values] != levels:
        return None
    vectors: Matrix = np.frombuffer(content, "<f4", rows * dim, values).reshape(rows, dim)
    return vectors


def _levels(rows: int, dim: int, defined: int) -> bytes:
    """Both lists of levels before ``rows`` vectors of length ``dim``, each with its length before it.

    Repetition levels are 0 at the start of a vector and 1 elsewhere: eight packed bits, then a run of ones.
    Definition levels are one run of the highest, ``defined``.
    """
    repetition = (b"\x03\xfe" + _varint((dim - 8) << 1) + b"\x01") * rows
    definition = _varint((rows * dim) << 1) + bytes([defined])
    return b"".join(struct.pack("<i", len(part)) + part for part in (repetition, definition))


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first, the top bit set in all but the last."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
