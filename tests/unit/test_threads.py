"""Threads on one copy of the weights: each sentence once, the same draws, and with one thread the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.errors import TypingError

from tests.unit.cases import MODELS, Case
from w2v_spark.kernels.arguments import KEPT, LOSS, PAIRS, Schedule, Sentences, Weights
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.training.trainer import ThreadedTrainer, Trainer, cut_sentences


def train(case, trainer, calls=3, first=0.05):
    """The weights after some calls, each on the same sentences further on in the shard."""
    dim = case.model.dim
    weights = [aligned_zeros(len(w), padded(dim)) for w in (case.w_in, case.w_out)]
    for padded_rows, rows in zip(weights, (case.w_in, case.w_out), strict=True):
        padded_rows[:, :dim] = rows
    for call in range(calls):
        position = 1000 + call * len(case.ids)
        schedule = Schedule(np.uint64(stream_key(7, 2, 3)), first, 1e-6, 0.0)
        trainer.train(Sentences(case.ids, case.offsets, position), schedule, Weights(*weights))
    return weights


@pytest.mark.parametrize("model", MODELS)
def test_one_thread_gives_the_bits_of_a_trainer(model):
    case = Case(model)
    plain, threaded = Trainer(case.model, case.tables), ThreadedTrainer(case.model, case.tables, 1)
    for expected, found in zip(train(case, plain), train(case, threaded), strict=True):
        assert found.tobytes() == expected.tobytes()
    assert threaded.statistics.tobytes() == plain.statistics.tobytes()


@pytest.mark.parametrize("threads", [2, 3, 40])
@pytest.mark.parametrize("model", MODELS)
def test_threads_draw_what_one_thread_draws(model, threads):
    """Words kept and pairs are counted draws; 40 threads are more than there are sentences."""
    case = Case(model, sentences=30, scale=0.1)
    one, many = (ThreadedTrainer(case.model, case.tables, count) for count in (1, threads))
    w_in, w_out = train(case, one)
    for expected, found in zip((w_in, w_out), train(case, many), strict=True):
        assert np.isfinite(found).all()
        assert not found[:, case.model.dim :].any()
        changed = (expected[:, : case.model.dim] != 0).any(axis=1)
        assert ((found[:, : case.model.dim] != 0).any(axis=1) == changed).all()
    assert many.statistics[[KEPT, PAIRS]].tolist() == one.statistics[[KEPT, PAIRS]].tolist()
    assert many.statistics[LOSS] > 0


@pytest.mark.parametrize("model", MODELS)
def test_threads_compute_what_one_thread_computes(model):
    """With a learning rate of zero nothing races, so the loss is the same but for the order of its sum."""
    case = Case(model, sentences=30)
    one, many = (ThreadedTrainer(case.model, case.tables, count) for count in (1, 3))
    train(case, one, first=0.0)
    w_in, w_out = train(case, many, first=0.0)
    np.testing.assert_array_equal(w_in[:, : case.model.dim], case.w_in)
    np.testing.assert_array_equal(w_out[:, : case.model.dim], case.w_out)
    assert many.statistics[LOSS] == pytest.approx(one.statistics[LOSS], rel=1e-9)


def test_no_sentences_train_nothing():
    case = Case({}, lengths=[])
    trainer = ThreadedTrainer(case.model, case.tables, 2)
    train(case, trainer)
    assert not trainer.statistics.any()


def test_an_error_in_a_thread_is_raised():
    case = Case({})
    trainer = ThreadedTrainer(case.model, case.tables, 2)
    schedule = Schedule("no key", 0.05, 0.0, 0.0)
    with pytest.raises(TypingError, match="uint64"):
        trainer.train(Sentences(case.ids, case.offsets, 0), schedule, Weights(case.w_in, case.w_out))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(1, 70), st.integers(0, 9))
def test_each_sentence_is_in_one_stretch(lengths, parts, before):
    offsets = (before + np.concatenate([[0], np.cumsum(lengths)])).astype(np.int32)
    stretches = [offsets[first : last + 1] for first, last in cut_sentences(offsets, parts)]
    assert len(stretches) <= parts
    assert [edge for stretch in stretches for edge in stretch[:-1]] == offsets[:-1].tolist()
    for stretch, following in zip(stretches, [*stretches[1:], offsets[-1:]], strict=True):
        assert stretch[-1] == following[0]
        assert stretch[-1] - stretch[0] <= sum(lengths) / parts + max(lengths) + 1


def test_stretches_do_not_overflow():
    offsets = np.array([0, 2**30, 2**31 - 1], np.int32)
    assert list(cut_sentences(offsets, 2)) == [(0, 1), (1, 2)]
