"""A search by scores at a byte a coordinate, whose candidates are ranked by the vectors themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.row_stack import Ids, RowStack
from w2v_spark.vectors.search.compiled import needing_compiler
from w2v_spark.vectors.search.query import Best, Query
from w2v_spark.vectors.search.ranking import rank_exactly, rounding


class RerankedSearch:
    """Finds nearest rows by cosine, exactly, without reading all vectors.

    Parameters
    ----------
    stack : RowStack, (V, D)
    norms : float32, (V,)
        Lengths of the rows, above 0.

    Raises
    ------
    MissingExtra
        numba is not installed.

    Notes
    -----
    Every vector is scaled to length 1 and rounded to a byte a coordinate, with a scale and a bound of the error of its
    own. A query reads the bytes, a quarter of the memory of the vectors; the rows whose score may be among the
    largest, given their bounds, are scored again from the vectors themselves. So the result is that of a full search.
    Memory: V D bytes beside the vectors. Cost: a pass over the vectors to build it.
    """

    def __init__(self, stack: RowStack, norms: Vector) -> None:
        with needing_compiler("a search by int8 scores"):
            from w2v_spark.kernels.int8_scores import LANES, score_codes
        self._stack, self._norms, self._lanes = stack, norms, LANES
        self._score: Callable[..., None] = score_codes
        rows, dim = stack.shape
        groups = -(-rows // LANES)
        self._codes: npt.NDArray[np.int8] = np.zeros((groups, dim, LANES), np.int8)
        self._scales: npt.NDArray[Any] = np.zeros((groups, LANES), np.float32)
        self._errors: npt.NDArray[Any] = np.zeros((groups, LANES), np.float32)
        for place, batch in stack.batches():
            for start in range(place.start // LANES * LANES, place.stop, LANES):
                first, stop = max(start, place.start), min(start + LANES, place.stop)
                self._encode(first, stop, batch[first - place.start : stop - place.start])

    def _encode(self, first: int, stop: int, vectors: npt.NDArray[np.float32]) -> None:
        """The codes of rows ``first`` to ``stop``, which lie in one group."""
        group, lanes = first // self._lanes, slice(first % self._lanes, (stop - 1) % self._lanes + 1)
        unit = vectors / self._norms[first:stop, None]
        scale = np.maximum(np.abs(unit).max(axis=1), np.float32(1e-30)) / np.float32(127)
        codes = np.rint(unit / scale[:, None]).astype(np.int8)
        self._codes[group, :, lanes] = codes.T
        self._scales[group, lanes] = scale
        # By Cauchy and Schwarz, and a little for the rounding of the sums themselves.
        errors = np.linalg.norm(unit - scale[:, None] * codes, axis=1)
        self._errors[group, lanes] = errors + np.float32(rounding(vectors.shape[1]))

    def nearest(self, query: Query, topn: int, restrict: int | None = None) -> Best:
        """The ``topn`` rows with the largest cosines to the one term of a query, among the first rows only."""
        rows = len(self._stack) if restrict is None else min(restrict, len(self._stack))
        found = self._candidates(query.terms[0], topn + len(query.asked), rows)
        found = found[~np.isin(found, list(query.asked))]
        return rank_exactly(self._stack, self._norms, query.terms[0], found, topn)

    def _candidates(self, unit: Vector, count: int, rows: int) -> Ids:
        """Those of the first rows among which the ``count`` nearest ones certainly are."""
        if count >= rows // 4:
            return np.arange(rows)
        groups = -(-rows // self._lanes)
        scores = np.empty((groups, self._lanes), np.float32)
        self._score(self._codes[:groups], unit, scores)
        scores *= self._scales[:groups]
        errors = self._errors[:groups]
        lower, upper = scores - errors, (scores + errors).reshape(-1)[:rows]
        lower.reshape(-1)[rows:] = -np.inf
        # The count-th largest of the largest of each group is no larger than the count-th largest of all.
        values = lower.max(axis=1) if count <= groups // 2 else lower.reshape(-1)
        limit = np.partition(values, len(values) - count)[len(values) - count]
        return np.flatnonzero(upper >= limit)
