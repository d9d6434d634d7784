"""The driver's side of a round's two steps: long-lived Spark tasks that carry out one command after another.

A Spark job for each step takes tens of milliseconds before its tasks start and after they end. So the tasks of a job
are kept alive for a while: they leave their reports in the `Mailbox` and wait there for the next command. Nothing
depends on that. A task that Spark starts later, because another attempt has died, carries out the command in force.
Where one cannot start, because those that wait hold all slots, or where one takes far longer than the others, the
driver releases all of them, and the job ends as any other; the next command begins another.

Where Spark runs on this machine alone and every shard has a core, one task does all, with a thread for each shard: the
weights stay in the memory of its process from step to step, and only merged ones are written.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.util import inheritable_thread_target

from w2v_spark.errors import StoreError
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.run.commands import Step, StepCommand, report_from_bytes
from w2v_spark.run.mailbox import Mailbox
from w2v_spark.run.manifest import Run
from w2v_spark.spark.resources import task_slots
from w2v_spark.spark.spark_errors import SPARK_ERRORS
from w2v_spark.spark.step_task import REPORT_SQL, StepTask
from w2v_spark.storage import Directory
from w2v_spark.training.changed_rows import ShardFiles
from w2v_spark.training.correction import Correction
from w2v_spark.training.documents import Stretches
from w2v_spark.training.matrix_files import WeightFiles
from w2v_spark.training.row_ranges import plan_row_ranges
from w2v_spark.training.weights import WeightShape

# How long tasks may wait for the last one: a fraction of the time that the first one took, with a minimum and a maximum
# in seconds.
_PATIENCE: Final = 0.5
_LEAST_PATIENCE: Final = 2.0
_MOST_PATIENCE: Final = 20.0  # less than tasks wait by themselves
_MOST_THREADS: Final = 16  # of one process, which take turns in what is not compiled
_LONGEST_JOB: Final = 30.0  # then other jobs of the application have their turn
_SHORTEST_POLL: Final = 0.001  # for each report that is not there
_LONGEST_POLL: Final = 0.002

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Job:
    """A Spark job whose tasks wait for a command, or carry one out."""

    rows: Future[list[Row]]
    began: float
    first_command: int


class StepExecutor:
    """Has the steps of rounds carried out, one after another; a context, after which no task waits any more.

    Parameters
    ----------
    spark : SparkSession
    directory : Directory
        The run directory.
    run : Run
    shape : WeightShape
    """

    def __init__(self, spark: SparkSession, directory: Directory, run: Run, shape: WeightShape) -> None:
        self._spark, self._mailbox = spark, Mailbox(directory)
        self._step_task, self._queries = StepTask(run, directory.uri), dict[int, DataFrame]()
        self._shards, self._row_ranges = run.plan.shards, len(plan_row_ranges(shape))
        self._slots = task_slots(spark, run.config.train.threads)
        if grows := _grows(spark):  # with the tasks that wait: as few as there are slots now, and it never would
            self._slots = max(self._slots, self._shards)
        self._name, self._number = uuid.uuid4().hex, 0
        self._may_keep_alive = directory.is_local and not grows and not _speculates(spark)
        # Tasks that live for long take several shards each: one job for every step costs more than what these differ.
        self._tasks = min(self._shards, self._slots) if self._may_keep_alive else self._shards
        self._threads = 0
        has_documents = input_rows_of(run.config.model).documents
        alone = self._may_keep_alive and _in_one_process(spark) and not has_documents
        if alone and 2 <= self._shards <= min(self._slots, _MOST_THREADS):
            self._tasks, self._threads = 1, self._shards
        self._one_job_per_step_until, self._releases = 0, 0  # each time it stays so for longer
        self._job: _Job | None = None
        self._command: StepCommand | None = None
        self._pool = ThreadPoolExecutor(1, "w2v-spark-steps")

    def train(
        self,
        round_number: int,
        files: WeightFiles,
        meanwhile: Callable[[], Result],
        documents: tuple[Stretches, ...] = (),
    ) -> tuple[list[dict[str, Any]], Result]:
        """Have each shard train for a round, from the weights in some files, and the rows of its documents.

        Returns
        -------
        What the shards report, in the order of their numbers, and what the driver has done meanwhile.
        """
        command = self._send(Step.TRAIN, self._tasks, round_number, files, (), (), documents)
        done = meanwhile()
        return sorted(self._await(command), key=lambda row: row["shard"]), done

    def merge(
        self,
        round_number: int,
        files: WeightFiles,
        shards: tuple[ShardFiles, ...],
        corrections: tuple[Correction, ...],
    ) -> list[dict[str, Any]]:
        """Have the weights of all shards merged; what is reported of the row ranges, in order."""
        begins = self._job is None and not self._threads
        tasks = min(self._row_ranges, self._slots) if begins else self._tasks
        rows = self._await(self._send(Step.MERGE, tasks, round_number, files, shards, corrections))
        return sorted(rows, key=lambda row: row["row_range"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, StoreError):  # what it stumbles over has been met, and raised, before
            self._release_tasks()
        self._pool.shutdown(wait=kind is None)

    def _send(self, step: Step, tasks: int, *what: Any) -> StepCommand:
        """Send a command, to tasks that wait for it or to those of a job that begins with it."""
        began = None if self._threads or self._job is None else self._job.began
        too_long = began is not None and time.monotonic() - began > _LONGEST_JOB
        keep_alive = self._may_keep_alive and not too_long
        keep_alive = keep_alive and tasks == self._tasks and self._number >= self._one_job_per_step_until
        command = StepCommand(self._name, self._number, tasks, keep_alive, step, *what)
        command = self._command = replace(command, threads=self._threads)
        self._number += 1
        self._mailbox.send(command)
        self._start(command)
        return command

    def _await(self, command: StepCommand) -> list[dict[str, Any]]:
        """What all tasks of a command report, task by task."""
        reports: dict[int, list[dict[str, Any]]] = {}
        while len(reports) < command.tasks:
            job = self._start(command)
            if command.keep_alive:
                self._follow(job, command, reports)
            if len(reports) < command.tasks:
                reports |= self._end(job, command)
        return [row for task in range(command.tasks) for row in reports[task]]

    def _follow(self, job: _Job, command: StepCommand, reports: dict[int, list[dict[str, Any]]]) -> None:
        """Collect reports by task, until all are there, the job has ended, or its tasks have been released."""
        # Without patience: one task that cannot start, because those that wait hold all slots, would stop the run.
        begin, patience_ends = time.monotonic(), None
        while not job.rows.done():
            reports |= self._mailbox.reports(command, set(range(command.tasks)) - set(reports))
            if len(reports) == command.tasks:
                return
            taken = time.monotonic() - begin
            if reports and patience_ends is None:
                patience_ends = taken + min(max(_PATIENCE * taken, _LEAST_PATIENCE), _MOST_PATIENCE)
            if patience_ends is not None and taken > patience_ends:
                self._release_tasks()
                self._releases += 1
                self._one_job_per_step_until = command.number + 4**self._releases
                return
            shortest = _SHORTEST_POLL * (command.tasks - len(reports))
            time.sleep(shortest if reports else max(min(taken / 100, _LONGEST_POLL), shortest))

    def _end(self, job: _Job, command: StepCommand) -> dict[int, list[dict[str, Any]]]:
        """Wait for the end of a job; what its tasks report of a command, those whose last one it was."""
        self._job, began_with_it = None, job.first_command == command.number
        try:
            rows = {row["task"]: report_from_bytes(command, row["report"]) for row in job.rows.result()}
        except SPARK_ERRORS:
            if began_with_it:
                raise
            return {}  # another job tells whether it was this command's fault
        reports = {task: report for task, report in rows.items() if report is not None}
        if began_with_it and len(reports) < command.tasks:
            raise StoreError(
                f"round {command.round + 1}: Spark returned {len(reports)} results for {command.tasks} tasks"
            )
        return reports

    def _start(self, command: StepCommand) -> _Job:
        """The job that is running, or one that begins with this command."""
        tasks = command.tasks
        if self._job is None:
            if tasks not in self._queries:
                self._queries[tasks] = self._spark.range(0, tasks, 1, tasks).mapInArrow(self._step_task, REPORT_SQL)
            collect: Callable[[], list[Row]] = inheritable_thread_target(self._spark)(self._queries[tasks].collect)
            self._job = _Job(self._pool.submit(collect), time.monotonic(), command.number)
        return self._job

    def _release_tasks(self) -> None:
        """Let tasks that wait for another command end."""
        if self._command is not None and self._command.keep_alive:
            self._command = replace(self._command, keep_alive=False)
            self._mailbox.send(self._command)


def _speculates(spark: SparkSession) -> bool:
    """Whether Spark starts copies of slow tasks: it compares them with tasks that have ended."""
    return _is_on(spark, "spark.speculation")


def _grows(spark: SparkSession) -> bool:
    """Whether Spark gets more executors where tasks wait, and lets those go that have none."""
    return _is_on(spark, "spark.dynamicAllocation.enabled")


def _in_one_process(spark: SparkSession) -> bool:
    """Whether all tasks run on this machine, beside Spark's driver, so that one may have all cores and memory."""
    is_limited = spark.conf.get("spark.executor.pyspark.memory", None) is not None  # each Python process, to its share
    return (spark.conf.get("spark.master", None) or "").split("[")[0] == "local" and not is_limited


def _is_on(spark: SparkSession, name: str) -> bool:
    return (spark.conf.get(name, None) or "false").lower() == "true"
