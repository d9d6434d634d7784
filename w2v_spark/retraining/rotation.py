"""The rotation of a new space onto an old one, so that vectors of different days can be compared.

Scores are products of an input and an output row, so one orthogonal matrix applied to the rows of both matrices leaves
every score, and with them all further training, as it was. No other linear map does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from w2v_spark.training.weights import ROWS_AT_A_TIME, Matrix, MatrixReader

Rotation = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
_TRIMS: Final = 2
_TRIMMED: Final = 0.1  # of the words that are left, those that fit worst


def fit_rotation(old: Matrix, new: Matrix, weights: npt.NDArray[np.float64]) -> Rotation:
    """The orthogonal map of new rows that brings them nearest to the old ones, but for those that have moved most.

    Parameters
    ----------
    old, new : (n, D) float32
        The same words before and after, n at least 1.
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
    time, in float64.
    """
    keep = np.flatnonzero(weights > 0)
    rotation = _procrustes(old, new, weights, keep)
    for _ in range(_TRIMS):
        cosines = cosines_of(old, new, rotation, keep)
        worst = int(len(keep) * _TRIMMED)
        order = np.argsort(cosines, kind="stable")  # equal ones by rank: the rarer are no worse for being last
        keep = np.sort(keep[order[worst:]])
        rotation = _procrustes(old, new, weights, keep)
    return rotation


def cosines_of(old: Matrix, new: Matrix, rotation: Rotation, rows: Rows | None = None) -> npt.NDArray[np.float64]:
    """The cosine of each old row with the new one after the rotation, (n,) or (rows,); 0 where either row is zero."""
    chosen = np.arange(len(old)) if rows is None else rows
    cosines = np.empty(len(chosen))
    with threadpool_limits(limits=1, user_api="blas"):
        for place, some in _batches(chosen):
            cosines[place] = np.einsum("ij,ij->i", _unit(old[some]), _unit(new[some]) @ rotation)
    return cosines


def rotate(matrix: MatrixReader, rotation: Rotation) -> Iterator[Matrix]:
    """Batches of the rows of a matrix after a rotation, (rows, D) float32, computed in float64."""
    with threadpool_limits(limits=1, user_api="blas"):  # the same bits however many cores there are
        for start in range(0, len(matrix), ROWS_AT_A_TIME):
            rows = matrix[start : start + ROWS_AT_A_TIME]
            yield (rows.astype(np.float64) @ rotation).astype(np.float32)


def _procrustes(old: Matrix, new: Matrix, weights: npt.NDArray[np.float64], keep: Rows) -> Rotation:
    covariance = np.zeros((old.shape[1], old.shape[1]))
    with threadpool_limits(limits=1, user_api="blas"):
        for _, some in _batches(keep):
            covariance += _unit(new[some]).T @ (_unit(old[some]) * weights[some, None])
        left, _, right = np.linalg.svd(covariance)
    return np.asarray(left @ right)


def _batches(rows: Rows) -> Iterator[tuple[slice, Rows]]:
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield slice(start, start + ROWS_AT_A_TIME), rows[start : start + ROWS_AT_A_TIME]


def _unit(rows: Matrix) -> npt.NDArray[np.float64]:
    wide = rows.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return np.asarray(wide / np.where(lengths == 0, 1, lengths)[:, None])
