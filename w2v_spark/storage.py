"""Directories on any file system that `pyarrow.fs` opens: local disks, S3, GCS, ABFS, HDFS."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import io
import json
import os
import posixpath
import sys
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Final, TypeVar, cast, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import fs as pafs

from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.locations import resolve

Plain = TypeVar("Plain")
_CHECKSUM: Final = "checksum"  # the key under which a sealed JSON file carries its own


def digest(data: bytes) -> str:
    """What a file that is read as a whole is recognised by: 128 bits of BLAKE2b, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def sealed(data: bytes) -> bytes:
    """Bytes with their digest behind them."""
    return data + digest(data).encode()


def unsealed(data: bytes, path: str) -> bytes:
    """What `sealed` was given. Raises `StoreError`, which names the path, where it is not what was written."""
    content, found = data[:-32], data[-32:]
    if digest(content).encode() != found:
        raise StoreError(f"{path} is damaged: its content is not what was written")
    return content


Read = TypeVar("Read")
_WAITS: Final = (0.1, 0.4, 1.6)  # seconds before an object store is asked again


@contextmanager
def errors_naming(path: str) -> Iterator[None]:
    """Turn the errors of pyarrow and of the operating system into a `StoreError` that names the file."""
    try:
        yield
    except StoreError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


@contextmanager
def damage_naming(path: str) -> Iterator[None]:
    """Turn the errors of code that looks into a file of ours into a `StoreError` that names the file."""
    try:
        yield
    except StoreError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError) as error:
        raise StoreError(f"{path} is damaged: {error if isinstance(error, ValueError) else repr(error)}") from error


def from_plain(kind: type[Plain], value: Any) -> Plain:
    """A data class of plain fields, as `dataclasses.asdict` has taken it apart and JSON has given it back.

    Raises
    ------
    TypeError
        A field is missing, unknown, or of another type.
    """
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r}")
    for name, types, is_bool in _fields_of(cast(Any, kind)):
        found = value.get(name)
        if name in value and (not isinstance(found, types) or (isinstance(found, bool) and not is_bool)):
            raise TypeError(f"{name} is {found!r}")
    return kind(**value)


@cache
def _fields_of(kind: type[Any]) -> tuple[tuple[str, Any, bool], ...]:
    """The fields of a data class, what each may be an instance of, and whether that is bool; kept, for that is slow."""
    fields = []
    for name, wanted in get_type_hints(kind).items():
        origin = get_origin(wanted)
        types = (int, float) if wanted is float else wanted if origin in (None, UnionType) else origin
        fields.append((name, types, wanted is bool))
    return tuple(fields)


def arrays_to_bytes(arrays: Mapping[str, Any]) -> bytes:
    """Named arrays as one file, in numpy's ``.npz`` format."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def arrays_from_bytes(data: bytes, path: str) -> dict[str, npt.NDArray[Any]]:
    """What `arrays_to_bytes` made.

    Parameters
    ----------
    path : str
        Where the data comes from, for the error.

    Raises
    ------
    StoreError
        The data is damaged.
    """
    with damage_naming(path):
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return dict(file)
        except (EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # the last: ways to pack we never use
            raise ValueError(str(error) or "it is cut off") from error


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that need not exist yet.

    Attributes
    ----------
    uri : str
        What `open` makes the same directory from, on any machine of the cluster.
    filesystem : pyarrow.fs.FileSystem
    path : str
        The directory's path within the file system.
    """

    uri: str
    filesystem: pafs.FileSystem
    path: str

    @classmethod
    def open(cls, uri: str | os.PathLike[str]) -> Directory:
        """A directory by URI or local path; ``~`` is the home directory, ``s3a://`` is ``s3://``.

        Raises
        ------
        ConfigError
            No file system is known for the URI's scheme, the URI is malformed, or it is not clear whether a URI or a
            local path is meant.
        """
        text = resolve(os.fspath(uri))
        if "://" not in text:
            return cls(text, pafs.LocalFileSystem(), text)
        try:
            filesystem, path = pafs.FileSystem.from_uri(text)
        except (pa.ArrowException, OSError) as error:
            raise ConfigError(f"{uri} is not a path or URI that can be opened: {error}") from error
        return cls(text, filesystem, path)

    @property
    def is_local(self) -> bool:
        """Whether files can be memory-mapped."""
        return bool(self.filesystem.type_name == "local")

    def child(self, name: str) -> Directory:
        """A directory below this one."""
        place, mark, options = self.uri.partition("?") if "://" in self.uri else (self.uri, "", "")
        return Directory(f"{posixpath.join(place, name)}{mark}{options}", self.filesystem, self.file(name))

    def file(self, name: str) -> str:
        """The path of a file below this directory, within the file system."""
        return posixpath.join(self.path, name)

    def exists(self, name: str = "") -> bool:
        """Whether the directory, or something of that name in it, is there."""
        info = self.filesystem.get_file_info(self.file(name) if name else self.path)
        return bool(info.type != pafs.FileType.NotFound)

    def list(self) -> list[pafs.FileInfo]:
        """What is directly in the directory, sorted by name; nothing if it does not exist."""
        entries = self.filesystem.get_file_info(pafs.FileSelector(self.path, allow_not_found=True))
        return sorted(entries, key=lambda info: info.base_name)

    def create(self) -> Directory:
        """Make the directory and those above it; no harm if it is there."""
        self.filesystem.create_dir(self.path, recursive=True)
        return self

    def delete(self) -> None:
        """Remove the directory and all that is in it; no harm if it is not there."""
        if self.exists():
            self.filesystem.delete_dir(self.path)

    def remove(self, name: str) -> None:
        """Remove a file or a directory of this directory; no harm if it is not there."""
        info = self.filesystem.get_file_info(self.file(name))
        with suppress(FileNotFoundError):  # gone in this moment
            if info.type == pafs.FileType.Directory:
                self.filesystem.delete_dir(self.file(name))
            elif info.type != pafs.FileType.NotFound:
                self.filesystem.delete_file(self.file(name))

    def read_bytes(self, name: str, expected: str | None = None) -> bytes:
        """All of a file.

        Parameters
        ----------
        expected : str, optional
            Its `digest` when it was written.

        Raises
        ------
        StoreError
            It is missing, or not what was written.
        """
        try:
            data = retried(self.filesystem, lambda: _read_all(self.filesystem, self.file(name)))
        except FileNotFoundError as error:
            raise StoreError(f"{self.uri}/{name} is missing") from error
        if expected is not None and digest(data) != expected:
            raise StoreError(f"{self.uri}/{name} is damaged, or of another run: its content is not what was written")
        return data

    def read_range(self, name: str, start: int, size: int) -> bytes:
        """Some bytes of a file, fewer where it ends."""

        def read() -> bytes:
            with self.filesystem.open_input_file(self.file(name)) as source:
                return bytes(source.read_at(size, start))

        return retried(self.filesystem, read)

    def write_bytes(self, name: str, data: bytes, durable: bool = False) -> None:
        """Write a file so that a reader sees all of it or none.

        A durable one, and its name, are on the disk when this returns, and survive a loss of power.
        """
        temporary = f"{name}.{uuid.uuid4().hex}.tmp" if self.is_local else name  # object stores put a whole object
        with self.filesystem.open_output_stream(self.file(temporary)) as stream:
            stream.write(data)
        if temporary == name:
            return
        if durable:
            _sync_path(self.file(temporary))
        self.filesystem.move(self.file(temporary), self.file(name))
        if durable:
            _sync_path(self.path)

    def sync(self, name: str = "") -> None:
        """Bring to the disk what is in the directory, or one thing in it: its files, then the folders with their names.

        For what a file vouches for that is written afterwards. Object stores have on disk what they have accepted, so
        nothing is done there.
        """
        if self.is_local:
            top = self.file(name) if name else self.path
            for folder, _, files in os.walk(top, topdown=False):
                for file in files:
                    _sync_path(posixpath.join(folder, file))
                _sync_path(folder)
            if name:
                if not Path(top).is_dir():
                    _sync_path(top)
                _sync_path(self.path)

    def sync_names(self) -> None:
        """Bring to the disk which names the directory has, after something was moved in or out."""
        if self.is_local:
            _sync_path(self.path)

    def read_json(self, name: str) -> dict[str, Any]:
        """A JSON object; `StoreError` if it is missing or is none."""
        data = self.read_bytes(name)
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{self.uri}/{name} is damaged: {error}") from error
        if not isinstance(value, dict):
            raise StoreError(f"{self.uri}/{name} is damaged: expected a JSON object")
        return value

    def write_json(self, name: str, value: Mapping[str, Any], durable: bool = False) -> None:
        """Write a JSON object, whole or not at all; see `write_bytes`."""
        self.write_bytes(name, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(), durable)

    def read_sealed_json(self, name: str) -> dict[str, Any]:
        """What `write_sealed_json` wrote, without the checksum.

        Raises
        ------
        StoreError
            The file is missing, is no JSON object, or is not what was written.
        """
        value = self.read_json(name)
        seal = value.pop(_CHECKSUM, None)
        if seal != _seal(value):
            raise StoreError(f"{self.uri}/{name} is damaged, or was changed by hand: its checksum is not its content's")
        return value

    def write_sealed_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON object, whole or not at all, with a checksum of what it says."""
        self.write_json(name, {**value, _CHECKSUM: _seal(value)})

    def move(self, name: str, target: Directory, new_name: str) -> None:
        """Move a file or a directory of this directory into another one on the same file system.

        One rename where the file system has directories; object stores move file by file.
        """
        source, destination = self.file(name), target.file(new_name)
        info = self.filesystem.get_file_info(source)
        if info.type == pafs.FileType.Directory and not self.is_local and self.filesystem.type_name != "hdfs":
            target.child(new_name).create()
            for entry in self.child(name).list():
                self.child(name).move(entry.base_name, target.child(new_name), entry.base_name)
            self.filesystem.delete_dir(source)
        else:
            self.filesystem.move(source, destination)

    def exchange(self, name: str, target: Directory, other: str) -> None:
        """Let two files or directories on one file system take each other's place.

        At one instant where the system can (Linux and macOS on local disks): who looks sees the one or the other.
        Elsewhere by three moves, between which ``target/other`` is missing for a moment.
        """
        source, destination = self.file(name), target.file(other)
        if self.is_local and _exchange_paths(source, destination):
            return
        aside = f"{name}.{uuid.uuid4().hex}.old"
        target.move(other, self, aside)
        self.move(name, target, other)
        self.move(aside, self, name)


def _seal(value: Mapping[str, Any]) -> str:
    """The digest of a JSON object, however it is laid out."""
    return digest(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def retried(filesystem: pafs.FileSystem, read: Callable[[], Read]) -> Read:
    """Read from a file system, once more where an object store was busy.

    The clients of pyarrow ask again themselves, but not where the answer "busy" is longer than what was asked for: the
    client of S3 takes that for a broken connection (pyarrow 26).
    """
    for wait in () if filesystem.type_name == "local" else _WAITS:
        try:
            return read()
        except (FileNotFoundError, StoreError):
            raise
        except OSError:
            time.sleep(wait)
    return read()


def _read_all(filesystem: pafs.FileSystem, path: str) -> bytes:
    with filesystem.open_input_stream(path) as stream:
        return bytes(stream.read())


def _sync_path(path: str) -> None:
    """Have the system write a file, or the names in a folder, to the disk. Raises `OSError` if it cannot."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):  # of folders on some mounts
            raise
    finally:
        os.close(handle)


def _exchange_paths(one: str, two: str) -> bool:
    """Whether the system has exchanged two local paths; False where it cannot. Raises `OSError` for other reasons."""
    library, swap = ctypes.CDLL(None, use_errno=True), 2  # RENAME_EXCHANGE and RENAME_SWAP are both 2
    name = "renameatx_np" if sys.platform == "darwin" else "renameat2"
    here = -2 if sys.platform == "darwin" else -100  # AT_FDCWD
    rename = getattr(library, name, None)
    if rename is None:
        return False
    if rename(here, os.fsencode(one), here, os.fsencode(two), swap) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV, errno.EBUSY, errno.EPERM):
        return False
    raise OSError(code, os.strerror(code), two)
