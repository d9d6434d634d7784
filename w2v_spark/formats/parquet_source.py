"""Vectors out of Parquet files of any program: a file, or a directory of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.errors import InputError, Name
from w2v_spark.formats.checks import MAX_DIM, MAX_ROWS, Mask, Rows
from w2v_spark.formats.input_file import describe
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.parquet_columns import ParquetColumns
from w2v_spark.magic import HEAD_BYTES, Kind, recognise
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import Counts

_BATCH: Final = 4096  # rows
_SHOWN: Final = 5  # columns
_TABLE_FORMATS: Final = (
    ({"_delta_log"}, "Delta"),
    ({".hoodie"}, "Hudi"),
    ({"metadata", "data"}, "Iceberg"),
)
"""Names that a directory of such a table has in it."""


class ParquetSource:
    """A Parquet file, or the files of a directory in the order of their names, whatever these are.

    Rows keep their order. Numbers of 64 bits are rounded to float32.

    Raises
    ------
    InputError
        Here if there are no such files or columns, or the directory is a table of Delta, Iceberg or Hudi; else at the
        batch that is wrong: a null, or a vector of another length. Names the file and the row, from 1.
    """

    forbidden = ""

    def __init__(self, location: str | Path, columns: ParquetColumns, lenience: Lenience = STRICT) -> None:
        directory = Directory.open(location)
        self._filesystem = directory.filesystem
        self._columns = columns
        self._lenience = lenience
        self._dim = 0
        self._paths = find_files(directory, str(location))
        sizes = []
        for path in self._paths:
            with _open(self._filesystem, path) as file:
                _vector_columns(path, file.schema_arrow, columns)
                sizes.append(file.metadata.num_rows)
        self._stops = np.cumsum(sizes)
        self.rows = sum(sizes)
        if not 1 <= self.rows <= MAX_ROWS:
            raise InputError(f"{location}: {self.rows} rows; allowed are 1 to {MAX_ROWS}")

    def place(self, row: int, column: int | None = None) -> str:
        """File and row, from 1."""
        number = int(np.searchsorted(self._stops, row, side="right"))
        return f"{self._paths[number]}, row {row - (self._stops[number - 1] if number else 0) + 1}"

    def batches(self, stop: int | None) -> Iterator[Rows]:
        """See `checks.Source.batches`."""
        wanted = self.rows if stop is None else min(stop, self.rows)
        done = self._dim = 0
        for path in self._paths:
            with _open(self._filesystem, path) as file:
                vector = _vector_columns(path, file.schema_arrow, self._columns)
                names = [self._columns.word, *filter(None, [self._columns.count]), *vector]
                for part in self._parts(path, file, names):
                    if done >= wanted:
                        return
                    yield self._convert(part.slice(0, wanted - done), vector, done)
                    done += min(len(part), wanted - done)
        if done < wanted:
            raise InputError(f"{self._paths[-1]}: {done} rows could be read, the files are said to have {self.rows}")

    def _parts(self, path: str, file: pq.ParquetFile, names: list[str]) -> Iterator[pa.RecordBatch]:
        with damage_naming(path), errors_naming(path):
            yield from file.iter_batches(_BATCH, columns=names)

    def _convert(self, part: pa.RecordBatch, vector: list[str], start: int) -> Rows:
        wrong = np.zeros(len(part), dtype=np.bool_)
        for name in part.schema.names:
            if part[name].null_count:
                is_null = part[name].is_null().to_numpy(zero_copy_only=False)
                wrong |= self._refused(is_null, start, f"column {name!r} is null")
        kind = part[self._columns.word].type
        if pa.types.is_nested(kind):
            raise InputError(f"{self.place(start)}: column {self._columns.word!r} is {_shown(kind)}, expected text")
        try:
            words = _to_words(part[self._columns.word])
            counts: Counts | None = None
            if self._columns.count is not None:
                counts = part[self._columns.count].cast(pa.int64()).fill_null(0).to_numpy()
        except pa.ArrowException as error:
            raise InputError(f"{self.place(start)} and after: {error}") from None
        if len(vector) == 1 and vector[0] == self._columns.vector:
            matrix = self._from_lists(part[vector[0]], wrong, start)
        else:
            matrix = self._from_columns([part[name] for name in vector], start)
        if isinstance(words, list):
            return Rows(
                [None if out else word for word, out in zip(words, wrong.tolist(), strict=True)], matrix, counts
            )
        return Rows(pc.if_else(pa.array(wrong), None, words) if wrong.any() else words, matrix, counts)

    def _refused(self, mask: Mask, start: int, what: str, values: Counts | None = None) -> Mask:
        """The same mask of rows. Raises `InputError` at the first of them unless such rows are left out.

        The first one's among ``values`` takes the place of ``{}``.
        """
        if mask.any():
            row = int(np.flatnonzero(mask)[0])
            self._lenience.malformed(self.place(start + row), what if values is None else what.format(values[row]))
        return mask

    def _from_columns(self, columns: list[pa.Array], start: int) -> Matrix:
        if self._dim not in (0, len(columns)):
            raise InputError(f"{self.place(start)}: {len(columns)} numbers after vectors of {self._dim}")
        self._dim = len(columns)
        return np.stack([self._numbers(column, start) for column in columns], axis=1)

    def _from_lists(self, column: pa.Array, wrong: Mask, start: int) -> Matrix:
        """The vectors of lists; rows that cannot be read are added to ``wrong``."""
        kind = column.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise InputError(f"{self.place(start)}: column {self._columns.vector!r} is {_shown(kind)}, expected lists")
        lengths: Counts = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        if not self._dim and not wrong.all():
            self._dim = int(np.bincount(lengths[~wrong]).argmax())  # of most, so that a wrong one is in the minority
            if not 1 <= self._dim <= MAX_DIM:
                raise InputError(f"{self.place(start)}: a vector of {self._dim} numbers; allowed are 1 to {MAX_DIM}")
        what = f"a vector of {{}} numbers, expected {self._dim} as others have"
        wrong |= self._refused(~wrong & (lengths != self._dim), start, what, lengths)
        values = column.filter(pa.array(~wrong)).flatten()
        if values.null_count:
            nulls = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False)) // self._dim
            mask = np.zeros(len(wrong), dtype=np.bool_)
            mask[np.flatnonzero(~wrong)[nulls]] = True
            wrong |= self._refused(mask, start, "a number of the vector is null")
            values = column.filter(pa.array(~wrong)).flatten()
        numbers = self._numbers(values, start).reshape(-1, max(self._dim, 1))
        if not wrong.any():
            return numbers
        matrix = np.zeros((len(wrong), max(self._dim, 1)), dtype=np.float32)
        matrix[~wrong] = numbers
        return matrix

    def _numbers(self, values: pa.Array, start: int) -> Matrix:
        if not pa.types.is_floating(values.type):
            raise InputError(
                f"{self.place(start)}: numbers are {_shown(values.type)}, expected float, double or half float"
            )
        with np.errstate(over="ignore"):  # becomes infinite, and is refused
            numbers: Matrix = values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
        return numbers


def _to_words(column: pa.Array) -> pa.StringArray | list[bytes | None]:
    """A column of words as text, or as bytes if one of them is not UTF-8. Raises `pa.ArrowException`."""
    try:
        words = column.cast(pa.string())
        words.validate(full=True)
        return words
    except pa.ArrowInvalid:
        found: list[bytes | None] = column.cast(pa.binary()).to_pylist()
        return found


def find_files(directory: Directory, shown: str) -> list[str]:
    """A Parquet file itself, or those directly in a directory, recognised by content where the name does not say it.

    Names that begin with ``_`` or ``.`` are passed over, as Spark does, and files that are something else.
    Raises `InputError` if there are none, or if more than the files says which rows are valid.
    """
    info = directory.filesystem.get_file_info(directory.path)
    if info.type == fs.FileType.File:
        kind = _kind(directory.filesystem, directory.path)
        if kind not in (None, Kind.PARQUET):
            raise InputError(*describe(shown, kind))
        return [directory.path]
    entries = directory.list()
    names = {entry.base_name for entry in entries}
    for marks, format_name in _TABLE_FORMATS:
        if marks <= names:
            raise InputError(
                f"{shown} is a table of {format_name}, whose files also hold rows that have been deleted or replaced: "
                "write its rows to a directory of plain Parquet with an engine that reads it, and import that"
            )
    visible = [entry for entry in entries if not entry.base_name.startswith(("_", "."))]
    nested = [entry.base_name for entry in visible if entry.type == fs.FileType.Directory]
    if nested:
        raise InputError(f"{shown} has directories in it, {_some(nested)}: give one directory of files")
    paths = [
        entry.path
        for entry in visible
        if entry.extension.lower() == "parquet" or _kind(directory.filesystem, entry.path) is Kind.PARQUET
    ]
    if not paths:
        raise InputError(f"{shown} is neither a Parquet file nor a directory of Parquet files")
    return paths


def _kind(filesystem: fs.FileSystem, path: str) -> Kind | None:
    with errors_naming(path), filesystem.open_input_file(path) as file:
        return recognise(file.read(HEAD_BYTES))


def _open(filesystem: fs.FileSystem, path: str) -> pq.ParquetFile:
    """Pages are read as they are needed: another program's row group may be the whole table."""
    try:
        file = pq.ParquetFile(
            path, filesystem=filesystem, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True
        )
        _ = file.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:  # the last: a name that is not UTF-8
        raise InputError(f"{path} cannot be read: {error}") from error
    return file


def _vector_columns(path: str, schema: pa.Schema, columns: ParquetColumns) -> list[str]:
    """Names of the columns that hold the vector, after a look at the others."""
    found = f"found {_some(schema.names)}"
    for option, name in (("word-column", columns.word), ("count-column", columns.count)):
        if name is not None and schema.names.count(name) != 1:
            raise InputError(f"{path}: expected a column {name!r}, {found}; ", Name(option), " names another")
    kind = pa.int64() if columns.count is None else schema.field(columns.count).type
    if not pa.types.is_integer(kind):
        raise InputError(f"{path}: column {columns.count!r} is {_shown(kind)}, expected whole numbers")
    if schema.names.count(columns.vector) == 1:
        return [columns.vector]
    pattern = re.compile(re.escape(columns.vector) + r"(\d+)")
    numbered = {int(match[1]): name for name in schema.names if (match := pattern.fullmatch(name))}
    first = min(numbered, default=0)
    names = [numbered[number] for number in range(first, first + len(numbered)) if number in numbered]
    several = any(schema.names.count(name) > 1 for name in names)
    if not names or several or len(names) < len(numbered) or first > 1:
        raise InputError(
            f"{path}: expected a column {columns.vector!r}, or columns {columns.vector}0, {columns.vector}1 and so on; "
            f"{found}; ",
            *(Name("vector-column"), " names others"),
        )
    return names


def _some(names: list[str]) -> str:
    """The first of many names."""
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _shown(kind: pa.DataType) -> str:
    """A type in a few words: of what has parts, without the parts."""
    return str(kind).partition("<")[0] if pa.types.is_nested(kind) else str(kind)
