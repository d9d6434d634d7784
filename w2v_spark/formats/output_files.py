"""Files for other programs, on any file system, gzip or not, written whole or not at all."""

from __future__ import annotations

import gzip
import os
import posixpath
import uuid
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pyarrow as pa

from w2v_spark.errors import ConfigError, Name
from w2v_spark.locations import follow_link, is_special
from w2v_spark.storage import Directory


class OutputFiles:
    """Files that appear together, complete, when the ``with`` block ends without an error, and else not at all.

    Until then they have names of their own, beginning with a dot, next to their places.
    """

    def __init__(self) -> None:
        self._moves: list[tuple[Directory, str, str]] = []
        self._open: list[Any] = []

    def __enter__(self) -> OutputFiles:
        return self

    def create(self, location: str | Path) -> IO[bytes]:
        """A new file to write into, compressed if its name ends in ``.gz``. Raises `ConfigError` if it cannot be.

        A device or a pipe, such as ``/dev/stdout``, is written to as it is; of a link the file that it names is made.
        """
        place = Directory.open(follow_link(location))
        parent, name = posixpath.split(place.path)
        if place.is_local and is_special(place.path):
            raw: Any = open(place.path, "wb", buffering=0)  # noqa: PTH123, SIM115
            self._open.append(raw)
            return raw  # type: ignore[no-any-return]
        if place.is_local and Path(place.path).is_dir():
            raise ConfigError(f"{os.fspath(location)} is a directory; name a file")
        temporary = f"{parent}/.{name}.{uuid.uuid4().hex}.tmp"
        try:
            raw = place.filesystem.open_output_stream(temporary, compression=None)
        except (pa.ArrowException, OSError) as error:
            raise ConfigError(f"{os.fspath(location)} cannot be written: {error}") from error
        self._moves.append((place, temporary, place.path))
        self._open.append(raw)
        stream: Any = raw
        if name.endswith(".gz"):  # without a time or a name in it the same content gives the same bytes
            stream = gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0)
            self._open.append(stream)
        return stream  # type: ignore[no-any-return]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            while self._open:
                self._open.pop().close()  # gzip before what it writes into
            if error is None:
                while self._moves:
                    place, temporary, path = self._moves[0]
                    place.filesystem.move(temporary, path)
                    self._moves.pop(0)
        finally:
            for place, temporary, _path in self._moves:
                if place.filesystem.get_file_info(temporary).is_file:
                    place.filesystem.delete_file(temporary)


def check_output(option: str, location: str | Path, overwrite: bool) -> None:
    """Refuse, before work starts, a file that exists or cannot be made.

    Raises
    ------
    ConfigError
        It is a directory, its parent is not a directory or cannot be changed, or it exists and ``overwrite`` is false.
    """
    place = Directory.open(follow_link(location))
    if place.is_local and is_special(place.path):
        return
    if place.is_local:
        path = Path(place.path)
        if path.is_dir() or not path.parent.is_dir():
            raise ConfigError(Name(option), f" {location} is not a file in an existing directory")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ConfigError(Name(option), f" {location} cannot be written: no permission to change {path.parent}")
    if place.exists() and not overwrite:
        raise ConfigError(
            Name(option), f" {location} exists; choose another file, or give ", Name("overwrite"), " to replace it"
        )
