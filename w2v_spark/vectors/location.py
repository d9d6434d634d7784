"""Places that tables are read from and written to: local paths and any URI that `pyarrow.fs` opens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from w2v_spark.errors import StoreError


def open_location(location: str | Path) -> tuple[fs.FileSystem, str]:
    """The filesystem of a local path (relative ones too) or a URI, and the path on it.

    Raises
    ------
    StoreError
        The URI is malformed or has a scheme that `pyarrow.fs` does not know.
    """
    text = str(location)
    if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:/", text):  # two letters at least: C:/ is a path
        return fs.LocalFileSystem(), Path(text).absolute().as_posix()
    with errors_naming(text):
        filesystem, path = fs.FileSystem.from_uri(text)
    return filesystem, path


@contextmanager
def errors_naming(path: str) -> Iterator[None]:
    """Turn the errors of pyarrow and of the operating system into a `StoreError` that names the file."""
    try:
        yield
    except StoreError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
