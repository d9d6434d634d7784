"""What a vector table says of itself before a vector is read."""

from __future__ import annotations

import hashlib
import posixpath
from dataclasses import dataclass
from os import PathLike

from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import errors_naming
from w2v_spark.vectors.table_format import WORD_TABLE
from w2v_spark.vectors.table_source import open_parts, part_files


@dataclass(frozen=True, slots=True)
class TableFiles:
    """What the files of a vector table say before a vector is read.

    Attributes
    ----------
    directory : str
        Where they are, a path or a URI.
    rows : int
        V.
    fingerprint : str
        Changes when a file is replaced: a digest of their names, sizes and times of modification.
    """

    directory: str
    rows: int
    fingerprint: str


def describe_vectors(location: str | PathLike[str]) -> TableFiles:
    """Look at the files of a vector table, without reading it.

    Raises
    ------
    StoreError
        There is no finished table at ``location``, or a file is not Parquet or has other columns.
    """
    directory = open_result(location)
    paths = part_files(directory.filesystem, directory.path, WORD_TABLE)
    rows = sum(sum(part.rows) for part in open_parts(directory.filesystem, paths, WORD_TABLE))
    with errors_naming(directory.path):
        files = directory.filesystem.get_file_info(paths)
    seen = "\n".join(f"{file.base_name} {file.size} {file.mtime_ns}" for file in files)
    place = directory.uri.removesuffix(directory.path) + posixpath.dirname(paths[0])
    return TableFiles(place, rows, hashlib.sha256(seen.encode()).hexdigest())
