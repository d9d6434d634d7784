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

import numpy as np
import pyarrow.parquet as pq

from w2v_spark.vectors.blocks import Matrix

MIN_DIM = 16  # the levels of shorter vectors are written in another way; they are read with a copy
_MAX_HEADER = 512  # bytes; about 40 without statistics


def map_group(content: mmap.mmap, footer: pq.FileMetaData, group: int) -> Matrix | None:
    """The vectors of a row group as a view of the file, or None if they do not lie there plainly.

    Parameters
    ----------
    content : mmap.mmap
        The whole file. Kept open by the view.
    footer : pq.FileMetaData
    group : int
        Number of the row group.

    Returns
    -------
    float32, (rows, D), read-only, or None
        Not aligned in memory as a rule. None for vectors that are compressed, encoded, in several pages, null, or
        not of one length of at least 16: read those.

    Notes
    -----
    Cost: two comparisons, 5 bytes a vector; the numbers themselves are not touched.
    """
    rows = footer.row_group(group).num_rows
    columns = (footer.row_group(group).column(number) for number in range(footer.num_columns))
    number, chunk = next((n, c) for n, c in enumerate(columns) if c.path_in_schema.startswith("vector."))
    dim, rest = divmod(chunk.num_values, max(rows, 1))
    plain = chunk.compression == "UNCOMPRESSED" and set(chunk.encodings) <= {"PLAIN", "RLE"}
    if not plain or chunk.has_dictionary_page or chunk.physical_type != "FLOAT" or rest or dim < MIN_DIM:
        return None
    levels = _levels(rows, dim, footer.schema.column(number).max_definition_level)
    end = chunk.data_page_offset + chunk.total_compressed_size
    values = end - 4 * rows * dim
    header = values - len(levels) - chunk.data_page_offset
    if not 0 < header <= _MAX_HEADER or end > len(content) or content[values - len(levels) : values] != levels:
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
