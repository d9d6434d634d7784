"""What a model makes of each item of a test set, and the measure of any choice of these items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.correlation import Values, correlation, ranks

Known = npt.NDArray[np.bool_]
Items = npt.NDArray[np.intp]


class Sample(Protocol):
    """Items and a measure of them: all that the bootstrap needs of a test set.

    Attributes
    ----------
    known : bool, (n,)
        Which items the model answers: the others are in no measure. Items of one test set are the same for all models.
    drifts : bool
        Whether the measure of resampled items is another one on average, since some are in it twice.
    """

    drifts: ClassVar[bool]

    @property
    def known(self) -> Known:
        """See above."""

    def measure(self, items: Items) -> Values:
        """The measure of each of some choices of known items, (m, k): (m,) float64, NaN where it is undefined."""


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """The mean over items of a number each, (n,) float64."""

    values: Values
    known: Known
    drifts: ClassVar[bool] = False

    def measure(self, items: Items) -> Values:
        """See `Sample`."""
        found: Values = self.values[items].mean(axis=-1)
        return found


class Shares(Means):
    """The share of items that are right: means of numbers that are 1 or 0."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class RankCorrelations:
    """Spearman's correlation of judgements and cosines of items, (n,) float64 each."""

    judged: Values
    cosines: Values
    known: Known
    drifts: ClassVar[bool] = False

    def measure(self, items: Items) -> Values:
        """See `Sample`."""
        return np.array([correlation(ranks(self.judged[some]), ranks(self.cosines[some])) for some in items])


def value_of(sample: Sample) -> float:
    """The measure of all known items, NaN if there is none."""
    items = np.flatnonzero(sample.known)
    return float(sample.measure(items[None])[0]) if len(items) else float("nan")
