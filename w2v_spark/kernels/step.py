"""The dense step: one SGD update of n output rows against m input rows.

Every model comes down to it: an architecture says which input rows meet a target, an objective which output rows
with which labels. All dot products are taken before any row changes, as in the mini-batch of Ji et al. 2016
("Parallelizing Word2Vec in Shared and Distributed Memory", section 3).

With x_j the input rows, o_i the output rows, y_i the labels and a the learning rate::

    g[i, j] = a * (y_i - sigmoid(o_i . x_j))
    o_i += sum_j g[i, j] x_j            x_j += sum_i g[i, j] o_i          (old values on the right)
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels import simd, tiles
from w2v_spark.kernels.jit import device, inline
from w2v_spark.kernels.tiles import ROWS

REGISTER_BYTES: Final = 4 * simd.LANES
SMALL: Final = 1e-100  # a likelihood whose logarithm is due, lest the next windows make it too small for a float64
SMALLEST: Final = 1e-300
_PERIOD: Final = 48  # lanes after which the pattern of rows within registers repeats: lcm(ROWS, LANES)


def padded(dim: int) -> int:
    """D rounded up to whole registers."""
    return -(-dim // simd.LANES) * simd.LANES


def aligned_zeros(rows: int, columns: int) -> npt.NDArray[np.float32]:
    """A (rows, columns) float32 array of zeros that starts at a cache line."""
    flat = np.zeros(rows * columns + simd.LANES, np.float32)
    start = (-flat.ctypes.data % REGISTER_BYTES) // flat.itemsize
    return flat[start : start + rows * columns].reshape(rows, columns)


def build_masks() -> npt.NDArray[np.float32]:
    """Lane masks as a (ROWS + 2, 48 + 16) float32 array.

    Row r < ROWS + 1 is 1 in the lanes of the first r rows of a tile, so row 1 is the label of a target in row 0.
    The last row is 16 ones, then zeros: loaded 16 - k lanes in, it masks all but k lanes.
    """
    table = np.zeros((ROWS + 2, _PERIOD + simd.LANES), np.float32)
    row_of_lane = np.arange(_PERIOD + simd.LANES) % ROWS
    for rows in range(ROWS + 1):
        table[rows] = row_of_lane < rows
    table[ROWS + 1, : simd.LANES] = 1
    return table


@device
def dots_of_tile(window):
    """Bytes for the dots of one tile: ROWS x 2 window floats, and room for the last store."""
    return np.int64(4 * (2 * window * ROWS + 2 * simd.LANES))


def build_workspace(window: int, negatives: int, dim: int) -> npt.NDArray[np.float32]:
    """Scratch of a kernel: copies of the input rows, one row of zeros, the dots of all tiles.

    It belongs to the caller, because a compiled function may free an array of its own once only the address of the
    array is still in use.
    """
    tiles_needed = -(-(negatives + 1) // ROWS)
    size = (2 * window + 1) * padded(dim) + tiles_needed * dots_of_tile(window) // 4
    return aligned_zeros(1, size)


@inline
def sigmoid(x):
    """The logistic function of each lane, within 2e-7 of it.

    0.5 + 0.5 tanh(x / 2), with tanh as the ratio of two polynomials (the minimax coefficients that Eigen uses).
    Beyond +-15.8 the value stays what it is there.
    """
    half = simd.vsplat(np.float32(0.5))
    h = simd.vmul(x, half)
    h = simd.vmax(
        simd.vmin(h, simd.vsplat(np.float32(7.90531110763549805))), simd.vsplat(np.float32(-7.90531110763549805))
    )
    h2 = simd.vmul(h, h)
    p = simd.vsplat(np.float32(-2.76076847742355e-16))
    p = simd.vfma(p, h2, simd.vsplat(np.float32(2.00018790482477e-13)))
    p = simd.vfma(p, h2, simd.vsplat(np.float32(-8.60467152213735e-11)))
    p = simd.vfma(p, h2, simd.vsplat(np.float32(5.12229709037114e-08)))
    p = simd.vfma(p, h2, simd.vsplat(np.float32(1.48572235717979e-05)))
    p = simd.vfma(p, h2, simd.vsplat(np.float32(6.37261928875436e-04)))
    p = simd.vfma(p, h2, simd.vsplat(np.float32(4.89352455891786e-03)))
    q = simd.vsplat(np.float32(1.19825839466702e-06))
    q = simd.vfma(q, h2, simd.vsplat(np.float32(1.18534705686654e-04)))
    q = simd.vfma(q, h2, simd.vsplat(np.float32(2.26843463243900e-03)))
    q = simd.vfma(q, h2, simd.vsplat(np.float32(4.89352518554385e-03)))
    return simd.vfma(simd.vdiv(simd.vmul(p, h), q), half, half)


@inline
def gradients(address, count, rows, has_target, alpha, masks, likelihood):
    """Turn the dots of a tile into ``g`` in place; ``likelihood`` times the probability of each lane's label.

    A label's probability is sigmoid(x) or sigmoid(-x), so the loss is minus the logarithm of their product: one
    logarithm in many windows instead of one a pair. The loss of a label is counted up to 16.6, where float32 ends.
    """
    one = simd.vsplat(np.float32(1.0))
    smallest = simd.vsplat(np.float32(6e-8))  # below the resolution of a float32 close to 1; keeps the logarithm finite
    for start in range(0, count, simd.LANES):
        lane = start % _PERIOD
        s = sigmoid(simd.vload(address + 4 * start))
        label = simd.vload(masks[1 if has_target else 0] + 4 * lane)
        valid = simd.vload(masks[rows] + 4 * lane)
        if count - start < simd.LANES:
            valid = simd.vmul(valid, simd.vload(masks[ROWS + 1] + 4 * (simd.LANES - (count - start))))
        error = simd.vmul(simd.vsub(label, s), valid)
        likelihood = simd.vmul(likelihood, simd.vmax(simd.vsub(one, simd.vabs(error)), smallest))
        simd.vstore(address + 4 * start, simd.vmul(alpha, error))
    return likelihood


@inline
def add_likelihood(loss, likelihood, factor):
    """The loss, and the likelihood that is not in it yet, with one more factor, the likelihood of many labels."""
    if factor < SMALL:
        return loss - np.log(max(factor, SMALLEST)), likelihood
    likelihood *= factor
    if likelihood < SMALL:
        return loss - np.log(likelihood), 1.0
    return loss, likelihood


@inline
def fetch_row(address, row_bytes):
    """Ask for all cache lines of a row."""
    for offset in range(0, row_bytes, REGISTER_BYTES):
        simd.prefetch(address + offset)


@inline
def dense_step(
    inputs, m, outputs, n, registers, alpha, masks, copies, dots, row_bytes, dot_bytes, loss, likelihood,
):  # fmt: skip
    """One update; the loss and the likelihood with those of the n x m labels before it.

    The loss of a label is minus the logarithm of its likelihood. Likelihoods are multiplied up until they become
    small, and only then does a logarithm go into the loss.

    Parameters
    ----------
    inputs : (>= m,) int64
        Addresses of the input rows; the same row may occur more than once.
    outputs : (>= n rounded up to ROWS,) int64
        Addresses of the output rows, all different, the target first; behind them the address of a row of zeros.
    registers : int
        Registers a row.
    alpha : float32
        Learning rate.
    masks : (ROWS + 2,) int64
        Addresses of the rows of `build_masks`.
    copies, dots : int
        Addresses of scratch for m rows and for the dots of all tiles.
    row_bytes, dot_bytes : int
        Bytes a row and bytes of the dots of one tile.
    loss, likelihood : float64
        See above; 0 and 1 at first.
    """
    rate = simd.vsplat(alpha)
    for i in range(0, n, ROWS):
        table = simd.address_of(outputs, i)
        tile = dots + (i // ROWS) * dot_bytes
        j = 0
        while j + 4 <= m:
            tiles.dots_4(
                table, simd.address_of(inputs, j), copies + j * row_bytes, row_bytes, registers, tile + 4 * ROWS * j
            )
            j += 4
        if j + 2 <= m:
            tiles.dots_2(
                table, simd.address_of(inputs, j), copies + j * row_bytes, row_bytes, registers, tile + 4 * ROWS * j
            )
            j += 2
        if j < m:
            tiles.dots_1(
                table, simd.address_of(inputs, j), copies + j * row_bytes, row_bytes, registers, tile + 4 * ROWS * j
            )
        labels = gradients(tile, ROWS * m, min(ROWS, n - i), i == 0, rate, masks, simd.vsplat(np.float32(1.0)))
        loss, likelihood = add_likelihood(loss, likelihood, simd.vproduct(labels))
    for i in range(0, n, ROWS):
        table = simd.address_of(outputs, i)
        tile = dots + (i // ROWS) * dot_bytes
        j = 0
        while j + 4 <= m:
            tiles.update_inputs_4(simd.address_of(inputs, j), table, registers, tile + 4 * ROWS * j)
            j += 4
        if j + 2 <= m:
            tiles.update_inputs_2(simd.address_of(inputs, j), table, registers, tile + 4 * ROWS * j)
            j += 2
        if j < m:
            tiles.update_inputs_1(simd.address_of(inputs, j), table, registers, tile + 4 * ROWS * j)
    for i in range(0, n, ROWS):
        table = simd.address_of(outputs, i)
        tile = dots + (i // ROWS) * dot_bytes
        q = 0
        while q + 4 <= registers:
            tiles.update_outputs_4(table, copies, row_bytes, m, tile, q * REGISTER_BYTES)
            q += 4
        if registers - q == 3:
            tiles.update_outputs_3(table, copies, row_bytes, m, tile, q * REGISTER_BYTES)
        elif registers - q == 2:
            tiles.update_outputs_2(table, copies, row_bytes, m, tile, q * REGISTER_BYTES)
        elif registers - q == 1:
            tiles.update_outputs_1(table, copies, row_bytes, m, tile, q * REGISTER_BYTES)
    return loss, likelihood
