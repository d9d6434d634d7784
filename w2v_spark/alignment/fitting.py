"""The orthogonal map from one space onto another: from pairs of words, and then from those that it finds itself.

Source: Conneau et al. 2018, "Word Translation Without Parallel Data", sections 2.2 and 2.3, and MUSE, their program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.retraining.rotation import Numbers, Rotation, Vectors, WordPairs, cosines_of, procrustes
from w2v_spark.training.file_rows import ROWS_AT_A_TIME
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.csls import Means, offsets_of
from w2v_spark.vectors.search.tiled import find_neighbours, normalise

REFINED_RANKS: Final = 10_000
"""Among how many of the most frequent words of each space refinement looks for pairs."""

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a map was fitted to.

    Attributes
    ----------
    pairs : int
        How many pairs of words.
    cosine : float
        Their mean cosine after the map.
    """

    pairs: int
    cosine: float


@dataclass(frozen=True, slots=True, eq=False)
class Centred:
    """Rows of length 1 less their mean, in place of those of a table: what `center_of` prepares.

    Attributes
    ----------
    stack : RowStack, (V, D)
    center : float64, (D,)
    """

    stack: RowStack
    center: Numbers

    def take(self, rows: Rows, /) -> Matrix:
        """Some rows, (n, D) float32."""
        return centred(self.stack.take(rows), self.center)


def center_of(stack: RowStack) -> Numbers:
    """The mean of all rows after each is scaled to length 1, (D,) float64."""
    total = np.zeros(stack.shape[1])
    for _, batch in stack.batches():
        total += to_unit(batch).sum(axis=0)
    return total / len(stack)


def centred(rows: Matrix, center: Numbers) -> Matrix:
    """Rows scaled to length 1, less a mean, (n, D) float32."""
    less: Matrix = (to_unit(rows) - center).astype(np.float32)
    return less


def to_unit(rows: Matrix) -> Numbers:
    """Rows scaled to length 1, but for zero rows, in float64."""
    wide = rows.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return np.asarray(wide / np.where(lengths > 0, lengths, 1)[:, None])


def check_enough(pairs: WordPairs, dim: int, name: str) -> None:
    """Refuse fewer pairs than a map has dimensions, which leave it open. Raises `InputError`."""
    words = min(len(np.unique(pairs.old_rows)), len(np.unique(pairs.new_rows)))
    if words < dim:
        raise InputError(
            f"{name} has {words:,} pairs of different known words for {dim:,} dimensions: at least as many are needed, "
            "and some thousand make a good map; give a larger dictionary, or vectors with more of its words"
        )


def count_dimensions(vectors: Vectors, rows: Rows) -> int:
    """In how many dimensions some rows lie: their rank, up to D.

    Notes
    -----
    By their moments, which see what is above 1e-7 of the largest. Cost: ``2 n D^2`` operations at most; rows are read
    until D is reached.
    """
    rank, moments = 0, np.zeros((0, 0))
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        some = vectors.take(rows[start : start + ROWS_AT_A_TIME]).astype(np.float64)
        moments = some.T @ some + (moments if start else 0.0)
        rank = int(np.linalg.matrix_rank(moments, hermitian=True))
        if rank == some.shape[1]:
            break
    return rank


def fit(pairs: WordPairs) -> tuple[Rotation, Fitted]:
    """The orthogonal map of the new rows of some pairs that brings them nearest to the old ones.

    Notes
    -----
    The rows count as they are, long ones more, as in MUSE: ``W = U V^T`` of the singular value decomposition of
    ``Y^T X``. Here rows are multiplied from the left, so the map is its transpose.
    """
    rotation = procrustes(pairs, np.ones(len(pairs)))
    return rotation, Fitted(len(pairs), float(cosines_of(pairs, rotation).mean()))


def refine(source: Vectors, target: Vectors, sizes: tuple[int, int], rotation: Rotation, times: int) -> tuple[
    Rotation, list[Fitted]
]:  # fmt: skip
    """Fit the map again, a fixed number of times, to the pairs of words that are each other's best by CSLS.

    Parameters
    ----------
    source, target : Vectors
        The most frequent words first.
    sizes : (V, W)
    rotation : (D, D) float64
        To begin with.
    times : int

    Returns
    -------
    rotation : (D, D) float64
    fitted : list of Fitted
        Of each time; shorter than ``times`` where there were fewer pairs than dimensions, and the last map stayed.

    Notes
    -----
    Pairs, and the means of CSLS, are of the `REFINED_RANKS` most frequent words of each space. Cost: 6 products of so
    many rows a time.
    """
    old, new = (
        vectors.take(np.arange(min(size, REFINED_RANKS))) for vectors, size in ((target, sizes[1]), (source, sizes[0]))
    )
    unit, history = normalise(RowStack([old])), list[Fitted]()
    for _ in range(times):
        mapped = normalise(RowStack([mapped_rows(new, rotation)]))
        rows, found = mutual_pairs(mapped, unit)
        if len(rows) < old.shape[1]:
            break
        rotation, fitted = fit(WordPairs(RowStack([old]), RowStack([new]), found, rows))
        history.append(fitted)
    return rotation, history


def mapped_rows(rows: Matrix, rotation: Rotation) -> Matrix:
    """Rows after a map, (n, D) float32, by sums in float64."""
    from threadpoolctl import threadpool_limits

    mapped: Matrix = np.empty_like(rows)
    with threadpool_limits(limits=1, user_api="blas"):  # the same bits however many cores there are
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            some = slice(start, start + ROWS_AT_A_TIME)
            mapped[some] = rows[some].astype(np.float64) @ rotation
    return mapped


def mutual_pairs(first: Matrix, second: Matrix) -> tuple[Rows, Rows]:
    """Rows of two tables of vectors of length 1 that are each other's best by CSLS."""
    means = Means.find(first, second)
    forward = _best(first, second, means.of_candidates)
    backward = _best(second, first, means.of_rows)
    rows = np.flatnonzero(backward[forward] == np.arange(len(first)))
    return rows, forward[rows]


def _best(unit: Matrix, among: Matrix, of_candidates: Numbers) -> Rows:
    rows = np.arange(len(unit), dtype=np.int32)
    found = find_neighbours(unit, rows, 1, None, among, offsets_of(of_candidates))
    return np.concatenate([part.ids[:, 0] for part in found]).astype(np.int64)
