"""Which words have changed most, in a report: of a version, or of a table of ``w2v-spark drift``."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import DRIFT, SUCCESS_FILE
from w2v_spark.report.markup import Markup, element, join, number, show_word, table
from w2v_spark.storage import Directory, damage_naming, errors_naming

SHOWN: Final = 30
_COLUMNS: Final = ("word", "count_before", "count_after", "cosine", "overlap")
_NOISE: Final = "noise"


@dataclass(frozen=True, slots=True)
class Changes:
    """The words of a table of drift that have changed most.

    Attributes
    ----------
    by_noise : bool
        In units of what two seeds differ by; else by the cosine, of the words that are frequent enough for the table
        to have compared their neighbours.
    words : tuple of dict
        Rows of the table.
    """

    by_noise: bool
    words: tuple[dict[str, Any], ...]

    @classmethod
    def of_version(cls, directory: Directory) -> Changes | None:
        """Of a version that ``retrain`` has made; None for any other result. Raises `StoreError` if it is damaged."""
        return cls._read(directory.child(DRIFT)) if directory.exists(DRIFT) else None

    @classmethod
    def read(cls, location: str | PathLike[str]) -> Changes:
        """Of what ``w2v-spark drift`` has written. Raises `StoreError` if that is not there, or damaged."""
        directory = Directory.open(location)
        if not directory.exists(SUCCESS_FILE):
            raise StoreError(f"{directory.uri} holds no complete result of 'w2v-spark drift'")
        return cls._read(directory)

    @classmethod
    def _read(cls, directory: Directory) -> Changes:
        files = [info.path for info in directory.list() if info.extension == "parquet"]
        if len(files) != 1:
            raise StoreError(f"{directory.uri} has {len(files)} Parquet files: a table of drift has one")
        with errors_naming(files[0]), damage_naming(files[0]):
            names = pq.read_schema(files[0], filesystem=directory.filesystem).names
            if missing := [name for name in _COLUMNS if name not in names]:
                raise StoreError(f"{files[0]} has no column {missing[0]!r}: it is no table of drift")
            columns = [*_COLUMNS, _NOISE] if _NOISE in names else list(_COLUMNS)
            return cls._choose(pq.read_table(files[0], columns=columns, filesystem=directory.filesystem))

    @classmethod
    def _choose(cls, rows: pa.Table) -> Changes:
        by_noise = _NOISE in rows.column_names and rows[_NOISE].null_count < len(rows)
        column, order = (_NOISE, "descending") if by_noise else ("cosine", "ascending")
        there = rows.filter(pc.is_valid(rows[_NOISE if by_noise else "overlap"]))
        best = there.take(pc.select_k_unstable(there, SHOWN, [(column, order), ("word", "ascending")]))
        return cls(by_noise, tuple(best.to_pylist()))


def changes_part(changes: Changes) -> Markup:
    """The table, for the section of drift."""
    note = (
        "Times what two seeds differ by at the frequency of the word, and the cosine of its vectors before and after."
        if changes.by_noise
        else "By the cosine of their vectors before and after, of frequent words; what seeds differ by is not known."
    )
    rows = [
        (
            show_word(str(row["word"])), number(row.get(_NOISE), 3), number(row["cosine"], 3),
            number(row["overlap"], 2), number(row["count_before"]), number(row["count_after"]),
        )
        for row in changes.words
    ]  # fmt: skip
    head = ("Word", "Times two seeds", "Cosine", "Neighbours that stayed", "Count before", "Count after")
    return join([element("h3", "Words that have changed most"), element("p", note), table(head, rows)])
