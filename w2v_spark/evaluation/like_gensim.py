"""The evaluations with the arguments and the results of gensim's methods, for `KeyedVectors`."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any

from w2v_spark.errors import InputError
from w2v_spark.evaluation.analogies import AnalogySolver, Outcome, read_analogies
from w2v_spark.evaluation.pair_files import read_pairs
from w2v_spark.evaluation.similarity import evaluate_similarity
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Statistic = tuple[float, float]
"""A coefficient and its two-sided p-value."""


def word_pairs(
    vectors: KeyedVectors,
    path: str | PathLike[str],
    delimiter: str | None,
    encoding: str,
    restrict: int,
    ignore_case: bool,
    unknown_as_zero: bool,
) -> tuple[Statistic, Statistic, float]:
    """Pearson's and Spearman's correlation, and the percentage of pairs with an unknown word.

    Raises
    ------
    InputError
        What `read_pairs` raises, or no pair has two known words and unknown ones do not count.
    """
    content = read_pairs(path, delimiter, encoding)
    result = evaluate_similarity(vectors, content.pairs, restrict, ignore_case, content.tagged, unknown_as_zero)
    if not (result.pairs or unknown_as_zero):
        raise InputError(f"{path}: none of its {result.skipped} pairs has two known words")
    count = result.pairs + unknown_as_zero * result.skipped
    pearson, spearman = ((value, p_value(value, count)) for value in (result.pearson, result.spearman))
    return pearson, spearman, 100 * result.skipped / (result.pairs + result.skipped)


def word_analogies(
    vectors: KeyedVectors, path: str | PathLike[str], restrict: int, ignore_case: bool, unknown_as_wrong: bool
) -> tuple[float, list[dict[str, Any]]]:
    """The fraction of right answers, and what was right and wrong in each section and in all of them together."""
    solver = AnalogySolver(vectors, restrict, ignore_case)
    wrong = {Outcome.WRONG, Outcome.SKIPPED} if unknown_as_wrong else {Outcome.WRONG}
    sections: list[dict[str, Any]] = []
    for section in read_analogies(path):
        outcomes = solver.solve(section.questions).tolist()
        pairs = list(zip(section.questions, outcomes, strict=True))
        correct = [question for question, outcome in pairs if outcome == Outcome.RIGHT]
        incorrect = [question for question, outcome in pairs if outcome in wrong]
        sections.append({"section": section.name, "correct": correct, "incorrect": incorrect})
    correct, incorrect = ([q for section in sections for q in section[key]] for key in ("correct", "incorrect"))
    total = {"section": "Total accuracy", "correct": correct, "incorrect": incorrect}
    answered = len(correct) + len(incorrect)
    return len(correct) / answered if answered else 0.0, [*sections, total]


def p_value(correlation: float, count: int) -> float:
    """The chance of a correlation that is as far from 0 if there is none, 0..1; NaN if it is undefined.

    By the t-distribution with ``count - 2`` degrees of freedom: exact for Pearson's coefficient of normal values, the
    usual approximation for Spearman's. 1 for two values.
    """
    if math.isnan(correlation) or count <= 2:
        return 1.0 if count == 2 and not math.isnan(correlation) else math.nan
    return _incomplete_beta(count / 2 - 1, 0.5, max(0.0, (1 - correlation) * (1 + correlation)))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b).

    By its continued fraction. Source: Press et al. 2007, "Numerical Recipes", third edition, section 6.4.
    """
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + factor * d or tiny)
            c = 1 + factor / c or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value
