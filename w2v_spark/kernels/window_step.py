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

from w2v_spark.kernels import likelihood, pointers, scores, simd, tiles
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.memory import REGISTER_BYTES, aligned_zeros, padded
from w2v_spark.kernels.tiles import FEW_ROWS, ROWS

COLUMNS_A_FACTOR: Final = 8  # of a tile, whose likelihoods a float32 holds even if all of them are the least


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
    gradients : int
        One float for each pair of an output and an input row, tile by tile, see `scores`.
    """

    row_bytes: int
    registers: int
    halves: int
    zeros: int
    hidden: int
    error: int
    copies: int
    frozen: int
    gradients: int


def build_scratch(inputs: int, outputs: int, dim: int) -> npt.NDArray[np.float32]:
    """Memory for steps of at most so many input and output rows; (size,) float32 of zeros, see `lay_out`.

    It belongs to the caller, because a compiled function may free an array of its own once only the address of the
    array is still in use.
    """
    rows = (3 + inputs + 1 + outputs) * padded(dim)
    slots = tiles.SLOTS[ROWS] * -(-outputs // ROWS) * inputs
    return aligned_zeros(1, rows + padded(slots) + simd.LANES)[0]  # type: ignore[no-any-return]


@inline
def lay_out(memory, inputs, outputs, dim, row_bytes):
    """The places within the memory of `build_scratch`."""
    registers, rest = dim // simd.LANES, dim % simd.LANES
    if rest > simd.LANES // 2:
        registers += 1
    halves = 1 if 0 < rest <= simd.LANES // 2 else 0
    zeros = pointers.address_of(memory, 0)
    copies = zeros + 3 * row_bytes
    frozen = copies + inputs * row_bytes
    return Scratch(
        row_bytes,
        registers,
        halves,
        zeros,
        zeros + row_bytes,
        zeros + 2 * row_bytes,
        copies,
        frozen,
        frozen + (1 + outputs) * row_bytes,
    )


@inline
def sum_of_slopes(scratch, n, m, rate):
    """Sum of ``s (1 - s)``, s the logistic function of a score, over the n x m pairs of the step just taken.

    Read off the gradients that the step has left behind; places of no pair are zero and add nothing.
    """
    rest = n % ROWS
    few = 0 < rest <= FEW_ROWS
    floats = tiles.SLOTS_6 * m * (n // ROWS + (0 if rest == 0 or few else 1)) + (tiles.SLOTS_3 * m if few else 0)
    simd.vstore(scratch.gradients + 4 * floats, simd.vsplat(np.float32(0.0)))
    scale = simd.vsplat(np.float32(1.0) / rate)
    total = simd.vsplat(np.float32(0.0))
    for offset in range(0, 4 * floats, REGISTER_BYTES):
        error = simd.vabs(simd.vmul(simd.vload(scratch.gradients + offset), scale))
        total = simd.vadd(total, simd.vsub(error, simd.vmul(error, error)))
    return np.float64(simd.vsum(total))


@inline
def fetch_rows(addresses, first, stop, row_bytes):
    """Ask for some of the rows whose addresses are at an address."""
    for i in range(first, stop):
        pointers.fetch_row(pointers.load_address(addresses + 8 * i), row_bytes)


@inline
def score_6(outputs, inputs, m, labels, rate, scratch, gradient, factor, exponents):
    """Gradients of six output rows; the likelihood with that of their labels."""
    row_bytes, registers, halves = scratch.row_bytes, scratch.registers, scratch.halves
    j = 0
    while tiles.WIDE and j + 4 <= m:
        factor = scores.scores_6x4(
            outputs, inputs + 8 * j, scratch.copies + j * row_bytes, row_bytes, registers, halves, labels, rate,
            gradient + 32 * j, factor,
        )  # fmt: skip
        j += 4
        if j % COLUMNS_A_FACTOR == 0:
            factor, exponents = likelihood.split(factor, exponents)
    while j + 2 <= m:
        factor = scores.scores_6x2(
            outputs, inputs + 8 * j, scratch.copies + j * row_bytes, row_bytes, registers, halves, labels, rate,
            gradient + 32 * j, factor,
        )  # fmt: skip
        j += 2
        if j % COLUMNS_A_FACTOR == 0:
            factor, exponents = likelihood.split(factor, exponents)
    if j < m:
        factor = scores.scores_6x1(
            outputs, inputs + 8 * j, scratch.copies + j * row_bytes, row_bytes, registers, halves, labels, rate,
            gradient + 32 * j, factor,
        )  # fmt: skip
    return likelihood.split(factor, exponents)


@inline
def score_3(outputs, inputs, m, labels, rate, scratch, gradient, factor, exponents):
    """Gradients of three output rows; the likelihood with that of their labels."""
    row_bytes, registers, halves = scratch.row_bytes, scratch.registers, scratch.halves
    j = 0
    while tiles.WIDE and j + 4 <= m:
        factor = scores.scores_3x4(
            outputs, inputs + 8 * j, scratch.copies + j * row_bytes, row_bytes, registers, halves, labels, rate,
            gradient + 16 * j, factor,
        )  # fmt: skip
        j += 4
        if j % COLUMNS_A_FACTOR == 0:
            factor, exponents = likelihood.split(factor, exponents)
    while j + 2 <= m:
        factor = scores.scores_3x2(
            outputs, inputs + 8 * j, scratch.copies + j * row_bytes, row_bytes, registers, halves, labels, rate,
            gradient + 16 * j, factor,
        )  # fmt: skip
        j += 2
        if j % COLUMNS_A_FACTOR == 0:
            factor, exponents = likelihood.split(factor, exponents)
    if j < m:
        factor = scores.scores_3x1(
            outputs, inputs + 8 * j, scratch.copies + j * row_bytes, row_bytes, registers, halves, labels, rate,
            gradient + 16 * j, factor,
        )  # fmt: skip
    return likelihood.split(factor, exponents)


@inline
def score_step(inputs, m, outputs, labels, n, rate, scratch, factor, exponents):
    """The first half of an update: gradients of all n x m pairs, copies of the input rows, and the likelihood.

    Parameters
    ----------
    inputs : int
        Address of (m,) int64: the addresses of the input rows. The same row may occur more than once.
    outputs, labels : int
        Addresses of (n rounded up to whole tiles,) int64 and float32: the addresses of the output rows, all
        different, and their labels. Behind the n-th: `Scratch.zeros` and `scores.UNUSED`.
    rate : float32
        Learning rate.
    scratch : Scratch
    factor, exponents : simd.Float32x16
        The likelihood of all labels so far is ``factor`` times two to the power of ``exponents``, lane by lane, see
        `likelihood.split`: its logarithm is the loss, one in very many windows.
    """
    place = scratch.gradients
    for i in range(0, n, ROWS):
        if n - i > FEW_ROWS:
            factor, exponents = score_6(
                outputs + 8 * i, inputs, m, labels + 4 * i, rate, scratch, place, factor, exponents
            )
            place += 4 * tiles.SLOTS_6 * m
        else:
            factor, exponents = score_3(
                outputs + 8 * i, inputs, m, labels + 4 * i, rate, scratch, place, factor, exponents
            )
            place += 4 * tiles.SLOTS_3 * m
    return factor, exponents


@inline
def update_step(changes, m, outputs, n, scratch, coming, fetched, far):
    """The second half: both matrices are changed by the gradients of the first.

    Parameters
    ----------
    changes : int
        Address of (m,) int64: the addresses of the rows that changes of the input rows go to, usually these.
    coming, fetched : int
        Where the addresses of a later step's output rows are, so many of them, and others in whole tiles; they are
        asked for.
    far : int
        The address of a row that is asked for as well.
    """
    row_bytes, registers, halves, copies = scratch.row_bytes, scratch.registers, scratch.halves, scratch.copies
    place = scratch.gradients
    asked = 0
    for i in range(0, n, ROWS):
        ahead = coming + 8 * min(asked, fetched)
        if n - i > FEW_ROWS:
            tiles.update_6(outputs + 8 * i, changes, copies, row_bytes, m, registers, halves, place, ahead, far)
            place += 4 * tiles.SLOTS_6 * m
            asked += ROWS
        else:
            tiles.update_3(outputs + 8 * i, changes, copies, row_bytes, m, registers, halves, place, ahead, far)
            place += 4 * tiles.SLOTS_3 * m
            asked += FEW_ROWS
        far = scratch.zeros
    fetch_rows(coming, asked, fetched, row_bytes)


@inline
def update_step_of_mean(errors, spread, m, scale, outputs, n, scratch, coming, fetched):
    """`update_step` where the input row is the mean of others: its change, times ``scale``, is added to each of these.

    Parameters
    ----------
    errors : int
        Where the address of `Scratch.error` is.
    spread : int
        Address of (m,) int64: the addresses of rows.
    scale : float32
    """
    row_bytes, registers, halves = scratch.row_bytes, scratch.registers, scratch.halves
    place, error = scratch.gradients, scratch.zeros
    if n > ROWS:
        error = scratch.error
        for offset in range(0, row_bytes, REGISTER_BYTES):
            simd.vstore(error + offset, simd.vsplat(np.float32(0.0)))
    last = (n - 1) // ROWS * ROWS
    for i in range(0, last, ROWS):
        ahead = coming + 8 * min(i, fetched)
        tiles.update_6(
            outputs + 8 * i, errors, scratch.hidden, row_bytes, 1, registers, halves, place, ahead, scratch.zeros
        )
        place += 4 * tiles.SLOTS_6
    outputs += 8 * last
    ahead = coming + 8 * min(last, fetched)
    if n - last > FEW_ROWS:
        tiles.update_mean_6(outputs, scratch.hidden, error, spread, m, scale, registers, halves, place, ahead)
        fetch_rows(coming, last + ROWS, fetched, row_bytes)
    else:
        tiles.update_mean_3(outputs, scratch.hidden, error, spread, m, scale, registers, halves, place, ahead)
        fetch_rows(coming, last + FEW_ROWS, fetched, row_bytes)
