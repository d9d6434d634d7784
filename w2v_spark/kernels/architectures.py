"""Architectures: which input rows meet a target.

Skip-gram hands the rows of the context words to the dense step as they are, and CBOW one row that stands for all of
them.
"""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import pointers, simd
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.memory import REGISTER_BYTES
from w2v_spark.kernels.tiles import ROWS


@inline
def add_up_rows(rows, m, scale, hidden, row_bytes):
    """Write ``scale`` times the sum of some rows to the row ``hidden``.

    Parameters
    ----------
    rows : int
        Address of (m,) int64, the addresses of the rows.
    scale : float32
    hidden, row_bytes : int
        See `window_step.Scratch`.
    """
    factor, zero, offset = simd.vsplat(scale), simd.vsplat(np.float32(0.0)), 0
    while offset + 2 * REGISTER_BYTES <= row_bytes:
        first, second = zero, zero
        for j in range(m):
            place = pointers.load_address(rows + 8 * j) + offset
            first = simd.vadd(first, simd.vload(place))
            second = simd.vadd(second, simd.vload(place + REGISTER_BYTES))
        simd.vstore(hidden + offset, simd.vmul(first, factor))
        simd.vstore(hidden + offset + REGISTER_BYTES, simd.vmul(second, factor))
        offset += 2 * REGISTER_BYTES
    if offset < row_bytes:
        total = zero
        for j in range(m):
            total = simd.vadd(total, simd.vload(pointers.load_address(rows + 8 * j) + offset))
        simd.vstore(hidden + offset, simd.vmul(total, factor))


@inline
def copy_rows(rows, n, copies, addresses, row_bytes):
    """Copy n rows to consecutive ones, and the addresses of these, and of what is behind the n-th, to ``addresses``.

    Parameters
    ----------
    rows : int
        Address of int64, the addresses of rows; as many as are in whole tiles.
    addresses : int64
        As many; overwritten.
    copies : int
        Address of the first copy.
    """
    for i in range(n):
        source, copy = pointers.load_address(rows + 8 * i), copies + i * row_bytes
        for offset in range(0, row_bytes, REGISTER_BYTES):
            simd.vstore(copy + offset, simd.vload(source + offset))
        addresses[i] = copy
    for i in range(n, -(-n // ROWS) * ROWS):
        addresses[i] = pointers.load_address(rows + 8 * i)
