"""Tasks that are kept alive for the next command: far fewer jobs, and the same bytes whatever releases them."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from tests.commands import train
from tests.spark.main_job import Model, arguments
from w2v_spark.spark import long_tasks
from w2v_spark.spark.long_tasks import StepExecutor

SETTINGS = ("train.rounds=5", "train.epochs=2")


@pytest.fixture
def run(spark, text, tmp_path):
    """Run the main job; its bytes, and how many Spark jobs its rounds took."""

    def run_counted() -> tuple[bytes, int]:
        group, output = uuid.uuid4().hex, tmp_path / uuid.uuid4().hex
        enter = StepExecutor.__enter__

        def enter_counted(self: StepExecutor) -> StepExecutor:
            spark.sparkContext.setJobGroup(group, "rounds")
            return enter(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StepExecutor, "__enter__", enter_counted)
            patch.setattr(StepExecutor, "__exit__", _then(StepExecutor.__exit__, spark.sparkContext._jsc.clearJobGroup))
            assert train(arguments(text, output, "--quiet", settings=SETTINGS)) == 0
        return Model.read(output).files, len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))

    return run_counted


def _then(first, second):
    def both(*arguments):
        first(*arguments)
        second()

    return both


@pytest.fixture
def in_files(monkeypatch):
    """Shards in processes of their own, as on a cluster."""
    monkeypatch.setattr(long_tasks, "_in_one_process", lambda spark: False)


@pytest.fixture
def alone(run, monkeypatch):
    """The bytes of a run with a job for each step, as where Spark speculates."""
    with monkeypatch.context() as patch:
        patch.setattr(long_tasks, "_speculates", lambda spark: True)
        files, jobs = run()
    assert jobs == 10
    return files


def test_one_job_serves_all_rounds(run, alone, in_files):
    assert run() == (alone, 1)


def test_one_task_serves_all_shards(run, alone):
    assert run() == (alone, 1)


def test_where_the_cluster_grows_there_is_a_job_for_each_step(run, alone, monkeypatch):
    """With a task a shard, by which Spark knows what to get."""
    monkeypatch.setattr(long_tasks, "_grows", lambda spark: True)
    assert run() == (alone, 10)


def test_tasks_end_after_a_while(run, alone, in_files, monkeypatch):
    """Each second command is the last one of its job's tasks."""
    monkeypatch.setattr(long_tasks, "_LONGEST_JOB", 0.0)
    assert run() == (alone, 5)


def test_tasks_that_wait_too_long_are_released(run, alone, in_files, monkeypatch):
    """Nobody waits for anybody: tasks end while another still works, then there is a job for each of some steps."""
    monkeypatch.setattr(long_tasks, "_PATIENCE", 0.0)
    monkeypatch.setattr(long_tasks, "_LEAST_PATIENCE", 0.0)
    files, jobs = run()
    assert files == alone
    assert 1 <= jobs <= 10


def test_tasks_that_have_ended_are_replaced(run, alone, monkeypatch):
    """As if the driver had been silent between two commands for longer than tasks wait for it."""
    give = StepExecutor._send

    def give_late(self, *command):
        if self._job is not None:
            self._mailbox.send(replace(self._command, keep_alive=False))
            self._job.rows.result()
        return give(self, *command)

    monkeypatch.setattr(StepExecutor, "_send", give_late)
    assert run() == (alone, 10)
