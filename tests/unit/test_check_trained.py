"""A run that had nothing to train on is an error, and one that had little is worth a warning."""

import pytest

from w2v_spark.config import Config
from w2v_spark.errors import InputError, Name
from w2v_spark.training.history import RoundRecord, check_trained
from w2v_spark.training.plan import Plan

CONFIG = Config.from_dict({"train": {"sample": 0.0001}, "vocabulary": {"min_count": 3}})
PLAN = Plan.build(CONFIG, 2, 1000, 100)


def record(number: int, tokens: int, kept: int, pairs: int) -> RoundRecord:
    return RoundRecord(number, tokens, kept, pairs, 2.5, 0.01, 0.1, 250.0, {"total": 2.0})


def test_a_usual_run_is_fine():
    assert check_trained([record(0, 30_000, 9000, 27_000), record(1, 90_000, 27_000, 81_000)], CONFIG, PLAN, 50) == []


@pytest.mark.parametrize("kept", [0, 7])
def test_no_pairs_are_an_error_that_says_what_to_do(kept):
    with pytest.raises(InputError) as caught:
        check_trained([record(0, 1000, 0, 0), record(1, 3000, kept, 0)], CONFIG, PLAN, 50)
    assert str(caught.value) == (
        f"nothing to train on: of 4,000 words in all epochs subsampling has kept {kept}, and no two of them in one "
        "sentence; raise train.sample (0.0001; 0 keeps every word), lower vocabulary.min_count (3), or give sentences "
        "of more than one word"
    )
    assert {Name("train.sample"), Name("vocabulary.min_count")} < set(caught.value.parts)


def test_what_is_not_the_cause_is_no_advice():
    config = Config.from_dict({"train": {"sample": 0}, "text": {"max_sentence_length": 1}})
    with pytest.raises(InputError) as caught:
        check_trained([record(0, 1000, 1000, 0)], config, PLAN, 50)
    said = str(caught.value).partition("; ")[2]
    assert said == (
        "raise text.max_sentence_length (1), lower vocabulary.min_count (5), or give sentences of more than one word"
    )


def test_few_words_kept_are_a_warning():
    (warning,) = check_trained([record(0, 100_000, 990, 1800)], CONFIG, PLAN, 50)
    assert warning.startswith(
        "subsampling has kept 990 of 100,000 words in all epochs, 0.99%; raise train.sample (0.0001;"
    )
    assert check_trained([record(0, 100_000, 1000, 1800)], CONFIG, PLAN, 50) == []


def test_of_little_text_half_has_to_be_kept():
    (warning,) = check_trained([record(0, 49_000, 24_000, 1800)], CONFIG, PLAN, 50)
    assert warning.startswith("subsampling has kept 24,000 of 49,000 words in all epochs, 48.98%; raise train.sample")
    assert check_trained([record(0, 49_000, 25_000, 1800)], CONFIG, PLAN, 50) == []


def test_fewer_pairs_than_words_are_a_warning():
    (warning,) = check_trained([record(0, 1000, 600, 49)], CONFIG, PLAN, 50)
    assert warning.startswith("49 pairs were trained for a vocabulary of 50 words")
    assert check_trained([record(0, 1000, 600, 50)], CONFIG, PLAN, 50) == []


def test_a_retraining_is_told_of_its_own_settings():
    (warning,) = check_trained([record(0, 100_000, 990, 1800)], CONFIG, PLAN, 50, "retrain")
    assert "raise retrain.sample (0.0001;" in warning
