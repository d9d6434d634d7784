"""Noise from a pool: what is in it, that it is the right words on average, and when there is one."""

from typing import NamedTuple

import numpy as np
import pytest

from tests.naive import word2vec as naive
from tests.unit.cases import CBOW, MODELS, NEGATIVE_SAMPLING, SKIPGRAM, Case
from tests.unit.test_changed_rows import marks_of
from tests.unit.test_subword_kernels import SubwordCase
from w2v_spark.config import Config
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.noise_pool import TOKENS_A_WORD, draw_pool, stretch_of
from w2v_spark.kernels.objectives import noise_of
from w2v_spark.models.alias import build_alias_table
from w2v_spark.models.objectives import noise_probabilities
from w2v_spark.training.noise_pool import pool_size

COUNTS = np.sort(np.random.default_rng(1).geometric(0.02, 60))[::-1].astype(np.int64)
NO_NGRAMS = np.zeros(1, np.int64), np.zeros(0, np.int32)


class NoiseTables(NamedTuple):
    accept: np.ndarray
    alias: np.ndarray


@kernel
def draw(key, stretch, tables, bits, pool):
    draw_pool(key, stretch, noise_of(tables), bits, pool)


def pool_of(key, stretch, words, tables):
    pool = np.empty(words, np.int32)
    draw(np.uint64(key), np.int64(stretch), NoiseTables(*tables), np.empty(words, np.uint64), pool)
    return pool


def test_equals_the_naive_twin():
    tables = build_alias_table(noise_probabilities(COUNTS, 0.75))
    key = naive.stream_key(3, 1, 2)
    stream = naive.Stream(naive.mix(key ^ 0xA0761D6478BD642F), 777)
    expected = [naive.draw_noise(stream.bits(), *tables) for _ in range(500)]
    assert pool_of(key, 777, 500, tables).tolist() == expected


def test_over_many_stretches_each_word_is_in_pools_as_often_as_it_is_noise():
    tables, shares = build_alias_table(noise_probabilities(COUNTS, 0.75)), noise_probabilities(COUNTS, 0.75)
    drawn = np.concatenate([pool_of(naive.stream_key(1, 0, 0), stretch, 50, tables) for stretch in range(4000)])
    found = np.bincount(drawn, minlength=len(COUNTS)) / len(drawn)
    assert np.abs(found - shares).max() < 5 * np.sqrt(shares.max() / len(drawn))


def test_pools_differ_by_seed_epoch_shard_and_stretch_and_by_nothing_else():
    tables = build_alias_table(noise_probabilities(COUNTS, 0.75))
    keys = [(naive.stream_key(s, e, p), at) for s in (1, 2) for e in (0, 1) for p in (0, 1) for at in (0, 9)]
    pools = [tuple(pool_of(*key, 40, tables).tolist()) for key in keys]
    assert len(set(pools)) == len(pools)
    assert tuple(pool_of(*keys[3], 40, tables).tolist()) == pools[3]


def test_a_stretch_is_eight_words_of_text_for_each_of_the_pool():
    assert [stretch_of(place, 10) for place in (0, 79, 80, 159, 160)] == [0, 0, 1, 1, 2]
    assert TOKENS_A_WORD == 8, "the naive twin has it as a number"


@pytest.mark.parametrize("model", [{**SKIPGRAM, **NEGATIVE_SAMPLING}, {**CBOW, **NEGATIVE_SAMPLING}])
def test_training_touches_words_of_pools_alone_and_its_own(model):
    """Stretches of 96 words, so that some sentences have a pool of their own, and some share one."""
    case = Case(model, words=400, sentences=12, pool=12)
    w_in, w_out, statistics = case.kernel()
    key = naive.stream_key(7, 2, 3)
    stretches = {(1000 + int(start)) // 96 for start in case.offsets[:-1]}
    assert 1 < len(stretches) < 12
    pools = [pool_of(key, stretch, 12, (case.tables.accept, case.tables.alias)) for stretch in stretches]
    allowed = set(np.concatenate(pools).tolist()) | set(case.ids.tolist())
    touched = np.flatnonzero((w_out != case.w_out).any(axis=1))
    assert set(touched) <= allowed
    marks = marks_of(case, *NO_NGRAMS)[1]
    assert set(touched) <= set(np.flatnonzero(marks)) <= allowed
    twin_in, twin_out, (loss, pairs, kept) = case.naive()
    np.testing.assert_allclose(w_in, twin_in, atol=2e-5)
    np.testing.assert_allclose(w_out, twin_out, atol=2e-5)
    np.testing.assert_allclose(statistics[:3], (loss, pairs, kept), rtol=1e-5)


def test_the_pool_goes_by_position_and_not_by_where_a_call_begins():
    case = Case({**SKIPGRAM, **NEGATIVE_SAMPLING}, words=400, sentences=12, pool=12, scale=0.0)
    whole = case.kernel()[1]
    before = case.kernel(sentences=5)[1]
    assert (whole[(before != 0).any(axis=1)] != 0).any(axis=1).all(), "the first sentences draw what they drew alone"


def test_sub_words_draw_from_the_same_pools():
    case = SubwordCase({**SKIPGRAM, **NEGATIVE_SAMPLING}, seed=3, words=400, sentences=6, pool=12)
    touched = np.flatnonzero((case.kernel()[1] != case.w_out).any(axis=1))
    marks = np.flatnonzero(marks_of(case, case.ngrams.starts, case.ngrams.rows)[1])
    assert set(touched) <= set(marks)
    assert len(marks) < 350


@pytest.mark.parametrize("model", MODELS)
def test_no_pool_leaves_the_bits_as_they_were(model):
    """A pool of none, and models that have no noise."""
    plain, other = Case(model, words=60), Case(model, words=60, pool=5 if Case(model).is_tree else 0)
    for one, two in zip(plain.kernel(), other.kernel(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("pool", "objective", "vocabulary", "tokens", "shards", "expected"),
    [
        ("auto", "negative_sampling", 100_000, 1_000, 1, 512),
        ("auto", "negative_sampling", 8192, 1_000, 1, 512),
        ("auto", "negative_sampling", 8191, 1_000, 1, 0),
        ("auto", "negative_sampling", 100_000, 1_200_000, 2, 512),
        ("auto", "negative_sampling", 100_000, 1_199_999, 2, 0),
        ("auto", "negative_sampling", 100_000, 10_000, 32, 8192),
        ("auto", "negative_sampling", 100_000, 60_000, 32, 18_750),
        ("auto", "negative_sampling", 100_000, 100_000, 32, 0),
        ("auto", "negative_sampling", 30_000, 100, 32, 0),
        ("auto", "hierarchical_softmax", 100_000, 1_000, 1, 0),
        ("auto", "hierarchical_softmax", 100_000, 1_000, 32, 0),
        (500, "hierarchical_softmax", 100_000, 1_000, 1, 0),
        (0, "negative_sampling", 100_000, 10_000, 32, 0),
        (500, "negative_sampling", 1_000, 10_000_000, 4, 500),
    ],
)
def test_how_large_a_pool_is(pool, objective, vocabulary, tokens, shards, expected):
    config = Config.from_dict({"model": {"objective": objective}, "train": {"noise_pool": pool}})
    assert pool_size(config, vocabulary, tokens, shards) == expected


@pytest.mark.parametrize("architecture", ["cbow", "pv_dbow", "pv_dm"])
def test_other_models_have_none_of_long_slices_unless_it_is_asked_for(architecture):
    model = {"model": {"architecture": architecture}}
    assert pool_size(Config.from_dict(model), 100_000, 10_000, 1) == 0
    assert pool_size(Config.from_dict(model), 100_000, 10_000_000, 2) == 0
    assert pool_size(Config.from_dict({**model, "train": {"noise_pool": 700}}), 100_000, 10_000, 1) == 700
