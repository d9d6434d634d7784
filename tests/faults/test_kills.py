"""Killed drivers, workers and Python processes: at most a round is lost, and not a bit differs afterwards."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from tests.commands import train
from tests.faults.processes import processes, python_workers
from tests.faults.runs import DEADLINE, TRAIN, arguments, kill, rounds_done, start, vectors, wait_for
from tests.spark.cluster import standalone_cluster
from w2v_spark.spark import long_tasks
from w2v_spark.spark.round_trainer import RoundTrainer
from w2v_spark.training.matrix_files import WeightFile, write_matrix


def test_a_killed_driver_loses_one_round_at_most(corpus, reference, tmp_path):
    """Kill it three times: in the second pass, after round 2 and after round 7; readers see no table meanwhile."""
    output = tmp_path / "out"
    process = start(corpus, output)
    wait_for((output / "_run/run.json").exists, process)
    kill(process)
    for stop in (2, 7):
        process = start(corpus, output, "--resume")
        wait_for(lambda: rounds_done(output) >= stop, process)  # noqa: B023
        kill(process)
        assert not (output / "vectors").exists()
        assert not (output / "_SUCCESS").exists()
    kept = rounds_done(output)
    process = start(corpus, output, "--resume")
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    assert f"going on after round {kept} of 12" in said
    assert f"train round {kept}/12" not in said
    assert vectors(output) == reference


@pytest.mark.parametrize("master", ["local[2,4]", "local[2]"])
def test_killed_python_workers_are_replaced(corpus, reference, tmp_path, master):
    """By Spark, or where it allows a task no second attempt, by another job for the round in flight."""
    output = tmp_path / "out"
    process = start(corpus, output, master=master)
    wait_for(lambda: rounds_done(output) >= 3, process)
    victims = python_workers(processes([process.pid]))
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    assert vectors(output) == reference


@pytest.mark.cluster
def test_a_cluster_gives_the_same_bits_and_survives_a_killed_worker(corpus, reference, tmp_path):
    with standalone_cluster(tmp_path / "cluster", workers=2, cores=1, memory="1g") as cluster:
        result = cluster.submit(TRAIN, *arguments(corpus, tmp_path / "calm"))
        assert result.returncode == 0, result.stderr + cluster.logs()
        assert vectors(tmp_path / "calm") == reference

        output = tmp_path / "killed"
        process = cluster.submit_async(TRAIN, *arguments(corpus, output))
        wait_for(lambda: rounds_done(output) >= 3, process)
        cluster.kill_worker(1)
        _, said = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, said + cluster.logs()
        assert vectors(output) == reference


def test_weights_that_are_not_finite_stop_the_run(spark, corpus, tmp_path, monkeypatch, capsys):
    """A shard that hands back a NaN in round 3."""
    output = tmp_path / "out"
    merge = RoundTrainer._merge

    def spoiled(self, number, old, shards, *others):
        if number == 2:  # with a checksum that agrees, as training would have written it
            directory = self._directory.rounds.directory(number + 1)
            file, rows, _ = shards[0]["w_out"][0]
            matrix = np.load(directory.file(file))
            matrix[5, 3] = float("nan")
            checksum = write_matrix(directory, "spoiled.npy", rows, matrix.shape[1], iter([matrix]))
            shards[0]["w_out"][0] = WeightFile("spoiled.npy", rows, checksum)
        return merge(self, number, old, shards, *others)

    monkeypatch.setattr(long_tasks, "_in_one_process", lambda spark: False)
    monkeypatch.setattr(RoundTrainer, "_merge", spoiled)
    assert train(arguments(corpus, output, "--quiet")) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: round 3: weights became NaN or infinite")
    assert "lower train.learning_rate" in said
    assert rounds_done(output) == 2
    assert not (output / "vectors").exists()
    monkeypatch.undo()
    assert train(arguments(corpus, output, "--quiet", "--resume")) == 0
    assert (output / "_SUCCESS").exists()


def test_weights_in_memory_that_are_not_finite_are_not_gone_on_from(spark, corpus, tmp_path, monkeypatch, capsys):
    """A merge that gives NaN in round 3; the worker, which has it in memory, trains the round once more."""
    output, reference = tmp_path / "out", tmp_path / "reference"
    assert train(arguments(corpus, reference, "--quiet")) == 0
    build = RoundTrainer._corrections

    def spoiled(self, number, *others):
        corrections = build(self, number, *others)
        if number == 2:
            corrections[1].curvature[:], corrections[1].basis[5, 3] = 1e9, float("nan")
        return corrections

    monkeypatch.setattr(RoundTrainer, "_corrections", spoiled)
    assert train(arguments(corpus, output, "--quiet")) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("error: round 3: weights became NaN or infinite")
    assert rounds_done(output) == 2
    monkeypatch.undo()
    assert train(arguments(corpus, output, "--quiet", "--resume")) == 0
    assert vectors(output) == vectors(reference)
