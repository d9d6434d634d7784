"""From the weights of P shards to one: the mean, and its curvature correction.

Shards in turn would each go on where the one before stopped, and add its noise to what the others have left of theirs.
The correction gives both back: the way they would have gone, by stretching the mean, and the noise that the mean has
lost, from the rows of one shard each.

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
from w2v_spark.kernels.merge import TILE_ROWS, add_correction, add_displacement
from w2v_spark.kernels.product import add_product
from w2v_spark.kernels.window_step import aligned_zeros, padded
from w2v_spark.storage import Directory
from w2v_spark.training.update_statistics import Exposure
from w2v_spark.training.weights import Matrix, Rows, WeightShape, write_matrix

Moments = npt.NDArray[np.float64]

CHUNK_ROWS: Final = 2048  # merged at a time; part of the result, since what has barely moved is left out by the chunk
BLOCK_BYTES: Final = 32 << 20  # of a block, at most
_FEWEST_BLOCKS: Final = 8  # of a matrix that has as many chunks, so that tasks can share them evenly
_BARELY_MOVED: Final = 0.05  # P x below which a direction counts as if it had not moved: a stretch within 2.5 % of P
_EVEN: Final = 2.0  # rows of a chunk are alike if none is met this much more often than another
_SAMPLE: Final = 8  # of which one row then stands for so many


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
    return [block for matrix, rows in enumerate(shape.rows.values()) for block in _cut(matrix, rows, shape.dim)]


def _cut(matrix: int, rows: int, dim: int) -> list[Block]:
    number = max(-(-4 * dim * rows // BLOCK_BYTES), _FEWEST_BLOCKS)
    step = -(-rows // (number * CHUNK_ROWS)) * CHUNK_ROWS
    return [Block(matrix, start, min(start + step, rows)) for start in range(0, rows, step)]


def deal_blocks(blocks: Sequence[Block], tasks: int) -> list[list[int]]:
    """The numbers of the blocks that each of some tasks merges.

    Frequent words, whose blocks take longest, come first in both matrices, so the second is dealt from its end.
    """
    numbers = [n for n, block in enumerate(blocks) if block.matrix == 0]
    numbers += [n for n, block in reversed(list(enumerate(blocks))) if block.matrix == 1]
    return [numbers[task::tasks] for task in range(tasks)]


def displacements(before: Rows, shards: Sequence[Rows], rows: slice, turn: int) -> tuple[Matrix, Matrix]:
    """What the shards added to some rows: the mean, summed in shard order, and that of one shard for each row.

    Row r is shard ``(r + turn) % P``'s; with ``turn`` the number of the round, every shard has its turn. Both are
    (rows, D) float32.
    """
    start = before[rows]
    total, one = np.zeros_like(start), np.empty_like(start)
    for p, shard in enumerate(shards):
        add_displacement(start, shard[rows], total, one, (p - rows.start - turn) % len(shards), len(shards))
    total *= np.float32(1 / len(shards))
    return total, one


def second_moment(weights: Matrix, met: npt.NDArray[np.float64]) -> Moments:
    """``sum_v met[v] w_v w_v^T`` over some rows and, as the last row, ``sum_v met[v] w_v``; (D + 1, D) float64.

    Of rows that are met about equally often, as most of a vocabulary's are, one in eight stands for all.
    """
    if met.max() <= _EVEN * met.min():
        total, weights, met = met.sum(), weights[::_SAMPLE], met[::_SAMPLE]
        met = met * (total / met.sum())
    often, dim = met.astype(np.float32), weights.shape[1]
    rows, total = aligned_zeros(len(weights), padded(dim)), aligned_zeros(dim + 1, padded(dim))
    rows[:, :dim] = weights
    add_product((weights * often[:, None]).T, rows, total[:-1])
    add_product(often[None], rows, total[-1:])
    return total[:, :dim].astype(np.float64)


def moments_of(weights: Rows, met: npt.NDArray[np.float64], dim: int) -> Moments:
    """The `second_moment` of a whole matrix, as merging its blocks would give it."""
    zeros = np.zeros((dim + 1, dim))
    total = zeros.copy()
    for block in _cut(0, len(weights), dim):
        total += sum((second_moment(weights[rows], met[rows]) for rows in block.chunks), zeros).astype(np.float32)
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """How curved the loss is for the rows of one matrix, along the eigenvectors of the other's second moment.

    Attributes
    ----------
    basis : (D, D padded) float32
        Eigenvectors in columns, the most curved first; behind them zeros.
    values : (D,) float64
        Eigenvalues, not negative, and their floor, in parts of the slope; falling.
    """

    basis: Matrix
    values: Moments

    @classmethod
    def decompose(cls, hessian: Moments, floor: float = 0.0) -> Curvature:
        """From the curvature of an update, (D, D)."""
        with threadpool_limits(limits=1, user_api="blas"):  # more threads wait for each other on busy cores
            values, vectors = np.linalg.eigh(hessian)
        values, dim = np.maximum(values[::-1], 0), len(values)
        basis = aligned_zeros(dim, padded(dim))
        basis[:, :dim] = vectors[:, ::-1]
        return cls(basis, values + floor * np.median(values))


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What P shards in turn would have done to one matrix, from what they did side by side.

    With x[r, i] = rate * updates[r] * l[i] the mean displacement of row r along eigenvector i is multiplied by
    ``f = 1 + e^-x + ... + e^-(P-1)x``: 1 where a shard alone has reached the optimum, P where it has barely moved. What
    one shard's displacement differs from the mean is noise; so much of it is added that there is as much as in turn.

    Attributes
    ----------
    basis : (D, D padded) float32
        See `Curvature`.
    curvature : (D padded,) float32
        Its values times slope and learning rate; falling.
    updates_an_epoch_share : float
        What turns the updates of a row in an epoch into those of one shard in the round.
    shards : int
        P, at least 2.
    """

    basis: Matrix
    curvature: npt.NDArray[np.float32]
    updates_an_epoch_share: float
    shards: int

    @classmethod
    def build(cls, curvature: Curvature, slope: float, epoch_share: float, rate: float, shards: int) -> Correction:
        """For a round.

        Parameters
        ----------
        slope : float
            Mean logistic slope of the scores that the shards have met.
        epoch_share : float
            How many epochs of its part of the corpus each shard has trained in the round.
        rate : float
            Mean learning rate of the round.
        """
        falling = np.zeros(curvature.basis.shape[1], np.float32)
        falling[: len(curvature.values)] = curvature.values * (slope * rate)
        return cls(curvature.basis, falling, epoch_share / shards, shards)

    def apply(self, before: Matrix, mean: Matrix, one: Matrix, updates: npt.NDArray[np.float64]) -> Matrix:
        """Some rows after the round, (rows, D), which an epoch updates so many times, (rows,).

        Parameters
        ----------
        before : (rows, D) float32
            The rows before the round.
        mean, one : see `displacements`

        Notes
        -----
        Along most directions most rows have barely moved: there the correction is the sum, and nothing is rotated.
        """
        n = (updates * self.updates_an_epoch_share).astype(np.float32)
        moved = int(np.count_nonzero(self.shards * n.max() * self.curvature > _BARELY_MOVED))
        if not moved:
            return np.float32(self.shards) * mean + before
        dim, directions = mean.shape[1], padded(moved)
        inverse = aligned_zeros(directions, padded(dim))
        inverse[:, :dim] = self.basis[:, :directions].T
        new, scratch = np.empty_like(mean), np.empty((3, TILE_ROWS, padded(dim)), np.float32)
        add_correction(before, mean, one, n, self.basis, inverse, self.curvature, self.shards, scratch, new)
        return new


def curvatures_of(moments: Moments, exposures: tuple[Exposure, Exposure]) -> tuple[Curvature, Curvature]:
    """The curvatures of the input and of the output matrix.

    Parameters
    ----------
    moments : (2, D + 1, D) float64
        `second_moment` of the input and of the output matrix before the round.
    """
    first, second = (Curvature.decompose(exposures[m].curvature(moments[1 - m]), exposures[m].floor) for m in (0, 1))
    return first, second


def sum_moments(moments: Sequence[Matrix], blocks: Sequence[Block]) -> Moments:
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
    turn: int,
    directory: Directory,
    file: str,
    spare: Directory | None = None,
) -> Matrix:
    """Merge one block and write it; the `second_moment` of its new rows, for the next round, as float32.

    Parameters
    ----------
    before : the block's matrix, (rows, D) float32
        The weights that the round started from.
    shards : the same matrix of each shard that trained, in shard order
        None leaves the weights as they were; those of a single shard are taken to the bit.
    exposures : Exposure of the input and of the output matrix
    correction : of the block's matrix, or None for the plain mean
    turn : see `displacements`
    directory, file, spare : see `write_matrix`

    Raises
    ------
    DivergedError
        A weight is NaN or infinite.

    Notes
    -----
    Memory: some chunks of 2,048 rows. Time: up to ``4 D^2`` multiplications a row, most rows far less.
    """
    rows, dim = block.stop - block.start, before[block.start : block.start + 1].shape[1]
    moments = np.zeros((dim + 1, dim))
    met, updates = exposures[1 - block.matrix].met, exposures[block.matrix].updates

    def new_rows() -> Iterator[Matrix]:
        nonlocal moments
        for chunk in block.chunks:
            new = _merge_chunk(before, shards, chunk, updates[chunk], correction, turn)
            moment = second_moment(new, met[chunk])
            if not np.isfinite(moment).all():
                raise DivergedError(f"weights became NaN or infinite in rows {chunk.start} to {chunk.stop - 1}")
            moments = moments + moment
            yield new

    with np.errstate(over="ignore", invalid="ignore"):
        write_matrix(directory, file, rows, dim, new_rows(), spare)
    return moments.astype(np.float32)


def _merge_chunk(
    before: Rows,
    shards: Sequence[Rows],
    rows: slice,
    updates: npt.NDArray[np.float64],
    correction: Correction | None,
    turn: int,
) -> Matrix:
    if len(shards) < 2:  # nothing to average
        return shards[0][rows] if shards else before[rows]
    mean, one = displacements(before, shards, rows, turn)
    if correction is None:
        return mean + before[rows]
    return correction.apply(before[rows], mean, one, updates)
