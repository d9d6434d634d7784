"""Where compiled code is kept: by what the sources say, not by where they lie.

numba names what it keeps by the path of the source file. Spark puts a shipped package under a new path for each
application, which would compile everything again, and numba notices a change in a kernel's own file, but not in the
files that it inlines. So the functions of this package are kept under a directory named by the digest of them all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import tempfile
import uuid
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Final, Self

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache

PACKAGES: Final = ("corpus", "kernels", "sampling", "text")
"""Packages with compiled functions, or with functions that are compiled into those."""


def _source_digest() -> str:
    digest = hashlib.sha256()
    for package in PACKAGES:
        folder = resources.files("w2v_spark").joinpath(package)
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith((".py", ".pyc")):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _places() -> Iterator[Path]:
    """Directories for compiled code, best first: what ``NUMBA_CACHE_DIR`` names, the user's cache, a temporary one."""
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR)
    with contextlib.suppress(RuntimeError):  # a user without a home, as pods have
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "w2v-spark")
    with contextlib.suppress(OSError):  # no temporary directory
        user = getattr(os, "getuid", int)()
        shared = Path(tempfile.gettempdir(), f"w2v-spark-{user}")
        shared.mkdir(mode=0o700, exist_ok=True)
        if shared.stat().st_uid == user:  # compiled code of another user is not to be trusted
            yield shared


def _is_writable(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def find_directory() -> Path | None:
    """The first place that can be written to, made for these sources; None when there is none."""
    name = f"kernels-{_source_digest()}"
    directories = (place.absolute() / name for place in _places())
    return next((directory for directory in directories if _is_writable(directory)), None)


DIRECTORY: Final = find_directory()


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
        Path(self.get_cache_path()).mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        return str(DIRECTORY)

    def get_source_stamp(self) -> str:
        return Path(self.get_cache_path()).name

    def get_disambiguator(self) -> str:
        return self._disambiguator


class _Files(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class PackageCache(FunctionCache):  # type: ignore[misc]
    """numba's cache of one function, which costs a compilation and not the run when a disk is full or a file damaged.

    Raises
    ------
    RuntimeError
        There is no directory that can be written to, or the function is not of this package.
    """

    _impl_class = _Files

    def load_overload(self, *key: Any) -> Any:
        """None when it cannot be read."""
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            return super().load_overload(*key)

    def save_overload(self, *entry: Any) -> None:
        """Do nothing when it cannot be written."""
        # numba counts files, so that two processes that start together give the code of two signatures or of two
        # kinds of CPU one name, and one is run for the other.
        unique = uuid.uuid4().hex[:16]
        self._cache_file._data_name_pattern = f"{self._impl.filename_base}.{unique}.{{number:d}}.nbc"
        with contextlib.suppress(OSError, EOFError, pickle.UnpicklingError):
            super().save_overload(*entry)
