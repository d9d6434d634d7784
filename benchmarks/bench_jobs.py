"""What Spark takes for a job of a round whose tasks do nothing, and which of this project's ways make it short.

Each way runs in a session of its own on two cores and includes those before it. A job has two Python tasks.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from benchmarks.common import ROOT, print_table, spark_environment, write_result

TASKS: Final = 2
WARM_UP: Final = 20  # jobs, after which the JVM has compiled most of what they need
SOCKET: Final = "spark.python.unix.domain.socket.enabled"
WAYS: Final = {
    "a query for each job": {SOCKET: "false"},
    "Unix sockets to Python": {SOCKET: "true"},
    "no adaptive planning, no generated code": {SOCKET: "true"},
    "one query for all jobs": {SOCKET: "true"},
    "modules out of garbage collection": {SOCKET: "true"},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write ``results/jobs.json``."""
    options = _parse(argv)
    if options.way is not None:
        print(json.dumps(measure(options.way, options.jobs)))
        return 0
    rows = []
    for way, name in enumerate(WAYS):
        command = [sys.executable, "-m", "benchmarks.bench_jobs", "--way", str(way), "--jobs", str(options.jobs)]
        run = subprocess.run(
            command, cwd=ROOT, env=spark_environment(f"local[{TASKS}]"), check=True, capture_output=True, text=True
        )  # fmt: skip
        rows.append({"way": name, **json.loads(run.stdout.splitlines()[-1])})
    print_table(
        ("way", "milliseconds a job", "a further task"),
        [(row["way"], f"{row['milliseconds']:.0f}", f"{row['further_task']:.0f}") for row in rows],
    )
    write_result("jobs", {"tasks": TASKS, "jobs": options.jobs, "rows": rows})
    return 0


def measure(way: int, jobs: int) -> dict[str, float]:
    """Milliseconds of a job, the median of many, and what a task more than there are cores adds."""
    from w2v_spark.spark.session import get_session
    from w2v_spark.spark.settings import training_conf

    spark = get_session(config=list(WAYS.values())[way])
    task = _pass_on_frozen if way >= 4 else _pass_on

    def query(tasks: int) -> Any:
        return spark.range(0, tasks, 1, tasks).mapInArrow(task, "id bigint")

    def measure_tasks(tasks: int) -> float:
        constant = query(tasks)
        return 1000 * _median(constant.collect if way >= 3 else (lambda: query(tasks).collect()), jobs)

    if way >= 2:
        with training_conf(spark):
            few, many = measure_tasks(TASKS), measure_tasks(4 * TASKS)
    else:
        few, many = measure_tasks(TASKS), measure_tasks(4 * TASKS)
    return {"milliseconds": few, "further_task": (many - few) / (3 * TASKS)}


def _pass_on(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import w2v_spark.spark.step_task  # noqa: F401 - what the workers of a run have loaded

    yield from batches


def _pass_on_frozen(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import w2v_spark.spark.step_task  # noqa: F401
    from w2v_spark.spark.worker import freeze_modules

    yield from batches
    freeze_modules("benchmark")


def _median(job: Callable[[], Any], jobs: int) -> float:
    times = []
    for _ in range(WARM_UP + jobs):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[WARM_UP:])


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=40, help="timed in each way (default: %(default)s)")
    parser.add_argument("--way", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
