"""From the weights of P shards to one: the mean, and its curvature correction.

The weights are merged in blocks of rows, each from the rows before the round and the same rows of all shards, so
nothing of size P x V x D is ever in memory, and blocks can be worked on by any number of machines. Between the blocks
passes only what the correction needs of the other matrix: its second moment, D x D.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from w2v_spark.errors import DivergedError
from w2v_spark.kernels.step import padded
from w2v_spark.kernels.stretch import stretch_rows
from w2v_spark.storage import Directory
from w2v_spark.training.exposure import Exposure
from w2v_spark.training.weights import Matrix, Rows, WeightShape, write_matrix

Moments = npt.NDArray[np.float64]

CHUNK_ROWS: Final = 8192  # merged at a time; part of the result, since a matrix product may depend on its size
BLOCK_BYTES: Final = 32 << 20  # of one matrix, in a task


@dataclass(frozen=True, slots=True)
class Block:
    """Rows ``start <= row < stop`` of matrix 0, the input, or 1, the output matrix."""

    matrix: int
    start: int
    stop: int

    @property
    def chunks(self) -> Iterator[slice]:
        """The rows that are merged at a time."""
        for start in range(self.start, self.stop, CHUNK_ROWS):
            yield slice(start, min(start + CHUNK_ROWS, self.stop))


def plan_blocks(shape: WeightShape) -> list[Block]:
    """The blocks of both matrices, of about equal size, in order; they depend on nothing but the shape."""
    blocks = []
    for matrix, rows in enumerate(shape.rows.values()):
        number = -(-4 * shape.dim * rows // BLOCK_BYTES)
        step = -(-rows // (number * CHUNK_ROWS)) * CHUNK_ROWS
        blocks += [Block(matrix, start, min(start + step, rows)) for start in range(0, rows, step)]
    return blocks


def mean_displacement(before: Rows, shards: Sequence[Rows], rows: slice) -> Matrix:
    """The mean of what the shards added to some rows: (rows, D) float32, summed in shard order."""
    start = before[rows]
    total = shards[0][rows] - start
    for shard in shards[1:]:
        total += shard[rows] - start
    total *= np.float32(1 / len(shards))
    return total


def second_moment(weights: Matrix, met: npt.NDArray[np.float64]) -> Moments:
    """``sum_v met[v] w_v w_v^T`` over some rows and, as the last row, ``sum_v met[v] w_v``; (D + 1, D) float64."""
    often = met.astype(np.float32)
    return np.vstack([(weights * often[:, None]).T @ weights, often @ weights]).astype(np.float64)


def moments_of(weights: Rows, met: npt.NDArray[np.float64], dim: int) -> Moments:
    """The `second_moment` of a whole matrix."""
    with threadpool_limits(limits=1, user_api="blas"):
        chunks = Block(0, 0, len(weights)).chunks
        return sum((second_moment(weights[rows], met[rows]) for rows in chunks), np.zeros((dim + 1, dim)))


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """The stretch of one matrix's mean displacement towards what P shards in turn would have done.

    With x[r, i] = rate * updates[r] * l[i] the displacement of row r along eigenvector i is multiplied by
    ``(1 - exp(-P x)) / (1 - exp(-x))``: 1 where a shard alone has reached the optimum, P where it has barely moved.

    Attributes
    ----------
    basis : (D, D padded) float32
        Eigenvectors of the other matrix's second moment, in columns; behind them zeros.
    curvature : (D padded,) float32
        Eigenvalues, not negative, and their floor, times the learning rate.
    updates_an_epoch_share : float
        What turns the updates of a row in an epoch into those of one shard in the round.
    shards : int
    """

    basis: Matrix
    curvature: npt.NDArray[np.float32]
    updates_an_epoch_share: float
    shards: int

    @classmethod
    def build(
        cls, hessian: npt.NDArray[np.float64], epoch_share: float, rate: float, shards: int, floor: float = 0.0
    ) -> Correction:
        """From the curvature of an update, (D, D); shards have trained so many epochs, together, in the round."""
        values, vectors = np.linalg.eigh(hessian)
        dim = len(values)
        basis = np.zeros((dim, padded(dim)), np.float32)
        basis[:, :dim] = vectors
        values = np.maximum(values, 0)
        curvature = np.zeros(padded(dim), np.float32)
        curvature[:dim] = (values + floor * np.median(values)) * rate
        return cls(basis, curvature, epoch_share / shards, shards)

    def apply(self, mean: Matrix, updates: npt.NDArray[np.float64]) -> Matrix:
        """The corrected displacement of some rows, (rows, D), which an epoch updates so many times, (rows,)."""
        rotated = np.ascontiguousarray(mean @ self.basis)
        stretch_rows(
            rotated, (updates * self.updates_an_epoch_share).astype(np.float32), self.curvature, self.shards
        )  # fmt: skip
        return np.asarray(rotated @ self.basis.T)


def build_corrections(
    moments: Moments, exposures: tuple[Exposure, Exposure], slope: float, epoch_share: float, rate: float, shards: int
) -> tuple[Correction, Correction]:
    """The corrections of the input and of the output matrix.

    Parameters
    ----------
    moments : (2, D + 1, D) float64
        `second_moment` of the input and of the output matrix before the round.
    slope : float
        Mean logistic slope of the scores that the shards have met.
    epoch_share : float
        How many epochs of its part of the corpus each shard has trained in the round.
    rate : float
        Mean learning rate of the round.
    """
    first, second = (
        Correction.build(exposures[m].curvature(moments[1 - m], slope), epoch_share, rate, shards, exposures[m].floor)
        for m in (0, 1)
    )
    return first, second


def sum_moments(moments: Sequence[Moments], blocks: Sequence[Block]) -> Moments:
    """The moments of both matrices, (2, D + 1, D), from those of their blocks, in order."""
    total = np.zeros((2, *moments[0].shape))
    for moment, block in zip(moments, blocks, strict=True):
        total[block.matrix] += moment
    return total


def merge_block(
    block: Block,
    before: Rows,
    shards: Sequence[Rows],
    exposures: tuple[Exposure, Exposure],
    correction: Correction | None,
    directory: Directory,
    file: str,
    spare: Directory | None = None,
) -> Moments:
    """Merge one block and write it; the `second_moment` of its new rows, for the next round.

    Parameters
    ----------
    before : the block's matrix, (rows, D) float32
        The weights that the round started from.
    shards : the same matrix of each shard that trained, in shard order
        None leaves the weights as they were; those of a single shard are taken to the bit.
    directory, file, spare : see `write_matrix`
    exposures : Exposure of the input and of the output matrix
    correction : of the block's matrix, or None for the plain mean

    Raises
    ------
    DivergedError
        A weight is NaN or infinite.

    Notes
    -----
    Memory: some chunks of 8,192 rows. Time: ``3 D^2`` multiplications a row.
    """
    rows, dim = block.stop - block.start, before[block.start : block.start + 1].shape[1]
    moments = np.zeros((dim + 1, dim))
    met, updates = exposures[1 - block.matrix].met, exposures[block.matrix].updates

    def new_rows() -> Iterator[Matrix]:
        nonlocal moments
        for chunk in block.chunks:
            new = _merge_chunk(before, shards, chunk, updates[chunk], correction)
            moment = second_moment(new, met[chunk])
            if not np.isfinite(moment).all():
                raise DivergedError(f"weights became NaN or infinite in rows {chunk.start} to {chunk.stop - 1}")
            moments = moments + moment
            yield new

    with threadpool_limits(limits=1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        write_matrix(directory, file, rows, dim, new_rows(), spare)
    return moments


def _merge_chunk(
    before: Rows,
    shards: Sequence[Rows],
    rows: slice,
    updates: npt.NDArray[np.float64],
    correction: Correction | None,
) -> Matrix:
    if len(shards) < 2:  # nothing to average
        return shards[0][rows] if shards else before[rows]
    mean = mean_displacement(before, shards, rows)
    step = mean if correction is None else correction.apply(mean, updates)
    return np.asarray(before[rows] + step)
