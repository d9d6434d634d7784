"""A matrix as a stream of blocks of consecutive rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError

Matrix = npt.NDArray[np.float32]


def regroup(blocks: Iterable[Matrix], sizes: Iterable[int]) -> Iterator[Matrix]:
    """Cut blocks of any length into blocks of the given sizes.

    Parameters
    ----------
    blocks : iterable of float32, (rows, D)
        Consecutive rows of one matrix.
    sizes : iterable of int
        Above 0, together the number of rows of the matrix.

    Yields
    ------
    float32, (size, D), C-contiguous
        A view where the group lies inside one block, else a copy of that group.

    Raises
    ------
    InputError
        A block is not float32 or not (rows, D), or there are more or fewer rows than the sizes ask for.
    """
    source = iter(blocks)
    rest: Matrix | None = None
    for size in sizes:
        parts = [] if rest is None else [rest]
        held = sum(map(len, parts))
        while held < size:
            block = next(source, None)
            if block is None:
                raise InputError("the blocks of vectors have fewer rows than there are words")
            parts.append(_check_block(block, parts[0].shape[1] if parts else None))
            held += len(block)
        group = parts[0] if len(parts) == 1 else np.concatenate(parts)
        rest = group[size:]
        yield np.ascontiguousarray(group[:size])
    if (rest is not None and len(rest)) or any(len(block) for block in source):
        raise InputError("the blocks of vectors have more rows than there are words")


def _check_block(block: Matrix, dim: int | None) -> Matrix:
    if block.dtype != np.float32 or block.ndim != 2 or block.shape[1] != (dim or block.shape[1] or -1):
        raise InputError(f"a block of vectors is {block.dtype} {block.shape}, expected float32 (rows, {dim or 'D'})")
    return block
