"""Files of any format as a DataFrame: what is checked before Spark starts, and how Spark then reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final
from urllib.parse import quote, unquote

import pyarrow as pa
from pyarrow import fs as pafs
from pyspark.sql import DataFrame, DataFrameReader, SparkSession

from w2v_spark.errors import InputError, Name
from w2v_spark.inputs.files import (
    check_all_listed,
    is_local,
    list_local,
    matches,
    partition_base,
    spark_path,
)
from w2v_spark.inputs.formats import (
    FILE_FORMATS,
    LINE_FORMATS,
    TABLE_MARKS,
    find_table,
    format_of_names,
    missing_format,
    refuse_table,
)
from w2v_spark.inputs.heads import check_heads, sample
from w2v_spark.inputs.sequences import SEQUENCE_FORMATS, check_marks
from w2v_spark.magic import Kind
from w2v_spark.spark.decode import line_options, with_byte_order
from w2v_spark.spark.malformed import Malformed, keeps_malformed, with_corrupt_lines
from w2v_spark.spark.sequence_input import SEQUENCE, Records, read_records, record_options
from w2v_spark.spark.spark_errors import SPARK_ERRORS, condition, one_line_cause, quiet_analysis

_LOCAL_HEADS: Final = 2_000
_REMOTE_HEADS: Final = 64
_FEW_FILES: Final = 1_000
_LISTING: Final = ("pathglobfilter", "modifiedbefore", "modifiedafter")
_LAYOUT: Final = ("recursivefilelookup", "basepath")
_NO_FORMAT: Final = ("DATA_SOURCE_NOT_FOUND", "AVRO_DATA_SOURCE_NOT_ENABLED", "KAFKA_DATA_SOURCE_NOT_ENABLED")
_CSV: Final = {"header": "true", "escape": '"'}  # as nearly all programs but Spark write it


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """Files that Spark is about to read.

    Attributes
    ----------
    frame : DataFrame
        Filtered already.
    format : str
    encoding : str or None
        What the lines of text are still to be decoded from.
    malformed : Malformed, Records or None
        The count of malformed lines or records, where the format can have such.
    """

    frame: DataFrame
    format: str
    encoding: str | None = None
    malformed: Malformed | Records | None = None

    @property
    def only_column(self) -> str | None:
        """The column of documents, where the format leaves no choice."""
        return "value" if self.format == "text" else SEQUENCE if self.format in SEQUENCE_FORMATS else None


@dataclass(frozen=True, slots=True)
class FileInput:
    """Files and how to read them; the attributes are those of `Input`, but ``encoding`` is as Python calls it."""

    paths: tuple[str, ...]
    format: str | None
    options: Mapping[str, str]
    encoding: str | None
    where: str | None
    column: str

    def check(self) -> None:
        """Refuse, before Spark starts, what can be seen to be missing, empty, unreadable or of another format.

        Raises
        ------
        InputError
        """
        if self.format is not None and self.format not in FILE_FORMATS:
            if self.format in TABLE_MARKS:
                for path in filter(is_local, self.paths):
                    list_local(path)
            return
        listed = [file for path in self.paths if is_local(path) for file in list_local(path) or ()]
        format = self.format or self._table_format()
        if format in TABLE_MARKS:
            return
        for path in filter(is_local, self.paths):
            if found := find_table(path):
                raise refuse_table(str(found[0]), found[1], format or "files")
        format = format or format_of_names(map(str, listed)) or "text"
        if format in LINE_FORMATS:
            local = pafs.LocalFileSystem()
            self._check_marks([(str(file), local, str(file)) for file in sample(listed, _LOCAL_HEADS)], format)

    @property
    def size(self) -> int | None:
        """See `source.Source`."""
        if self.format is not None and self.format not in FILE_FORMATS:
            return None
        if not all(is_local(path) and find_table(path) is None for path in self.paths):
            return None
        listed = [list_local(path) for path in self.paths]
        if None in listed:
            return None
        files = [file for some in listed for file in some or ()]
        return sum(file.stat().st_size for file in files) if len(files) <= _FEW_FILES else None

    def _check_marks(
        self, files: Sequence[tuple[str, pafs.FileSystem, str]], format: str
    ) -> list[Kind | None]:  # fmt: skip
        """What the first bytes of files of lines tell; refuses what is of another format."""
        if format not in SEQUENCE_FORMATS:
            return check_heads(files, self.encoding)
        if self.encoding:
            raise InputError(Name("encoding"), f" is not for {format.upper()}, which is ASCII; leave it out")
        marks = check_heads(files, None)
        check_marks(files, format)
        return marks

    def _table_format(self) -> str | None:
        """The format of tables whose directories all the paths are; None if they are not."""
        kinds = set()
        for path in self.paths:
            found = find_table(path) if is_local(path) else None
            is_root = found is not None and found[0] in [match.absolute() for match in matches(path) or ()]
            kinds.add(found[1] if found and is_root else None)
        return kinds.pop() if len(kinds) == 1 else None

    def open(self, spark: SparkSession) -> OpenFiles:
        """Let Spark look at the files.

        Raises
        ------
        InputError
            Spark cannot read them, or does not see all of them.
        """
        format = self.format or self._table_format()
        if format is not None and format not in FILE_FORMATS:
            return OpenFiles(self._filter(self._load_tables(spark, format)), format)
        uris = self._list(spark)
        format = format or self._remote_table_format(spark) or format_of_names(map(unquote, uris)) or "text"
        if format in TABLE_MARKS:
            return OpenFiles(self._filter(self._load_tables(spark, format)), format)
        self._refuse_remote_tables(spark, format)
        marks = self._check_heads(uris, format) if format in LINE_FORMATS else []
        return self._open_files(spark, format, uris, marks)

    def _open_files(
        self, spark: SparkSession, format: str, uris: Sequence[str], marks: Sequence[Kind | None]
    ) -> OpenFiles:
        encoding = with_byte_order(self.encoding, marks) if self.encoding else None
        settings = {**(_CSV if format in ("csv", "tsv") else {}), **({"sep": "\t"} if format == "tsv" else {})}
        settings |= line_options(encoding, format) if encoding else {}
        format = "csv" if format == "tsv" else format
        layout = partition_base(uris)
        if layout is not None and self.column.lower() in map(str.lower, layout[1]):
            layout = None  # a column of documents is not to be hidden by the name of a folder
        if not self._has(_LAYOUT):
            settings |= {"basePath": layout[0]} if layout else {"recursiveFileLookup": "true"}
        if format in SEQUENCE_FORMATS:
            return self._open_records(spark, format, settings, filter_first=layout is not None)
        reader = spark.read.format(format).options(**settings).options(**self.options)
        frame, malformed = self._load(spark, reader, format), None
        counts = keeps_malformed(format, self.options)
        if counts:
            reader = with_corrupt_lines(reader, frame, " ".join(self.paths), format)
            frame = self._load(spark, reader, format)
        # Folders that a filter leaves out are not read at all if it comes first; other lines are counted before it.
        if layout is not None:
            frame = self._filter(frame)
        if counts:
            frame, malformed = Malformed.observe(frame, format)
        if layout is None:
            frame = self._filter(frame)
        return OpenFiles(frame, format, encoding if format == "text" else None, malformed)

    def _open_records(
        self, spark: SparkSession, format: str, settings: Mapping[str, str], filter_first: bool
    ) -> OpenFiles:  # fmt: skip
        reader = spark.read.format("text").options(**settings).options(**self.options).options(**record_options(format))
        frame = read_records(self._load(spark, reader, "text"), format)
        frame, records = Records.observe(self._filter(frame) if filter_first else frame, format)
        return OpenFiles(frame if filter_first else self._filter(frame), format, None, records)

    def _load(
        self, spark: SparkSession, reader: DataFrameReader, format: str, paths: Sequence[str] | None = None
    ) -> DataFrame:
        places = [spark_path(path) for path in self.paths] if paths is None else list(paths)
        try:
            frame = reader.load(places if len(places) > 1 else places[0]) if places else reader.load()
            frame.schema  # noqa: B018 - Spark looks at the files
        except SPARK_ERRORS as error:
            if condition(error) in _NO_FORMAT:
                raise missing_format(format, spark.version) from error
            raise InputError(
                Name("input"),
                f" {' '.join(self.paths)} cannot be read as {format}: {one_line_cause(error)}; check the files and ",
                Name("format"),
            ) from error
        return frame

    def _load_tables(self, spark: SparkSession, format: str) -> DataFrame:
        """Whatever a format makes of a path; tables one by one, since most formats take one path only."""
        reader = spark.read.format(format).options(**self.options)
        if format not in TABLE_MARKS or not self.paths:
            return self._load(spark, reader, format, self.paths)
        frames = [self._load(spark, reader, format, [spark_path(path)]) for path in self.paths]
        return reduce(DataFrame.unionByName, frames)

    def _filter(self, frame: DataFrame) -> DataFrame:
        return frame if self.where is None else filter_rows(frame, self.where)

    def _has(self, names: Sequence[str]) -> bool:
        return any(key.lower() in names for key in self.options)

    def _list(self, spark: SparkSession) -> list[str]:
        """The files, as Spark sees them, without opening one; checked against what this process sees."""
        given = {key: value for key, value in self.options.items() if key.lower() in (*_LISTING, *_LAYOUT)}
        reader = spark.read.format("text").option("recursiveFileLookup", "true").options(**given)
        uris = list(self._load(spark, reader, self.format or "text").inputFiles())
        local = [list_local(path) if is_local(path) else None for path in self.paths]
        if not given and all(files is not None for files in local):
            check_all_listed([file for files in local for file in files or ()], uris)
        return uris

    def _check_heads(self, uris: Sequence[str], format: str) -> list[Kind | None]:
        """The byte-order marks of files anywhere, as far as pyarrow reaches them."""
        files = []
        for uri in sample(uris, _LOCAL_HEADS if all(map(is_local, self.paths)) else _REMOTE_HEADS):
            try:
                filesystem, path = pafs.FileSystem.from_uri(quote(unquote(uri), safe="/:@"))
            except (pa.ArrowException, OSError):
                continue
            files.append((unquote(uri), filesystem, path))
        return self._check_marks(files, format)

    def _remote_table_format(self, spark: SparkSession) -> str | None:
        kinds = {_remote_table(spark, path, ("",)) for path in self.paths if not is_local(path)}
        found = kinds.pop() if len(kinds) == 1 else None
        return found[1] if found else None

    def _refuse_remote_tables(self, spark: SparkSession, format: str) -> None:
        for path in self.paths:
            if not is_local(path) and (found := _remote_table(spark, path, ("", "/*", "/*/*", "/..", "/../.."))):
                raise refuse_table(found[0], found[1], format)


def filter_rows(frame: DataFrame, condition_: str) -> DataFrame:
    """The rows that meet a condition in SQL. Raises `InputError` where it is none, or of no such columns."""
    try:
        with quiet_analysis():
            return frame.where(condition_)
    except SPARK_ERRORS as error:
        raise InputError(Name("where"), f" {condition_!r} is not possible: {one_line_cause(error)}") from error


def _remote_table(spark: SparkSession, path: str, places: Sequence[str]) -> tuple[str, str] | None:
    """A table at a path that only Spark can look at, or beside it: directory and format."""
    for place in places:
        directory = path.rstrip("/")
        for _ in range(place.count("..")):
            directory = directory.rpartition("/")[0]
        directory += place.replace("/..", "")
        if directory.count("/") < 3:
            continue
        for kind, mark in TABLE_MARKS.items():
            try:
                spark.read.format("text").load(f"{directory}/{mark}").schema  # noqa: B018 - raises if nothing is there
            except SPARK_ERRORS:
                continue
            return directory, kind
    return None
