"""Parquet files whose columns are named and shaped otherwise than those of the vector table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.errors import ConfigError, InputError
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import (
    MAX_DIM,
    MAX_ROWS,
    Batch,
    VectorStream,
    check_export,
    check_finite,
    check_words,
    distinct,
    limited,
    rank_counts,
)

_BATCH: Final = 4096  # rows


class Shape(StrEnum):
    """How a vector lies in columns."""

    LIST = "list"
    FIXED = "fixed"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class Layout:
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


def read_parquet(location: str | Path, layout: Layout, limit: int | None = None) -> VectorStream:
    """Stream a Parquet file, or the files of a directory in the order of their names, or the first ``limit`` words.

    Rows keep their order. Numbers of 64 bits are rounded to float32.

    Raises
    ------
    InputError
        Here if there are no such files or columns, else at the batch that is wrong: a null, an empty word or one that
        occurs twice, vectors of unequal length, a number that is not finite. Names the file and the row, from 1.
    ConfigError
        ``limit`` is below 1.
    """
    directory = Directory.open(location)
    paths = _files(directory, str(location))
    sizes = []
    for path in paths:
        with _open(directory.filesystem, path) as file:
            _vector_columns(path, file.schema_arrow, layout)
            sizes.append(file.metadata.num_rows)
    rows = sum(sizes)
    if not 1 <= rows <= MAX_ROWS:
        raise InputError(f"{location}: {rows} rows; allowed are 1 to {MAX_ROWS}")
    wanted = limited(rows, limit)
    reader = _Reader(directory.filesystem, paths, sizes, layout)
    return VectorStream(wanted, distinct(reader.batches(wanted), reader.place))


def _files(directory: Directory, shown: str) -> list[str]:
    info = directory.filesystem.get_file_info(directory.path)
    if info.type == fs.FileType.File:
        return [directory.path]
    paths = [
        entry.path
        for entry in directory.list()
        if entry.extension == "parquet" and not entry.base_name.startswith(("_", "."))
    ]
    if not paths:
        raise InputError(f"{shown} is neither a Parquet file nor a directory with .parquet files")
    return paths


def _open(filesystem: fs.FileSystem, path: str) -> pq.ParquetFile:
    """Pages are read as they are needed: another program's row group may be the whole table."""
    try:
        return pq.ParquetFile(path, filesystem=filesystem, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _vector_columns(path: str, schema: pa.Schema, layout: Layout) -> list[str]:
    """Names of the columns that hold the vector, after a look at the others."""
    for name in filter(None, (layout.word, layout.count)):
        if schema.names.count(name) != 1:
            raise InputError(f"{path}: expected a column {name!r}, found {', '.join(schema.names)[:200]}")
    kind = pa.int64() if layout.count is None else schema.field(layout.count).type
    if not pa.types.is_integer(kind):
        raise InputError(f"{path}: column {layout.count!r} is {kind}, expected whole numbers")
    if layout.vector in schema.names:
        return [layout.vector]
    pattern = re.compile(re.escape(layout.vector) + r"(\d+)")
    numbered = {int(match[1]): name for name in schema.names if (match := pattern.fullmatch(name))}
    first = min(numbered, default=0)
    names = [numbered[number] for number in range(first, first + len(numbered)) if number in numbered]
    if not names or len(names) < len(numbered) or first > 1:
        raise InputError(
            f"{path}: expected a column {layout.vector!r}, or columns {layout.vector}0, {layout.vector}1 and so on; "
            f"found {', '.join(schema.names)[:200]}"
        )
    return names


class _Reader:
    def __init__(self, filesystem: fs.FileSystem, paths: Sequence[str], sizes: Sequence[int], layout: Layout) -> None:
        self._filesystem = filesystem
        self._paths = paths
        self._stops = np.cumsum(sizes)
        self._layout = layout

    def place(self, row: int, _column: int = 0) -> str:
        """File and row, from 1."""
        number = int(np.searchsorted(self._stops, row, side="right"))
        return f"{self._paths[number]}, row {row - (self._stops[number - 1] if number else 0) + 1}"

    def batches(self, wanted: int) -> Iterator[Batch]:
        """The first rows, checked but for duplicates."""
        done = dim = 0
        for path in self._paths:
            with _open(self._filesystem, path) as file:
                vector = _vector_columns(path, file.schema_arrow, self._layout)
                names = [self._layout.word, *filter(None, [self._layout.count]), *vector]
                for part in self._parts(path, file, names):
                    if done >= wanted:
                        return
                    batch = self._convert(part.slice(0, wanted - done), vector, done, wanted)
                    dim = dim or batch.matrix.shape[1]
                    if batch.matrix.shape[1] != dim:
                        raise InputError(f"{self.place(done)}: {batch.matrix.shape[1]} numbers after vectors of {dim}")
                    yield batch
                    done += len(batch.words)

    def _parts(self, path: str, file: pq.ParquetFile, names: list[str]) -> Iterator[pa.RecordBatch]:
        with errors_naming(path):
            yield from file.iter_batches(_BATCH, columns=names)

    def _convert(self, part: pa.RecordBatch, vector: list[str], start: int, wanted: int) -> Batch:
        for name in part.schema.names:
            if part[name].null_count:
                row = pc.index(part[name].is_null(), True).as_py()
                raise InputError(f"{self.place(start + row)}: column {name!r} is null")
        try:
            words = part[self._layout.word].cast(pa.string())
            counts = rank_counts(wanted, start, len(words))
            if self._layout.count is not None:
                counts = part[self._layout.count].cast(pa.int64()).to_numpy()
        except pa.ArrowException as error:
            raise InputError(f"{self.place(start)} and after: {error}") from None
        check_words(words, "", start, self.place)
        if len(vector) == 1 and vector[0] == self._layout.vector:
            matrix = self._from_lists(part[vector[0]], start)
        else:
            matrix = np.stack([self._numbers(part[name], start) for name in vector], axis=1)
        check_finite(matrix, start, self.place)
        return Batch(words, matrix, counts)

    def _from_lists(self, column: pa.Array, start: int) -> Matrix:
        kind = column.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise InputError(f"{self.place(start)}: column {self._layout.vector!r} is {kind}, expected lists")
        lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
        dim = int(lengths[0])
        unequal = np.flatnonzero(lengths != dim)
        if len(unequal) or not 1 <= dim <= MAX_DIM:
            row = int(unequal[0]) if len(unequal) else 0
            raise InputError(
                f"{self.place(start + row)}: a vector of {lengths[row]} numbers, expected {dim} as before"
                if len(unequal)
                else f"{self.place(start)}: a vector of {dim} numbers; allowed are 1 to {MAX_DIM}"
            )
        values = column.flatten()
        if values.null_count:
            row = pc.index(values.is_null(), True).as_py() // dim
            raise InputError(f"{self.place(start + row)}: a number of the vector is null")
        return self._numbers(values, start).reshape(len(column), dim)

    def _numbers(self, values: pa.Array, start: int) -> Matrix:
        if not pa.types.is_floating(values.type):
            raise InputError(f"{self.place(start)}: numbers are {values.type}, expected float, double or half float")
        with np.errstate(over="ignore"):  # becomes infinite, and is refused
            numbers: Matrix = values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
        return numbers


def write_parquet(stream: VectorStream, file: IO[bytes], layout: Layout, place: str) -> None:
    """Write one Parquet file, a row group for each batch.

    Raises `InputError` that names the word if one is empty, or a number is not finite; `ConfigError` if a column would
    have the name of another.
    """
    writer: Any = None
    start = 0
    try:
        for batch in stream.batches:
            check_export(batch, start, place, "")
            table = _to_table(batch, layout)
            writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd", use_dictionary=False)
            writer.write_table(table)
            start += len(batch.words)
    finally:
        if writer is not None:
            writer.close()


def _to_table(batch: Batch, layout: Layout) -> pa.Table:
    rows, dim = batch.matrix.shape
    matrix = np.ascontiguousarray(batch.matrix, dtype=np.float64 if layout.double else np.float32)
    columns: dict[str, Any] = {layout.word: batch.words}
    if layout.count is not None:
        columns[layout.count] = pa.array(batch.counts)
    if layout.shape is Shape.COLUMNS:
        numbered = {f"{layout.vector}{number}": pa.array(matrix[:, number]) for number in range(dim)}
        if columns.keys() & numbered.keys():
            raise ConfigError(f"the columns {', '.join(columns)} have the name of a column of numbers; choose another")
        columns |= numbered
    elif layout.shape is Shape.FIXED:
        columns[layout.vector] = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), dim)
    else:
        offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(dim))
        columns[layout.vector] = pa.ListArray.from_arrays(offsets, pa.array(matrix.reshape(-1)))
    return pa.table(columns)
