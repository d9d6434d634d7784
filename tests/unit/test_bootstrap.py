"""The paired bootstrap, against scipy's and against cases that can be worked out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from w2v_spark.evaluation.bootstrap import Difference, compare, estimate, ratios
from w2v_spark.evaluation.clusters import VMeasures
from w2v_spark.evaluation.mcnemar import mcnemar
from w2v_spark.evaluation.samples import Means, RankCorrelations, Shares

RANDOM = np.random.default_rng(7)
N = 300


def means(one: np.ndarray, other: np.ndarray) -> Difference:
    known = np.ones(len(one), dtype=bool)
    return compare(Means(one, known), Means(other, known))


def rank_correlations(judged: np.ndarray, one: np.ndarray, other: np.ndarray) -> Difference:
    known = np.ones(len(one), dtype=bool)
    return compare(RankCorrelations(judged, one, known), RankCorrelations(judged, other, known))


def test_two_items_can_be_worked_out() -> None:
    """The mean of two draws from {0, 1} is 0, 1/2, 1 with the chances 1/4, 1/2, 1/4: deviation sqrt(1/8)."""
    found = means(np.array([1.0, 1.0]), np.array([0.0, 1.0]))
    assert (found.candidate, found.incumbent, found.items) == (1.0, 0.5, 2)
    assert found.noise == pytest.approx(math.sqrt(1 / 8), rel=0.05)
    assert found.interval == (0.0, 1.0)


def test_means_are_those_of_scipy() -> None:
    one = (RANDOM.random(N) < 0.6).astype(float)
    other = np.where(RANDOM.random(N) < 0.8, one, 1 - one)
    found = means(one, other)
    expected = stats.bootstrap((one - other,), np.mean, n_resamples=4000, method="percentile", rng=RANDOM)
    assert found.candidate - found.incumbent == pytest.approx((one - other).mean())
    assert found.noise == pytest.approx(expected.standard_error, rel=0.08)
    assert found.noise == pytest.approx((one - other).std() / math.sqrt(N), rel=0.05)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval), abs=0.015)


def test_pairing_takes_out_what_both_share() -> None:
    """Noise of the difference, not of either: here both measures vary by far more than they differ by."""
    hard = RANDOM.normal(0, 1, N)
    one, other = hard + RANDOM.normal(0, 0.01, N), hard + RANDOM.normal(0, 0.01, N)
    assert means(one, other).noise < 0.02 * hard.std() / math.sqrt(N) * 1.5


def test_ratios_are_those_of_scipy() -> None:
    pairs = RANDOM.integers(1, 50, N).astype(float)
    one, other = (pairs * RANDOM.normal(mean, 0.3, N) for mean in (2.0, 2.1))

    def difference(a: np.ndarray, b: np.ndarray, n: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(a.sum(axis) / n.sum(axis) - b.sum(axis) / n.sum(axis))

    found = ratios(one, other, (pairs, pairs))
    expected = stats.bootstrap(
        (one, other, pairs), difference, paired=True, n_resamples=4000, method="percentile", rng=RANDOM
    )
    assert found.candidate == pytest.approx(one.sum() / pairs.sum())
    assert found.noise == pytest.approx(expected.standard_error, rel=0.08)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval), abs=0.02)


def test_rank_correlations_are_those_of_scipy() -> None:
    scores = np.round(RANDOM.random(N) * 10)  # ties
    one, other = scores + RANDOM.normal(0, 3, N), scores + RANDOM.normal(0, 4, N)

    def spearman(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float(stats.spearmanr(a, b).statistic - stats.spearmanr(a, c).statistic)

    found = rank_correlations(scores, one, other)
    expected = stats.bootstrap(
        (scores, one, other), spearman, paired=True, vectorized=False, n_resamples=1000, method="percentile", rng=RANDOM
    )
    assert found.candidate == pytest.approx(stats.spearmanr(scores, one).statistic)
    assert found.incumbent == pytest.approx(stats.spearmanr(scores, other).statistic)
    assert found.noise == pytest.approx(expected.standard_error, rel=0.1)


def test_the_same_draws_in_every_process_and_in_any_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = RANDOM.random(50), RANDOM.random(50)
    first = means(one, other)
    assert means(one, other) == first
    monkeypatch.setattr("w2v_spark.evaluation.bootstrap._NUMBERS_AT_ONCE", 50 * 7)
    assert means(one, other) == first


def test_equal_results_have_no_noise() -> None:
    values = RANDOM.random(N)
    found = means(values, values)
    assert (found.noise, found.interval) == (0.0, (0.0, 0.0))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_items_have_no_noise_either(count: int) -> None:
    found = means(np.ones(count), np.zeros(count))
    assert math.isnan(found.noise)
    assert found.items == count
    assert found.to_dict()["noise"] is None
    assert math.isnan(rank_correlations(np.ones(count), np.ones(count), np.ones(count)).noise)


def test_correlations_without_any_order_have_no_noise() -> None:
    assert math.isnan(rank_correlations(np.ones(9), RANDOM.random(9), RANDOM.random(9)).noise)


def test_one_measure_is_that_of_scipy() -> None:
    values = RANDOM.exponential(size=N)
    known = RANDOM.random(N) < 0.8
    found = estimate(Means(values, known))
    expected = stats.bootstrap((values[known],), np.mean, n_resamples=4000, method="percentile", rng=RANDOM)
    assert found.value == pytest.approx(values[known].mean())
    assert found.items == known.sum()
    assert found.noise == pytest.approx(expected.standard_error, rel=0.08)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval), abs=0.03)


def test_one_rank_correlation_with_ties_is_that_of_scipy() -> None:
    judged = np.round(RANDOM.random(N) * 4)
    cosines = np.round(judged + RANDOM.normal(0, 2, N))
    known = np.ones(N, dtype=bool)
    found = estimate(RankCorrelations(judged, cosines, known))
    expected = stats.bootstrap(
        (judged, cosines), lambda a, b: float(stats.spearmanr(a, b).statistic), paired=True, vectorized=False,
        n_resamples=1000, method="percentile", rng=RANDOM,
    )  # fmt: skip
    assert found.value == pytest.approx(stats.spearmanr(judged, cosines).statistic)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval), abs=0.02)


def test_only_items_that_both_know_are_compared() -> None:
    one, other = RANDOM.random(N), RANDOM.random(N)
    knows, also = RANDOM.random(N) < 0.7, RANDOM.random(N) < 0.7
    found, both = compare(Means(one, knows), Means(other, also)), knows & also
    assert found == means(one[both], other[both])
    assert 0 < found.items < N


def test_another_seed_is_another_draw() -> None:
    sample = Means(RANDOM.random(N), np.ones(N, dtype=bool))
    assert estimate(sample, 1) == estimate(sample, 1)
    assert estimate(sample, 1).interval != estimate(sample, 2).interval
    assert estimate(sample, 1).value == estimate(sample, 2).value


def test_an_interval_of_a_measure_that_drifts_is_about_its_value() -> None:
    """Labels that have nothing to do with each other: resampled ones agree more, since words are in them twice."""
    classes, clusters, known = RANDOM.integers(8, size=60), RANDOM.integers(8, size=60), np.ones(60, dtype=bool)
    sample = VMeasures(classes, clusters, known)
    found = estimate(sample)
    assert sample.measure(RANDOM.integers(60, size=(500, 60))).mean() > found.value + 2 * found.noise
    assert found.interval[0] < found.value < found.interval[1]
    difference = compare(sample, VMeasures(classes, classes, known))
    assert difference.interval[0] < difference.candidate - difference.incumbent < difference.interval[1]


@pytest.mark.parametrize(("only_one", "only_other"), [(0, 0), (1, 0), (3, 9), (9, 3), (5, 5), (40, 75), (1200, 1500)])
def test_mcnemar_is_the_binomial_test_of_scipy(only_one: int, only_other: int) -> None:
    one = np.concatenate([np.ones(only_one), np.zeros(only_other), np.ones(7), np.zeros(8), np.ones(30)])
    other = np.concatenate([np.zeros(only_one), np.ones(only_other), np.ones(7), np.zeros(8), np.zeros(30)])
    known = np.arange(len(one)) < len(one) - 30
    found = mcnemar(Shares(one, known), Shares(other, np.ones(len(one), dtype=bool)))
    assert (found.only_candidate, found.only_incumbent) == (only_one, only_other)
    expected = stats.binomtest(only_one, only_one + only_other).pvalue if only_one + only_other else 1.0
    assert found.p == pytest.approx(expected, rel=1e-9)
