"""The row-wise parts of the merge: steps of shards, and every entry of a matrix times its own stretch."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import pointers, simd
from w2v_spark.kernels.jit import device, inline, kernel
from w2v_spark.kernels.memory import REGISTER_BYTES
from w2v_spark.kernels.product import add_product

TILE_ROWS: Final = 128  # whose displacements, rotated and not, lie in a core's own cache


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
def add_displacement(before, shard, total, sample, first, step):
    """Add ``shard - before`` to ``total``, and keep it in ``sample`` for the rows ``first, first + step, ...``.

    Parameters
    ----------
    before, shard, total, sample : (rows, D) float32
        The first two are read only.
    first, step : int
    """
    for r in range(before.shape[0]):
        for d in range(before.shape[1]):
            total[r, d] += shard[r, d] - before[r, d]
    for r in range(first, before.shape[0], step):
        for d in range(before.shape[1]):
            sample[r, d] = shard[r, d] - before[r, d]


@kernel
def add_changes(before, places, changed, total, sample, first, step):
    """What `add_displacement` does, for a shard that has changed some rows only; the others add nothing.

    Parameters
    ----------
    before, total, sample : (rows, D) float32
    places : (n,) int64
        Which rows have changed.
    changed : (n, D) float32
        What they are now.
    first, step : int
    """
    for i in range(len(places)):
        r = places[i]
        for d in range(before.shape[1]):
            total[r, d] += changed[i, d] - before[r, d]
        if r >= first and (r - first) % step == 0:
            for d in range(before.shape[1]):
                sample[r, d] = changed[i, d] - before[r, d]


@kernel
def add_stretch(mean_step, sample, updates, curvature, shards):
    """Replace ``mean_step`` by ``(f - P) mean_step + g (sample - mean_step)``, with an f and a g for every entry.

    With ``x = updates[row] * curvature[column]``, ``f = 1 + e^-x + ... + e^-(P-1)x`` is what P shards in turn go, in
    steps of the first; their noise has the variance ``1 + e^-2x + ... + e^-2(P-1)x``, of which stretching the mean
    leaves ``f^2 / P`` and ``g^2 (1 - 1/P)`` is the rest, in shares of one shard's.

    Parameters
    ----------
    mean_step, sample : (rows, columns) float32
        Columns are a multiple of a register; start at any address.
    updates : (rows,) float32
        Not negative.
    curvature : (columns or more,) float32
        Not negative.
    shards : int
        P, at least 2.
    """
    row_bytes = np.int64(mean_step.shape[1]) * 4
    columns = pointers.address_of(curvature, 0)
    lowest, zero = simd.vsplat(np.float32(-87.0)), simd.vsplat(np.float32(0.0))
    all_shards, minus_part = simd.vsplat(np.float32(shards)), simd.vsplat(np.float32(-1.0 / shards))
    rest = simd.vsplat(np.float32(shards / (shards - 1.0)))
    for r in range(mean_step.shape[0]):
        row, other = pointers.address_of(mean_step, r), pointers.address_of(sample, r)
        scale = simd.vsplat(-updates[r])
        for offset in range(0, row_bytes, REGISTER_BYTES):
            y = exponential(simd.vmax(simd.vmul(scale, simd.vload(columns + offset)), lowest))
            f = geometric_sum(y, shards)
            variance = simd.vfma(simd.vmul(f, f), minus_part, geometric_sum(simd.vmul(y, y), shards))
            g = simd.vsqrt(simd.vmul(simd.vmax(variance, zero), rest))
            moved = simd.vload(row + offset)
            noise = simd.vsub(simd.vload(other + offset), moved)
            simd.vstore(row + offset, simd.vfma(noise, g, simd.vmul(moved, simd.vsub(f, all_shards))))


@kernel
def add_correction(before, mean_step, sample, updates, basis, inverse, curvature, shards, scratch, new):
    """Write ``before + P mean_step + (what add_stretch makes of mean_step and sample in a basis)`` to ``new``.

    Parameters
    ----------
    before, mean_step, sample, new : (rows, D) float32
        The last is written only.
    updates : (rows,) float32
    basis : (D, directions or more) float32
        In its columns the directions along which something is to be stretched; along all others the mean step is taken
        P times.
    inverse : (directions, D or more) float32
        Its transpose; both filled up with zeros to whole registers.
    curvature : (directions or more,) float32
    shards : int
        P, at least 2.
    scratch : (3, TILE_ROWS, columns of inverse) float32
        Of any content.
    """
    for start in range(0, before.shape[0], TILE_ROWS):
        stop = min(start + TILE_ROWS, before.shape[0])
        _correct_tile(
            before[start:stop], mean_step[start:stop], sample[start:stop], updates[start:stop], basis, inverse,
            curvature, shards, scratch, new[start:stop],
        )  # fmt: skip


@kernel
def merge_shards(before, shards, stride, written, turn, updates, basis, inverse, curvature, scratch, new):
    """What `add_displacement` for each shard and then `add_correction` do, with the steps of some rows at a time.

    Parameters
    ----------
    before, new : (rows, D) float32
        D at least 16.
    shards : (P,) int64
        Addresses of the same rows as each shard has left them, (rows, D) float32; P at least 2.
    stride : int
        Bytes from one such row to the next.
    written : bool
        Whether the new rows take the place of each shard's.
    turn : int
        Row ``r`` is sampled from shard ``(r + turn) % P``.
    updates, basis, inverse, curvature : see `add_correction`
    scratch : (5, TILE_ROWS, D in whole registers) float32
        Of any content.
    """
    rows, dim = before.shape
    row_bytes = np.int64(dim) * 4
    part, all_shards = simd.vsplat(np.float32(1 / len(shards))), simd.vsplat(np.float32(len(shards)))
    for start in range(0, rows, TILE_ROWS):
        stop = min(start + TILE_ROWS, rows)
        if inverse.shape[0] == 0:
            for r in range(start, stop):
                row, to, at = pointers.address_of(before, r), pointers.address_of(new, r), 0
                while True:  # the last register lies across the one before it where D is not a multiple of sixteen
                    old = simd.vload(row + at)
                    mean = simd.vmul(_sum_of_steps(shards, r * stride + at, old), part)
                    simd.vstore(to + at, simd.vadd(simd.vmul(mean, all_shards), old))
                    if at == row_bytes - REGISTER_BYTES:
                        break
                    at = min(at + REGISTER_BYTES, row_bytes - REGISTER_BYTES)
        else:
            mean_step, sample = scratch[3, : stop - start, :dim], scratch[4, : stop - start, :dim]
            for r in range(start, stop):
                one = shards[(r + turn) % len(shards)] + r * stride
                to, other = pointers.address_of(mean_step, r - start), pointers.address_of(sample, r - start)
                row, at = pointers.address_of(before, r), 0
                while True:
                    old = simd.vload(row + at)
                    simd.vstore(to + at, simd.vmul(_sum_of_steps(shards, r * stride + at, old), part))
                    simd.vstore(other + at, simd.vsub(simd.vload(one + at), old))
                    if at == row_bytes - REGISTER_BYTES:
                        break
                    at = min(at + REGISTER_BYTES, row_bytes - REGISTER_BYTES)
            _correct_tile(
                before[start:stop], mean_step, sample, updates[start:stop], basis, inverse, curvature, len(shards),
                scratch, new[start:stop],
            )  # fmt: skip
        if written:
            for r in range(start, stop):
                for p in range(len(shards)):
                    _copy_row(pointers.address_of(new, r), shards[p] + r * stride, row_bytes)


@inline
def _sum_of_steps(shards, place, old):
    total = simd.vsplat(np.float32(0))
    for p in range(len(shards)):
        total = simd.vadd(total, simd.vsub(simd.vload(shards[p] + place), old))
    return total


@inline
def _copy_row(row, to, row_bytes):
    at = 0
    while True:
        simd.vstore(to + at, simd.vload(row + at))
        if at == row_bytes - REGISTER_BYTES:
            break
        at = min(at + REGISTER_BYTES, row_bytes - REGISTER_BYTES)


@device
def _correct_tile(before, mean_step, sample, updates, basis, inverse, curvature, shards, scratch, new):
    """Of `add_correction`, at most `TILE_ROWS` rows."""
    rows, dim = before.shape
    step = scratch[2, :rows]
    if inverse.shape[0] > 0:
        stretched, samples = scratch[0, :rows, : inverse.shape[0]], scratch[1, :rows, : inverse.shape[0]]
        stretched[:] = 0
        samples[:] = 0
        if shards == 2:  # then f - P is -g, and (f - P) mean_step + g (sample - mean_step) is g (sample - 2 mean_step)
            _add_times(sample, np.float32(-2), mean_step, step)
            add_product(step[:, :dim], basis, samples)
        else:
            add_product(mean_step, basis, stretched)
            add_product(sample, basis, samples)
        add_stretch(stretched, samples, updates, curvature, shards)
    _times(np.float32(shards), mean_step, step)
    if inverse.shape[0] > 0:
        add_product(stretched, inverse, step)
    _add_times(before, np.float32(1), step, new)


@device
def _add_times(a, factor, b, out):
    """Write ``a + factor * b`` to ``out``, which has the rows and columns of ``a`` or more; each is rounded."""
    rows, dim = a.shape
    if dim < simd.LANES:
        for r in range(rows):
            for d in range(dim):
                out[r, d] = a[r, d] + factor * b[r, d]
        return
    times, row_bytes = simd.vsplat(factor), np.int64(dim) * 4
    for r in range(rows):
        x, y, to, at = pointers.address_of(a, r), pointers.address_of(b, r), pointers.address_of(out, r), 0
        while True:
            simd.vstore(to + at, simd.vadd(simd.vload(x + at), simd.vmul(times, simd.vload(y + at))))
            if at == row_bytes - REGISTER_BYTES:
                break
            at = min(at + REGISTER_BYTES, row_bytes - REGISTER_BYTES)


@device
def _times(factor, a, out):
    """Write ``factor * a`` to ``out``, which has the rows and columns of ``a`` or more."""
    rows, dim = a.shape
    if dim < simd.LANES:
        for r in range(rows):
            for d in range(dim):
                out[r, d] = factor * a[r, d]
        return
    times, row_bytes = simd.vsplat(factor), np.int64(dim) * 4
    for r in range(rows):
        x, to, at = pointers.address_of(a, r), pointers.address_of(out, r), 0
        while True:
            simd.vstore(to + at, simd.vmul(times, simd.vload(x + at)))
            if at == row_bytes - REGISTER_BYTES:
                break
            at = min(at + REGISTER_BYTES, row_bytes - REGISTER_BYTES)
