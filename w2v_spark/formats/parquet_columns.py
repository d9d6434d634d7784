"""Parquet files whose columns are named and shaped otherwise than those of the vector table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.errors import ConfigError
from w2v_spark.formats.checks import check_batch
from w2v_spark.vectors.stream import Batch, VectorStream


class Shape(StrEnum):
    """How a vector lies in columns."""

    LIST = "list"
    FIXED = "fixed"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class ParquetColumns:
    """Names and kinds of columns.

    Attributes
    ----------
    word, vector : str
        With ``Shape.COLUMNS`` the numbers are in ``vector`` + 0, 1, ..., D - 1; then it may be empty.
    count : str, optional
        None if there are no counts.
    shape : Shape
        A list, a list of fixed size, or a column a number. When reading, all three are recognised.
    double : bool
        Write float64 instead of float32. When reading, float16, float32 and float64 are recognised.
    """

    word: str = "word"
    vector: str = "vector"
    count: str | None = None
    shape: Shape = Shape.LIST
    double: bool = False

    def __post_init__(self) -> None:
        names = [self.word, self.vector] + ([] if self.count is None else [self.count])
        if len(set(names)) < len(names) or not self.word or self.count == "":
            raise ConfigError(f"columns {', '.join(map(repr, names))}: expected a name of its own for each")


def write_parquet(stream: VectorStream, file: IO[bytes], columns: ParquetColumns, place: str) -> None:
    """Write one Parquet file, a row group for each batch.

    Raises `InputError` that names the word if one is empty, or a number is not finite; `ConfigError` if a column would
    have the name of another.
    """
    writer: Any = None
    start = 0
    try:
        for batch in stream.batches:
            check_batch(batch, start, place, "")
            table = _to_table(batch, columns)
            writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd", use_dictionary=False)
            writer.write_table(table)
            start += len(batch.words)
    finally:
        if writer is not None:
            writer.close()


def _to_table(batch: Batch, columns: ParquetColumns) -> pa.Table:
    rows, dim = batch.matrix.shape
    matrix = np.ascontiguousarray(batch.matrix, dtype=np.float64 if columns.double else np.float32)
    table: dict[str, Any] = {columns.word: batch.words}
    if columns.count is not None:
        table[columns.count] = pa.array(batch.counts)
    if columns.shape is Shape.COLUMNS:
        numbered = {f"{columns.vector}{number}": pa.array(matrix[:, number]) for number in range(dim)}
        if table.keys() & numbered.keys():
            raise ConfigError(f"the columns {', '.join(table)} have the name of a column of numbers; choose another")
        table |= numbered
    elif columns.shape is Shape.FIXED:
        table[columns.vector] = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), dim)
    else:
        offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(dim))
        table[columns.vector] = pa.ListArray.from_arrays(offsets, pa.array(matrix.reshape(-1)))
    return pa.table(table)
