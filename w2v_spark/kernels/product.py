"""A matrix product with one order of sums, so that its bits depend neither on the processor nor on its library.

Sixteen columns lie in a register, and every sum goes over the inner index in order, by fused multiplications. Tiles
keep their sums in registers: four rows and two registers of 512 bits, or six rows and one that is two registers of 256
bits, of which there are sixteen only. Their shape has no influence on the result.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import pointers, simd
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.memory import REGISTER_BYTES

WIDE: Final = simd.has_wide_registers()


@inline
def _add_four_by_two(a, depth, b, step, out, r, offset):
    o0, o1 = pointers.address_of(out, r) + offset, pointers.address_of(out, r + 1) + offset
    o2, o3 = pointers.address_of(out, r + 2) + offset, pointers.address_of(out, r + 3) + offset
    s0, t0 = simd.vload(o0), simd.vload(o0 + REGISTER_BYTES)
    s1, t1 = simd.vload(o1), simd.vload(o1 + REGISTER_BYTES)
    s2, t2 = simd.vload(o2), simd.vload(o2 + REGISTER_BYTES)
    s3, t3 = simd.vload(o3), simd.vload(o3 + REGISTER_BYTES)
    place = b + offset
    for k in range(depth):
        x, y = simd.vload(place), simd.vload(place + REGISTER_BYTES)
        place += step
        f = simd.vsplat(a[r, k])
        s0, t0 = simd.vfma(f, x, s0), simd.vfma(f, y, t0)
        f = simd.vsplat(a[r + 1, k])
        s1, t1 = simd.vfma(f, x, s1), simd.vfma(f, y, t1)
        f = simd.vsplat(a[r + 2, k])
        s2, t2 = simd.vfma(f, x, s2), simd.vfma(f, y, t2)
        f = simd.vsplat(a[r + 3, k])
        s3, t3 = simd.vfma(f, x, s3), simd.vfma(f, y, t3)
    simd.vstore(o0, s0)
    simd.vstore(o0 + REGISTER_BYTES, t0)
    simd.vstore(o1, s1)
    simd.vstore(o1 + REGISTER_BYTES, t1)
    simd.vstore(o2, s2)
    simd.vstore(o2 + REGISTER_BYTES, t2)
    simd.vstore(o3, s3)
    simd.vstore(o3 + REGISTER_BYTES, t3)


@inline
def _add_six_by_one(a, depth, b, step, out, r, offset):
    o0, o1 = pointers.address_of(out, r) + offset, pointers.address_of(out, r + 1) + offset
    o2, o3 = pointers.address_of(out, r + 2) + offset, pointers.address_of(out, r + 3) + offset
    o4, o5 = pointers.address_of(out, r + 4) + offset, pointers.address_of(out, r + 5) + offset
    s0, s1, s2 = simd.vload(o0), simd.vload(o1), simd.vload(o2)
    s3, s4, s5 = simd.vload(o3), simd.vload(o4), simd.vload(o5)
    place = b + offset
    for k in range(depth):
        x = simd.vload(place)
        place += step
        s0 = simd.vfma(simd.vsplat(a[r, k]), x, s0)
        s1 = simd.vfma(simd.vsplat(a[r + 1, k]), x, s1)
        s2 = simd.vfma(simd.vsplat(a[r + 2, k]), x, s2)
        s3 = simd.vfma(simd.vsplat(a[r + 3, k]), x, s3)
        s4 = simd.vfma(simd.vsplat(a[r + 4, k]), x, s4)
        s5 = simd.vfma(simd.vsplat(a[r + 5, k]), x, s5)
    simd.vstore(o0, s0)
    simd.vstore(o1, s1)
    simd.vstore(o2, s2)
    simd.vstore(o3, s3)
    simd.vstore(o4, s4)
    simd.vstore(o5, s5)


@inline
def _add_four_by_one(a, depth, b, step, out, r, offset):
    o0, o1 = pointers.address_of(out, r) + offset, pointers.address_of(out, r + 1) + offset
    o2, o3 = pointers.address_of(out, r + 2) + offset, pointers.address_of(out, r + 3) + offset
    s0, s1, s2, s3 = simd.vload(o0), simd.vload(o1), simd.vload(o2), simd.vload(o3)
    place = b + offset
    for k in range(depth):
        x = simd.vload(place)
        place += step
        s0 = simd.vfma(simd.vsplat(a[r, k]), x, s0)
        s1 = simd.vfma(simd.vsplat(a[r + 1, k]), x, s1)
        s2 = simd.vfma(simd.vsplat(a[r + 2, k]), x, s2)
        s3 = simd.vfma(simd.vsplat(a[r + 3, k]), x, s3)
    simd.vstore(o0, s0)
    simd.vstore(o1, s1)
    simd.vstore(o2, s2)
    simd.vstore(o3, s3)


@inline
def _add_one_by_one(a, depth, b, step, out, r, offset):
    o = pointers.address_of(out, r) + offset
    s = simd.vload(o)
    place = b + offset
    for k in range(depth):
        s = simd.vfma(simd.vsplat(a[r, k]), simd.vload(place), s)
        place += step
    simd.vstore(o, s)


@kernel
def add_product(a, b, out):
    """Add ``a @ b`` to ``out``.

    Parameters
    ----------
    a : (rows, depth) float32
        With any strides: a transposed matrix will do.
    b : (depth, columns or more) float32, out : (rows, columns) float32
        The columns of ``out`` fill whole registers; rows are contiguous and start at any address.

    Notes
    -----
    Cost: ``rows * depth * columns`` fused multiplications, most of them as fast as the processor has them.
    """
    if WIDE:
        _add_by_two_registers(a, b, out)
    else:
        _add_by_one_register(a, b, out)


@inline
def _add_by_two_registers(a, b, out):
    rows, depth = a.shape
    first, step = pointers.address_of(b, 0), pointers.address_of(b, 1) - pointers.address_of(b, 0)
    row_bytes = np.int64(out.shape[1]) * 4
    for offset in range(0, row_bytes, 2 * REGISTER_BYTES):
        r = 0
        if offset + REGISTER_BYTES < row_bytes:
            while r + 4 <= rows:
                _add_four_by_two(a, depth, first, step, out, r, offset)
                r += 4
            while r < rows:
                _add_one_by_one(a, depth, first, step, out, r, offset)
                _add_one_by_one(a, depth, first, step, out, r, offset + REGISTER_BYTES)
                r += 1
        else:
            while r + 4 <= rows:
                _add_four_by_one(a, depth, first, step, out, r, offset)
                r += 4
            while r < rows:
                _add_one_by_one(a, depth, first, step, out, r, offset)
                r += 1


@inline
def _add_by_one_register(a, b, out):
    rows, depth = a.shape
    first, step = pointers.address_of(b, 0), pointers.address_of(b, 1) - pointers.address_of(b, 0)
    for offset in range(0, np.int64(out.shape[1]) * 4, REGISTER_BYTES):
        r = 0
        while r + 6 <= rows:
            _add_six_by_one(a, depth, first, step, out, r, offset)
            r += 6
        while r < rows:
            _add_one_by_one(a, depth, first, step, out, r, offset)
            r += 1
