"""Architectures: which input rows meet a target.

Skip-gram hands the rows of the context words to the dense step as they are, and CBOW one row that stands for all of
them.
"""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import simd
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.memory import REGISTER_BYTES


@inline
def add_up_rows(rows, m, scale, hidden, error, row_bytes):
    """Write ``scale`` times the sum of some rows to the row ``hidden``, and zeros to the row ``error``.

    Parameters
    ----------
    rows : int
        Address of (m,) int64, the addresses of the rows.
    scale : float32
    hidden, error, row_bytes : int
        See `window_step.Scratch`.
    """
    factor = simd.vsplat(scale)
    zero = simd.vsplat(np.float32(0.0))
    for offset in range(0, row_bytes, REGISTER_BYTES):
        total = zero
        for j in range(m):
            total = simd.vadd(total, simd.vload(simd.load_address(rows + 8 * j) + offset))
        simd.vstore(hidden + offset, simd.vmul(total, factor))
        simd.vstore(error + offset, zero)


@inline
def spread_error(rows, m, scale, error, row_bytes):
    """Add ``scale`` times the row ``error`` to each of some rows; the parameters are those of `add_up_rows`."""
    factor = simd.vsplat(scale)
    for offset in range(0, row_bytes, REGISTER_BYTES):
        change = simd.vmul(simd.vload(error + offset), factor)
        for j in range(m):
            place = simd.load_address(rows + 8 * j) + offset
            simd.vstore(place, simd.vadd(simd.vload(place), change))
