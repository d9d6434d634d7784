"""The dense step: one SGD update of n output rows against m input rows.

Every model comes down to it: an architecture says which input rows meet a target, an objective which output rows
with which labels. All dot products are taken before any row changes, as in the mini-batch of Ji et al. 2016
("Parallelizing Word2Vec in Shared and Distributed Memory", section 3).

With x_j the input rows, o_i the output rows, y_i the labels and a the learning rate::

    g[i, j] = a * (y_i - sigmoid(o_i . x_j))
    o_i += sum_j g[i, j] x_j            x_j += sum_i g[i, j] o_i          (old values on the right)
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels import simd, tiles
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.memory import REGISTER_BYTES, aligned_zeros, padded
from w2v_spark.kernels.tiles import FEW_ROWS, ROWS

UNUSED: Final = 0.5  # label of a row of zeros: what it scores, so that its gradient is zero
LABELS_A_FACTOR: Final = 64  # labels whose probabilities are multiplied in float32
SMALL: Final = 1e-100  # a likelihood whose logarithm is due, lest the next windows make it too small for a float64
SMALLEST: Final = 1e-300


class Scratch(NamedTuple):
    """Addresses of a kernel's scratch memory, and the size of a row.

    Attributes
    ----------
    row_bytes : int
        Bytes of a row in memory, with its padding.
    registers, halves : int
        What a step reads of a row: whole registers, then half a register or none.
    zeros, hidden, error : int
        A row of zeros; a row for the mean of the context and one for its error.
    copies : int
        Rows that keep the old values of the input rows.
    frozen : int
        A row for changes that nobody wants, and behind it room for copies of a step's output rows.
    tail : int
        Sixteen ones, then zeros: loaded 16 - k lanes in, all but k lanes are zero.
    dots, labels : int
        One float for each pair of an output and an input row, tile by tile.
    """

    row_bytes: int
    registers: int
    halves: int
    zeros: int
    hidden: int
    error: int
    copies: int
    frozen: int
    tail: int
    dots: int
    labels: int


def build_scratch(inputs: int, outputs: int, dim: int) -> npt.NDArray[np.float32]:
    """Memory for steps of at most so many input and output rows; (size,) float32, see `lay_out`.

    It belongs to the caller, because a compiled function may free an array of its own once only the address of the
    array is still in use.
    """
    pairs = _most_pairs(inputs, outputs)
    rows = (3 + inputs + 1 + outputs) * padded(dim)
    memory: npt.NDArray[np.float32] = aligned_zeros(1, rows + 2 * simd.LANES + 2 * pairs)[0]
    memory[rows : rows + simd.LANES] = 1
    return memory


def _most_pairs(inputs: int, outputs: int) -> int:
    """Floats for the pairs of a step, in whole tiles, and for the registers that reach beyond the last one."""
    return padded((outputs + ROWS) * inputs) + 3 * simd.LANES


@inline
def lay_out(memory, inputs, outputs, dim, row_bytes):
    """The places within the memory of `build_scratch`."""
    registers, rest = dim // simd.LANES, dim % simd.LANES
    if rest > simd.LANES // 2:
        registers += 1
    halves = 1 if 0 < rest <= simd.LANES // 2 else 0
    zeros = simd.address_of(memory, 0)
    copies = zeros + 3 * row_bytes
    frozen = copies + inputs * row_bytes
    tail = frozen + (1 + outputs) * row_bytes
    dots = tail + 2 * REGISTER_BYTES
    labels = dots + (4 * len(memory) - (dots - zeros)) // 2
    return Scratch(
        row_bytes,
        registers,
        halves,
        zeros,
        zeros + row_bytes,
        zeros + 2 * row_bytes,
        copies,
        frozen,
        tail,
        dots,
        labels,
    )


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
def add_likelihood(loss, likelihood, factor):
    """The loss, and the likelihood that is not in it yet, with one more factor, the likelihood of many labels."""
    if factor < SMALL:
        return loss - np.log(max(factor, SMALLEST)), likelihood
    likelihood *= factor
    if likelihood < SMALL:
        return loss - np.log(likelihood), 1.0
    return loss, likelihood


@inline
def gradients(dots, labels, tail, count, rate, loss, likelihood):
    """Turn dots into ``g`` in place; the loss and the likelihood with those of ``count`` more labels.

    A label's probability is sigmoid(x) or sigmoid(-x), so the loss is minus the logarithm of their product: one
    logarithm in many windows instead of one a pair. The loss of a label is counted up to 16.6, where float32 ends.
    """
    one = simd.vsplat(np.float32(1.0))
    smallest = simd.vsplat(np.float32(6e-8))  # below the resolution of a float32 close to 1; keeps the logarithm finite
    alpha = simd.vsplat(rate)
    for block in range(0, count, LABELS_A_FACTOR):
        factor = one
        for start in range(block, min(block + LABELS_A_FACTOR, count), simd.LANES):
            s = sigmoid(simd.vload(dots + 4 * start))
            error = simd.vsub(simd.vload(labels + 4 * start), s)
            if count - start < simd.LANES:
                error = simd.vmul(error, simd.vload(tail + 4 * (simd.LANES - (count - start))))
            factor = simd.vmul(factor, simd.vmax(simd.vsub(one, simd.vabs(error)), smallest))
            simd.vstore(dots + 4 * start, simd.vmul(alpha, error))
        loss, likelihood = add_likelihood(loss, likelihood, simd.vproduct(factor))
    return loss, likelihood


@inline
def sum_of_slopes(scratch, n, m, rate):
    """Sum of ``s (1 - s)``, s the logistic function of a score, over the n x m pairs of the step just taken.

    Read off the gradients that the step has left behind; those of unused rows are zero and add nothing.
    """
    rest = n % ROWS
    rows = n - rest + (ROWS if rest > FEW_ROWS else FEW_ROWS if rest > 0 else 0)
    scale = simd.vsplat(np.float32(1.0) / rate)
    total = simd.vsplat(np.float32(0.0))
    for offset in range(0, 4 * rows * m, REGISTER_BYTES):
        error = simd.vabs(simd.vmul(simd.vload(scratch.dots + offset), scale))
        total = simd.vadd(total, simd.vsub(error, simd.vmul(error, error)))
    return np.float64(simd.vsum(total))


@inline
def fetch_rows(addresses, first, stop, row_bytes):
    """Ask for some of the rows whose addresses are at an address."""
    for i in range(first, stop):
        simd.fetch_row(simd.load_address(addresses + 8 * i), row_bytes)


@inline
def tile_of_6(outputs, inputs, m, pattern, scratch, dots, labels, coming, fetched):
    """Dots and labels of six output rows; for each input row, a row of the next step is asked for.

    Lines that are asked for all at once have to wait for each other, and the products for them.
    """
    row_bytes, registers, halves = scratch.row_bytes, scratch.registers, scratch.halves
    j = 0
    while tiles.WIDE and j + 4 <= m:
        copies = scratch.copies + j * row_bytes
        tiles.dots_6x4(outputs, inputs + 8 * j, copies, row_bytes, registers, halves, dots + 24 * j)
        fetch_rows(coming, j, min(j + 4, fetched), row_bytes)
        j += 4
    if tiles.WIDE and j + 2 <= m:
        copies = scratch.copies + j * row_bytes
        tiles.dots_6x2(outputs, inputs + 8 * j, copies, row_bytes, registers, halves, dots + 24 * j)
        fetch_rows(coming, j, min(j + 2, fetched), row_bytes)
        j += 2
    while j < m:
        copies = scratch.copies + j * row_bytes
        tiles.dots_6x1(outputs, inputs + 8 * j, copies, row_bytes, registers, halves, dots + 24 * j)
        if j < fetched:
            simd.fetch_row(simd.load_address(coming + 8 * j), row_bytes)
        j += 1
    for start in range(0, 24 * m, 3 * REGISTER_BYTES):
        simd.vstore(labels + start, simd.repeat_6_0(pattern))
        simd.vstore(labels + start + REGISTER_BYTES, simd.repeat_6_1(pattern))
        simd.vstore(labels + start + 2 * REGISTER_BYTES, simd.repeat_6_2(pattern))


@inline
def tile_of_3(outputs, inputs, m, pattern, scratch, dots, labels):
    """Dots and labels of three output rows."""
    row_bytes, registers, halves = scratch.row_bytes, scratch.registers, scratch.halves
    j = 0
    while tiles.WIDE and j + 4 <= m:
        copies = scratch.copies + j * row_bytes
        tiles.dots_3x4(outputs, inputs + 8 * j, copies, row_bytes, registers, halves, dots + 12 * j)
        j += 4
    while j + 2 <= m:
        copies = scratch.copies + j * row_bytes
        tiles.dots_3x2(outputs, inputs + 8 * j, copies, row_bytes, registers, halves, dots + 12 * j)
        j += 2
    if j < m:
        copies = scratch.copies + j * row_bytes
        tiles.dots_3x1(outputs, inputs + 8 * j, copies, row_bytes, registers, halves, dots + 12 * j)
    for start in range(0, 12 * m, 3 * REGISTER_BYTES):
        simd.vstore(labels + start, simd.repeat_3_0(pattern))
        simd.vstore(labels + start + REGISTER_BYTES, simd.repeat_3_1(pattern))
        simd.vstore(labels + start + 2 * REGISTER_BYTES, simd.repeat_3_2(pattern))


@inline
def dense_step(inputs, changes, m, outputs, labels, n, rate, scratch, loss, likelihood, coming, fetched):
    """One update; the loss and the likelihood with those of its n x m labels.

    The loss of a label is minus the logarithm of its likelihood. Likelihoods are multiplied up until they become
    small, and only then does a logarithm go into the loss.

    Parameters
    ----------
    inputs, changes : int
        Addresses of (m,) int64: the addresses of the input rows, and of the rows that their changes go to
        (usually the same). The same row may occur more than once.
    outputs, labels : int
        Addresses of (n rounded up to whole tiles,) int64 and float32: the addresses of the output rows, all
        different, and their labels. Behind the n-th: `Scratch.zeros` and `UNUSED`.
    rate : float32
        Learning rate.
    scratch : Scratch
    loss, likelihood : float64
        See above; 0 and 1 at first.
    coming, fetched : int
        Where the addresses of the next step's output rows are; so many of them are asked for.
    """
    place = 0
    for i in range(0, n, ROWS):
        pattern = simd.vload(labels + 4 * i)
        if n - i > FEW_ROWS:
            dots, wanted = scratch.dots + place, scratch.labels + place
            tile_of_6(outputs + 8 * i, inputs, m, pattern, scratch, dots, wanted, coming, fetched if i == 0 else 0)
            place += 4 * ROWS * m
        else:
            dots, wanted = scratch.dots + place, scratch.labels + place
            tile_of_3(outputs + 8 * i, inputs, m, pattern, scratch, dots, wanted)
            place += 4 * FEW_ROWS * m
    loss, likelihood = gradients(scratch.dots, scratch.labels, scratch.tail, place // 4, rate, loss, likelihood)
    fetch_rows(coming, m if n > FEW_ROWS else 0, fetched, scratch.row_bytes)
    place = scratch.dots
    row_bytes, registers, halves, copies = scratch.row_bytes, scratch.registers, scratch.halves, scratch.copies
    for i in range(0, n, ROWS):
        if n - i > FEW_ROWS:
            tiles.update_6(outputs + 8 * i, changes, copies, row_bytes, m, registers, halves, place)
            place += 4 * ROWS * m
        else:
            tiles.update_3(outputs + 8 * i, changes, copies, row_bytes, m, registers, halves, place)
            place += 4 * FEW_ROWS * m
    return loss, likelihood
