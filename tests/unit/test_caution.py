"""How careful the merge becomes where the loss rises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_spark.training.history import RoundRecord, caution, losses_of
from w2v_spark.training.shard import ShardResult


@given(st.lists(st.floats(0.1, 30), max_size=60))
def test_a_loss_that_falls_changes_nothing(losses: list[float]) -> None:
    assert caution(sorted(losses, reverse=True)) == 1.0


def test_a_little_noise_changes_nothing() -> None:
    assert caution([3.0, 2.5, 2.6, 2.5, 2.62, 2.4, 2.5]) == 1.0


def test_each_rise_doubles_and_each_fall_takes_a_little_back() -> None:
    assert caution([3.0, 2.0, 2.2]) == 2.0
    assert caution([3.0, 2.0, 2.2, 4.0, 8.0]) == 8.0
    assert caution([3.0, 2.0, 2.2, 4.0, 8.0, 6.0]) == pytest.approx(8 / 1.05)
    assert caution([3.0, 2.0, 2.2, *[2.0] * 20]) == 1.0


def test_of_a_round_without_pairs_nothing_is_known() -> None:
    """Taken for a loss of 0, it would make every later round one whose loss has risen."""

    def trained(pairs: int, loss: float) -> list[ShardResult]:
        return [ShardResult(0, "a", [], 10, 8, pairs, loss * pairs, 0.0, 0, 0.0, 0.0, 0.0) for _ in range(2)]

    history = [RoundRecord.build(t, trained(*pairs), 0.02, 1.0, 0.1) for t, pairs in enumerate([(0, 0.0), (5, 4.0)])]
    assert losses_of(history, trained(7, 3.0)) == [4.0, 3.0]
    assert losses_of(history, trained(0, 0.0)) == [4.0]
    assert losses_of(history[:1], trained(0, 0.0)) == []
    assert caution([]) == 1.0


def test_there_is_a_most() -> None:
    assert caution([2.0**n for n in range(40)]) == 4096.0
