"""The input: text in files of several formats, as a DataFrame of one column."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs as pafs
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DataType, StringType

from w2v_spark.errors import ConfigError, InputError

FORMATS = ("text", "parquet", "orc", "json")


@dataclass(frozen=True, slots=True)
class Input:
    """What to read.

    Attributes
    ----------
    paths : tuple of str
        Files, directories or globs, local or by URI.
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

    def open(self, spark: SparkSession) -> DataFrame:
        """The documents as a DataFrame with one column ``document`` of strings, bytes or arrays of strings.

        Raises
        ------
        InputError
            Spark cannot read the files, or the column is absent or of another type.
        """
        column = "value" if self.format == "text" else self.column
        try:
            paths = [str(Path(path).absolute()) if "://" not in path else path for path in self.paths]
            frame = spark.read.format(self.format).load(paths)
            schema = frame.schema
        except PySparkException as error:
            raise InputError(
                f"--input {' '.join(self.paths)} cannot be read as {self.format}: {root_cause(error)}"
            ) from error
        fields = {field.name: field.dataType for field in schema}
        if column not in fields:
            raise InputError(
                f"text.column = {column!r} is not in the input; its columns are {', '.join(fields) or 'none'}"
            )
        check_column(column, fields[column])
        quoted = column.replace("`", "``")
        return frame.select(F.col(f"`{quoted}`").alias("document"))


def check_column(name: str, kind: DataType) -> None:
    """`InputError` unless a column holds text or lists of words."""
    is_words = isinstance(kind, ArrayType) and isinstance(kind.elementType, StringType)
    if not (isinstance(kind, StringType | BinaryType) or is_words):
        raise InputError(f"text.column = {name!r} is of type {kind.simpleString()}; it must be string or array<string>")


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
            filesystem, path = pafs.FileSystem.from_uri(uri)
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


def _check_local(path: str) -> None:
    matches = [Path(match) for match in glob.glob(path)] if glob.has_magic(path) else [Path(path)]
    if not matches or not matches[0].exists():
        what = "matches no file" if glob.has_magic(path) else "does not exist"
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
        return [path]
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        found += [Path(folder, name) for name in files if not name.startswith((".", "_"))]
    return found


def root_cause(error: Exception) -> str:
    """One line that says what went wrong, out of the many of a Spark error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or [type(error).__name__])[-1 if causes else 0]
