"""Paths and URIs in one form."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from w2v_spark.errors import ConfigError

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+")  # two characters at least: C:\data is no URI
_SCHEMES: Final = frozenset(("s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "wasb", "wasbs", "adl", "hdfs", "viewfs",
                             "dbfs", "oss", "cos", "http", "https"))  # fmt: skip


def resolve(location: str) -> str:
    """A location in the one form that every part of the program takes.

    Parameters
    ----------
    location : str
        A local path (``out``, ``~/out``, ``file:/data/out``) or a URI (``s3a://bucket/out``, ``hdfs:/data``).

    Returns
    -------
    str
        An absolute local path, or a URI with ``://`` and without a slash at its end.

    Raises
    ------
    ConfigError
        The scheme stands without ``//`` and is not one that may, or the home directory of ``~`` is not known.
    """
    if not location:
        raise ConfigError("the path is empty; name a directory or a file")
    if not _is_text(location):
        raise ConfigError(
            f"the path {location.encode('utf-8', 'replace').decode()} is not valid: its bytes are no UTF-8; rename it"
        )
    scheme, colon, rest = location.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme) or _is_there(location):
        return _local(location)
    if scheme == "file":
        is_uri = rest.startswith("//")  # whose characters may be escaped, as those of a path are not
        return _local(unquote(rest.removeprefix("//localhost").removeprefix("//")) if is_uri else rest)
    if rest.startswith("//"):
        return f"{'s3' if scheme in ('s3a', 's3n') else scheme}:{rest.rstrip('/')}"
    if scheme in ("hdfs", "viewfs") and rest.startswith("/"):  # the cluster's own name node
        return f"{scheme}://{rest.rstrip('/')}"
    if scheme == "dbfs" and rest.startswith("/") and Path("/dbfs").is_dir():  # as Databricks mounts it
        return _local(f"/dbfs{rest}")
    if scheme == "dbfs" and rest.startswith("/"):
        raise ConfigError(f"{location} needs DBFS mounted at /dbfs, which is not there; give a path below /Volumes")
    if scheme in _SCHEMES or rest.startswith("/"):
        raise ConfigError(
            f"{location} is neither a URI nor clearly a path: expected {scheme}://... for a URI, or ./{location} for a "
            "local path of that name"
        )
    return _local(location)


def follow_link(location: str | os.PathLike[str]) -> str:
    """The location of a file, of a link the one that it leads to. Raises `ConfigError` as `resolve` does."""
    place = resolve(os.fspath(location))
    return place if "://" in place or not Path(place).is_symlink() else os.path.realpath(place)


def is_special(path: str) -> bool:
    """Whether a device, a pipe or a socket is at a local path: nothing in whose place a file may be put."""
    place = Path(path)
    return place.exists() and not place.is_file() and not place.is_dir()


def _is_text(path: str) -> bool:
    """Whether it has no surrogates, as which Python hands on bytes of a name that are no UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a name that is too long
        return False


def _local(path: str) -> str:
    try:
        return Path(path).expanduser().absolute().as_posix()
    except RuntimeError as error:
        raise ConfigError(f"{path} names a home directory that is not known: {error}; write the path out") from error
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is a relative path, and the working directory is gone: change to another") from error
