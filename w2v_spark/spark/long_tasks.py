"""The driver's side of a round's two steps: Spark tasks that carry out an order, and stay for the next where they can.

A Spark job for each step takes tens of milliseconds before its tasks start and after they end. So the tasks of a job
stay for a while: they post their reports on the `Board` and wait there for the next order. Nothing depends on that. A
task that Spark starts later, because another attempt has died, carries out the order in force. Where one cannot start,
because those that wait hold all slots, or where one takes far longer than the others, the driver sends all of them
home, and the job ends as any other; the next order begins another.
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
from w2v_spark.run.commands import Order, Step, report_from_bytes
from w2v_spark.run.mailbox import Board
from w2v_spark.run.manifest import Run
from w2v_spark.spark.resources import task_slots
from w2v_spark.spark.spark_errors import SPARK_ERRORS
from w2v_spark.spark.step_task import REPORT_SQL, CarryOut
from w2v_spark.storage import Directory
from w2v_spark.training.merge import Correction, plan_blocks
from w2v_spark.training.weights import WeightFiles, WeightShape

# How long tasks may wait for the last one: a part of the time that the first one took, and seconds.
_PATIENCE: Final = 0.5
_LEAST_PATIENCE: Final = 2.0
_MOST_PATIENCE: Final = 20.0  # less than tasks wait by themselves
_LONGEST_STAY: Final = 30.0  # then other jobs of the application have their turn
_SHORTEST_POLL: Final = 0.001  # for each report that is not there
_LONGEST_POLL: Final = 0.01

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Job:
    """A Spark job whose tasks wait for an order, or carry one out."""

    rows: Future[list[Row]]
    began: float
    first_order: int


class Crew:
    """Has orders carried out, one after another; a context, after which no task waits any more.

    Parameters
    ----------
    spark : SparkSession
    directory : Directory
        The run directory.
    run : Run
    shape : WeightShape
    """

    def __init__(self, spark: SparkSession, directory: Directory, run: Run, shape: WeightShape) -> None:
        self._spark, self._board = spark, Board(directory)
        self._carry_out, self._queries = CarryOut(run, directory.uri), dict[int, DataFrame]()
        self._shards, self._blocks = run.plan.shards, len(plan_blocks(shape))
        self._slots = task_slots(spark, run.config.train.threads)
        self._name, self._number = uuid.uuid4().hex, 0
        self._may_stay = directory.is_local and self._shards <= self._slots and not _speculates(spark)
        self._alone_until, self._times_sent_home = 0, 0  # each time is followed by longer without staying
        self._job: _Job | None = None
        self._order: Order | None = None
        self._pool = ThreadPoolExecutor(1, "w2v-spark-crew")

    def train(
        self, round_number: int, files: WeightFiles, meanwhile: Callable[[], Result]
    ) -> tuple[list[dict[str, Any]], Result]:
        """Have each shard train for a round, from the weights in some files.

        Returns
        -------
        What the shards report, in their order, and what the driver has done meanwhile.
        """
        order = self._give(Step.TRAIN, self._shards, round_number, files)
        done = meanwhile()
        return self._await(order), done

    def merge(
        self,
        round_number: int,
        files: WeightFiles,
        shards: tuple[str, ...],
        corrections: tuple[Correction, ...],
    ) -> list[dict[str, Any]]:
        """Have the weights of all shards merged; what is reported of the blocks, in their order."""
        tasks = self._shards if self._job is not None else min(self._blocks, self._slots)
        rows = self._await(self._give(Step.MERGE, tasks, round_number, files, shards, corrections))
        return sorted(rows, key=lambda row: row["block"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, StoreError):  # what it stumbles over has been met, and raised, before
            self._send_home()
        self._pool.shutdown(wait=kind is None)

    def _give(self, step: Step, tasks: int, *what: Any) -> Order:
        """Post an order, for tasks that wait for it or for those of a job that begins with it."""
        too_long = self._job is not None and time.monotonic() - self._job.began > _LONGEST_STAY
        stay = self._may_stay and tasks == self._shards and self._number >= self._alone_until and not too_long
        order = self._order = Order(self._name, self._number, tasks, stay, step, *what)
        self._number += 1
        self._board.post(order)
        self._start(order)
        return order

    def _await(self, order: Order) -> list[dict[str, Any]]:
        """What all tasks of an order report, task by task."""
        reports: dict[int, list[dict[str, Any]]] = {}
        while len(reports) < order.tasks:
            job = self._start(order)
            if order.stay:
                self._follow(job, order, reports)
            if len(reports) < order.tasks:
                reports |= self._end(job, order)
        return [row for task in range(order.tasks) for row in reports[task]]

    def _follow(self, job: _Job, order: Order, reports: dict[int, list[dict[str, Any]]]) -> None:
        """Collect reports by task, until all are there, the job has ended, or its tasks have been sent home."""
        begin, patience_ends = time.monotonic(), None
        while not job.rows.done():
            reports |= self._board.reports(order, set(range(order.tasks)) - set(reports))
            if len(reports) == order.tasks:
                return
            taken = time.monotonic() - begin
            if reports and patience_ends is None:
                patience_ends = taken + min(max(_PATIENCE * taken, _LEAST_PATIENCE), _MOST_PATIENCE)
            if patience_ends is not None and taken > patience_ends:
                self._send_home()
                self._times_sent_home += 1
                self._alone_until = order.number + 4**self._times_sent_home
                return
            shortest = _SHORTEST_POLL * (order.tasks - len(reports))
            time.sleep(shortest if reports else max(min(taken / 100, _LONGEST_POLL), shortest))

    def _end(self, job: _Job, order: Order) -> dict[int, list[dict[str, Any]]]:
        """Wait for the end of a job; what its tasks report of an order, those whose last one it was."""
        self._job, began_with_it = None, job.first_order == order.number
        try:
            rows = {row["task"]: report_from_bytes(order, row["report"]) for row in job.rows.result()}
        except SPARK_ERRORS:
            if began_with_it:
                raise
            return {}  # another job tells whether it was this order's fault
        reports = {task: report for task, report in rows.items() if report is not None}
        if began_with_it and len(reports) < order.tasks:
            raise StoreError(f"round {order.round + 1}: Spark returned {len(reports)} results for {order.tasks} tasks")
        return reports

    def _start(self, order: Order) -> _Job:
        """The job that is running, or one that begins with this order."""
        tasks = order.tasks
        if self._job is None:
            if tasks not in self._queries:
                self._queries[tasks] = self._spark.range(0, tasks, 1, tasks).mapInArrow(self._carry_out, REPORT_SQL)
            collect: Callable[[], list[Row]] = inheritable_thread_target(self._spark)(self._queries[tasks].collect)
            self._job = _Job(self._pool.submit(collect), time.monotonic(), order.number)
        return self._job

    def _send_home(self) -> None:
        """Let tasks that wait for another order end."""
        if self._order is not None and self._order.stay:
            self._order = replace(self._order, stay=False)
            self._board.post(self._order)


def _speculates(spark: SparkSession) -> bool:
    """Whether Spark starts copies of slow tasks: it compares them with tasks that have ended."""
    return (spark.conf.get("spark.speculation", None) or "false").lower() == "true"
