"""What the compiler knows of the processor that it compiles for."""

from __future__ import annotations


def load_target() -> None:
    """Load it, which takes the better part of a second.

    The first kernel does it otherwise, also one that is read from disk.
    """
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
