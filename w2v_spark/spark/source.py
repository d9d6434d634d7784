"""The input: files of any format that Spark reads, a table, a query or a DataFrame, as a DataFrame of documents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Protocol, Self

from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import TextConfig
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.inputs.formats import FILE_FORMATS, LINE_FORMATS, TABLE_MARKS
from w2v_spark.locations import resolve
from w2v_spark.redaction import HIDDEN, hide, hide_options
from w2v_spark.spark.columns import document_column, id_column, tag_column
from w2v_spark.spark.decode import decode_documents, find_encoding
from w2v_spark.spark.file_input import FileInput, OpenFiles, filter_rows
from w2v_spark.spark.fingerprint import fingerprint_files, path_version, table_version
from w2v_spark.spark.malformed import MAX_INVALID, check_invalid
from w2v_spark.spark.parquet_pieces import Pieces, find_pieces
from w2v_spark.spark.sequence_checks import check_sequences
from w2v_spark.spark.spark_errors import SPARK_ERRORS, one_line_cause, quiet_analysis

_SMALL_BYTES: Final = 32 << 20
_PATH_IN_SQL: Final = re.compile(r"\w\s*\.\s*`([^`]*/[^`]*)`")  # as in FROM parquet.`/data/clicks`


class Source(Protocol):
    """Anything that gives documents."""

    def open(self, spark: SparkSession) -> DataFrame:
        """The documents: a column ``document`` of strings, bytes or arrays of strings; ``id`` if they have names.

        Tags, if they have some, are arrays of strings in columns ``tag0``, ``tag1`` and so on.
        """
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of the tags that documents have."""
        ...

    @property
    def size(self) -> int | None:
        """Bytes of its files, where these are few and local; None where only Spark could tell."""
        ...

    def fingerprint(self, documents: DataFrame) -> dict[str, Any]:
        """What the documents that were opened look like from outside, to recognise them when a run goes on."""
        ...

    def pieces(self, documents: DataFrame) -> Pieces | None:
        """The documents that were opened, of words alone, as files that tasks read themselves; None if Spark has to."""
        ...

    def examine(self, statistics: CorpusStatistics, text: TextConfig) -> list[str]:
        """What to warn of after the first pass over the documents that were opened last.

        Raises
        ------
        InputError
            Too much of the input is invalid.
        """
        ...


def is_small(source: Source) -> bool:
    """Whether it is known to be read in a second or two."""
    return source.size is not None and source.size <= _SMALL_BYTES


@dataclass(frozen=True, slots=True)
class FrameInput:
    """A column of a DataFrame.

    Attributes
    ----------
    frame : DataFrame
        Read twice; whoever has computed it at some cost may cache it.
    column : str
        See `columns.document_column`.
    id : str, optional
        A column with the documents' names.
    tags : tuple of str
        Columns with tags of the documents.
    """

    frame: DataFrame
    column: str
    id: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def size(self) -> int | None:
        """Never known: whatever it takes to compute the frame belongs to it."""
        return None

    def open(self, spark: SparkSession) -> DataFrame:
        """The documents, see `Source`. Raises `InputError` if a column is absent or of another type."""
        return _select(self.frame, self.column, self.id, "inputCol", self.tags)

    def fingerprint(self, documents: DataFrame) -> dict[str, Any]:
        """The files that the frame reads, if any."""
        return fingerprint_files(documents)

    def pieces(self, documents: DataFrame) -> None:
        """Never: only Spark knows what the frame does to its files."""

    def examine(self, statistics: CorpusStatistics, text: TextConfig) -> list[str]:
        """A warning where text is not UTF-8, or sequences are of another alphabet."""
        return check_invalid(statistics, 1.0) + check_sequences(statistics, text, 1.0)


@dataclass(slots=True)
class Input:
    """What to read: files, a table of a catalog, or the rows of a query.

    Attributes
    ----------
    paths : tuple of str
        Files, directories or globs, local or by URI. A directory counts with all that is below it.
    table : str, optional
        ``catalog.schema.name``, or less of it.
    sql : str, optional
        A query, which is run twice and has to give the same rows.
    format : str, optional
        Of the files: ``fasta``, ``fastq``, ``text``, of which a line is a document, or anything that Spark reads.
        Without it the names of the files tell.
    options : mapping of str to str
        For Spark's reader.
    secrets : mapping of str to str
        Options whose values are secret: for each the file that holds it, which is read when the input is. The files'
        names are kept with the result, secret values in ``options`` are not.
    column : str
        The column with the documents; text files have but one. A query with a single column needs no name for it.
    id : str, optional
        The column with the documents' names.
    tags : tuple of str
        Columns with tags of the documents: a string, or an array of strings.
    where : str, optional
        A condition in SQL; other rows are left out, and folders of partitions with no other rows are not read.
    encoding : str, optional
        Of text files, CSV and JSON; UTF-8 without it.
    max_invalid : float
        The share of bytes that may be no text, and of lines that may be malformed, 0..1.
    """

    paths: tuple[str, ...] = ()
    table: str | None = None
    sql: str | None = None
    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    column: str = "text"
    id: str | None = None
    tags: tuple[str, ...] = ()
    where: str | None = None
    encoding: str | None = None
    max_invalid: float = MAX_INVALID
    _opened: OpenFiles | None = field(default=None, init=False, repr=False)
    """Files that were opened last; they know after the first pass how many of their lines are malformed."""

    def __post_init__(self) -> None:
        """Spark takes names of formats in any case, and an empty path for the working directory."""
        if "" in self.paths:
            raise ConfigError(Name("input"), " is an empty path; name a file or a directory")
        if self.format and self.format.lower() in FILE_FORMATS | TABLE_MARKS.keys():
            self.format = self.format.lower()

    def to_dict(self) -> dict[str, Any]:
        """Plain values from which `from_dict` makes the same input in another working directory, without secrets."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        return {
            **values,
            "paths": [hide(resolve(path)) for path in self.paths],
            "options": hide_options(self.options),
            "secrets": {key: resolve(file) for key, file in self.secrets.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make an input of what `to_dict` gave.

        Raises
        ------
        ConfigError
            It had a secret, which was not kept.
        TypeError, KeyError
            It is something else.
        """
        if lost := [key for key, value in values["options"].items() if HIDDEN in value]:
            raise ConfigError(
                f"its option {lost[0]} is a secret, which is not kept; name a file that holds it with ",
                Name("secret_option"),
            )
        return cls(**{**values, "paths": tuple(values["paths"]), "tags": tuple(values.get("tags", ()))})

    def check(self) -> None:
        """Refuse, before Spark starts, what can be seen to be missing, empty, unreadable or contradictory.

        Raises
        ------
        ConfigError, InputError
        """
        given = [name for name in ("paths", "table", "sql") if getattr(self, name)]
        needs_path = self.format is None or self.format in FILE_FORMATS
        if len(given) > 1 or (not given and needs_path):
            what = "there are several inputs: give only one of " if given else "name the input: give one of "
            raise ConfigError(what, Name("input"), " (files), ", Name("table"), " and ", Name("sql"))
        for name in ("format", "encoding", "options", "secrets"):
            if getattr(self, name) and given != ["paths"] and (self.table or self.sql):
                key = {"options": "option", "secrets": "secret_option"}.get(name, name)
                if not (name in ("options", "secrets") and self.table):
                    raise ConfigError(
                        Name(key), " says how to read the files of ", Name("input"), ", which is not given"
                    )
        if repeated := sorted({tag for tag in self.tags if self.tags.count(tag) > 1}):
            raise ConfigError(Name("tag"), f" = {repeated[0]!r} is given twice; name each column once")
        if not 0 <= self.max_invalid <= 1:
            raise ConfigError(
                Name("max_invalid"), f" = {self.max_invalid} is not allowed: expected a share from 0 to 1"
            )
        if self.encoding and find_encoding(self.encoding) and self.format and self.format not in LINE_FORMATS:
            raise ConfigError(Name("encoding"), f" is for text, CSV and JSON, not for {self.format}")
        self._all_options()
        if self.paths:
            self._files.check()

    @property
    def locations(self) -> list[str]:
        """The paths that are read, those in a query included, globs as they are; not where tables of a catalog lie."""
        return [*self.paths, *_PATH_IN_SQL.findall(self.sql or "")]

    @property
    def size(self) -> int | None:
        """See `Source`."""
        return self._files.size if self.paths else None

    def open(self, spark: SparkSession) -> DataFrame:
        """The documents, see `Source`.

        Raises
        ------
        InputError
            Spark cannot read the input, or a column is absent or of another type.
        """
        if self.table or self.sql:
            frame = self._rows(spark)
            return _select(frame, self._column_of_query(frame), self.id, "text.column", self.tags)
        self._opened = opened = self._files.open(spark)
        column = opened.only_column or self.column
        documents = _select(opened.frame, column, self.id, "text.column", self.tags)
        return decode_documents(documents, opened.encoding) if opened.encoding else documents

    def fingerprint(self, documents: DataFrame) -> dict[str, Any]:
        """See `Source`: the files, the version of a table where it has one, and how they are read."""
        format = self._opened.format if self._opened else None
        version = None
        if self.table:
            version = table_version(documents.sparkSession, self.table)
        elif format and format not in FILE_FORMATS:
            versions = [path_version(path, format) for path in self.paths]
            version = ", ".join(map(str, versions)) if versions and all(versions) else None
        reading = {
            "format": format,
            "options": hide_options(dict(sorted(self.options.items()))),
            **{name: getattr(self, name) for name in ("table", "sql", "where", "id", "tags", "encoding")},
        }
        seen = fingerprint_files(documents)
        if format == "hudi":
            seen = {"files": 0, "bytes": 0, "digest": ""}  # its files stay the same while its log grows
        return {
            **seen,
            "version": version,
            "source": self.to_dict(),
            "reading": json.dumps({name: value for name, value in reading.items() if value}, ensure_ascii=False),
        }

    def pieces(self, documents: DataFrame) -> Pieces | None:
        """See `Source`: of local Parquet files all of whose rows are read, without names, tags and options."""
        is_given = any((self.id, self.where is not None, self.encoding, self.tags, self.options, self.secrets))
        if self._opened is None or self._opened.format != "parquet" or is_given:
            return None
        return find_pieces(documents, self.paths, self.column)

    def examine(self, statistics: CorpusStatistics, text: TextConfig) -> list[str]:
        """See `Source`."""
        malformed = self._opened.malformed if self._opened else None
        warnings = malformed.check(self.max_invalid) if malformed else []
        warnings += check_invalid(statistics, self.max_invalid)
        return warnings + check_sequences(statistics, text, self.max_invalid)

    @property
    def _files(self) -> FileInput:
        encoding = find_encoding(self.encoding) if self.encoding else None
        return FileInput(self.paths, self.format, self._all_options(), encoding, self.where, self.column)

    def _all_options(self) -> dict[str, str]:
        """The options with the secret ones. Raises `ConfigError` if a file cannot be read."""
        values = dict(self.options)
        for key, file in self.secrets.items():
            try:
                values[key] = Path(resolve(file)).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it is not UTF-8"
                raise ConfigError(Name("secret_option"), f" {key}: {file} cannot be read: {why}") from None
        return values

    def _rows(self, spark: SparkSession) -> DataFrame:
        """The rows of the table or the query."""
        try:
            with quiet_analysis():
                if self.table:
                    frame = spark.read.options(**self._all_options()).table(self.table)
                else:  # within another query nothing but a query is possible: no DROP, no INSERT
                    frame = spark.sql(f"SELECT * FROM (\n{(self.sql or '').strip().rstrip(';')}\n)")
                frame.schema  # noqa: B018 - Spark looks at it
        except SPARK_ERRORS as error:
            name, value = ("table", self.table) if self.table else ("sql", repr(self.sql))
            raise InputError(Name(name), f" {value} cannot be read: {one_line_cause(error)}") from error
        return frame if self.where is None else filter_rows(frame, self.where)

    def _column_of_query(self, frame: DataFrame) -> str:
        """The column of documents; the only one of a query, if nobody has named one."""
        labels = {name.lower() for name in (self.id, *self.tags) if name is not None}
        others = [name for name in frame.columns if name.lower() not in labels]
        is_unnamed = self.sql and self.column == TextConfig().column and self.column not in frame.columns
        return others[0] if is_unnamed and len(others) == 1 else self.column


def _select(frame: DataFrame, column: str, id: str | None, setting: str, tags: Sequence[str]) -> DataFrame:
    """The documents, and their names and tags if they have some."""
    columns = [document_column(frame, column, setting).alias("document")]
    if id is not None:
        columns.append(id_column(frame, id).alias("id"))
    columns += [tag_column(frame, tag).alias(f"tag{number}") for number, tag in enumerate(tags)]
    return frame.select(*columns)
