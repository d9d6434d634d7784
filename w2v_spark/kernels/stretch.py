"""The row-wise part of the curvature-corrected merge: every entry of a matrix times its own stretch."""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import simd
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.step import REGISTER_BYTES


@inline
def exponential(x):
    """The exponential of each lane for -87 <= x <= 0, within 2e-7 of its value (Cephes' expf)."""
    half_up = simd.vsplat(np.float32(12582912.0))  # adding and subtracting 1.5 * 2^23 rounds to a whole number
    n = simd.vsub(simd.vfma(x, simd.vsplat(np.float32(1.44269504088896341)), half_up), half_up)
    r = simd.vfma(n, simd.vsplat(np.float32(-0.693359375)), x)
    r = simd.vfma(n, simd.vsplat(np.float32(2.12194440e-4)), r)
    p = simd.vsplat(np.float32(1.9875691500e-4))
    p = simd.vfma(p, r, simd.vsplat(np.float32(1.3981999507e-3)))
    p = simd.vfma(p, r, simd.vsplat(np.float32(8.3334519073e-3)))
    p = simd.vfma(p, r, simd.vsplat(np.float32(4.1665795894e-2)))
    p = simd.vfma(p, r, simd.vsplat(np.float32(1.6666665459e-1)))
    p = simd.vfma(p, r, simd.vsplat(np.float32(5.0000001201e-1)))
    p = simd.vadd(simd.vfma(simd.vmul(p, r), r, r), simd.vsplat(np.float32(1.0)))
    return simd.vmul(p, simd.vpow2(n))


@inline
def geometric_sum(y, terms):
    """``1 + y + ... + y^(terms - 1)`` of each lane by doubling: no division, no cancellation where y is close to 1."""
    one = simd.vsplat(np.float32(1.0))
    total, power = one, y
    bit = 1
    while 2 * bit <= terms:
        bit *= 2
    bit //= 2
    while bit > 0:
        total = simd.vfma(total, power, total)
        power = simd.vmul(power, power)
        if terms & bit:
            total = simd.vfma(total, y, one)
            power = simd.vmul(power, y)
        bit //= 2
    return total


@kernel
def stretch_rows(block, updates, curvature, shards):
    """Multiply each entry by ``(1 - e^(-P x)) / (1 - e^(-x))`` with ``x = updates[row] * curvature[column]``, in place.

    Parameters
    ----------
    block : (rows, D padded) float32
        Starts at any address; D is padded to whole registers.
    updates : (rows,) float32
        Not negative.
    curvature : (D padded,) float32
        Not negative.
    shards : int
        P, at least 1.
    """
    row_bytes = np.int64(block.shape[1]) * 4
    columns = simd.address_of(curvature, 0)
    lowest = simd.vsplat(np.float32(-87.0))
    for r in range(block.shape[0]):
        row = simd.address_of(block, r)
        scale = simd.vsplat(-updates[r])
        for offset in range(0, row_bytes, REGISTER_BYTES):
            y = exponential(simd.vmax(simd.vmul(scale, simd.vload(columns + offset)), lowest))
            simd.vstore(row + offset, simd.vmul(simd.vload(row + offset), geometric_sum(y, shards)))
