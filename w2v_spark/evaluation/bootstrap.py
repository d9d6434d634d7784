"""The bootstrap: how much of a measure, and of a difference of two results, is the chance of the items there are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from w2v_spark.evaluation.correlation import Values
from w2v_spark.evaluation.samples import Items, Sample, value_of

RESAMPLES: Final = 2_000
SEED: Final = 1
LEVEL: Final = 0.95
_NO_INTERVAL: Final = (math.nan, math.nan)
_NUMBERS_AT_ONCE: Final = 1 << 21


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure of one result.

    Attributes
    ----------
    value : float
    noise : float
        Standard deviation over the resamples; NaN where there are too few items.
    interval : tuple of float
        The middle 95 % over the resamples.
    items : int
        How many items it is of.
    """

    value: float
    noise: float
    interval: tuple[float, float]
    items: int


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


def estimate(sample: Sample, seed: int = SEED) -> Estimate:
    """The measure of the items that a result answers, and how far it would vary with other items.

    Notes
    -----
    The interval is the percentile interval. Where the measure of resampled items drifts, the interval is moved back by
    what their mean is off.
    """
    known = np.flatnonzero(sample.known)
    drawn = _draw(len(known), lambda items: sample.measure(known[items]), seed)
    return Estimate(value_of(sample), *_spread(drawn, value_of(sample) if sample.drifts else None), len(known))


def compare(candidate: Sample, incumbent: Sample, seed: int = SEED) -> Difference:
    """The same measure of two results, over the items that both answer."""
    both = np.flatnonzero(candidate.known & incumbent.known)

    def measure(items: Items) -> tuple[Values, Values]:
        return candidate.measure(both[items]), incumbent.measure(both[items])

    return _difference(len(both), measure, seed, candidate.drifts)


def ratios(candidate: Values, incumbent: Values, weights: tuple[Values, Values]) -> Difference:
    """Sums over items divided by the sums of their weights, (n,) each: the mean loss of a pair, with items of text."""

    def measure(items: Items) -> tuple[Values, Values]:
        first, second = (
            sums[items].sum(axis=-1) / weight[items].sum(axis=-1)
            for sums, weight in zip((candidate, incumbent), weights, strict=True)
        )
        return first, second

    return _difference(len(candidate), measure)


def _difference(
    count: int, measure: Callable[[Items], tuple[Values, Values]], seed: int = SEED, drifts: bool = False
) -> Difference:
    """Draw items with replacement, the same for both results, again and again.

    Parameters
    ----------
    count : int
        Items.
    measure : function
        Of rows of items, (m, n), the measures of candidate and incumbent, (m,) each.
    seed : int
    drifts : bool
        See `Sample`.

    Notes
    -----
    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 6; the interval is the percentile
    interval of chapter 13. The draws are the same in every process.
    """
    if not count:
        return Difference(math.nan, math.nan, math.nan, _NO_INTERVAL, 0)
    candidate, incumbent = (float(np.ravel(value)[0]) for value in measure(np.arange(count)[None]))

    def differ(items: Items) -> Values:
        first, second = measure(items)
        return first - second

    spread = _spread(_draw(count, differ, seed), candidate - incumbent if drifts else None)
    return Difference(candidate, incumbent, *spread, count)


def _draw(count: int, measure: Callable[[Items], Values], seed: int) -> Values:
    """The measure of resampled items, as often as it is defined; nothing of fewer than two items."""
    if count < 2:
        return np.empty(0)
    drawn: list[Values] = []
    for items in _resamples(count, seed):
        found = measure(items)
        drawn.append(found[np.isfinite(found)])  # a correlation of items that happen to be all equal is none
    return np.concatenate(drawn)


def _spread(drawn: Values, centre: float | None = None) -> tuple[float, tuple[float, float]]:
    """Standard deviation and middle of what was drawn, moved so that its mean is the centre if there is one."""
    if len(drawn) < RESAMPLES // 2:
        return math.nan, _NO_INTERVAL
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]).tolist()
    shift = 0.0 if centre is None else centre - float(drawn.mean())
    return float(drawn.std()), (low + shift, high + shift)


def _resamples(count: int, seed: int) -> Iterator[Items]:
    """Rows of items, (m, count), `RESAMPLES` rows in all."""
    random, rows = np.random.Generator(np.random.PCG64(seed)), max(1, _NUMBERS_AT_ONCE // count)
    for start in range(0, RESAMPLES, rows):
        yield random.integers(count, size=(min(rows, RESAMPLES - start), count), dtype=np.intp)
