"""Where one process has all shards, their weights stay in its memory, with the bits of those that pass in files."""

import os
import signal
import uuid
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from tests.spark.main_job import MainJob, Model
from tests.spark.test_touched_rows import write_corpus
from w2v_spark.run.commands import Step, StepCommand, report_from_bytes
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.mailbox import Mailbox
from w2v_spark.run.manifest import Run
from w2v_spark.spark import long_tasks
from w2v_spark.spark.step_task import StepTask
from w2v_spark.storage import Directory
from w2v_spark.training import shard_memory
from w2v_spark.training.matrix_files import WeightFile

SETTINGS = ("model.dim=20", "train.rounds=6", "train.epochs=2", "train.sample=0.01")
MODELS = [
    ["model.architecture=skipgram"],
    ["model.architecture=skipgram", "train.merge=mean"],
    ["model.architecture=skipgram", "model.dim=7"],
    ["model.architecture=cbow", "model.objective=hierarchical_softmax"],
    ["model.architecture=skipgram", "model.subwords=true"],
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("in-memory") / "corpus")


def in_files(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(long_tasks, "_in_one_process", lambda spark: False)


def train(job: MainJob, corpus: Path, output: Path, *settings: str) -> Model:
    return job.train(corpus, output, "--format", "parquet", "--keep-run", settings=(*SETTINGS, *settings))


@pytest.mark.parametrize("model", MODELS, ids=" ".join)
def test_the_bits_are_those_of_files(spark, job, corpus, tmp_path, monkeypatch, model):
    with monkeypatch.context() as patch:
        in_files(patch)
        expected = train(job, corpus, tmp_path / "files", *model)
    found = train(job, corpus, tmp_path / "memory", *model)
    assert [each["bytes_written"] for each in found.rounds] == [0] * 6
    assert [each["bytes_read"] > 0 for each in found.rounds] == [True] + [False] * 5
    assert all(each["bytes_written"] for each in expected.rounds)
    assert found.files == expected.files


def test_a_shard_with_nothing_to_train_on_takes_part_again(spark, job, tmp_path, monkeypatch):
    """Of two short documents, shards have rounds without a single word."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("the red fox sees the old dog\nan old dog\n", encoding="utf-8")
    settings = ("train.rounds=40", "train.epochs=3", "model.dim=20")
    with monkeypatch.context() as patch:
        in_files(patch)
        expected = job.train(corpus, tmp_path / "files", settings=settings)
    found = job.train(corpus, tmp_path / "memory", settings=settings)
    assert found.files == expected.files
    assert 0 in [each["tokens"] for each in found.rounds]
    assert any(each["bytes_read"] for each in found.rounds[5:])


@pytest.mark.parametrize("step", list(Step))
def test_a_process_that_is_killed_costs_one_round_at_most(spark, job, corpus, tmp_path, monkeypatch, step):
    """Killed with all that it has in memory, as it is about to train or to merge: another takes its place."""
    expected, mark = train(job, corpus, tmp_path / "calm"), str(tmp_path / "killed")

    def killing(run: Run, run_uri: str):
        task = StepTask(run, run_uri)

        def run_task(batches):
            perform = StepTask.perform

            def perform_or_die(self, command, number):
                if command.step is step and command.round == 3 and not os.path.exists(mark):  # noqa: PTH110
                    open(mark, "w").close()  # noqa: PTH123
                    os.kill(os.getpid(), signal.SIGKILL)
                return perform(self, command, number)

            StepTask.perform = perform_or_die  # type: ignore[method-assign]
            try:
                yield from task(batches)
            finally:
                StepTask.perform = perform  # type: ignore[method-assign]

        return run_task

    monkeypatch.setattr(long_tasks, "StepTask", killing)
    found = train(job, corpus, tmp_path / "killed-once")
    assert Path(mark).exists()
    assert found.files == expected.files
    assert [bool(each["bytes_read"]) for each in found.rounds] == [True, False, False, step is Step.TRAIN, False, False]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"spark.master": "local[2]"}, True),
        ({"spark.master": "local[*]"}, True),
        ({"spark.master": "local[2,4]"}, True),
        ({"spark.master": "local"}, True),
        ({"spark.master": "local-cluster[2,1,1024]"}, False),
        ({"spark.master": "spark://host:7077"}, False),
        ({}, False),
        ({"spark.master": "local[2]", "spark.executor.pyspark.memory": "2g"}, False),  # half of it for each process
    ],
)
def test_one_process_has_all_shards_where_it_may_have_their_memory(settings, expected):
    session = SimpleNamespace(conf=SimpleNamespace(get=settings.get))
    assert long_tasks._in_one_process(session) is expected


class Steps:
    """The steps of one round of a run, carried out in this process."""

    def __init__(self, output: Path, done: int) -> None:
        folder = Directory.open(output / "_run")
        self.run = Run.read(folder)
        self.state = RunDirectory(folder, self.run.identity)
        self.task, self.round, self.files = StepTask(self.run, folder.uri), done, self.state.rounds.read_files(done)
        self.memories = shard_memory.memory_of(self.task._shape(), 2)

    def perform(self, step: Step, threads: int = 2, **more):
        command = StepCommand(uuid.uuid4().hex, 0, 1, False, step, self.round, self.files, threads=threads, **more)
        return self.task.perform(command, 0)

    def merged(self) -> list[bytes]:
        shards = tuple({name: [WeightFile("none", 0)] for name in self.files} for _ in self.memories)
        rows = self.perform(Step.MERGE, shards=shards)
        there = self.state.rounds.directory(self.round + 1)
        return [there.read_bytes(row["file"]) for row in sorted(rows, key=lambda row: row["row_range"])]


def test_the_memory_is_given_back_when_the_last_command_is_done(spark, job, corpus, tmp_path):
    """Else each worker that has had a run, one after another, would keep the weights of all of its shards."""
    train(job, corpus, tmp_path / "out")
    last = Steps(tmp_path / "out", 5)
    last.perform(Step.TRAIN)
    assert shard_memory.memory_for_each.cache_info().currsize == 1
    command = StepCommand(uuid.uuid4().hex, 0, 1, False, Step.TRAIN, last.round, last.files, threads=2)
    Mailbox(last.state.directory).send(command)
    (reported,) = last.task(iter([pa.record_batch([[0]], names=["task"])]))
    assert len(report_from_bytes(command, reported["report"][0].as_py())) == 2
    assert shard_memory.memory_for_each.cache_info().currsize == 0


def test_whatever_is_in_memory_the_bits_are_the_same(spark, job, corpus, tmp_path):
    """Nothing, the weights of another round, or rows that training has been at already."""
    train(job, corpus, tmp_path / "out")
    shard_memory.forget_memory()
    last, another = Steps(tmp_path / "out", 5), Steps(tmp_path / "out", 6)  # one round more than there would be
    another.state.rounds.directory(7).create()
    first = last.perform(Step.TRAIN)
    expected = last.merged()
    states = [lambda: last.perform(Step.TRAIN), lambda: another.perform(Step.TRAIN), another.merged, lambda: None]
    for prepare in states:
        prepare()
        assert last.merged() == expected
        prepare()
        again = last.perform(Step.TRAIN)
        assert [row["loss"] for row in again] == [row["loss"] for row in first]
        assert last.merged() == expected
