"""The rotation of a new space onto an old one, so that vectors of different days can be compared.

Scores are products of an input and an output row, so one orthogonal matrix applied to the rows of both matrices leaves
every score, and with them all further training, as it was. No other linear map does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from w2v_spark.training.computed_rows import RowNumbers
from w2v_spark.training.file_rows import ROWS_AT_A_TIME
from w2v_spark.training.matrix_files import Matrix

Rotation = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float64]
_TRIMS: Final = 2
_TRIMMED: Final = 0.1  # of the words that are left, those that fit worst


class Vectors(Protocol):
    """Rows that can be taken by their numbers."""

    def take(self, rows: RowNumbers, /) -> Matrix:
        """Some rows, (n, D) float32."""
        ...


@dataclass(frozen=True, eq=False)
class WordPairs:
    """The same words in two spaces; rows are read when they are needed, some at a time.

    Attributes
    ----------
    old, new : Vectors
        The two spaces.
    old_rows, new_rows : (n,) int64
        Where the words are.
    """

    old: Vectors
    new: Vectors
    old_rows: RowNumbers
    new_rows: RowNumbers

    def __len__(self) -> int:
        return len(self.new_rows)

    @property
    def dim(self) -> int:
        """D."""
        return int(self.new.take(self.new_rows[:1]).shape[1])

    def batches(self, chosen: RowNumbers) -> Iterator[tuple[slice, Numbers, Numbers]]:
        """Of some pairs, by their numbers: their place, old and new rows in float64."""
        for start in range(0, len(chosen), ROWS_AT_A_TIME):
            some = chosen[start : start + ROWS_AT_A_TIME]
            old, new = self.old.take(self.old_rows[some]), self.new.take(self.new_rows[some])
            yield slice(start, start + len(some)), old.astype(np.float64), new.astype(np.float64)

    @cached_property
    def scales(self) -> Numbers:
        """What makes the inner product of the rows of each pair their cosine, (n,) float64; 0 where a row is zero."""
        products = np.empty(len(self))
        for place, old, new in self.batches(np.arange(len(self))):
            products[place] = np.sqrt(np.einsum("ij,ij->i", old, old) * np.einsum("ij,ij->i", new, new))
        return np.divide(1.0, products, out=np.zeros(len(self)), where=products > 0)


def fit_rotation(pairs: WordPairs, weights: Numbers) -> Rotation:
    """The orthogonal map of new rows that brings them nearest to the old ones, but for those that have moved most.

    Parameters
    ----------
    pairs : WordPairs
        At least one.
    weights : (n,) float64
        What each word counts, not negative.

    Returns
    -------
    (D, D) float64
        ``new @ rotation`` is near ``old``; it may contain a reflection.

    Notes
    -----
    Orthogonal Procrustes over rows of length 1: the map that makes the weighted sum of cosines largest (Schönemann
    1966, "A generalized solution of the orthogonal Procrustes problem"). It is fitted three times: the tenth of the
    words with the lowest cosines is left out, and then the worst tenth of the rest. Cost: ``2 n D^2`` operations each
    time, in float64; memory: some 32,768 rows.
    """
    keep, factors = np.flatnonzero(weights > 0), weights * pairs.scales  # rows of length 1
    rotation = procrustes(pairs, factors, keep)
    for _ in range(_TRIMS):
        order = np.argsort(cosines_of(pairs, rotation, keep), kind="stable")  # equal ones by rank
        keep = np.sort(keep[order[int(len(keep) * _TRIMMED) :]])
        rotation = procrustes(pairs, factors, keep)
    return rotation


def cosines_of(pairs: WordPairs, rotation: Rotation, chosen: RowNumbers | None = None) -> Numbers:
    """The cosine of each old row with the new one after the rotation, (n,); 0 where either row is zero."""
    chosen = np.arange(len(pairs)) if chosen is None else chosen
    cosines = np.empty(len(chosen))
    with threadpool_limits(limits=1, user_api="blas"):
        for place, old, new in pairs.batches(chosen):
            cosines[place] = np.einsum("ij,ij->i", old, new @ rotation)
    return cosines * pairs.scales[chosen]


def procrustes(pairs: WordPairs, factors: Numbers, keep: RowNumbers | None = None) -> Rotation:
    """The orthogonal map of new rows that makes the weighted sum of their inner products with the old ones largest.

    Parameters
    ----------
    pairs : WordPairs
        At least one.
    factors : (n,) float64
        What the product of each pair counts.
    keep : (m,) int64, optional
        Numbers of the pairs that count; all by default.

    Notes
    -----
    Cost: ``2 m D^2`` operations and the singular values of a (D, D) matrix, in float64.
    """
    keep = np.arange(len(pairs)) if keep is None else keep
    covariance: Numbers | float = 0.0
    with threadpool_limits(limits=1, user_api="blas"):
        for place, old, new in pairs.batches(keep):
            covariance = covariance + new.T @ (old * factors[keep[place], None])
        left, _, right = np.linalg.svd(np.asarray(covariance))
    return np.asarray(left @ right)
