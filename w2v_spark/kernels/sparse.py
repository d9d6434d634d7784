"""Sparse rows times a dense matrix, and the moments of rows: the two products of a decomposition.

Both have one order of sums, so that their bits depend neither on the processor nor on who computes which rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import pointers, simd
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.memory import REGISTER_BYTES

_STRETCH: Final = 1024  # products of a row that are added up before they are added to those before
_AHEAD: Final = 6  # products whose dense rows are fetched before they are used
_TILE: Final = 4  # registers whose sums are kept at a time


@inline
def _add_four(columns, values, first, last, end, addresses, offset, place):
    s0 = simd.vsplat(np.float32(0))
    s1, s2, s3 = s0, s0, s0
    for n in range(first, last):
        pointers.fetch_row(addresses[columns[min(n + _AHEAD, end - 1)]] + offset, _TILE * REGISTER_BYTES)
        a, f = addresses[columns[n]] + offset, simd.vsplat(values[n])
        s0 = simd.vfma(f, simd.vload(a), s0)
        s1 = simd.vfma(f, simd.vload(a + REGISTER_BYTES), s1)
        s2 = simd.vfma(f, simd.vload(a + 2 * REGISTER_BYTES), s2)
        s3 = simd.vfma(f, simd.vload(a + 3 * REGISTER_BYTES), s3)
    simd.vstore(place, simd.vadd(simd.vload(place), s0))
    simd.vstore(place + REGISTER_BYTES, simd.vadd(simd.vload(place + REGISTER_BYTES), s1))
    simd.vstore(place + 2 * REGISTER_BYTES, simd.vadd(simd.vload(place + 2 * REGISTER_BYTES), s2))
    simd.vstore(place + 3 * REGISTER_BYTES, simd.vadd(simd.vload(place + 3 * REGISTER_BYTES), s3))


@inline
def _add_one(columns, values, first, last, end, addresses, offset, place):
    s0 = simd.vsplat(np.float32(0))
    for n in range(first, last):
        pointers.prefetch(addresses[columns[min(n + _AHEAD, end - 1)]] + offset)
        s0 = simd.vfma(simd.vsplat(values[n]), simd.vload(addresses[columns[n]] + offset), s0)
    simd.vstore(place, simd.vadd(simd.vload(place), s0))


@kernel
def multiply_rows(starts, columns, values, addresses, out):
    """Sparse rows times a dense matrix whose rows lie anywhere.

    Parameters
    ----------
    starts : (rows + 1,) int64
        Row ``r`` has the entries ``starts[r]`` to ``starts[r + 1]``.
    columns : (entries,) int32, values : (entries,) float32
    addresses : (columns,) int64
        Where each row of the dense matrix begins, of as many float32 as ``out`` has columns.
    out : (rows, K) float32
        Zeros, overwritten; K fills whole registers.

    Notes
    -----
    Products are added up in float32 by stretches of a row, and then the stretches, so that the rounding of a row of a
    hundred thousand entries is that of a thousand. Cost: entries * K fused multiplications; memory has to hand over
    4 K bytes an entry, but for what stays in caches.
    """
    row_bytes = np.int64(out.shape[1]) * 4
    for r in range(out.shape[0]):
        base, end = pointers.address_of(out, r), starts[r + 1]
        for first in range(starts[r], end, _STRETCH):
            last, offset = min(first + _STRETCH, end), np.int64(0)
            while offset + _TILE * REGISTER_BYTES <= row_bytes:
                _add_four(columns, values, first, last, end, addresses, offset, base + offset)
                offset += _TILE * REGISTER_BYTES
            while offset < row_bytes:
                _add_one(columns, values, first, last, end, addresses, offset, base + offset)
                offset += REGISTER_BYTES


@kernel
def add_moments(rows, four, out):
    """Add the products of all pairs of columns, ``rows.T @ rows``, in float64; the lower triangle is left as it is.

    Parameters
    ----------
    rows : (n, K) float32
    four : (4, K) float64
        Overwritten: rows that are in work.
    out : (K, K) float64
        Added to.
    """
    n, k = rows.shape
    for start in range(0, n, 4):
        for r in range(4):
            for j in range(k):
                four[r, j] = rows[start + r, j] if start + r < n else 0.0
        for i in range(k):
            a, b, c, d = four[0, i], four[1, i], four[2, i], four[3, i]
            for j in range(i, k):
                out[i, j] += (a * four[0, j] + b * four[1, j]) + (c * four[2, j] + d * four[3, j])
