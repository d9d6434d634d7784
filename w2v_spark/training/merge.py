"""From the weights of P shards to one: the mean, and its curvature correction.

Every step works on a block of rows, so nothing of size P x V x D is ever in memory, and blocks can be worked on by
several threads or machines: the result does not depend on how many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from w2v_spark.config import Merge
from w2v_spark.errors import DivergedError
from w2v_spark.kernels.step import padded
from w2v_spark.kernels.stretch import stretch_rows
from w2v_spark.training.exposure import Exposure
from w2v_spark.training.weights import Matrix, Rows

BLOCK_ROWS: Final = 8192

Result = TypeVar("Result")


def row_blocks(rows: int) -> list[slice]:
    """The blocks that a matrix is merged in."""
    return [slice(start, min(start + BLOCK_ROWS, rows)) for start in range(0, rows, BLOCK_ROWS)]


def mean_displacement(before: Rows, shards: Sequence[Rows], rows: slice) -> Matrix:
    """The mean of what the shards added to some rows: (rows, D) float32, summed in shard order.

    Raises
    ------
    DivergedError
        A weight is NaN or infinite.
    """
    start = before[rows]
    total = shards[0][rows] - start
    for shard in shards[1:]:
        total += shard[rows] - start
    total *= np.float32(1 / len(shards))
    if not np.isfinite(total.sum(dtype=np.float64)):
        raise DivergedError(f"weights became NaN or infinite in rows {rows.start} to {rows.stop - 1}")
    return total


def second_moment(weights: Rows, mean: Matrix, met: npt.NDArray[np.float64], rows: slice) -> npt.NDArray[np.float64]:
    """A block's part of ``sum_v met[v] w_v w_v^T`` and, as the last row, of ``sum_v met[v] w_v``.

    At mid-round weights; (D + 1, D) float64.
    """
    middle = weights[rows] + mean
    often = met[rows].astype(np.float32)
    return np.vstack([(middle * often[:, None]).T @ middle, often @ middle]).astype(np.float64)


def curvature_met(moments: npt.NDArray[np.float64], exposure: Exposure) -> npt.NDArray[np.float64]:
    """The (D, D) curvature of an update from the summed `second_moment` of all blocks."""
    mean = moments[-1]
    return exposure.slope * (exposure.spread * moments[:-1] + exposure.common * np.outer(mean, mean))


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
        Eigenvalues, not negative, times the learning rate.
    updates : (V,) float32
        Updates of each row, per shard in this round.
    shards : int
    """

    basis: Matrix
    curvature: npt.NDArray[np.float32]
    updates: npt.NDArray[np.float32]
    shards: int

    @classmethod
    def build(
        cls, hessian: npt.NDArray[np.float64], updates: npt.NDArray[np.float64], rate: float, shards: int
    ) -> Correction:
        """From the second moment of the other matrix, (D, D), and the updates of each row, (V,)."""
        values, vectors = np.linalg.eigh(hessian)
        dim = len(values)
        basis = np.zeros((dim, padded(dim)), np.float32)
        basis[:, :dim] = vectors
        curvature = np.zeros(padded(dim), np.float32)
        curvature[:dim] = np.maximum(values, 0) * rate
        return cls(basis, curvature, updates.astype(np.float32), shards)

    def apply(self, mean: Matrix, rows: slice) -> Matrix:
        """The corrected displacement of a block of rows, (rows, D)."""
        rotated = np.ascontiguousarray(mean @ self.basis)
        stretch_rows(rotated, self.updates[rows], self.curvature, self.shards)
        return np.asarray(rotated @ self.basis.T)


def merge_round(
    before: tuple[Rows, Rows],
    shards: Sequence[tuple[Rows, Rows]],
    method: Merge,
    exposures: tuple[Exposure, Exposure],
    epoch_share: float,
    rate: float,
    threads: int = 0,
) -> Iterator[tuple[int, Matrix]]:
    """Merge one round; yields the new rows of both matrices, block by block.

    Parameters
    ----------
    before : the input and the output matrix, each (rows, D) float32
        The weights that the round started from.
    shards : both matrices of each shard that trained, in shard order
    method : Merge
    exposures : Exposure of the input and of the output matrix
    epoch_share : float
        How many epochs of its part of the corpus each shard has trained in this round.
    rate : float
        Mean learning rate of the round.
    threads : int
        Blocks worked on at a time; 0 takes one a core. Has no influence on the result.

    Yields
    ------
    matrix : int
        0 for the input matrix, 1 for the output matrix.
    rows : (block, D) float32
        The blocks of a matrix come in order.

    Raises
    ------
    DivergedError
        A weight is NaN or infinite. No row has been yielded by then.

    Notes
    -----
    Memory: one mean displacement of both matrices, ``8 V D`` bytes, and a few blocks a thread. Time: ``3 V D^2``
    multiplications a matrix.
    """
    if len(shards) == 1:  # nothing to average: the shard's own weights, to the bit
        for matrix in (0, 1):
            for rows in row_blocks(len(before[matrix])):
                mean_displacement(before[matrix], [shards[0][matrix]], rows)
        for matrix in (0, 1):
            yield from ((matrix, shards[0][matrix][rows]) for rows in row_blocks(len(before[matrix])))
        return
    blocks = [row_blocks(len(matrix)) for matrix in before]
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        means = [
            _each(
                pool, lambda rows, m=matrix: mean_displacement(before[m], [s[m] for s in shards], rows), blocks[matrix]
            )
            for matrix in (0, 1)
        ]
        if method is Merge.CURVATURE:
            count, dim = len(shards), means[0][0].shape[1]
            corrections = []
            for matrix in (0, 1):
                other, exposure = 1 - matrix, exposures[matrix]
                moments = _each(
                    pool,
                    lambda b, o=other, e=exposure: second_moment(before[o], means[o][b], e.met, blocks[o][b]),
                    range(len(blocks[other])),
                )
                hessian = curvature_met(sum(moments, np.zeros((dim + 1, dim))), exposure)
                updates = exposure.updates * (epoch_share / count)
                corrections.append(Correction.build(hessian, updates, rate, count))
        for matrix in (0, 1):

            def new_rows(b: int, m: int = matrix) -> Matrix:
                mean = means[m][b]
                step = corrections[m].apply(mean, blocks[m][b]) if method is Merge.CURVATURE else mean
                return np.asarray(before[m][blocks[m][b]] + step)

            yield from ((matrix, rows) for rows in pool.map(new_rows, range(len(blocks[matrix]))))


def _each(pool: ThreadPoolExecutor, function: Callable[..., Result], items: Sequence[object]) -> list[Result]:
    return list(pool.map(function, items))
