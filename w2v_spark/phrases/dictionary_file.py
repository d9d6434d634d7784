"""Forms and concepts as users write them down: lines with a tab between both, or Parquet."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.errors import ConfigError, InputError, Name, StoreError
from w2v_spark.storage import Directory

_SETTING: Final = Name("text.dictionary")
_HEADER: Final = ("form", "concept")
_PARQUET: Final = b"PAR1"  # at both ends of a file; at the beginning alone it is the name of a gene


def read_pairs(location: str) -> tuple[list[str], list[str]]:
    """Forms and concepts of a file.

    Raises
    ------
    ConfigError
        It cannot be read.
    InputError
        It is empty, or not as it should be: where, is said.
    """
    shown = f" = '{location}'"
    path, _, name = location.rpartition("/")
    try:
        content = Directory.open(path or ("/" if location.startswith("/") else ".")).read_bytes(name)
    except (StoreError, OSError, ValueError, pa.ArrowException) as error:
        raise ConfigError(
            _SETTING, f"{shown} cannot be read ({error}); expected a file of forms and concepts, with a tab between "
            "them in each line, or a Parquet file of two columns",
        ) from error  # fmt: skip
    forms, concepts = (
        _from_parquet(content, shown) if content[:4] == content[-4:] == _PARQUET else _from_lines(content, shown)
    )
    if not forms:
        raise InputError(_SETTING, f"{shown} is empty: there is no form in it")
    return forms, concepts


def _from_lines(content: bytes, shown: str) -> tuple[list[str], list[str]]:
    forms, concepts = [], []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode().strip("\r")
        except UnicodeDecodeError as error:
            raise InputError(_SETTING, f"{shown}, line {number}: not UTF-8 ({error.reason})") from error
        if not text.strip():
            continue
        parts = [part.strip() for part in text.split("\t")]
        if len(parts) != 2 or not all(parts):
            raise InputError(
                _SETTING, f"{shown}, line {number}: expected a form, a tab and a concept, found {text[:60]!r}"
            )
        if number == 1 and tuple(part.lower() for part in parts) == _HEADER:
            continue
        forms.append(parts[0])
        concepts.append(parts[1])
    return forms, concepts


def _from_parquet(content: bytes, shown: str) -> tuple[list[str], list[str]]:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise InputError(_SETTING, f"{shown} is no Parquet file that can be read: {error}") from error
    names = list(_HEADER) if set(_HEADER) <= set(table.column_names) else table.column_names
    if len(names) != 2:
        raise InputError(
            _SETTING, f"{shown} has the columns {table.column_names}; expected two, or 'form' and 'concept'"
        )
    columns = []
    for name in names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise InputError(_SETTING, f"{shown}: column '{name}' is of type {column.type}; expected strings")
        if column.null_count:
            raise InputError(_SETTING, f"{shown}: column '{name}' has {column.null_count:,} nulls")
        try:
            columns.append([text.strip() for text in column.to_pylist()])
        except UnicodeDecodeError as error:
            raise InputError(_SETTING, f"{shown}: column '{name}' is not UTF-8 ({error.reason})") from error
    if "" in columns[0]:
        raise InputError(_SETTING, f"{shown}: row {columns[0].index('')} has an empty form")
    return columns[0], columns[1]
