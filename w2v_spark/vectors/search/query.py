"""What is asked of a search, and how a row answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from w2v_spark.errors import ConfigError, Name
from w2v_spark.vectors.blocks import Matrix

EPSILON = 1e-6  # keeps 3CosMul from a division by zero; gensim's


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


Best = list[tuple[int, float]]
"""Rows with their scores, the highest first, equal ones in order of the rows."""

Rule = Callable[[Matrix, Sequence[Query]], Matrix]
"""Makes scores, (q, rows), from the cosines of all terms of q queries, (terms, rows)."""


def multiply(cosines: Matrix, queries: Sequence[Query]) -> Matrix:
    """3CosMul: the product of the positive cosines over that of the negative ones, all moved to 0..1."""
    shifted = (1 + cosines) / 2
    scores: Matrix = np.empty((len(queries), cosines.shape[1]), dtype=np.float32)
    start = 0
    for number, query in enumerate(queries):
        middle, stop = start + query.positives, start + len(query.terms)
        scores[number] = shifted[start:middle].prod(axis=0) / (shifted[middle:stop].prod(axis=0) + EPSILON)
        start = stop
    return scores


def check_limits(topn: int, restrict: int | None, least: int | None = None) -> None:
    """Refuse what is no number of words, or a ``topn`` below the ``least`` one.

    Raises
    ------
    ConfigError
    """
    if isinstance(topn, bool) or not isinstance(topn, (int, np.integer)):
        raise ConfigError(
            Name("topn"), f" = {topn!r} is not allowed: expected how many words; distances() has those to all"
        )
    if least is not None and topn < least:
        raise ConfigError(Name("topn"), f" = {topn} is not allowed: expected at least {least}")
    if restrict is not None and restrict < 1:
        raise ConfigError(Name("restrict"), f" = {restrict} is not allowed: expected at least 1, or None for all words")
