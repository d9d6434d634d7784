"""Files of other programs: read from any file system, gzip or not, and written whole or not at all."""

from __future__ import annotations

import gzip
import os
import posixpath
import uuid
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

import pyarrow as pa

from w2v_spark.errors import ConfigError, InputError
from w2v_spark.storage import Directory

CHUNK: Final = 4 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"


class InputFile:
    """The bytes of a file from front to back, decompressed if it is gzip, whatever its name.

    Parameters
    ----------
    location : str or Path
        A path or any URI that `pyarrow.fs` opens.

    Raises
    ------
    InputError
        There is no such file, or it cannot be read.
    """

    def __init__(self, location: str | Path) -> None:
        self.name = os.fspath(location)
        self._place = Directory.open(location)
        self.position = 0
        """Bytes read so far, after decompression."""
        self.size: int | None = None
        """Bytes in all; not known of a compressed file."""
        self._open()

    def _open(self) -> None:
        try:
            self._raw = self._place.filesystem.open_input_file(self._place.path)
            compressed = self._raw.read(2) == _GZIP_MAGIC
            self._raw.seek(0)
            self.size = None if compressed else self._raw.size()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.name} cannot be read: {error}") from error
        self._stream: Any = gzip.GzipFile(fileobj=self._raw, mode="rb") if compressed else self._raw
        self.position = 0

    def __enter__(self) -> InputFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def rewind(self) -> None:
        """Go back to the first byte."""
        self._raw.close()
        self._open()

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next ``size`` bytes, fewer only at the end. Raises `InputError` naming the byte if gzip is damaged."""
        parts: list[bytes] = []
        while size > 0:
            try:
                part = self._stream.read(min(size, CHUNK))
            except (EOFError, zlib.error, pa.ArrowException, OSError) as error:
                raise InputError(f"{self.name}, byte {self.position}: it cannot be read on: {error}") from error
            if not part:
                break
            parts.append(part)
            self.position += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


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
        """A new file to write into, compressed if its name ends in ``.gz``. Raises `ConfigError` if it cannot be."""
        place = Directory.open(location)
        parent, name = posixpath.split(place.path)
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
        It is a directory, its parent is none, or it exists and ``overwrite`` is false.
    """
    place = Directory.open(location)
    if place.is_local:
        path = Path(place.path)
        if path.is_dir() or not path.parent.is_dir():
            raise ConfigError(f"{option} {location} is not a file in an existing directory")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ConfigError(f"{option} {location} cannot be written: no permission to change {path.parent}")
    if place.exists() and not overwrite:
        raise ConfigError(f"{option} {location} exists; choose another file, or give --overwrite to replace it")
