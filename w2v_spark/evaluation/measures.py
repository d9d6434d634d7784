"""What gates measure of a result, alone and beside the one that readers follow now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.evaluation.bootstrap import Difference, compare
from w2v_spark.evaluation.gates import Measured
from w2v_spark.evaluation.kind import Settings
from w2v_spark.evaluation.samples import Sample, value_of
from w2v_spark.evaluation.test_sets import TestSet
from w2v_spark.vectors.keyed_vectors import KeyedVectors


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One of the two results that are compared.

    Attributes
    ----------
    vectors : KeyedVectors
    tokens : int
        All that are counted in it, those of older text included.
    documents : int
        Of the text that was read for it.
    """

    vectors: KeyedVectors
    tokens: int
    documents: int


def measure_numbers(candidate: Result, incumbent: Result | None) -> dict[str, Measured]:
    """How much text there was, and how many words have a vector."""
    results = [candidate, *([] if incumbent is None else [incumbent])]
    numbers = [{"tokens": one.tokens, "documents": one.documents, "vocabulary": len(one.vectors)} for one in results]
    return {
        name: Measured(float(value), None if incumbent is None else float(numbers[1][name]))
        for name, value in numbers[0].items()
    }


def measure_finite(candidate: Result) -> Measured:
    """The share of words whose vector has only finite numbers."""
    count = 0
    for rows in _batches(len(candidate.vectors)):
        count += int(np.isfinite(candidate.vectors.take(rows)).all(axis=1).sum())
    return Measured(count / len(candidate.vectors))


def measure_set(one: TestSet, candidate: Result, incumbent: Result | None) -> Measured:
    """The measure of a test set as `evaluate` gives it: the share of right answers, or Spearman's correlation.

    The noise is that of the measure, over the items whose words both know.
    """

    def sample_of(result: Result) -> Sample:
        return one.kind.score(result.vectors, one.content, Settings(every_method=False)).main

    sample = sample_of(candidate)
    if incumbent is None:
        return _alone(value_of(sample), one.file)
    other = sample_of(incumbent)
    return _beside(value_of(sample), value_of(other), compare(sample, other), one.file)


def measure_overlap(overlaps: Sequence[float] | npt.NDArray[np.float64] | None) -> Measured:
    """The mean share of the ten nearest neighbours that words have in both results; None if none is common."""
    if overlaps is None or not len(overlaps):
        return Measured(math.nan, why="no word is common to both")
    return Measured(float(np.mean(overlaps)))


def common_rows(candidate: pa.Array, incumbent: pa.Array, most: int) -> tuple[npt.NDArray[np.int64], ...]:
    """The rows of words that both have, in the order of the candidate, at most so many: (n,) of each."""
    places = pc.fill_null(pc.index_in(candidate, value_set=incumbent), -1)
    old = np.asarray(places.cast(pa.int64()))
    rows = np.flatnonzero(old >= 0)[:most]
    return rows, old[rows]


def _alone(value: float, file: str) -> Measured:
    return Measured(value, why=f"the vectors know nothing of what {file} asks" if math.isnan(value) else "")


def _beside(value: float, other: float, difference: Difference, file: str) -> Measured:
    few = difference.items < 2 or math.isnan(difference.noise)
    why = f"only {difference.items} of what {file} asks is known to both" if few else ""
    return Measured(value, other, difference, why)


def _batches(count: int, size: int = 1 << 14) -> list[npt.NDArray[np.intp]]:
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]
