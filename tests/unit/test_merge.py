from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import merge as naive
from w2v_spark.config import Config, Merge
from w2v_spark.errors import DivergedError
from w2v_spark.kernels.merge import TILE_ROWS, add_stretch
from w2v_spark.kernels.product import add_product
from w2v_spark.models.tables import SamplingTables
from w2v_spark.storage import Directory
from w2v_spark.training import merge
from w2v_spark.training import row_ranges as row_ranges_module
from w2v_spark.training.correction import (
    Correction,
    Curvature,
    curvatures_of,
    moments_of,
    second_moment,
    sum_moments,
)
from w2v_spark.training.matrix_files import WeightFile
from w2v_spark.training.row_ranges import CHUNK_ROWS, plan_row_ranges
from w2v_spark.training.update_statistics import build_update_statistics
from w2v_spark.training.weights import WeightShape, open_matrices

ROWS, DIM, SLOPE, RATE, ROUND = 50, 20, 0.12, 0.02, 4


@pytest.fixture
def weights():
    random = np.random.default_rng(3)
    return tuple(random.normal(0, 0.3, (ROWS, DIM)).astype(np.float32) for _ in range(2))


@pytest.fixture
def statistics():
    counts = np.sort(np.random.default_rng(4).geometric(0.01, ROWS))[::-1].astype(np.int64)
    return statistics_of(counts)


def statistics_of(counts):
    config = Config.from_dict({"train": {"sample": 0.01}})
    return build_update_statistics(counts, config, SamplingTables.build(counts, config.model, config.train.sample))


def shards_of(weights, number, scale=0.05, seed=5):
    random = np.random.default_rng(seed)
    return [tuple((w + random.normal(0, scale, w.shape)).astype(np.float32) for w in weights) for _ in range(number)]


def merged(tmp_path, weights, shards, method, statistics, rate=RATE):
    """All row ranges of a round, written and read again; the new matrices, and their moments."""
    shape = WeightShape({"w_in": len(weights[0]), "w_out": len(weights[1])}, weights[0].shape[1])
    directory = Directory.open(tmp_path / "merged").create()
    corrections = (None, None)
    if method is Merge.CURVATURE:
        before = np.stack([moments_of(weights[m], statistics[1 - m].partner_counts, shape.dim) for m in (0, 1)])
        curvatures = curvatures_of(before, statistics)
        corrections = [Correction.build(each, SLOPE, 0.5, rate, len(shards)) for each in curvatures]
    row_ranges, files, moments = plan_row_ranges(shape), {name: [] for name in shape.rows}, []
    for number, row_range in enumerate(row_ranges):
        m, file = row_range.matrix, f"{number}.npy"
        mine = [s[m] for s in shards]
        moment, checksum = merge.merge_row_range(
            row_range, weights[m], mine, statistics, corrections[m], ROUND, directory, file
        )
        moments.append(moment)
        files[("w_in", "w_out")[m]].append(WeightFile(file, row_range.stop - row_range.start, checksum))
    result = open_matrices(directory, shape, files)
    return tuple(matrix[0 : len(matrix)] for matrix in result), sum_moments(moments, row_ranges)


def test_mean_is_the_mean(weights, statistics, tmp_path):
    shards = shards_of(weights, 5)
    for m, result in enumerate(merged(tmp_path, weights, shards, Merge.MEAN, statistics)[0]):
        np.testing.assert_allclose(result, np.mean([s[m] for s in shards], axis=0), atol=1e-6)


@pytest.mark.parametrize("method", list(Merge))
def test_one_shard_is_taken_as_it_is(weights, statistics, method, tmp_path):
    (shard,) = shards_of(weights, 1)
    for result, expected in zip(merged(tmp_path, weights, [shard], method, statistics)[0], shard, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_no_shard_leaves_the_weights_as_they_were(weights, statistics, tmp_path):
    for result, expected in zip(merged(tmp_path, weights, [], Merge.MEAN, statistics)[0], weights, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_identical_shards_average_to_themselves(weights, statistics, tmp_path):
    (shard,) = shards_of(weights, 1)
    for result, expected in zip(merged(tmp_path, weights, [shard] * 7, Merge.MEAN, statistics)[0], shard, strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("number", [2, 3, 8, 13])
@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_curvature_equals_the_naive_twin(weights, statistics, number, floor, tmp_path):
    statistics = tuple(replace(each, curvature_floor=floor) for each in statistics)
    shards = shards_of(weights, number)
    steps = [np.stack([s[m].astype(float) - weights[m] for s in shards]) for m in (0, 1)]
    turns = (np.arange(ROWS) + ROUND) % number
    result, moments = merged(tmp_path, weights, shards, Merge.CURVATURE, statistics)
    for m in (0, 1):
        expected = naive.corrected_mean(
            steps[m].mean(0), steps[m][turns, np.arange(ROWS)], weights[1 - m].astype(float),
            statistics[m].partner_counts, statistics[m].updates * 0.5 / number, number, RATE, SLOPE,
            statistics[m].centered_weight, statistics[m].curvature_floor,
        )  # fmt: skip
        np.testing.assert_allclose(result[m], weights[m] + expected, atol=2e-5)
        np.testing.assert_allclose(moments[m], moments_of(result[m], statistics[1 - m].partner_counts, DIM), rtol=1e-4)


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
    correction = Correction.build(
        Curvature.decompose(hessian), 1.0, shards, rate, shards
    )  # a shard has trained an epoch of its part
    mean = (one_shard - start)[None].astype(np.float32)
    corrected = correction.apply(start[None].astype(np.float32), mean, mean, np.array([float(steps)]))[0]
    assert np.abs(one_shard - in_turn).max() > 0.4
    # The exponential stands for (1 - a h)^n, so a percent of the distance is what can be expected.
    np.testing.assert_allclose(corrected, in_turn, atol=0.02)


def test_noise_is_that_of_shards_in_turn():
    """Over many rows the corrected mean has the mean and the variance of a chain that adds each shard's noise."""
    random = np.random.default_rng(0)
    rows, shards, dim = 20_000, 8, 6
    values = np.geomspace(0.003, 3, dim)[::-1]
    steps = random.normal(0.5, 1, (shards, rows, dim)).astype(np.float32)
    in_turn = naive.in_turn(steps.astype(float), values)
    correction = Correction.build(Curvature.decompose(np.diag(values)), 1.0, shards, 1.0, shards)
    one = steps[np.arange(rows) % shards, np.arange(rows)]
    corrected = correction.apply(np.zeros_like(one), steps.mean(0), one, np.ones(rows))
    np.testing.assert_allclose(corrected.mean(0), in_turn.mean(0), atol=0.1)
    np.testing.assert_allclose(corrected.std(0), in_turn.std(0), rtol=0.03)
    assert (naive.stretch(values, shards) * steps.mean(0)).std(0)[0] < 0.4 * in_turn.std(0)[0]  # what is put right


@pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0])
def test_directions_that_have_barely_moved_may_be_left_out(size):
    random = np.random.default_rng(0)
    shards, dim = 16, 40
    values = size * np.geomspace(1e-3, 1, dim)
    correction = Correction.build(Curvature.decompose(np.diag(values)), 1.0, shards, 1.0, shards)
    before, mean, one = random.normal(size=(3, 300, dim)).astype(np.float32)
    updates = random.random(300)
    x = np.outer(updates, values)
    expected = before + naive.stretch(x, shards) * mean + naive.noise_part(x, shards) * (one - mean)
    np.testing.assert_allclose(correction.apply(before, mean, one, updates), expected, atol=0.02 * shards)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.floats(0, 50), st.integers(0, 2**32))
def test_stretch_is_the_geometric_sum_and_noise_what_it_lacks(shards, scale, seed):
    random = np.random.default_rng(seed)
    updates, curvature = (scale * random.random(3)).astype(np.float32), random.random(32, np.float32)
    x = np.outer(updates, curvature).astype(float)
    mean, one = np.ones((3, 32), np.float32), np.ones((3, 32), np.float32)
    add_stretch(mean, one, updates, curvature, shards)
    np.testing.assert_allclose(mean + shards, naive.stretch(x, shards), rtol=1e-5, atol=1e-5 * shards)
    mean = np.zeros_like(one)
    add_stretch(mean, one, updates, curvature, shards)
    expected = naive.noise_part(x, shards)
    np.testing.assert_allclose(
        mean.astype(float) ** 2, expected**2, atol=1e-5 * shards
    )  # what is rounded is the square
    np.testing.assert_allclose(mean, expected, atol=1e-3 * shards**0.5)  # and near zero its root shows it


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 11), st.integers(1, 40), st.integers(1, 5), st.integers(0, 20), st.booleans(), st.integers(0, 2**32)
)
def test_product_is_the_sum_in_order(rows, depth, registers, unused, transposed, seed):
    random = np.random.default_rng(seed)
    a = random.normal(size=(depth, rows) if transposed else (rows, depth)).astype(np.float32)
    a = a.T if transposed else a
    b = random.normal(size=(depth, 16 * registers + unused)).astype(np.float32)
    out = random.normal(size=(rows, 16 * registers)).astype(np.float32)
    columns = slice(0, out.shape[1])
    expected = out + a.astype(float) @ b[:, columns]
    each = out.copy()
    for k in range(depth):
        add_product(a[:, k : k + 1], b[k : k + 1], each)
    add_product(a, b, out)
    np.testing.assert_allclose(out, expected, atol=1e-4)
    np.testing.assert_array_equal(out, each)


def test_every_shard_has_its_turn_for_a_row():
    before, shards = np.zeros((10, 2), np.float32), [np.full((10, 2), p, np.float32) for p in range(4)]
    for number in range(8):
        mean, one = merge.displacements(before, shards, slice(3, 10), number)
        np.testing.assert_array_equal(mean, np.full((7, 2), 1.5))
        np.testing.assert_array_equal(one[:, 0], (np.arange(3, 10) + number) % 4)


@pytest.mark.parametrize("dim", [16, 20, 48, 100])
@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("scale", [0.0, 0.3, 30.0])
def test_whole_matrices_are_merged_at_once_with_the_same_bits(dim, count, scale):
    random = np.random.default_rng(count)
    before = random.normal(size=(2 * TILE_ROWS + 30, dim)).astype(np.float32)
    shards = [before + random.normal(0, 0.1, before.shape).astype(np.float32) for _ in range(count)]
    curvature = Curvature.decompose(np.cov(random.normal(size=(dim, 4 * dim))) * np.linspace(1, 0, dim) ** 4)
    correction = Correction.build(curvature, 0.2, 0.5, 0.02, count)
    updates, rows = scale * np.geomspace(1000, 1, len(before)), slice(3, len(before))
    for number in range(3):
        mean, sample = merge.displacements(before, shards, rows, number)
        expected = correction.apply(before[rows], mean, sample, updates[rows])
        found = correction.merge(before[rows], [shard[rows] for shard in shards], rows.start + number, updates[rows])
        np.testing.assert_array_equal(found.view(np.int32), expected.view(np.int32))
        assert (found == np.float32(count) * mean + before[rows]).all() == (scale == 0)


def test_rows_met_alike_stand_for_each_other():
    random = np.random.default_rng(0)
    weights, counts = random.normal(0.2, 1, (2048, 5)).astype(np.float32), np.linspace(1, 1.9, 2048)
    moment, exact = second_moment(weights, counts), (weights * counts[:, None]).T @ weights
    np.testing.assert_allclose(moment[:-1], exact, atol=0.25 * np.diag(exact).mean())
    np.testing.assert_allclose(np.diag(moment), np.diag(exact), rtol=0.25)
    counts[0] = 100
    np.testing.assert_allclose(second_moment(weights, counts)[:-1], (weights * counts[:, None]).T @ weights, rtol=1e-4)


def test_row_ranges_cover_both_matrices_in_whole_chunks():
    shape = WeightShape({"w_in": 200_000, "w_node": 199_999}, 100)
    row_ranges = plan_row_ranges(shape)
    for m, rows in enumerate(shape.rows.values()):
        mine = [row_range for row_range in row_ranges if row_range.matrix == m]
        assert [row_range.start for row_range in mine] == [0, *(row_range.stop for row_range in mine[:-1])]
        assert mine[-1].stop == rows
        assert len(mine) == 8
        assert all(row_range.start % CHUNK_ROWS == 0 for row_range in mine)
        assert [chunk.start for row_range in mine for chunk in row_range.chunks] == [*range(0, rows, CHUNK_ROWS)]


def test_the_size_of_row_ranges_does_not_change_a_bit(monkeypatch, tmp_path):
    random = np.random.default_rng(1)
    rows = 3 * CHUNK_ROWS + 17
    weights = tuple(random.random((rows, 8), np.float32) for _ in range(2))
    many, shards = statistics_of(np.arange(rows, 0, -1)), shards_of(weights, 3)
    (tmp_path / "a").mkdir()
    one, _ = merged(tmp_path / "a", weights, shards, Merge.CURVATURE, many)
    monkeypatch.setattr(row_ranges_module, "RANGE_BYTES", 1)
    small, _ = merged(tmp_path, weights, shards, Merge.CURVATURE, many)
    for a, b in zip(one, small, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("matrix", [0, 1])
def test_weights_that_are_not_finite_stop_the_merge(weights, statistics, bad, number, matrix, tmp_path):
    shards = shards_of(weights, number)
    shards[-1][matrix][17, 3] = bad
    with pytest.raises(DivergedError, match="NaN or infinite"):
        merged(tmp_path, weights, shards, Merge.CURVATURE, statistics)
