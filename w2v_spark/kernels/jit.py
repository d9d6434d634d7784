"""One decorator for each kind of compiled function."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

try:
    from w2v_spark.kernels.cache import PackageCache
except ImportError:  # a numba of the future: what the cache builds on has moved
    PackageCache = None  # type: ignore[assignment, misc]

Function = TypeVar("Function", bound=Callable[..., Any])


def _keep_on_disk(compiled: Any) -> None:
    """Let what numba compiles be kept on disk, where there is a place for it; else it is compiled in each process."""
    if not hasattr(compiled, "enable_caching"):  # with NUMBA_DISABLE_JIT it is the plain function
        return
    with contextlib.suppress(RuntimeError):  # there is no place
        if PackageCache is not None:
            compiled._cache = PackageCache(compiled.py_func)
        elif Path(__file__).is_file():  # numba's own rule, which fails late in a zip
            compiled.enable_caching()


def kernel(function: Function) -> Function:
    """Compile a function that is called from Python; it releases the interpreter lock and is cached on disk."""
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    _keep_on_disk(compiled)
    return cast(Function, compiled)


def inline(function: Function) -> Function:
    """Compile a small function into each kernel that calls it."""
    return cast(Function, numba.njit(inline="always", error_model="numpy")(function))


def device(function: Function) -> Function:
    """Compile a function that only kernels call, leaving inlining to the compiler."""
    return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))
