"""The curvature correction: what P shards in turn would have done, from what they did side by side.

docs/design/distributed-training.md derives it; the names of its formulas are those of this module.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.merge import TILE_ROWS, add_correction, merge_shards
from w2v_spark.kernels.product import add_product
from w2v_spark.kernels.touched import sums_and_differences
from w2v_spark.training.file_rows import let_go
from w2v_spark.training.matrix_files import Matrix, MatrixReader
from w2v_spark.training.row_ranges import CHUNK_ROWS, RowRange, cut_matrix
from w2v_spark.training.update_statistics import BothStatistics

Moments = npt.NDArray[np.float64]

_BARELY_MOVED: Final = 0.05  # P x below which a direction counts as if it had not moved: a stretch within 2.5 % of P
_EVEN: Final = 2.0  # rows count as met equally often if none is met this much more often than another
_ROWS_PER_SAMPLE: Final = 8  # then one row stands for so many


def second_moment(weights: Matrix, partner_counts: npt.NDArray[np.float64]) -> Moments:
    """The second moment of some rows, weighted by how often each is met.

    Returns
    -------
    (D + 1, D) float64
        ``sum_v partner_counts[v] w_v w_v^T`` and, as the last row, ``sum_v partner_counts[v] w_v``.

    Notes
    -----
    Of rows that are met about equally often, as most of a vocabulary's are, one in eight stands for all.
    """
    counts, dim = partner_counts, weights.shape[1]
    if not counts.any():  # words that none of the text has
        return np.zeros((dim + 1, dim))
    step, often = _sample(counts)
    weights = weights[::step]
    rows, total = aligned_zeros(len(weights), padded(dim)), aligned_zeros(dim + 1, padded(dim))
    rows[:, :dim] = weights
    add_product((weights * often[:, None]).T, rows, total[:-1])
    add_product(often[None], rows, total[-1:])
    return total[:, :dim].astype(np.float64)


def _sample(counts: npt.NDArray[np.float64]) -> tuple[int, npt.NDArray[np.float32]]:
    """Every how many rows one stands for all, and how often each of those is met; not all counts are zero."""
    if counts.max() > _EVEN * counts.min():
        return 1, counts.astype(np.float32)
    some = counts[::_ROWS_PER_SAMPLE]
    return _ROWS_PER_SAMPLE, (some * (counts.sum() / some.sum())).astype(np.float32)


def moments_of(weights: MatrixReader, partner_counts: npt.NDArray[np.float64], dim: int) -> Moments:
    """The `second_moment` of a whole matrix, as merging its ranges would give it."""
    zeros = np.zeros((dim + 1, dim))
    total = zeros.copy()
    for row_range in cut_matrix(0, len(weights), dim):
        chunks = (second_moment(weights[rows], partner_counts[rows]) for rows in row_range.chunks)
        total += sum(chunks, zeros).astype(np.float32)
        let_go(weights)  # the driver goes through both matrices once
    return total


@dataclass(frozen=True, slots=True, eq=False)
class MomentSample:
    """The rows by which the `second_moment` of a whole matrix is taken.

    Attributes
    ----------
    rows : (n,) int64
        Rising.
    often : (n,) float32
        How often each is met, and those that it stands for.
    """

    rows: npt.NDArray[np.int64]
    often: npt.NDArray[np.float32]

    @classmethod
    def build(cls, partner_counts: npt.NDArray[np.float64]) -> MomentSample:
        """For a matrix whose rows are met so often."""
        rows, often = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        for start in range(0, len(partner_counts), CHUNK_ROWS):
            counts = partner_counts[start : start + CHUNK_ROWS]
            if counts.any():
                step, met = _sample(counts)
                rows.append(np.arange(start, start + len(counts), step))
                often.append(met)
        return cls(np.concatenate(rows), np.concatenate(often))

    def among(self, marks: npt.NDArray[np.uint8]) -> MomentSample:
        """Those of them that are marked among all rows of the matrix."""
        some = marks[self.rows] != 0
        return MomentSample(self.rows[some], self.often[some])

    def change(self, before: Matrix, matrix: Matrix) -> Moments:
        """How much the second moment of a matrix has changed, (D + 1, D).

        ``x x^T - y y^T`` is the symmetric part of ``(x - y)(x + y)^T``, to which a row that has not changed adds
        nothing, not even a rounding: so the bits are the same whether it is there or not.

        Parameters
        ----------
        before : (n, D) float32
            What the sample's rows were.
        matrix : (rows, D or more) float32
            The whole matrix now.
        """
        dim, step = before.shape[1], CHUNK_ROWS * _ROWS_PER_SAMPLE
        total = np.zeros((dim + 1, dim))
        edges = np.searchsorted(self.rows, np.arange(0, self.rows.max(initial=-1) + 1 + step, step))
        most = int(np.diff(edges).max(initial=0))
        sums, differences, ones = *(aligned_zeros(most, padded(dim)) for _ in range(2)), np.ones((1, most), np.float32)
        for start, stop in pairwise(edges.tolist()):
            some, rows = slice(start, stop), stop - start
            sums_and_differences(matrix, self.rows[some], before[some], self.often[some], sums, differences)
            part = aligned_zeros(dim + 1, padded(dim))
            add_product(differences[:rows, :dim].T, sums[:rows], part[:-1])
            add_product(ones[:, :rows], differences[:rows], part[-1:])
            total += part[:, :dim]
        total[:-1] = (total[:-1] + total[:-1].T) / 2
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """How curved the loss is for the rows of one matrix, along the eigenvectors of the other's second moment.

    Attributes
    ----------
    basis : (D, D padded) float32
        Eigenvectors in columns, the most curved first; behind them zeros.
    values : (D,) float64
        Eigenvalues, not negative, plus the floor, in parts of the slope; falling.
    """

    basis: Matrix
    values: Moments

    @classmethod
    def decompose(cls, hessian: Moments, curvature_floor: float = 0.0) -> Curvature:
        """From the curvature of an update, (D, D)."""
        with _libraries().limit(limits=1, user_api="blas"):  # more threads wait for each other on busy cores
            values, vectors = np.linalg.eigh(hessian)
        values, dim = np.maximum(values[::-1], 0), len(values)
        basis = aligned_zeros(dim, padded(dim))
        basis[:, :dim] = vectors[:, ::-1]
        return cls(basis, values + curvature_floor * np.median(values))


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """Those that are loaded; to look for them takes longer than to decompose a matrix."""
    return ThreadpoolController()


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

    @property
    def dim(self) -> int:
        """D."""
        return len(self.basis)

    def apply(self, before: Matrix, mean_step: Matrix, sample: Matrix, updates: npt.NDArray[np.float64]) -> Matrix:
        """Some rows after the round, (rows, D), which an epoch updates so many times, (rows,).

        Parameters
        ----------
        before : (rows, D) float32
            The rows before the round.
        mean_step, sample : see `displacements`

        Notes
        -----
        Along most directions most rows have barely moved: there the correction is the sum, and nothing is rotated.
        """
        n, inverse = self._turned_back(updates)
        new, scratch = np.empty_like(mean_step), np.empty((3, TILE_ROWS, padded(mean_step.shape[1])), np.float32)
        add_correction(before, mean_step, sample, n, self.basis, inverse, self.curvature, self.shards, scratch, new)
        return new

    def merge(
        self,
        before: Matrix,
        shards: Sequence[Matrix],
        turn: int,
        updates: npt.NDArray[np.float64],
        written: bool = False,
    ) -> Matrix:
        """The same bits from the rows as all P shards have left them, at once; P is at least 2 and D 16.

        Parameters
        ----------
        before : (rows, D) float32
        shards : sequence of (rows, D) float32
            All with the same strides.
        turn : int
            Row r of the sample is that of shard ``(r + turn) % P``.
        updates : (rows,) float64
            See `apply`.
        written : bool
            Whether the new rows take the place of each shard's.
        """
        strides = shards[0].strides
        if strides[1] != shards[0].itemsize or any(shard.strides != strides for shard in shards):
            raise ValueError(f"rows of shards lie apart: strides {[shard.strides for shard in shards]}")
        addresses = np.array([shard.ctypes.data for shard in shards], np.int64)
        (n, inverse), new = self._turned_back(updates), np.empty_like(before)
        merge_shards(
            before, addresses, strides[0], written, turn % len(shards), n, self.basis, inverse, self.curvature,
            _scratch(padded(before.shape[1])), new,
        )  # fmt: skip
        return new

    def _turned_back(self, updates: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float32], Matrix]:
        """Updates of a round, and the directions along which a row has moved: (directions, D), in whole registers."""
        n = (updates * self.updates_an_epoch_share).astype(np.float32)
        moved = int(np.count_nonzero(self.shards * n.max() * self.curvature > _BARELY_MOVED))
        dim, directions = self.basis.shape[0], padded(moved)
        inverse = aligned_zeros(directions, padded(dim))
        inverse[:, :dim] = self.basis[:, :directions].T
        return n, inverse


class _Kept(threading.local):
    scratch = np.empty((5, TILE_ROWS, 0), np.float32)


_kept = _Kept()


def _scratch(columns: int) -> Matrix:
    """The scratch of `merge_shards`, which each thread keeps from chunk to chunk."""
    if _kept.scratch.shape[2] != columns:
        _kept.scratch = np.empty((5, TILE_ROWS, columns), np.float32)
    return _kept.scratch


def curvatures_of(moments: Moments, statistics: BothStatistics) -> tuple[Curvature, Curvature]:
    """The curvatures of the input and of the output matrix.

    Parameters
    ----------
    moments : (2, D + 1, D) float64
        `second_moment` of the input and of the output matrix, as they are on average during the round.
    """
    first, second = (
        Curvature.decompose(mine.curvature(others), mine.curvature_floor)
        for mine, others in zip(statistics, moments[::-1], strict=True)
    )
    return first, second


def sum_moments(moments: Sequence[Matrix], row_ranges: Sequence[RowRange]) -> Moments:
    """The moments of both matrices, (2, D + 1, D), from those of their row ranges, in order."""
    total = np.zeros((2, *moments[0].shape))
    for moment, row_range in zip(moments, row_ranges, strict=True):
        total[row_range.matrix] += moment
    return total
