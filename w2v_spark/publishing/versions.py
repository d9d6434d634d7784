"""A result by its location: an output as it is, the current version of a root, or one of its versions."""

from __future__ import annotations

from os import PathLike

from pyarrow import fs as pafs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import CURRENT_FILE, SUCCESS_FILE, VECTORS
from w2v_spark.publishing.version import State, Version
from w2v_spark.publishing.version_root import VersionRoot
from w2v_spark.storage import Directory

__all__ = ["State", "Version", "VersionRoot", "open_result", "split_version", "table_path"]


def open_result(location: str | PathLike[str]) -> Directory:
    """The directory of a result: of an output as it is, of a root of versions the current one, or ``ROOT@version``.

    Who goes on with the directory and not with the location keeps the version while newer ones come.

    Parameters
    ----------
    location : str or Path
        A path or URI. After ``@`` an id, its first characters, or those of its digest.

    Raises
    ------
    ConfigError
        There is no such version.
    StoreError
        Nothing was published yet, or CURRENT is damaged.
    """
    directory = Directory.open(location)
    if directory.exists(CURRENT_FILE) or VersionRoot(directory).exists():
        current = VersionRoot(directory).current()
        if current is None:
            raise StoreError(f"{directory.uri} has no version yet: wait until one is published")
        return VersionRoot(directory).directory(current)
    place, version = split_version(directory.uri)
    if version is not None and (root := VersionRoot.open(place)).exists():
        return root.directory(root.find(version))
    return directory


def split_version(location: str) -> tuple[str, str | None]:
    """A root and what stands behind its ``@``; None where nothing does, or there is a directory of the whole name."""
    place, options = (*location.split("?", 1), "")[:2] if "://" in location else (location, "")
    start, at, version = place.rpartition("@")
    if not at or "/" in version or Directory.open(location).exists():
        return location, None
    return f"{start}?{options}" if options else start, version


def table_path(location: str | PathLike[str]) -> str:
    """The path or URI of the Parquet files of a result, for any engine.

    Parameters
    ----------
    location : str or Path
        The output directory of a run, a root of versions, or ``ROOT@version``.

    Raises
    ------
    ConfigError, StoreError
        See `open_result`; or there is no complete result.
    """
    directory = open_result(location)
    table = directory.filesystem.get_file_info(directory.file(VECTORS))
    if table.type != pafs.FileType.Directory or not directory.exists(SUCCESS_FILE):
        raise StoreError(f"{directory.uri} holds no complete result")
    return directory.child(VECTORS).uri
