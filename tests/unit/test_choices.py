"""Choices of docs/reference/differences.md that no other test pins down."""

import math

import numpy as np
import pytest

from tests.unit.cases import MODELS, Case
from tests.unit.test_encode import chunks_of, encode
from w2v_spark.models.alias import noise_probabilities
from w2v_spark.models.subsample import keep_probabilities, keep_thresholds
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.shard import ShardResult
from w2v_spark.training.weights import initial_rows, zero_rows


def test_subsampling_is_the_formula_of_the_c_program():
    counts = np.array([1000, 90, 9, 1])
    f, t = counts / 1100, 0.01
    np.testing.assert_allclose(keep_probabilities(counts, t), np.minimum(1, np.sqrt(t / f) + t / f))
    assert keep_probabilities(counts, t)[0] == pytest.approx(math.sqrt(0.011) + 0.011)
    assert keep_probabilities(counts, 0).tolist() == [1] * 4
    assert keep_thresholds(counts, 0).tolist() == [2**32 - 1] * 4


@pytest.mark.parametrize("exponent", [0.75, 0.0, 1.0, -0.5])
def test_noise_is_drawn_by_a_power_of_the_count(exponent):
    p = noise_probabilities(np.array([16, 4, 1]), exponent)
    assert p.sum() == pytest.approx(1)
    assert p[0] / p[1] == pytest.approx(4**exponent)
    assert p[1] / p[2] == pytest.approx(4**exponent)


def test_first_weights():
    w_in = np.concatenate(list(initial_rows(100_000, 20, seed=1)))
    assert w_in.dtype == np.float32
    assert -0.05 <= w_in.min() < -0.0499
    assert 0.0499 < w_in.max() < 0.05
    assert abs(w_in.mean()) < 1e-4
    np.testing.assert_array_equal(w_in, np.concatenate(list(initial_rows(100_000, 20, seed=1))))
    assert not np.array_equal(w_in, np.concatenate(list(initial_rows(100_000, 20, seed=2))))
    assert not np.concatenate(list(zero_rows(100_000, 20))).any()


@pytest.mark.parametrize(
    ("score", "expected"), [(6.5, 6.5), (-6.5, -6.5), (15.0, 15.0), (30.0, 15.81), (-30.0, -15.81)]
)
@pytest.mark.parametrize("model", MODELS)
def test_gradients_go_on_beyond_six_and_saturate_at_sixteen(model, score, expected):
    """Two words with one context word each: the step of a row that occurs in one window tells the sigmoid."""
    case = Case({**model, "dim": 1, "window": 1, "negatives": 1}, words=3, lengths=[2], sample=0, counts=[4, 2, 1])
    case.ids[:] = 0, 1
    row, label = 1, 0  # the node above words 1 and 2; word 2, the rarer one, is the first child
    if not case.is_tree:
        row, label = 0, 1  # the target, since every noise word is word 2
        case.tables = case.tables._replace(accept=np.zeros(3, np.uint32), alias=np.full(3, 2, np.int32))
    case.w_in[:], case.w_out[:] = 1, score
    _, w_out, _ = case.kernel(first=1.0, fall=0.0)
    slope = label - 1 / (1 + math.exp(-expected))
    assert w_out[row, 0] - np.float32(score) == pytest.approx(slope, abs=2e-6)


def test_unknown_words_do_not_count_towards_the_length_of_a_sentence():
    table = encode(["w1 no w2 no no w3 w4 no w5."], max_sentence_length=3)
    assert chunks_of(table) == [[["w1", "w2", "w3"], ["w4", "w5"]]]


def test_the_loss_of_a_round_is_the_mean_over_all_pairs():
    results = [
        ShardResult(0, "a", [], 10, 8, 30, 60.0, 1.0, 10, 1, 2, 3),
        ShardResult(1, "b", [], 10, 8, 10, 40.0, 2.0, 5, 3, 4, 5),
    ]
    record = RoundRecord.build(4, results, 0.01, 2.0, 0.5)
    assert record.loss == pytest.approx(100 / 40)
    assert (record.round, record.tokens, record.kept, record.pairs, record.words_per_second) == (4, 20, 16, 40, 10)
    assert record.slope == 0.2
    assert record.seconds == {"total": 2.0, "shards": 1.5, "merge": 0.5, "read": 2, "train": 3, "write": 4,
                              "slowest": 4}  # fmt: skip
    assert RoundRecord.build(0, [], 0.01, 2.0, 0.5).loss == 0
