"""What is asked of a search for all nearest neighbours."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from w2v_spark.errors import ConfigError, InputError, Name, WordNotFound
from w2v_spark.publishing.versions import open_result
from w2v_spark.vectors.listed_ids import find_listed
from w2v_spark.vectors.reading import read_words
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.csls import Measure
from w2v_spark.vectors.search.query import check_limits
from w2v_spark.vectors.search.tiled import QUERY_ROWS
from w2v_spark.vectors.table_files import TableFiles, describe_vectors
from w2v_spark.vectors.table_format import TABLES, TableFormat

_MOST_FILES: Final = 64  # of a table that is not large: enough to keep as many cores busy
_ROWS_PER_FILE: Final = 16_384
_SHOWN: Final = 5
_MOST_ROWS: Final = 2**31 - 1  # of a table: their numbers are int32


@dataclass(frozen=True, slots=True)
class Side:
    """One of two tables: whose rows get neighbours, or among whose rows these are.

    Attributes
    ----------
    kind : str
        What the rows are: ``words``, ``documents`` or ``tags``.
    location : str
        Output directory of a run, one version, or directory of Parquet files, by path or URI.
    files : TableFiles
    """

    kind: str
    location: str
    files: TableFiles

    @classmethod
    def find(cls, kind: str, location: str, option: str) -> Side:
        """Look at the files of a table. Raises `ConfigError`, which names the option, and `StoreError`."""
        if kind not in TABLES:
            raise ConfigError(Name(option), f" = {kind!r} is not allowed: expected one of {', '.join(TABLES)}")
        place = open_result(location).uri  # of one version, while newer ones come
        files = describe_vectors(place, TABLES[kind])
        if not 0 < files.rows <= _MOST_ROWS:
            raise InputError(f"{files.directory} has {files.rows:,} vectors: expected 1 to {_MOST_ROWS:,}")
        return cls(kind, place, files)

    @property
    def place(self) -> str:
        """Where the files are, whatever leads there."""
        directory = self.files.directory
        return directory if "://" in directory else os.path.realpath(directory)

    @property
    def table(self) -> TableFormat:
        """What the table looks like."""
        return TABLES[self.kind]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, checked before Spark starts.

    Attributes
    ----------
    of : Side
        Whose rows get neighbours.
    among : Side
        Among whose rows they are.
    queries : int32, (Q,), or None
        Rows of the words or documents that get neighbours, ascending; None for all rows.
    topn : int
    restrict : int or None
        Neighbours come from so many of the most frequent words.
    skipped : int
        Words or ids asked for that have no vector.
    measure : Measure
        By which neighbours are ranked.
    """

    of: Side
    among: Side
    queries: Ids | None
    topn: int
    restrict: int | None = None
    skipped: int = 0
    measure: Measure = Measure.COSINE

    @classmethod
    def build(
        cls,
        vectors: str,
        topn: int,
        words: Sequence[str] | None = None,
        restrict: int | None = None,
        skip_unknown: bool = False,
        of: str = "words",
        among: str = "words",
        among_vectors: str | None = None,
        ids: Sequence[str] | None = None,
    ) -> Request:
        """Look words up and check everything that can be checked without reading the vectors.

        Parameters
        ----------
        vectors : str
            Output directory of a run, a root of versions or ``ROOT@version``, or a directory of Parquet files.
        topn : int
        words : sequence of str, optional
            Which words get neighbours; all if not given.
        restrict : int, optional
            Neighbours come from so many of the most frequent words.
        skip_unknown : bool
            Leave words or ids out that have no vector.
        of, among : str
            ``words``, ``documents`` or ``tags``: whose rows get neighbours, and among whose they are.
        among_vectors : str, optional
            Where the second table is, if not in ``vectors``: vectors of the same length.
        ids : sequence of str, optional
            Which documents get neighbours, as text, see `listed_ids.find_listed`; all if not given.

        Raises
        ------
        ConfigError
            ``topn`` or ``restrict`` is below 1, there is no such table, or words are named where there are none.
        StoreError
            There is no complete table.
        WordNotFound
            Some of the words have no vector, and ``skip_unknown`` is not set; or none has one.
        IdNotFound
            The same of ids.
        InputError
            ``words`` or ``ids`` is empty, an id is of another type, or the vectors of the two tables differ in length.
        """
        check_limits(topn, restrict, least=1)
        _check_about(("words", words, "words", of, "of"), ("ids", ids, "documents", of, "of"))
        _check_about(("restrict", restrict, "words", among, "among"))
        first = Side.find(of, vectors, "of")
        sides = first, Side.find(among, among_vectors or first.location, "among")
        _check_lengths(*sides)
        if ids is not None:
            rows_of_ids, skipped = find_listed(first.location, ids, skip_unknown)
            return cls(*sides, rows_of_ids, topn, restrict, skipped)
        if words is None:
            return cls(*sides, None, topn, restrict)
        if not words:
            raise InputError("there are no words to find neighbours for: expected a word a line")
        index = {word: row for row, word in enumerate(read_words(sides[0].location))}
        asked = list(dict.fromkeys(words))
        unknown = [word for word in asked if word not in index]
        if unknown and (len(unknown) == len(asked) or not skip_unknown):
            shown = ", ".join(map(repr, unknown[:_SHOWN])) + (", ..." if len(unknown) > _SHOWN else "")
            remedy = () if skip_unknown else ("; leave them out or give ", Name("skip-unknown"))
            raise WordNotFound(
                f"{len(unknown)} of {len(asked)} words are not among the {len(index)} of the vocabulary: {shown}",
                *remedy,
            )
        rows = sorted(index[word] for word in asked if word in index)
        return cls(*sides, np.array(rows, dtype=np.int32), topn, restrict, len(unknown))

    def between_spaces(self, measure: Measure) -> Request:
        """The same, between two tables, by a measure. Raises `ConfigError` if both are one, or part of one."""
        if self.is_of_one_table:
            raise ConfigError(
                Name("target"), f" {self.among.location} is the table of ", Name("source"),
                ": words are translated into another space; for one table there is w2v-spark neighbours",
            )  # fmt: skip
        if self.restrict is not None:
            raise ConfigError(Name("restrict"), " does not go with two spaces: all words of the target are candidates")
        return replace(self, measure=measure)

    @property
    def rows(self) -> int:
        """Q, how many rows get neighbours."""
        return self.of.files.rows if self.queries is None else len(self.queries)

    @property
    def candidates(self) -> int:
        """Among how many rows neighbours are looked for."""
        return min(self.restrict or self.among.files.rows, self.among.files.rows)

    @property
    def is_of_one_table(self) -> bool:
        """Whether neighbours are looked for in the same table, so that a row is not its own."""
        return (self.of.kind, self.of.place) == (self.among.kind, self.among.place)

    @property
    def rows_per_file(self) -> int:
        """How many rows get neighbours in one file."""
        return rows_per_file(self.rows)


def rows_per_file(rows: int) -> int:
    """How many of some rows make a file: by their number alone, so that files do not depend on the number of tasks."""
    blocks = -(-rows // (QUERY_ROWS * _MOST_FILES))
    return min(blocks * QUERY_ROWS, _ROWS_PER_FILE)


def _check_about(*options: tuple[str, object, str, str, str]) -> None:
    """Refuse options, (name, value, what it is about, what is asked for, by which option), that are about others."""
    for option, value, about, kind, side in options:
        if value is not None and kind != about:
            raise ConfigError(
                Name(option), f" is about {about}, and does not go with ", Name(side), f" {kind}: leave it out"
            )


def _check_lengths(of: Side, among: Side) -> None:
    """Refuse vectors of two lengths, where the files say it."""
    first, second = of.files.dim, among.files.dim
    if first is not None and second is not None and first != second:
        raise InputError(
            f"{of.files.directory} has vectors of length {first}, {among.files.directory} of {second}: neighbours are "
            "looked for among vectors of one length"
        )
