"""Where compiled code is kept: by what the sources say, not by where they lie.

numba names what it keeps by the path of the source file. Spark puts a shipped package under a new path for each
application, which would compile everything again, and numba notices a change in a kernel's own file, but not in the
files that it inlines. So the functions of this package are kept under a directory named by the digest of them all.

What numba keeps is machine code in a pickle, both of which do whatever they say. So it is read only from a directory
that belongs to the user and that nobody else may enter, from files that belong to the user, and only where a digest in
front of it agrees: of the content and of the file's name, since numba would run one function for another.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import stat
import uuid
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, Final, Self

from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

from w2v_spark.kernels.target import load_runtime
from w2v_spark.private_directories import find_directory, is_private, make_private, user

PACKAGES: Final = ("corpus", "counting", "kernels", "models", "phrases", "text")
"""Packages with compiled functions, or with functions that are compiled into those."""


def _source_digest() -> str:
    digest = hashlib.sha256()
    for package in PACKAGES:
        folder = resources.files("w2v_spark").joinpath(package)
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith((".py", ".pyc")):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


DIRECTORY: Final = find_directory(f"kernels-{_source_digest()}")


class _Locator:
    """Tells numba where a function of this package is kept, and that it is current while the digest is the same."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file = file  # numba's warnings name it
        self._disambiguator = f"{function.__module__}-{function.__code__.co_firstlineno}"

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> Self | None:
        covered = function.__module__.startswith(tuple(f"w2v_spark.{package}." for package in PACKAGES))
        return cls(function, file) if covered and DIRECTORY is not None else None

    def ensure_cache_path(self) -> None:
        make_private(Path(self.get_cache_path()))

    def get_cache_path(self) -> str:
        return str(DIRECTORY)

    def get_source_stamp(self) -> str:
        return Path(self.get_cache_path()).name

    def get_disambiguator(self) -> str:
        return self._disambiguator


class _Files(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class _SealedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """numba's files with a digest in front of what numba writes."""

    def _load_index(self) -> dict[Any, str]:
        data = _read_sealed(Path(self._index_path))
        if data is None:
            return {}
        version, stamp, overloads = pickle.loads(data)  # noqa: S301  what this user has written
        return dict(overloads) if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write_sealed(Path(self._index_path), self._dump((self._version, self._source_stamp, overloads)))

    def _load_data(self, name: str) -> Any:
        data = _read_sealed(Path(self._data_path(name)))
        return None if data is None else pickle.loads(data)  # noqa: S301  what this user has written

    def _save_data(self, name: str, data: Any) -> None:
        self._write_sealed(Path(self._data_path(name)), self._dump(data))

    def _write_sealed(self, path: Path, data: bytes) -> None:
        with self._open_for_write(str(path)) as file:
            file.write(_seal(path.name, data) + data)


def _seal(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + data).digest()


def _read_sealed(path: Path) -> bytes | None:
    """What was written to a file under this name; None if it is missing, damaged, or somebody else's."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    with open(handle, "rb") as file:  # noqa: PTH123
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != user() or status.st_mode & 0o022:
            return None
        content = file.read()
    size = hashlib.sha256().digest_size
    return content[size:] if content[:size] == _seal(path.name, content[size:]) else None


class PackageCache(FunctionCache):  # type: ignore[misc]
    """numba's cache of one function, which costs a compilation and not the run when a disk is full or a file damaged.

    Raises
    ------
    RuntimeError
        There is no directory that can be written to, or the function is not of this package.
    """

    _impl_class = _Files

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        base, stamp = self._impl.filename_base, self._impl.locator.get_source_stamp()
        self._cache_file = _SealedFiles(self._cache_path, base, stamp)

    def load_overload(self, *key: Any) -> Any:
        """None when it cannot be read, or when others may have written it."""
        if not is_private(Path(self._cache_path)):
            return None
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            return self._load_alone(*key)

    def _load_alone(self, signature: Any, target: Any) -> Any:
        """Load machine code, and nothing of what the compiler needs to make some.

        numba would load that first, in half a second; where there is something to compile it does so anyway.
        """
        load_runtime(target)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, target)

    def save_overload(self, *entry: Any) -> None:
        """Do nothing when it cannot be written, or when others could."""
        # numba counts files, so that two processes that start together give the code of two signatures or of two
        # kinds of CPU one name, and one is run for the other.
        unique = uuid.uuid4().hex[:16]
        self._cache_file._data_name_pattern = f"{self._impl.filename_base}.{unique}.{{number:d}}.nbc"
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            if make_private(Path(self._cache_path)):
                super().save_overload(*entry)
