"""Formats of the input: known by the names of files or by the marks of a table, and the packages they need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from w2v_spark.errors import InputError, Name
from w2v_spark.inputs.files import data_files, is_local, local_path, matches

FILE_FORMATS: Final = frozenset({"text", "parquet", "orc", "json", "csv", "tsv", "avro", "xml", "fasta", "fastq"})
"""Formats whose rows are all that the files hold. Other formats have their own idea of a path."""
LINE_FORMATS: Final = frozenset({"text", "json", "csv", "tsv", "xml", "fasta", "fastq"})
"""Those that are text themselves."""

_SUFFIXES: Final = {
    ".parquet": "parquet",
    ".orc": "orc",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".avro": "avro",
    ".txt": "text",
    **dict.fromkeys((".fasta", ".fa", ".fna", ".ffn", ".faa", ".frn"), "fasta"),
    **dict.fromkeys((".fastq", ".fq"), "fastq"),
}
_COMPRESSIONS: Final = frozenset({".gz", ".bz2", ".zst", ".lz4", ".snappy", ".deflate", ".xz", ".zip"})

TABLE_MARKS: Final = {"delta": "_delta_log", "hudi": ".hoodie", "iceberg": "metadata/*.metadata.json"}
"""What lies in the directory of a table, beside data files of which some are deleted or superseded."""
_TABLE_NAMES: Final = {"delta": "a Delta table", "hudi": "a Hudi table", "iceberg": "an Iceberg table"}

_PACKAGES: Final = {
    "avro": "org.apache.spark:spark-avro_2.13:{spark}",
    "delta": "io.delta:delta-spark_2.13:VERSION (the one for Spark {minor})",
    "iceberg": "org.apache.iceberg:iceberg-spark-runtime-{minor}_2.13:VERSION",
    "hudi": "org.apache.hudi:hudi-spark{minor}-bundle_2.13:VERSION",
    "kafka": "org.apache.spark:spark-sql-kafka-0-10_2.13:{spark}",
}


def format_of_name(name: str) -> str | None:
    """The format of a file by its name, a compression behind it or before it aside; None if the name tells nothing."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes[-2:]]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes else None


def format_of_names(names: Iterable[str]) -> str | None:
    """The one format of files by their names; None if no name tells one.

    Raises
    ------
    InputError
        There are several.
    """
    found: dict[str, str] = {}
    for name in names:
        if kind := format_of_name(name):
            found.setdefault(kind, name)
    if len(found) > 1:
        examples = ", ".join(f"{name} ({kind})" for kind, name in sorted(found.items()))
        raise InputError(
            Name("input"), f" holds files of several formats: {examples}; leave some out, or give ", Name("format")
        )
    return next(iter(found), None)


def guess_format(path: str) -> str:
    """The format of a local path: that of a table by its marks, else by the names of its files, else ``text``.

    A path that matches nothing yet counts by its own name. Raises `InputError` where files have several formats.
    """
    found = matches(path) or [] if is_local(path) else []
    tables = [kind for match in found if (kind := table_format(match))]
    names = [str(file) for match in found for file in data_files(match)] or [path]
    return tables[0] if tables else format_of_names(names) or "text"


def table_format(directory: Path) -> str | None:
    """The format of the table whose directory this is, if it is one."""
    return next((kind for kind, mark in TABLE_MARKS.items() if any(directory.glob(mark))), None)


def find_table(path: str) -> tuple[Path, str] | None:
    """The first table of which a local path names a part, or all, or that lies below it: directory and format."""
    for match in matches(path) or ():
        root = match.absolute()
        below = {folder for file in data_files(root) for folder in file.parents if folder.is_relative_to(root)}
        for directory in [root, *root.parents, *sorted(below)]:
            if kind := table_format(directory):
                return directory, kind
    return None


def refuse_table(directory: str, kind: str, read_as: str) -> InputError:
    """The error where the data files of a table are about to be read without what says which of their rows count."""
    return InputError(
        Name("input"),
        f": {directory} is {_TABLE_NAMES[kind]} ({TABLE_MARKS[kind]}); read as {read_as} it would give deleted and "
        "superseded rows too, so give ",
        Name("format"),
        f" {kind} and ",
        Name("input"),
        f" {local_path(directory) if is_local(directory) else directory}, or its name with ",
        Name("table"),
    )


def missing_format(name: str, spark_version: str) -> InputError:
    """The error where this Spark does not have a format."""
    minor = ".".join(spark_version.split(".")[:2])
    package = _PACKAGES.get(name.lower(), "").format(spark=re.sub(r"[^\d.].*", "", spark_version), minor=minor)
    help_ = (
        f"start it with spark-submit --packages {package}, or with that as the Spark setting spark.jars.packages"
        if package
        else "check the name, or add the package that has it with spark-submit --packages"
    )
    return InputError(Name("format"), f" {name} is not in this Spark {spark_version}; {help_}")
