"""The input: text in files of several formats, or a DataFrame, as a DataFrame of one column."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import string
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import quote

import pyarrow as pa
from pyarrow import fs as pafs
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DataType, StringType

from w2v_spark.errors import ConfigError, InputError
from w2v_spark.spark.spark_errors import SPARK_ERRORS, one_line_cause

FORMATS = ("text", "parquet", "orc", "json")


class Source(Protocol):
    """Anything that gives documents."""

    def open(self, spark: SparkSession) -> DataFrame:
        """The documents as a DataFrame with one column ``document`` of strings, bytes or arrays of strings."""
        ...


@dataclass(frozen=True, slots=True)
class FrameInput:
    """A column of a DataFrame.

    Attributes
    ----------
    frame : DataFrame
        Read twice; whoever has computed it at some cost may cache it.
    column : str
    """

    frame: DataFrame
    column: str

    def open(self, spark: SparkSession) -> DataFrame:
        """The documents, see `Source`. Raises `InputError` if the column is absent or of another type."""
        return _select(self.frame, self.column, "inputCol")


@dataclass(frozen=True, slots=True)
class Input:
    """What to read.

    Attributes
    ----------
    paths : tuple of str
        Files, directories or globs, local or by URI. A directory counts with all that is below it.
    format : str
        One of `FORMATS`. A line of text is a document; ``.gz`` and ``.bz2`` are read as they are.
    column : str
        The column with the documents; text files have but one.
    """

    paths: tuple[str, ...]
    format: str
    column: str

    def check(self) -> None:
        """Refuse, before Spark starts, what can be seen to be missing, empty or unreadable.

        Raises
        ------
        ConfigError, InputError
        """
        if self.format not in FORMATS:
            raise ConfigError(f"--format {self.format} is not known; choose {', '.join(FORMATS)}")
        if not self.paths:
            raise ConfigError("no --input given; name the files or directories to read")
        for path in self.paths:
            if _is_local(path):
                _check_local(_strip_scheme(path))

    def covering(self, uri: str) -> str | None:
        """The path of the input, if any, that a directory is or lies within, so that the next run would read it."""
        place = _place(uri)
        for path in self.paths:
            pattern = _place(path)
            if any(part == pattern or part.match(str(pattern)) for part in (place, *place.parents)):
                return path
        return None

    def open(self, spark: SparkSession) -> DataFrame:
        """The documents as a DataFrame with one column ``document`` of strings, bytes or arrays of strings.

        Raises
        ------
        InputError
            Spark cannot read the files, or the column is absent or of another type.
        """
        column = "value" if self.format == "text" else self.column
        try:
            reader = spark.read.format(self.format).option("recursiveFileLookup", True)
            frame = reader.load([spark_path(path) for path in self.paths])
            frame.schema  # noqa: B018 - Spark looks at the files
        except SPARK_ERRORS as error:
            raise InputError(
                f"--input {' '.join(self.paths)} cannot be read as {self.format}: {one_line_cause(error)}; "
                "check the files and --format"
            ) from error
        return _select(frame, column, "text.column")


def _select(frame: DataFrame, column: str, setting: str) -> DataFrame:
    """One column under the name ``document``."""
    find_column(frame, column, setting)
    return frame.select(column_of(column).alias("document"))


def find_column(frame: DataFrame, column: str, setting: str) -> DataType:
    """The type of a column of documents; `InputError` where it is absent or holds something else."""
    fields = {field.name: field.dataType for field in frame.schema}
    if column not in fields:
        raise InputError(f"{setting} = {column!r} is not in the input; its columns are {', '.join(fields) or 'none'}")
    check_column(column, fields[column], setting)
    return fields[column]


def column_of(name: str) -> Column:
    """A column by its name, whatever characters are in it."""
    quoted = name.replace("`", "``")
    return F.col(f"`{quoted}`")


def check_column(name: str, kind: DataType, setting: str = "text.column") -> None:
    """`InputError` unless a column holds text or lists of words."""
    is_words = isinstance(kind, ArrayType) and isinstance(kind.elementType, StringType)
    if not (isinstance(kind, StringType | BinaryType) or is_words):
        raise InputError(f"{setting} = {name!r} is of type {kind.simpleString()}; it must be string or array<string>")


def fingerprint(frame: DataFrame) -> dict[str, Any]:
    """What the input looks like from outside, to recognise it on ``--resume``.

    Returns
    -------
    dict
        ``files``: number; ``bytes``: their size, where known; ``digest``: SHA-256 over path, size and time of
        modification of each file, in the order of their paths.
    """
    entries = []
    for uri in sorted(frame.inputFiles()):
        try:
            filesystem, path = pafs.FileSystem.from_uri(quote(uri, safe=string.punctuation))  # Spark keeps "ä" as it is
            info = filesystem.get_file_info(path)
            entries.append([uri, info.size, info.mtime_ns])
        except (pa.ArrowException, OSError):  # a scheme that only Spark knows: paths alone
            entries.append([uri, None, None])
    digest = hashlib.sha256(json.dumps(entries).encode()).hexdigest()
    return {"files": len(entries), "bytes": sum(size or 0 for _, size, _ in entries), "digest": digest}


def _is_local(path: str) -> bool:
    return "://" not in path or path.startswith("file://")


def _strip_scheme(path: str) -> str:
    return path.removeprefix("file://") if path.startswith("file://") else path.removeprefix("file:")


def _place(path: str) -> PurePosixPath:
    """A path or URI to compare with others: local ones are absolute and without links."""
    return PurePosixPath(Path(_strip_scheme(path)).resolve() if _is_local(path) else path)


def spark_path(path: str) -> str:
    """A path as Spark takes it: local ones are marked as such, and a file that has the name of a glob is none."""
    if not _is_local(path):
        return path
    local = Path(_strip_scheme(path)).absolute()
    return "file:" + (re.sub(r"([][{}*?\\])", r"\\\1", str(local)) if local.exists() else str(local))


def _check_local(path: str) -> None:
    is_glob = glob.has_magic(path) and not Path(path).exists()
    matches = [Path(match) for match in glob.glob(path)] if is_glob else [Path(path)]
    if not is_glob and "{" in path and not matches[0].exists():
        return  # alternatives, which Spark knows
    if not matches or not matches[0].exists():
        what = "matches no file" if is_glob else "does not exist"
        raise InputError(f"--input {path} {what}; check the path (relative paths start at {Path.cwd()})")
    files = [file for match in matches for file in _data_files(match)]
    if not files:
        raise InputError(f"--input {path} holds no files (names that start with . or _ are not read)")
    unreadable = next((file for file in files if not os.access(file, os.R_OK)), None)
    if unreadable is not None:
        raise InputError(f"--input {unreadable} is not readable; check its permissions")
    if not any(file.stat().st_size for file in files):
        raise InputError(f"--input {path} is empty: {len(files)} file(s) of 0 bytes")


def _data_files(path: Path) -> list[Path]:
    """Files that Spark would read below a path."""
    if path.is_file():
        return [path] if _is_data(path.name) else []
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = filter(_is_data, folders)
        found += [Path(folder, name) for name in files if _is_data(name)]
    return found


def _is_data(name: str) -> bool:
    """Whether Spark reads files and directories of that name."""
    return not name.startswith((".", "_"))
