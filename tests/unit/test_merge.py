import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import merge as naive
from w2v_spark.config import Config, Merge
from w2v_spark.errors import DivergedError
from w2v_spark.kernels.stretch import stretch_rows
from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.training import merge
from w2v_spark.training.exposure import build_exposures

ROWS, DIM = 50, 20


@pytest.fixture
def weights():
    random = np.random.default_rng(3)
    return tuple(random.normal(0, 0.3, (ROWS, DIM)).astype(np.float32) for _ in range(2))


@pytest.fixture
def exposures():
    counts = np.sort(np.random.default_rng(4).geometric(0.01, ROWS))[::-1].astype(np.int64)
    return exposures_of(counts)


def exposures_of(counts):
    config = Config.from_dict({"train": {"sample": 0.01}})
    return build_exposures(counts, config, SamplingTables.build(counts, config.model, config.train.sample))


def shards_of(weights, number, scale=0.05, seed=5):
    random = np.random.default_rng(seed)
    return [tuple((w + random.normal(0, scale, w.shape)).astype(np.float32) for w in weights) for _ in range(number)]


def merged(weights, shards, method, exposures, rate=0.02, threads=0):
    blocks = ([], [])
    for matrix, rows in merge.merge_round(weights, shards, method, exposures, 0.5, rate, threads):
        blocks[matrix].append(rows)
    return tuple(np.concatenate(b) for b in blocks)


def test_mean_is_the_mean(weights, exposures):
    shards = shards_of(weights, 5)
    for m, result in enumerate(merged(weights, shards, Merge.MEAN, exposures)):
        np.testing.assert_allclose(result, np.mean([s[m] for s in shards], axis=0), atol=1e-6)


@pytest.mark.parametrize("method", list(Merge))
def test_one_shard_is_taken_as_it_is(weights, exposures, method):
    (shard,) = shards_of(weights, 1)
    for result, expected in zip(merged(weights, [shard], method, exposures), shard, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_identical_shards_average_to_themselves(weights, exposures):
    (shard,) = shards_of(weights, 1)
    for result, expected in zip(merged(weights, [shard] * 7, Merge.MEAN, exposures), shard, strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("number", [2, 3, 8, 13])
def test_curvature_equals_the_naive_twin(weights, exposures, number):
    shards = shards_of(weights, number)
    means = [np.mean([s[m].astype(float) - weights[m] for s in shards], axis=0) for m in (0, 1)]
    result = merged(weights, shards, Merge.CURVATURE, exposures)
    for m in (0, 1):
        other = weights[1 - m].astype(float) + means[1 - m]
        updates = exposures[m].updates * 0.5 / number
        expected = naive.corrected_mean(
            means[m], other, exposures[m].met, updates, number, 0.02, exposures[m].slope
        )  # fmt: skip
        np.testing.assert_allclose(result[m], weights[m] + expected, atol=2e-5)


def test_correction_recovers_sequential_descent_on_a_quadratic():
    """P shards that each go n steps, corrected, end where one machine ends after P n steps."""
    random = np.random.default_rng(0)
    dim, shards, steps, rate = 8, 16, 30, 0.01
    basis = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    values = np.geomspace(0.01, 30, dim)
    hessian = (basis * values) @ basis.T
    start, optimum = random.normal(size=(2, dim))
    one_shard = naive.sequential_sgd_on_a_quadratic(start, optimum, hessian, rate, steps)
    in_turn = naive.sequential_sgd_on_a_quadratic(start, optimum, hessian, rate, shards * steps)
    correction = merge.Correction.build(
        hessian, np.array([float(steps)]), rate, shards
    )  # fmt: skip
    corrected = start + correction.apply((one_shard - start)[None].astype(np.float32), slice(0, 1))[0]
    assert np.abs(one_shard - in_turn).max() > 0.4
    # The exponential stands for (1 - a h)^n, so a percent of the distance is what can be expected.
    np.testing.assert_allclose(corrected, in_turn, atol=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.floats(0, 50), st.integers(0, 2**32))
def test_stretch_is_the_geometric_sum(shards, scale, seed):
    random = np.random.default_rng(seed)
    block = np.ones((3, 32), np.float32)
    updates, curvature = (scale * random.random(3)).astype(np.float32), random.random(32, np.float32)
    stretch_rows(block, updates, curvature, shards)
    expected = naive.stretch(np.outer(updates, curvature).astype(float), shards)
    np.testing.assert_allclose(block, expected, rtol=1e-5)
    assert (block >= 1 - 1e-6).all()
    assert (block <= shards * (1 + 1e-5)).all()


def test_threads_do_not_change_a_bit(exposures):
    random = np.random.default_rng(1)
    rows = 3 * merge.BLOCK_ROWS + 17
    weights = tuple(random.random((rows, 8), np.float32) for _ in range(2))
    many = exposures_of(np.arange(rows, 0, -1))
    shards = shards_of(weights, 3)
    one, four = (merged(weights, shards, Merge.CURVATURE, many, threads=t) for t in (1, 4))
    for a, b in zip(one, four, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("matrix", [0, 1])
def test_weights_that_are_not_finite_stop_the_merge(weights, exposures, bad, number, matrix):
    shards = shards_of(weights, number)
    shards[-1][matrix][17, 3] = bad
    blocks = merge.merge_round(weights, shards, Merge.CURVATURE, exposures, 0.5, 0.02)
    with pytest.raises(DivergedError, match="NaN or infinite"):
        next(blocks)
