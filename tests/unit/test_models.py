import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import word2vec as naive
from tests.unit.cases import CBOW, HIERARCHICAL_SOFTMAX, MODELS, SKIPGRAM, Case
from w2v_spark.kernels import rng
from w2v_spark.kernels.arguments import KEPT, LOSS, PAIRS, Schedule, Sentences, Weights
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.window_step import aligned_zeros, padded
from w2v_spark.models.alias import build_alias_table, noise_probabilities
from w2v_spark.training.trainer import Trainer

FIBONACCI = [1, 1]
while len(FIBONACCI) < 60:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])


def assert_equals_the_twin(case, tolerance=1e-5, loss_tolerance=1e-5, **options):
    w_in, w_out, statistics = case.kernel(**options)
    expected_in, expected_out, (loss, pairs, kept) = case.naive(**options)
    np.testing.assert_allclose(w_in, expected_in, rtol=0, atol=tolerance)
    np.testing.assert_allclose(w_out, expected_out, rtol=0, atol=tolerance)
    assert statistics[PAIRS] == pairs
    assert statistics[KEPT] == kept
    assert statistics[LOSS] == pytest.approx(loss, rel=loss_tolerance)
    return pairs


@pytest.mark.parametrize("lengths", [[2], None], ids=["one step", "ten sentences"])
@pytest.mark.parametrize("dim", [1, 15, 16, 17, 64, 100, 300])
@pytest.mark.parametrize("model", MODELS)
def test_equals_the_naive_twin(model, dim, lengths):
    """In a sentence of two words each row of a word is the context once and the target once."""
    case = Case({**model, "dim": dim}, lengths=lengths, sample=0.05 if lengths is None else 0)
    loss_tolerance = 1e-3 if dim > 100 else 1e-5  # scores beyond 10 lose digits
    assert assert_equals_the_twin(case, loss_tolerance=loss_tolerance) > 0


@pytest.mark.parametrize("model", MODELS)
def test_the_largest_dimension(model):
    assert assert_equals_the_twin(Case({**model, "dim": 1024}, scale=0.1)) > 0


@pytest.mark.parametrize("cbow_mean", [True, False])
@pytest.mark.parametrize("dim", [20, 64])
@pytest.mark.parametrize("freeze", ["input", "output"])
@pytest.mark.parametrize("model", MODELS)
def test_a_frozen_matrix(model, freeze, dim, cbow_mean):
    """It stays to the bit, and the other one is trained as the twin trains it."""
    case = Case({**model, "dim": dim, "cbow_mean": cbow_mean}, freeze=freeze, scale=0.2)
    assert assert_equals_the_twin(case) > 0
    w_in, w_out, _ = case.kernel()
    assert np.array_equal(w_in, case.w_in) == (freeze == "input")
    assert np.array_equal(w_out, case.w_out) == (freeze == "output")


@pytest.mark.parametrize("cbow_mean", [True, False])
@pytest.mark.parametrize("shrink_window", [True, False])
@pytest.mark.parametrize("sample", [0, 0.01])
@pytest.mark.parametrize("model", MODELS)
def test_every_setting(model, cbow_mean, shrink_window, sample):
    case = Case({**model, "cbow_mean": cbow_mean, "shrink_window": shrink_window}, sample=sample)
    assert assert_equals_the_twin(case) > 0


@pytest.mark.parametrize("window", [51, 119, 120, 10_000, "sentence"])
@pytest.mark.parametrize("shrink_window", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_windows_as_wide_as_a_sentence(model, shrink_window, window):
    model = {**model, "window": window, "dim": 40, "shrink_window": shrink_window}
    case = Case(model, words=90, lengths=[1, 2, 60, 120, 9, 121], sample=0)
    case.ids = case.random.permutation(np.arange(len(case.ids), dtype=np.int32) % 90)
    pairs = assert_equals_the_twin(case, tolerance=5e-5, first=0.005)
    if window == "sentence" or (window >= 120 and not shrink_window):
        each = [0, 2, 60, 120, 9, 121]
        assert pairs == sum(n * (n - 1) if model["architecture"] == "skipgram" else n for n in each)


def test_a_whole_sentence_grows_from_call_to_call():
    """Each call may bring a longer sentence than those before. A wide enough window is the same to the bit."""
    results = []
    for window in ("sentence", 300):
        case = Case({**SKIPGRAM, "window": window, "shrink_window": False}, lengths=[300], sample=0)
        dim = case.model.dim
        w_in, w_out = (aligned_zeros(len(w), padded(dim)) for w in (case.w_in, case.w_out))
        w_in[:, :dim], w_out[:, :dim] = case.w_in, case.w_out
        trainer, key = Trainer(case.model, case.tables), stream_key(7, 2, 3)
        for length in (2, 40, 7, 300):
            sentences = Sentences(case.ids, np.array([0, length]), 0)
            trainer.train(sentences, Schedule(np.uint64(key), 0.005, 0.0, 1e-4), Weights(w_in, w_out))
        results.append((w_in, w_out, trainer.statistics))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("negatives", [1, 4, 5, 6, 11, 12, 64])
@pytest.mark.parametrize("window", [1, 2, 3, 5, 7, 50])
@pytest.mark.parametrize("architecture", [SKIPGRAM, CBOW], ids=["skipgram", "cbow"])
def test_every_tile_shape(architecture, window, negatives):
    model = {**architecture, "window": window, "negatives": negatives, "dim": 40, "shrink_window": window < 50}
    case = Case(model, seed=negatives, words=90, lengths=[1, 2, 120, 9], sample=0)
    case.ids = case.random.permutation(np.arange(len(case.ids), dtype=np.int32) % 90)
    assert_equals_the_twin(case, tolerance=2e-5, first=0.01)


@pytest.mark.parametrize("counts", [2 ** np.arange(59), FIBONACCI, [1] * 60], ids=["powers", "fibonacci", "equal"])
@pytest.mark.parametrize("window", [1, 2, 3, 5, 7, 50])
@pytest.mark.parametrize("architecture", [SKIPGRAM, CBOW], ids=["skipgram", "cbow"])
def test_every_length_of_path(architecture, window, counts):
    words = len(counts)
    model = {**architecture, **HIERARCHICAL_SOFTMAX, "window": window, "shrink_window": window < 50}
    case = Case(model, words=words, counts=sorted(counts, reverse=True), lengths=[1, 2, 120, 9], sample=0)
    case.ids = case.random.permutation(np.arange(len(case.ids), dtype=np.int32) % words)
    lengths = set(np.diff(case.tables.starts).tolist())
    assert lengths == ({5, 6} if counts[-1] == 1 else set(range(1, words)))
    assert_equals_the_twin(case, tolerance=2e-5, first=0.01)


@pytest.mark.parametrize("architecture", [SKIPGRAM, CBOW], ids=["skipgram", "cbow"])
def test_tiny_vocabulary_has_few_distinct_noise_words(architecture):
    assert assert_equals_the_twin(Case(architecture, words=2, longest=8)) > 0


@pytest.mark.parametrize("words", [2, 3])
@pytest.mark.parametrize("architecture", [SKIPGRAM, CBOW], ids=["skipgram", "cbow"])
def test_tiny_tree(architecture, words):
    assert assert_equals_the_twin(Case({**architecture, **HIERARCHICAL_SOFTMAX}, words=words, longest=8)) > 0


@pytest.mark.parametrize("model", MODELS)
def test_one_word_over_and_over(model):
    """All of a window's context rows are the same row."""
    case = Case(model, sample=0)
    case.ids[:] = 3
    assert assert_equals_the_twin(case, first=0.01) > 0


@pytest.mark.parametrize("model", MODELS)
def test_words_alone_train_nothing(model):
    case = Case(model, lengths=[1, 0, 1, 1], sample=0)
    w_in, w_out, statistics = case.kernel()
    np.testing.assert_array_equal(w_in, case.w_in)
    np.testing.assert_array_equal(w_out, case.w_out)
    assert statistics[[LOSS, PAIRS, KEPT]].tolist() == [0, 0, 3]


@pytest.mark.parametrize("model", MODELS)
def test_slices_draw_the_same_numbers_as_the_whole(model):
    """Random streams belong to sentences: two calls over two halves equal one call over all."""
    case = Case(model, sentences=20)
    whole_in, whole_out, _ = case.kernel(fall=0.0)
    half = case.offsets[10]
    case.w_in, case.w_out, _ = case.kernel(fall=0.0, sentences=10)
    case.ids, case.offsets = case.ids[half:], (case.offsets[10:] - half).astype(np.int32)
    again_in, again_out, _ = case.kernel(position=1000 + int(half), fall=0.0)
    np.testing.assert_array_equal(again_in, whole_in)
    np.testing.assert_array_equal(again_out, whole_out)


@pytest.mark.parametrize("model", MODELS)
def test_any_key_gives_valid_rows(model):
    case = Case(model)
    for key in (1, 2**62, 2**63 + 5):
        w_in, _, statistics = case.kernel(key=key)
        assert np.isfinite(w_in).all()
        assert statistics[PAIRS] > 0


@pytest.mark.parametrize("cbow_mean", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_extreme_scores_saturate_and_stay_finite(model, cbow_mean):
    case = Case({**model, "cbow_mean": cbow_mean})
    case.w_in *= 1000
    case.w_out *= 1000
    w_in, w_out, statistics = case.kernel()
    assert np.isfinite(w_in).all()
    assert np.isfinite(w_out).all()
    assert np.isfinite(statistics).all()


@pytest.mark.parametrize("model", MODELS)
def test_learning_rate_falls_to_its_floor(model):
    """At a floor of zero and a position past the end nothing moves."""
    case = Case(model)
    w_in, w_out, statistics = case.kernel(position=10**6, first=0.05, fall=1e-6, last=0.0)
    np.testing.assert_array_equal(w_in, case.w_in)
    np.testing.assert_array_equal(w_out, case.w_out)
    assert statistics[LOSS] > 0
    assert_equals_the_twin(case, position=10**6, first=0.05, fall=1e-6, last=0.01)


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
