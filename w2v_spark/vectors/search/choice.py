"""Which strategy answers a query to `KeyedVectors`; the answers are the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.compiled import has_compiler
from w2v_spark.vectors.search.full import FullSearch
from w2v_spark.vectors.search.query import Best, Query, multiply
from w2v_spark.vectors.search.reranked import RerankedSearch

MIN_ROWS: Final = 16_384  # fewer are in the processor's cache: a full search takes a millisecond
_PATIENCE: Final = 10  # full searches that take about as long as building the codes does


class Search:
    """Finds the rows that answer queries best.

    Parameters
    ----------
    stack : RowStack, (V, D)
    norms : float32, (V,)
        Lengths of the rows, above 0.

    Notes
    -----
    Single queries begin with full searches. Once as many have come as would have paid for it, the codes of
    `RerankedSearch` are built, if the rows are many and numba is installed: V D bytes.
    """

    def __init__(self, stack: RowStack, norms: Vector) -> None:
        self._stack, self._norms = stack, norms
        self._full = FullSearch(stack, norms)
        self._reranked: RerankedSearch | None = None
        self._searches = 0

    @property
    def strategy(self) -> str:
        """What answers single queries now: ``"reranked"`` (int8 scores, compiled) or ``"full"`` (numpy)."""
        return "full" if self._reranked is None else "reranked"

    def prepare(self) -> None:
        """Build the codes now, if it can be done and is worth it."""
        if self._reranked is None and len(self._stack) >= MIN_ROWS and has_compiler():
            self._reranked = RerankedSearch(self._stack, self._norms)

    def nearest(self, queries: Sequence[Query], topn: int, restrict: int | None) -> Iterable[Best]:
        """The nearest rows to each query's one term: 3CosAdd."""
        rows = len(self._stack) if restrict is None else restrict
        if len(queries) != 1 or rows < MIN_ROWS:
            return self._full.nearest(queries, topn, restrict)
        self._searches += 1
        if self._searches > _PATIENCE:
            self.prepare()
        if self._reranked is None:
            return self._full.nearest(queries, topn, restrict)
        return [self._reranked.nearest(queries[0], topn, restrict)]

    def best_products(self, queries: Sequence[Query], topn: int, restrict: int | None) -> Iterable[Best]:
        """The rows with the highest scores by products and quotients of cosines: 3CosMul."""
        return self._full.best(queries, multiply, topn, restrict)
