"""Columns of documents and of their names: found by what users call them, and as the passes over the text take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegralType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from w2v_spark.errors import InputError, Name

_WORDS: Final = (
    StringType, BinaryType, BooleanType, IntegralType, DecimalType, DateType, TimestampType, TimestampNTZType,
)  # fmt: skip
_NAMES: Final = (*_WORDS, FloatType, DoubleType)

CORRUPT_COLUMN: Final = "_corrupt_record"
"""Which readers of JSON and CSV add for lines that are malformed; it is none of the user's."""


def column_of(name: str) -> Column:
    """A column by its name, whatever characters are in it."""
    quoted = name.replace("`", "``")
    return F.col(f"`{quoted}`")


def find_column(frame: DataFrame, name: str, setting: str) -> DataType:
    """The type of a column of documents, see `document_column`."""
    return _find(frame, name, setting)[1]


def document_column(frame: DataFrame, name: str, setting: str) -> Column:
    """A column of documents: text as it is, or lists of words, which are strings whatever they were before.

    Parameters
    ----------
    name : str
        In any case if that names one column only. With dots, a field within a column, or of each record of an array,
        unless a column has that very name.
    setting : str
        What the name was given as.

    Raises
    ------
    InputError
        There is no such column, there are several, or it holds neither text nor lists of words.
    """
    path, kind = _find(frame, name, setting)
    column = _column(path)
    is_other = isinstance(kind, ArrayType) and not isinstance(kind.elementType, StringType)
    return column.cast("array<string>") if is_other else column


def id_column(frame: DataFrame, name: str) -> Column:
    """A column of documents' names, of any type but nested ones. Raises `InputError` as `document_column` does."""
    path, kind = _resolve(frame, name, "id")
    if not isinstance(kind, _NAMES):
        raise InputError(
            Name("id"), f" = {name!r} is of type {kind.simpleString()}; it must be a string, a number or a date"
        )
    return _column(path)


def tag_column(frame: DataFrame, name: str) -> Column:
    """A column of tags as arrays of distinct strings, none of them null.

    Raises
    ------
    InputError
        As `document_column` does; or it holds neither strings nor arrays of them.
    """
    path, kind = _resolve(frame, name, "tag")
    inner = kind.elementType if isinstance(kind, ArrayType) else kind
    if not isinstance(inner, StringType):
        raise InputError(
            Name("tag"), f" = {name!r} is of type {kind.simpleString()}; it must be a string or an array of strings. "
            "A number would be taken for a position elsewhere: cast it to a string where it names something",
        )  # fmt: skip
    column = _column(path)
    values = column if isinstance(kind, ArrayType) else F.array(column)
    return F.array_distinct(
        F.filter(F.coalesce(values, F.array().cast("array<string>")), lambda each: each.isNotNull())
    )


def _find(frame: DataFrame, name: str, setting: str) -> tuple[Sequence[str], DataType]:
    path, kind = _resolve(frame, name, setting)
    is_words = isinstance(kind, ArrayType) and isinstance(kind.elementType, _WORDS)
    if not (isinstance(kind, StringType | BinaryType) or is_words):
        raise InputError(
            Name(setting),
            f" = {name!r} is of type {kind.simpleString()}; it must be text (string or binary) or an array of words "
            "or items (strings, whole numbers, dates)",
        )
    return path, kind


def _resolve(frame: DataFrame, name: str, setting: str) -> tuple[Sequence[str], DataType]:
    found = _paths(frame.schema, name)
    if len(found) > 1:
        several = ", ".join(".".join(path) for path, _ in found)
        raise InputError(Name(setting), f" = {name!r} may be any of {several}; give the name as it is written there")
    if not found:
        columns = ", ".join(each for each in frame.schema.names if each != CORRUPT_COLUMN) or "none"
        raise InputError(Name(setting), f" = {name!r} is not in the input; its columns are {columns}")
    return found[0]


def _paths(struct: StructType, name: str) -> list[tuple[list[str], DataType]]:
    """What a name may mean: the names of the fields from the outermost to the innermost, and the innermost's type."""
    for same in (str, str.lower):
        if found := [([field.name], field.dataType) for field in struct if same(field.name) == same(name)]:
            return found
    found = []
    for i in (i for i, character in enumerate(name) if character == "."):
        for path, kind in _paths(struct, name[:i]):
            found += [([*path, *below], inner) for below, inner in _fields(kind, name[i + 1 :])]
    return found


def _fields(kind: DataType, name: str) -> list[tuple[list[str], DataType]]:
    if isinstance(kind, StructType):
        return _paths(kind, name)
    if isinstance(kind, ArrayType) and isinstance(kind.elementType, StructType):  # one field of each record
        return [(path, ArrayType(inner)) for path, inner in _paths(kind.elementType, name)]
    return []


def _column(path: Sequence[str]) -> Column:
    column = column_of(path[0])
    for name in path[1:]:
        column = column.getField(name)
    return column
