"""One decorator for every compiled function, and the place where compiled code is kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def _source_digest() -> str:
    """Digest of all kernel sources: numba notices a change in a kernel's own file, not in the files it inlines."""
    digest = hashlib.sha256()
    for package in ("kernels", "text"):
        folder = resources.files("w2v_spark").joinpath(package)
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _is_writable(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def _choose_cache() -> bool:
    """Point numba at a directory it can write; False when there is none, so that kernels compile in memory.

    A directory named by ``NUMBA_CACHE_DIR`` wins, then the user's cache, then the temporary directory. Code that
    runs from a zip (``--py-files``) is cached by numba's own rule under the user's cache.
    """
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not Path(__file__).exists():  # inside a zip
        return _is_writable(user_cache / "numba")
    named = numba.config.CACHE_DIR
    shared = Path(tempfile.gettempdir()) / f"w2v-spark-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    for base in (Path(named),) if named else (user_cache / "w2v-spark", shared):
        directory = base / f"kernels-{_source_digest()}"
        if _is_writable(directory):
            numba.config.CACHE_DIR = str(directory)
            return True
    numba.config.CACHE_DIR = named
    return False


_CACHE = _choose_cache()


def kernel(function: Function) -> Function:
    """Compile a function that is called from Python; it releases the interpreter lock and is cached on disk."""
    return cast(Function, numba.njit(cache=_CACHE, nogil=True, error_model="numpy")(function))


def inline(function: Function) -> Function:
    """Compile a small function into each kernel that calls it."""
    return cast(Function, numba.njit(inline="always", error_model="numpy")(function))


def device(function: Function) -> Function:
    """Compile a function that only kernels call, leaving inlining to the compiler."""
    return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))
