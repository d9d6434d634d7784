"""The main job with shards that exchange whole matrices, whatever rows they touch, for `bench_network`.

Runs under ``spark-submit`` with the package shipped, so it imports nothing else of the checkout.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from w2v_spark.cli.main import entry_point
from w2v_spark.run.manifest import Run
from w2v_spark.spark import long_tasks
from w2v_spark.spark.step_task import StepTask


def with_all_rows(run: Run, run_uri: str) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """A step's task that looks for no touched rows; executors get it by value."""
    task = StepTask(run, run_uri)

    def run_task(batches: Iterator[Any]) -> Iterator[Any]:
        from w2v_spark.training import shard

        setattr(shard, "mark_touched", lambda *_: None)  # noqa: B010 - none of the names that it exports
        yield from task(batches)

    return run_task


if __name__ == "__main__":
    setattr(long_tasks, "StepTask", with_all_rows)  # noqa: B010
    entry_point(["train", *sys.argv[1:]])
