"""The paired bootstrap, against scipy's and against cases that can be worked out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from w2v_spark.evaluation.bootstrap import means, rank_correlations, ratios

RANDOM = np.random.default_rng(7)
N = 300


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
