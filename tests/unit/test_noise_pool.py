"""Noise from a pool: what is in it, that it is the right words on average, and when there is one."""

import numpy as np
import pytest

from tests.naive import word2vec as naive
from tests.unit.cases import Case
from tests.unit.test_changed_rows import marks_of
from w2v_spark.config import Config
from w2v_spark.kernels.noise_pool import draw_pool
from w2v_spark.models.alias import build_alias_table
from w2v_spark.models.objectives import noise_probabilities
from w2v_spark.training.noise_pool import pool_size, with_pool

COUNTS = np.sort(np.random.default_rng(1).geometric(0.02, 60))[::-1].astype(np.int64)
NO_NGRAMS = np.zeros(1, np.int64), np.zeros(0, np.int32)


def pool_of(key, position, words, tables):
    pool = np.empty(words, np.int32)
    draw_pool(np.uint64(key), position, *tables, pool)
    return pool


def test_equals_the_naive_twin():
    tables = build_alias_table(noise_probabilities(COUNTS, 0.75))
    key = naive.stream_key(3, 1, 2)
    stream = naive.Stream(naive.mix(key ^ 0xA0761D6478BD642F), 777)
    expected = [naive.draw_noise(stream.bits(), *tables) for _ in range(500)]
    assert pool_of(key, 777, 500, tables).tolist() == expected


def test_over_many_slices_each_word_is_in_pools_as_often_as_it_is_noise():
    tables, shares = build_alias_table(noise_probabilities(COUNTS, 0.75)), noise_probabilities(COUNTS, 0.75)
    drawn = np.concatenate([pool_of(naive.stream_key(1, 0, shard), 5, 50, tables) for shard in range(4000)])
    found = np.bincount(drawn, minlength=len(COUNTS)) / len(drawn)
    assert np.abs(found - shares).max() < 5 * np.sqrt(shares.max() / len(drawn))


def test_pools_differ_by_seed_epoch_shard_and_position_and_by_nothing_else():
    tables = build_alias_table(noise_probabilities(COUNTS, 0.75))
    keys = [(naive.stream_key(s, e, p), at) for s in (1, 2) for e in (0, 1) for p in (0, 1) for at in (0, 9)]
    pools = [tuple(pool_of(*key, 40, tables).tolist()) for key in keys]
    assert len(set(pools)) == len(pools)
    assert tuple(pool_of(*keys[3], 40, tables).tolist()) == pools[3]


def test_training_touches_words_of_the_pool_alone_and_its_own():
    case = Case({"architecture": "skipgram"}, words=400, sentences=6)
    case.tables = with_pool(case.tables, np.uint64(5), 0, 12)
    assert case.tables.vocabulary_size == 400
    _, w_out, _ = case.kernel()
    touched = np.flatnonzero((w_out != case.w_out).any(axis=1))
    assert set(touched) <= set(case.ids.tolist()) | set(case.tables.alias.tolist())
    assert set(case.tables.alias.tolist()) <= set(touched), "so many draws leave none of twelve words out"
    marks = marks_of(case, *NO_NGRAMS)[1]
    np.testing.assert_array_equal(np.flatnonzero(marks), touched)
    expected = case.naive()[1]
    np.testing.assert_allclose(w_out, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("pool", "objective", "vocabulary", "tokens", "expected"),
    [
        ("auto", "negative_sampling", 100_000, 10_000, 8192),
        ("auto", "negative_sampling", 100_000, 60_000, 18_750),
        ("auto", "negative_sampling", 100_000, 100_000, 0),
        ("auto", "negative_sampling", 30_000, 100, 0),
        ("auto", "hierarchical_softmax", 100_000, 10_000, 0),
        (0, "negative_sampling", 100_000, 10_000, 0),
        (500, "negative_sampling", 1_000, 10_000_000, 500),
    ],
)
def test_how_large_a_pool_is(pool, objective, vocabulary, tokens, expected):
    config = Config.from_dict({"model": {"objective": objective}, "train": {"noise_pool": pool}})
    assert pool_size(config, vocabulary, tokens) == expected
