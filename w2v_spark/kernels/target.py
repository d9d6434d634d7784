"""What machine code that is read from disk needs of the compiler."""

from __future__ import annotations

from typing import Any

from numba.core.registry import cpu_target
from numba.core.runtime import rtsys


def load_runtime(target: Any = None) -> None:
    """Make the functions known that machine code may call, for arrays that it makes; in some hundredths of a second.

    Parameters
    ----------
    target : numba's context of a target, optional
        This machine's without it.

    Notes
    -----
    All other functions that code may call are known once numba is imported, but for those that hash what Python would
    hash, which no kernel does.
    """
    rtsys.initialize(cpu_target.target_context if target is None else target)
