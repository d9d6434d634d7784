"""Which rows are the best: exact cosines of candidates, and a selection from many scores."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.row_stack import Ids, RowStack
from w2v_spark.vectors.search.query import Best

_ROWS: Final = 16_384  # that are scored at a time: 13 MB at D = 100


def rounding(dim: int) -> float:
    """More than a float32 product of two vectors of length 1 can differ from the true one.

    The bound of a sum of ``dim`` products is ``dim`` units in the last place, 2**-24, whatever their order; the
    divisions before and after add a few. Source: Higham 2002, "Accuracy and Stability of Numerical Algorithms",
    equation 3.5. Twice that is given, which costs a few candidates more.
    """
    return (dim + 8) * 2.0**-23


def rank_exactly(stack: RowStack, norms: Vector, unit: Vector, rows: Ids, topn: int) -> Best:
    """The ``topn`` of some rows with the largest cosines, which are computed in float64.

    Parameters
    ----------
    stack : RowStack, (V, D)
    norms : float32, (V,)
        Lengths of the rows, above 0.
    unit : float32, (D,)
        A vector of length 1, or a zero vector.
    rows : int, (n,)
        The candidates.
    topn : int

    Notes
    -----
    Every row is summed by itself and in one order, so equal rows have equal cosines wherever they are. Cost: O(n D).
    """
    wide = unit.astype(np.float64)
    cosines = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        products = np.einsum("ij,j->i", stack.take(part).astype(np.float64), wide)
        cosines[start : start + _ROWS] = products / norms[part]
    best = np.lexsort((rows, -cosines))[:topn]
    return list(zip(rows[best].tolist(), cosines[best].tolist(), strict=True))


def largest(values: Vector, count: int) -> Ids:
    """Positions of the ``count`` largest values, the largest first, equal ones in order of position. O(n)."""
    candidates = at_least(values, count)
    return candidates[np.argsort(-values[candidates], kind="stable")[:count]]


def at_least(values: Vector, count: int, slack: float = 0.0) -> Ids:
    """Positions, ascending, of the values that are within ``slack`` of the ``count``-th largest, or above it. O(n)."""
    count = min(count, len(values))
    if count < 1:
        return np.empty(0, dtype=np.intp)
    threshold = np.partition(values, len(values) - count)[len(values) - count]
    return np.flatnonzero(values >= threshold - slack)
