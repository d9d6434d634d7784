"""The paired bootstrap: how much of a difference between two results is chance, given the items that both answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.similarity import correlation, ranks

Values = npt.NDArray[np.float64]
Items = npt.NDArray[np.intp]

RESAMPLES: Final = 2_000
_SEED: Final = 1
_LEVEL: Final = 0.95
_NUMBERS_AT_ONCE: Final = 1 << 21


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure of two results on the same items.

    Attributes
    ----------
    candidate, incumbent : float
        The measure of each, on the items that both answer.
    noise : float
        Standard deviation of candidate - incumbent over the resamples; NaN where there are too few items.
    interval : tuple of float
        The middle 95 % of candidate - incumbent over the resamples.
    items : int
        How many items both answer.
    """

    candidate: float
    incumbent: float
    noise: float
    interval: tuple[float, float]
    items: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, in which there is no NaN."""
        return {
            "items": self.items,
            "candidate": finite(self.candidate),
            "incumbent": finite(self.incumbent),
            "difference": finite(self.candidate - self.incumbent),
            "noise": finite(self.noise),
            "interval": [finite(end) for end in self.interval],
        }


def finite(value: float) -> float | None:
    """The value, or None if it is NaN or infinite."""
    return float(value) if math.isfinite(value) else None


def means(candidate: Values, incumbent: Values) -> Difference:
    """Means over items, (n,) each: of answers that are 1 or 0, for example."""
    return _difference(len(candidate), lambda items: (candidate[items].mean(axis=-1), incumbent[items].mean(axis=-1)))


def ratios(candidate: Values, incumbent: Values, weights: tuple[Values, Values]) -> Difference:
    """Sums over items divided by the sums of their weights, (n,) each: the mean loss of a pair, with items of text."""

    def measure(items: Items) -> tuple[Values, Values]:
        first, second = (
            sums[items].sum(axis=-1) / weight[items].sum(axis=-1)
            for sums, weight in zip((candidate, incumbent), weights, strict=True)
        )
        return first, second

    return _difference(len(candidate), measure)


def rank_correlations(scores: Values, candidate: Values, incumbent: Values) -> Difference:
    """Spearman's correlation of human judgements with the cosines of each result, (n,) each."""

    def measure(items: Items) -> tuple[Values, Values]:
        pairs = []
        for some in np.atleast_2d(items):
            judged = ranks(scores[some])
            pairs.append([correlation(judged, ranks(cosines[some])) for cosines in (candidate, incumbent)])
        first, second = np.array(pairs).T
        return first, second

    return _difference(len(scores), measure)


def _difference(count: int, measure: Callable[[Items], tuple[Values, Values]]) -> Difference:
    """Draw items with replacement, the same for both results, again and again.

    Parameters
    ----------
    count : int
        Items.
    measure : function
        Of rows of items, (m, n), the measures of candidate and incumbent, (m,) each.

    Notes
    -----
    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 6; the interval is the percentile
    interval of chapter 13. The draws are the same in every process.
    """
    if not count:
        return Difference(math.nan, math.nan, math.nan, (math.nan, math.nan), 0)
    candidate, incumbent = (float(np.ravel(value)[0]) for value in measure(np.arange(count)[None]))
    drawn = np.concatenate([first - second for first, second in map(measure, _resamples(count))])
    drawn = drawn[np.isfinite(drawn)]  # a correlation of items that happen to be all equal is none
    if count < 2 or len(drawn) < RESAMPLES // 2:
        return Difference(candidate, incumbent, math.nan, (math.nan, math.nan), count)
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]).tolist()
    return Difference(candidate, incumbent, float(drawn.std()), (low, high), count)


def _resamples(count: int) -> Iterator[Items]:
    """Rows of items, (m, count), `RESAMPLES` rows in all."""
    random, rows = np.random.Generator(np.random.PCG64(_SEED)), max(1, _NUMBERS_AT_ONCE // count)
    for start in range(0, RESAMPLES, rows):
        yield random.integers(count, size=(min(rows, RESAMPLES - start), count), dtype=np.intp)
