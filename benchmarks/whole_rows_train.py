"""The main job with shards that exchange whole matrices, whatever rows they touch, for `bench_network`.

Runs under ``spark-submit`` with the package shipped, so it imports nothing else of the checkout.
"""

import sys

from w2v_spark.cli.main import entry_point
from w2v_spark.spark import long_tasks

STEP_TASK = long_tasks.StepTask


def with_all_rows(run, run_uri):  # type: ignore[no-untyped-def]
    """A step's task that looks for no touched rows; executors get it by value."""
    task = STEP_TASK(run, run_uri)

    def run_task(batches):  # type: ignore[no-untyped-def]
        from w2v_spark.training import shard

        shard.mark_touched = lambda *_: None  # type: ignore[assignment]
        yield from task(batches)

    return run_task


if __name__ == "__main__":
    long_tasks.StepTask = with_all_rows  # type: ignore[assignment, misc]
    entry_point(["train", *sys.argv[1:]])
