"""The vectors of documents or tags, and the search among them: they stay where they are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.row_stack import RowStack, lengths
from w2v_spark.vectors.search.full import FullSearch
from w2v_spark.vectors.search.query import Best, Query, check_limits

Term = tuple[Vector, float]
"""A vector and its weight."""


class RowVectors:
    """Vectors by the numbers of their rows.

    Parameters
    ----------
    stack : RowStack, (N, D)

    Notes
    -----
    A search goes over the rows in batches of 4 MiB. Memory: 4 N bytes for the lengths of all vectors, and about 10 N
    for the scores of a query. No copy of the vectors is made.
    """

    def __init__(self, stack: RowStack) -> None:
        self.stack = stack

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return self.stack.shape[1]

    @cached_property
    def _search(self) -> FullSearch:
        return FullSearch(self.stack, self.stack.lengths())

    def vector(self, row: int) -> Vector:
        """The vector of a row, (D,), read-only."""
        vector = self.stack.row(row)
        vector.flags.writeable = False
        return vector

    def unit(self, row: int) -> Vector:
        """The same scaled to length 1, unless it is zero."""
        return scaled(self.stack.row(row))

    def nearest(self, vector: Vector, topn: int, leave_out: Iterable[int] = ()) -> Best:
        """The ``topn`` rows with the largest cosines to a vector (D,), in float64; equal ones in order of the rows.

        Raises `ConfigError` if ``topn`` is no number.
        """
        check_limits(topn, None)
        if topn < 1 or not len(self.stack):
            return []
        return next(iter(self._search.nearest([Query(scaled(vector)[None], 1, frozenset(leave_out))], topn)))


def scaled(vector: Vector) -> Vector:
    """A vector scaled to length 1, unless it is zero."""
    unit: Vector = vector / lengths(vector[None])
    return unit


def as_vector(item: Any, dim: int) -> Vector:
    """A vector that was given, (D,) float32; `InputError` if it is of another shape or not finite."""
    vector = np.asarray(item, dtype=np.float32)
    if vector.shape != (dim,):
        raise InputError(f"a vector of shape {vector.shape} was given, expected ({dim},)")
    if not np.isfinite(vector).all():
        raise InputError("a vector that is not finite was given: nothing is near to it")
    return vector


def weighted_sum(terms: Iterable[Term], dim: int) -> Vector:
    """The weighted sum of vectors, summed in float64 and scaled to length 1, unless it is zero: (D,) float32.

    Raises
    ------
    InputError
        There are no terms.
    """
    total, count = np.zeros(dim, dtype=np.float64), 0
    for vector, weight in terms:
        total += weight * vector
        count += 1
    if not count:
        raise InputError("nothing to compare with: give at least one document, word, tag or vector")
    length = np.linalg.norm(total)
    return (total / length if length > 0 else total).astype(np.float32)
