"""A small text leaves nothing to the first rounds, which are the shortest."""

from pathlib import Path

import pytest

from tests.spark.main_job import MainJob
from w2v_spark.spark import round_trainer
from w2v_spark.training.history import caution


def test_the_merge_does_not_take_their_loss_for_the_lowest(
    job: MainJob, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[float]] = []

    def spy(losses: list[float]) -> float:
        seen.append(losses)
        return caution(losses)

    monkeypatch.setattr(round_trainer, "caution", spy)
    source = tmp_path / "small.txt"
    source.write_text("".join(f"a b c d e f g h {word} i\n" for word in "jklmnopqrs"))
    rounds = job.train(source, out, settings=("train.rounds=20",)).rounds
    without = [number for number, each in enumerate(rounds) if not each["pairs"]]
    assert without[:2] == [0, 1]
    assert all(rounds[number]["loss"] == 0 for number in without)
    assert len(seen) == len(rounds)
    expected = [each["loss"] for each in rounds if each["pairs"]]
    assert seen[-1] == expected
    assert 0 not in seen[-1]
    assert seen[0] == []
