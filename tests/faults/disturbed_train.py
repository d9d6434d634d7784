"""The main job for the test of executors: in round 3 a task fails once, in round 5 one dawdles and is overtaken.

Every attempt of the two tasks leaves a file that names its round and its stage. A late attempt of an earlier round may
read a later order than its own; its stage tells it from the attempts that count.
"""

import contextlib
import sys
import time
from pathlib import Path

from pyspark import TaskContext

sys.path.append(str(Path(__file__).parents[2]))  # behind the package that is shipped

from jobs import train
from w2v_spark.spark import rounds
from w2v_spark.spark.state import RunDirectory
from w2v_spark.storage import Directory

SEEN = Path(sys.argv.pop(1))
TRAIN = rounds.TrainShards


def disturbed(run, run_uri):
    task, seen = TRAIN(run, run_uri), str(SEEN)

    def run_task(batches):
        round_number, context = RunDirectory(Directory.open(run_uri)).read_order().round, TaskContext.get()
        place, mark = (round_number, context.partitionId()), f"{round_number}-{context.stageId()}"
        rows = list(task(batches))  # what the attempt has written stays behind
        if place in ((2, 1), (4, 0)):
            Path(seen, f"{mark}-{context.taskAttemptId()}").touch()
        if place == (2, 1):
            with contextlib.suppress(FileExistsError):  # whichever attempt comes first: it may be a speculative one
                Path(seen, f"{mark}-failed").touch(exist_ok=False)
                raise RuntimeError("forced to fail")
        if place == (4, 0) and context.attemptNumber() == 0:
            time.sleep(20)
        yield from rows

    return run_task


rounds.TrainShards = disturbed
sys.exit(train.main(sys.argv[1:]))
