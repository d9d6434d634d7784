"""What a table with vectors says of itself before a vector is read."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

from pyarrow import fs

from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import errors_naming
from w2v_spark.vectors.table_format import WORD_TABLE, TableFormat
from w2v_spark.vectors.table_source import open_parts, part_files


@dataclass(frozen=True, slots=True)
class TableFiles:
    """What the files of a table say before a vector is read.

    Attributes
    ----------
    directory : str
        Where they are, a path or a URI.
    rows : int
        How many rows have a vector; of words all have.
    fingerprint : str
        Changes when a file is replaced: a digest of their names, sizes and times of modification.
    dim : int, optional
        D, if the files say it.
    """

    directory: str
    rows: int
    fingerprint: str
    dim: int | None = None


def describe_vectors(location: str | PathLike[str], table: TableFormat = WORD_TABLE) -> TableFiles:
    """Look at the files of a table, without reading it.

    Raises
    ------
    StoreError
        There is no finished table at ``location``, or a file is not Parquet or has other columns.
    """
    directory = open_result(location)
    paths = part_files(directory.filesystem, directory.path, table)
    parts = open_parts(directory.filesystem, paths, table)
    place = directory.uri.removesuffix(directory.path) + posixpath.dirname(paths[0])
    dim = parts[0].metadata.get("dim", "")
    rows = sum(part.count_vectors() for part in parts)
    return TableFiles(place, rows, _fingerprint(directory.filesystem, paths), int(dim) if dim.isdecimal() else None)


def find_fingerprint(location: str | PathLike[str], table: TableFormat = WORD_TABLE) -> str:
    """The fingerprint of `describe_vectors` alone: a look at the names of the files, and at none of them."""
    directory = open_result(location)
    return _fingerprint(directory.filesystem, part_files(directory.filesystem, directory.path, table))


def _fingerprint(filesystem: fs.FileSystem, paths: Sequence[str]) -> str:
    with errors_naming(posixpath.dirname(paths[0])):
        files = filesystem.get_file_info(list(paths))
    seen = "\n".join(f"{file.base_name} {file.size} {file.mtime_ns}" for file in files)
    return hashlib.sha256(seen.encode()).hexdigest()
