"""What a query is made of, and the search for the rows that answer it best, over any number of queries at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from w2v_spark.errors import ConfigError, InputError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.lookup import Vector
from w2v_spark.vectors.row_stack import Rows, Stack
from w2v_spark.vectors.similarities import Item, is_item

Items = Item | Sequence[Item | tuple[Item, float]] | None
"""One item, or several, each perhaps with a weight: ``"king"``, ``["king", "woman"]``, ``[("king", 2.0)]``; or none."""
WeightedItem = tuple[Item, float]

SCORE_BYTES = 1 << 28  # of the scores held at a time: 67 queries over a million words
_EPSILON = 1e-6  # keeps 3CosMul from a division by zero; gensim's


@dataclass(frozen=True, slots=True)
class Query:
    """One question to all rows.

    Attributes
    ----------
    terms : float32, (t, D)
        Vectors of length 1, or zero vectors, whose cosines with a row make its score.
    positives : int
        How many of the terms, the first, speak for a row; the others speak against it.
    asked : frozenset of int
        Rows that are no answers.
    """

    terms: Matrix
    positives: int
    asked: frozenset[int]


Rule = Callable[[Matrix, Sequence[Query]], Matrix]
"""Makes scores, (q, rows), from the cosines of all terms of q queries, (terms, rows)."""


def add(cosines: Matrix, _: Sequence[Query]) -> Matrix:
    """3CosAdd: the cosine with the one term that each query has."""
    return cosines


def multiply(cosines: Matrix, queries: Sequence[Query]) -> Matrix:
    """3CosMul: the product of the positive cosines over that of the negative ones, all moved to 0..1."""
    shifted = (1 + cosines) / 2
    scores: Matrix = np.empty((len(queries), cosines.shape[1]), dtype=np.float32)
    start = 0
    for number, query in enumerate(queries):
        middle, stop = start + query.positives, start + len(query.terms)
        scores[number] = shifted[start:middle].prod(axis=0) / (shifted[middle:stop].prod(axis=0) + _EPSILON)
        start = stop
    return scores


def find_best(
    stack: Stack, norms: Vector, queries: Sequence[Query], rule: Rule, topn: int, restrict: int | None
) -> Iterator[list[tuple[int, float]]]:
    """The ``topn`` rows with the highest scores, for one query after the other.

    Parameters
    ----------
    stack : Stack, (V, D)
    norms : float32, (V,)
        Lengths of the rows, above 0.
    queries : sequence of Query
    rule : callable
        `add` or `multiply`.
    topn : int
    restrict : int, optional
        Look at the first rows only.

    Yields
    ------
    list of (row, score)
        The highest score first, equal ones in order of the rows; without the rows asked with.

    Notes
    -----
    Cost: one float32 matrix product, O(V D) a term, and a selection, O(V) a query; at most 256 MiB of scores at a
    time, and so a pass over the matrix for every 67 queries to a million words.
    """
    rows = len(stack) if restrict is None else min(restrict, len(stack))
    size = max(1, SCORE_BYTES // (4 * max(1, rows)))
    for start in range(0, len(queries), size):
        group = queries[start : start + size]
        terms = np.concatenate([query.terms for query in group])
        scores: Matrix = np.empty((len(group), rows), dtype=np.float32)
        for place, block in stack.blocks(rows):
            scores[:, place] = rule(terms @ block.T / norms[place], group)
        for query, values in zip(group, scores, strict=True):
            yield _select(values, query.asked, topn)


def _select(scores: Vector, asked: frozenset[int], topn: int) -> list[tuple[int, float]]:
    """The best rows but those asked with, whose scores are overwritten."""
    scores[[row for row in asked if row < len(scores)]] = -np.inf
    return [(int(row), float(scores[row])) for row in largest(scores, topn) if row not in asked]


def largest(values: Vector, count: int) -> Rows:
    """Positions of the ``count`` largest values, the largest first, equal ones in order of position. O(n)."""
    count = min(count, len(values))
    if count < 1:
        return np.empty(0, dtype=np.intp)
    threshold = np.partition(values, len(values) - count)[len(values) - count]
    candidates = np.flatnonzero(values >= threshold)  # more than count when several values equal the threshold
    return candidates[np.argsort(-values[candidates], kind="stable")[:count]]


def weighted(items: Items, weight: float) -> list[WeightedItem]:
    """Every item with its own weight or the given one."""
    if items is None:
        return []
    if is_item(items):
        return [(items, weight)]
    return [(item[0], float(item[1])) if isinstance(item, tuple) else (item, weight) for item in items]


def pair_up(positive: Sequence[Items] | Matrix, negative: Sequence[Items] | Matrix) -> list[tuple[Items, Items]]:
    """The positive and the negative items of each query of a batch; no negative ones at all are none for each."""
    for name, items in (("positive", positive), ("negative", negative)):
        if is_item(items):
            raise InputError(f"{name} = {items!r} is one item: expected a sequence with an entry for each query")
    if len(negative) not in (0, len(positive)):
        raise InputError(f"{len(positive)} positive and {len(negative)} negative entries: expected as many, or none")
    return list(zip(positive, negative if len(negative) else [()] * len(positive), strict=True))


def check_limits(topn: int, restrict: int | None) -> None:
    """Refuse what is no number of words, with `ConfigError`."""
    if isinstance(topn, bool) or not isinstance(topn, (int, np.integer)):
        raise ConfigError(f"topn = {topn!r} is not allowed: expected how many words; distances() has those to all")
    if restrict is not None and restrict < 1:
        raise ConfigError(f"restrict = {restrict} is not allowed: expected at least 1, or None for all words")
