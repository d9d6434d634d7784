"""What gates measure of a result, alone and beside the one that readers follow now."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.evaluation.analogies import AnalogySolver, Outcome
from w2v_spark.evaluation.bootstrap import Difference, means, rank_correlations
from w2v_spark.evaluation.gates import Measured
from w2v_spark.evaluation.named_sets import AnalogySet, SimilaritySet
from w2v_spark.evaluation.similarity import correlation, find_cosines, ranks
from w2v_spark.evaluation.suite import ANALOGY_RESTRICT, SIMILARITY_RESTRICT
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


def measure_analogies(questions: AnalogySet, candidate: Result, incumbent: Result | None) -> Measured:
    """The share of right answers, as `evaluate_analogies` counts them.

    The noise is that of the share, over the questions whose words both know.
    """
    asked = [question for section in questions.sections for question in section.questions]
    outcomes = [
        AnalogySolver(one.vectors, ANALOGY_RESTRICT, True).solve(asked)
        for one in (candidate, *([incumbent] if incumbent else []))
    ]
    shares = [_share(outcome) for outcome in outcomes]
    if incumbent is None:
        return _alone(shares[0], questions.file)
    both = (outcomes[0] != Outcome.SKIPPED) & (outcomes[1] != Outcome.SKIPPED)
    right, other = ((outcome[both] == Outcome.RIGHT).astype(np.float64) for outcome in outcomes)
    return _beside(shares[0], shares[1], means(right, other), questions.file)


def measure_similarity(pairs: SimilaritySet, candidate: Result, incumbent: Result | None) -> Measured:
    """Spearman's correlation with the judgements, as `evaluate_similarity` gives it.

    The noise is that of the correlation, over the pairs whose words both know.
    """
    content = pairs.content
    scores = np.array([score for _, _, score in content.pairs], dtype=np.float64)
    found = [
        find_cosines(one.vectors, content.pairs, SIMILARITY_RESTRICT, True, content.tagged)
        for one in (candidate, *([incumbent] if incumbent else []))
    ]
    values = [correlation(ranks(scores[known]), ranks(cosines[known])) for cosines, known in found]
    if incumbent is None:
        return _alone(values[0], pairs.file)
    both = found[0][1] & found[1][1]
    difference = rank_correlations(scores[both], *(cosines[both] for cosines, _ in found))
    return _beside(values[0], values[1], difference, pairs.file)


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


def _share(outcomes: npt.NDArray[np.int8]) -> float:
    answered = int(np.count_nonzero(outcomes != Outcome.SKIPPED))
    return int(np.count_nonzero(outcomes == Outcome.RIGHT)) / answered if answered else math.nan


def _alone(value: float, file: str) -> Measured:
    return Measured(value, why=f"the vectors know nothing of what {file} asks" if math.isnan(value) else "")


def _beside(value: float, other: float, difference: Difference, file: str) -> Measured:
    few = difference.items < 2 or math.isnan(difference.noise)
    why = f"only {difference.items} of what {file} asks is known to both" if few else ""
    return Measured(value, other, difference, why)


def _batches(count: int, size: int = 1 << 14) -> list[npt.NDArray[np.intp]]:
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]
