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

from w2v_spark.config import Config, Merge
from w2v_spark.errors import DivergedError
from w2v_spark.kernels.step import padded
from w2v_spark.kernels.stretch import stretch_rows
from w2v_spark.sampling.alias import noise_probabilities
from w2v_spark.sampling.subsample import keep_probabilities
from w2v_spark.training.weights import Matrix, Rows

BLOCK_ROWS: Final = 8192
LOGISTIC_SLOPE: Final = 0.15  # mean of s(1 - s) over the scores met in training; 0.05 to 0.5 make little difference

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """How often the rows of one matrix are updated, and how often those of the other one are met.

    Attributes
    ----------
    updates : (V,) float64
        Expected windows that update each row, per epoch of the whole corpus.
    met : (V,) float64
        Expected number of times that an update of this matrix meets each row of the *other* matrix.
    """

    updates: npt.NDArray[np.float64]
    met: npt.NDArray[np.float64]


def build_exposures(counts: npt.NDArray[np.int64], config: Config) -> tuple[Exposure, Exposure]:
    """The exposure of the input and of the output matrix under skip-gram with negative sampling.

    A kept word meets ``window + 1`` context words on average. Each of them updates one input row against the target
    and K noise words, and the target's and the noise words' output rows against that input row.
    """
    kept = counts * keep_probabilities(counts, config.train.sample)
    noise = noise_probabilities(counts, config.model.noise_exponent)
    context, negatives = config.model.window + 1, config.model.negatives
    share = kept / kept.sum()
    inputs = Exposure(kept * context, share + negatives * noise)
    outputs = Exposure((kept + kept.sum() * negatives * noise) * context, share)
    return inputs, outputs


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
    """A block's part of ``sum_v met[v] w_v w_v^T`` at mid-round weights, (D, D) float64."""
    middle = weights[rows] + mean
    return np.asarray((middle * met[rows, None].astype(np.float32)).T @ middle, np.float64)


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
        Eigenvalues, not negative, times the learning rate and the mean logistic slope.
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
        cls, moment: npt.NDArray[np.float64], updates: npt.NDArray[np.float64], rate: float, shards: int
    ) -> Correction:
        """From the second moment of the other matrix, (D, D), and the updates of each row, (V,)."""
        values, vectors = np.linalg.eigh(moment)
        dim = len(values)
        basis = np.zeros((dim, padded(dim)), np.float32)
        basis[:, :dim] = vectors
        curvature = np.zeros(padded(dim), np.float32)
        curvature[:dim] = np.maximum(values, 0) * (rate * LOGISTIC_SLOPE)
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
    before : w_in and w_out, each (V, D) float32
        The weights that the round started from.
    shards : w_in and w_out of each shard that trained, in shard order
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
        0 for ``w_in``, 1 for ``w_out``.
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
    blocks = row_blocks(len(before[0]))
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        means = [
            _each(pool, lambda rows, m=matrix: mean_displacement(before[m], [s[m] for s in shards], rows), blocks)
            for matrix in (0, 1)
        ]
        if method is Merge.CURVATURE:
            count = len(shards)
            corrections = []
            for matrix in (0, 1):
                other, exposure = 1 - matrix, exposures[matrix]
                moments = _each(
                    pool,
                    lambda b, o=other, e=exposure: second_moment(before[o], means[o][b], e.met, blocks[b]),
                    range(len(blocks)),
                )
                updates = exposure.updates * (epoch_share / count)
                corrections.append(Correction.build(np.sum(moments, axis=0), updates, rate, count))
        for matrix in (0, 1):

            def new_rows(b: int, m: int = matrix) -> Matrix:
                mean = means[m][b]
                step = corrections[m].apply(mean, blocks[b]) if method is Merge.CURVATURE else mean
                return np.asarray(before[m][blocks[b]] + step)

            yield from ((matrix, rows) for rows in pool.map(new_rows, range(len(blocks))))


def _each(pool: ThreadPoolExecutor, function: Callable[..., Result], items: Sequence[object]) -> list[Result]:
    return list(pool.map(function, items))
