"""Whether compiled code can be used: the base installation has no compiler."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from w2v_spark.errors import MissingExtra
from w2v_spark.extras import missing


def has_compiler() -> bool:
    """Whether numba is installed; does not import it."""
    return importlib.util.find_spec("numba") is not None


@contextmanager
def needing_compiler(what: str) -> Iterator[None]:
    """For the import of kernels: a `MissingExtra` that says what needs them, if a library is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{what}: ", *missing("train", error).parts) from error
