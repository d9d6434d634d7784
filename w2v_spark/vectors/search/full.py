"""A search that scores all rows, for any number of queries at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.query import Best, Query, Rule
from w2v_spark.vectors.search.ranking import at_least, largest, rank_exactly, rounding

SCORE_BYTES: Final = 1 << 28  # of the scores held at a time: 67 queries over a million words


class FullSearch:
    """Finds the best rows by float32 products with all of them.

    Parameters
    ----------
    stack : RowStack, (V, D)
    norms : float32, (V,)
        Lengths of the rows, above 0.

    Notes
    -----
    Cost: one float32 matrix product, O(V D) a term, and a selection, O(V) a query; at most 256 MiB of scores at a
    time, and so a pass over the matrix for every 67 queries to a million words.
    """

    def __init__(self, stack: RowStack, norms: Vector) -> None:
        self._stack, self._norms = stack, norms

    def nearest(self, queries: Sequence[Query], topn: int, restrict: int | None = None) -> Iterator[Best]:
        """The ``topn`` rows with the largest cosines to the one term of each query; among the first rows only.

        Ranked by cosines in float64. A row is scored again if its float32 score is within the rounding of two
        products from the last that counts, so none is missed.
        """
        slack = 2 * rounding(self._stack.shape[1])
        for query, scores in self._scores(queries, restrict):
            rows = at_least(scores, topn + len(query.asked), slack)
            rows = rows[~np.isin(rows, list(query.asked))]
            yield rank_exactly(self._stack, self._norms, query.terms[0], rows, topn)

    def best(self, queries: Sequence[Query], rule: Rule, topn: int, restrict: int | None = None) -> Iterator[Best]:
        """The ``topn`` rows with the highest float32 scores by a rule, such as `multiply`."""
        for query, scores in self._scores(queries, restrict, rule):
            scores[[row for row in query.asked if row < len(scores)]] = -np.inf
            rows = (int(row) for row in largest(scores, topn))
            yield [(row, float(scores[row])) for row in rows if row not in query.asked]

    def _scores(
        self, queries: Sequence[Query], restrict: int | None, rule: Rule | None = None
    ) -> Iterator[tuple[Query, Vector]]:
        """Each query with the scores of the rows, (rows,); without a rule they are the cosines with its one term."""
        rows = len(self._stack) if restrict is None else min(restrict, len(self._stack))
        size = max(1, SCORE_BYTES // (4 * max(1, rows)))
        for start in range(0, len(queries), size):
            group = queries[start : start + size]
            terms = np.concatenate([query.terms for query in group])
            scores: Matrix = np.empty((len(group), rows), dtype=np.float32)
            for place, batch in self._stack.batches(rows):
                cosines = terms @ batch.T / self._norms[place]
                scores[:, place] = cosines if rule is None else rule(cosines, group)
            yield from zip(group, scores, strict=True)
