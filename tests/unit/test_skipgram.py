import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import skipgram as naive
from w2v_spark.kernels import rng
from w2v_spark.kernels.skipgram import KEPT, LOSS, PAIRS, STATISTICS, skipgram_ns
from w2v_spark.kernels.step import aligned_zeros, build_masks, build_workspace, padded
from w2v_spark.sampling.alias import build_alias_table, noise_probabilities
from w2v_spark.sampling.subsample import keep_thresholds


class Case:
    """Everything that one call of the kernel needs, for a random corpus."""

    def __init__(self, seed=0, words=40, dim=20, window=5, negatives=5, sentences=10, sample=0.05, longest=30):
        self.random = np.random.default_rng(seed)
        self.dim, self.window, self.negatives = dim, window, negatives
        lengths = self.random.integers(1, longest, sentences)
        self.offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        self.ids = np.minimum(self.random.geometric(0.1, self.offsets[-1]) - 1, words - 1).astype(np.int32)
        self.counts = np.maximum(np.bincount(self.ids, minlength=words), 1)
        self.accept, self.alias = build_alias_table(noise_probabilities(self.counts, 0.75))
        self.keep = keep_thresholds(self.counts, sample)
        self.w_in, self.w_out = (self.random.normal(0, 0.5, (words, dim)).astype(np.float32) for _ in range(2))

    def kernel(self, position=1000, key=None, first=0.05, fall=1e-6, last=1e-4, sentences=None):
        offsets = self.offsets if sentences is None else self.offsets[: sentences + 1]
        w_in, w_out = (aligned_zeros(len(w), padded(self.dim)) for w in (self.w_in, self.w_out))
        w_in[:, : self.dim], w_out[:, : self.dim] = self.w_in, self.w_out
        statistics = np.zeros(STATISTICS)
        skipgram_ns(
            self.ids, offsets, position, np.uint64(key or rng.stream_key(7, 2, 3)), w_in, w_out, self.accept,
            self.alias, self.keep, self.window, self.negatives, first, fall, last, build_masks(),
            build_workspace(self.window, self.negatives, self.dim), statistics,
        )  # fmt: skip
        assert not w_in[:, self.dim :].any()
        assert not w_out[:, self.dim :].any()
        return w_in[:, : self.dim], w_out[:, : self.dim], statistics

    def naive(self, position=1000, first=0.05, fall=1e-6, last=1e-4, sentences=None):
        offsets = self.offsets if sentences is None else self.offsets[: sentences + 1]
        w_in, w_out = self.w_in.astype(float), self.w_out.astype(float)
        result = naive.train(
            self.ids, offsets, position, naive.stream_key(7, 2, 3), w_in, w_out, self.accept, self.alias,
            self.keep, self.window, self.negatives, lambda p: max(first - fall * p, last),
        )  # fmt: skip
        return w_in, w_out, result


@pytest.mark.parametrize("sentences", [1, 10])
@pytest.mark.parametrize("dim", [1, 15, 16, 17, 64, 100, 300])
def test_equals_the_naive_twin(dim, sentences):
    case = Case(dim=dim)
    w_in, w_out, statistics = case.kernel(sentences=sentences)
    expected_in, expected_out, (loss, pairs, kept) = case.naive(sentences=sentences)
    np.testing.assert_allclose(w_in, expected_in, atol=1e-5)
    np.testing.assert_allclose(w_out, expected_out, atol=1e-5)
    assert statistics[PAIRS] == pairs
    assert statistics[KEPT] == kept
    assert statistics[LOSS] == pytest.approx(loss, rel=1e-3 if dim > 100 else 1e-5)  # scores beyond 10 lose digits
    assert pairs > 0 or sentences == 1


@pytest.mark.parametrize(("window", "negatives"), [(1, 1), (2, 4), (3, 6), (7, 11), (50, 64), (5, 12)])
def test_every_tile_shape(window, negatives):
    case = Case(seed=negatives, words=90, window=window, negatives=negatives, dim=40, sample=0)
    w_in, w_out, statistics = case.kernel(first=0.01)
    expected_in, expected_out, (loss, pairs, _) = case.naive(first=0.01)
    np.testing.assert_allclose(w_in, expected_in, atol=2e-5)
    np.testing.assert_allclose(w_out, expected_out, atol=2e-5)
    assert statistics[PAIRS] == pairs
    assert statistics[LOSS] == pytest.approx(loss, rel=1e-5)


def test_tiny_vocabulary_has_few_distinct_noise_words():
    case = Case(words=2, negatives=5, longest=8)
    w_in, w_out, _ = case.kernel()
    expected_in, expected_out, _ = case.naive()
    np.testing.assert_allclose(w_in, expected_in, atol=1e-5)
    np.testing.assert_allclose(w_out, expected_out, atol=1e-5)


def test_gradient_is_the_derivative_of_the_loss():
    """Finite differences of the naive loss in a window where no row occurs twice."""
    random = np.random.default_rng(5)
    w_in, w_out = random.normal(0, 0.5, (2, 12, 6))
    context, rows = [1, 2, 3], [0, 4, 5]
    before_in, before_out = w_in.copy(), w_out.copy()
    labels = np.array([1.0, 0.0, 0.0])
    g = labels[:, None] - naive.sigmoid(w_out[rows] @ w_in[context].T)
    for weights, steps, used in ((w_in, g.T @ w_out[rows], context), (w_out, g @ w_in[context], rows)):
        for row, step in zip(used, steps, strict=True):
            for d in range(6):
                ends = []
                for eps in (1e-6, -1e-6):
                    weights[row, d] += eps
                    ends.append(naive.loss_of(w_in, w_out, context, rows))
                    weights[row, d] -= eps
                assert -(ends[0] - ends[1]) / 2e-6 == pytest.approx(step[d], abs=1e-6)
    np.testing.assert_allclose(w_in, before_in)
    np.testing.assert_allclose(w_out, before_out)


def test_slices_draw_the_same_numbers_as_the_whole():
    """Random streams belong to sentences: two calls over two halves equal one call over all."""
    case = Case(sentences=20)
    whole_in, whole_out, _ = case.kernel(fall=0.0)
    half = case.offsets[10]
    first = Case(sentences=20)
    first.w_in, first.w_out, _ = case.kernel(fall=0.0, sentences=10)
    first.ids, first.offsets = case.ids[half:], (case.offsets[10:] - half).astype(np.int32)
    again_in, again_out, _ = first.kernel(position=1000 + int(half), fall=0.0)
    np.testing.assert_array_equal(again_in, whole_in)
    np.testing.assert_array_equal(again_out, whole_out)


def test_any_key_gives_valid_rows():
    case = Case()
    for key in (1, 2**62, 2**63 + 5):
        w_in, _, statistics = case.kernel(key=key)
        assert np.isfinite(w_in).all()
        assert statistics[PAIRS] > 0


def test_extreme_scores_saturate_and_stay_finite():
    case = Case()
    case.w_in *= 1000
    case.w_out *= 1000
    w_in, w_out, statistics = case.kernel()
    assert np.isfinite(w_in).all()
    assert np.isfinite(w_out).all()
    assert np.isfinite(statistics).all()


def test_learning_rate_falls_to_its_floor():
    """At a floor of zero and a position past the end nothing moves."""
    case = Case()
    w_in, w_out, statistics = case.kernel(position=10**6, first=0.05, fall=1e-6, last=0.0)
    np.testing.assert_array_equal(w_in, case.w_in)
    np.testing.assert_array_equal(w_out, case.w_out)
    assert statistics[LOSS] > 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60), st.sampled_from([0.75, 0.0, 1.0, -0.5]))
def test_alias_table_rebuilds_its_distribution(counts, exponent):
    p = noise_probabilities(np.array(counts), exponent)
    accept, alias = build_alias_table(p)
    n = len(p)
    taken = accept / 2.0**32
    rebuilt = taken / n
    np.add.at(rebuilt, alias, (1 - taken) / n)
    np.testing.assert_allclose(rebuilt, p, atol=1e-8)


def test_random_streams_equal_the_naive_ones():
    for seed, epoch, shard in [(1, 0, 0), (2**63 - 1, 999, 65535), (0, 1, 2)]:
        assert int(rng.stream_key(seed, epoch, shard)) == naive.stream_key(seed, epoch, shard)
    assert len({naive.stream_key(1, e, s) for e in range(50) for s in range(50)}) == 2500
