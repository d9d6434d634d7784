"""The main job for the test of executors: in round 3 a task fails once, in round 5 one dawdles and is overtaken."""

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

SEEN = Path(sys.argv.pop(1))  # a directory in which every attempt of the two tasks leaves a file
TRAIN = rounds.TrainShards


def disturbed(run, run_uri):
    task, seen = TRAIN(run, run_uri), str(SEEN)

    def run_task(batches):
        round_number = RunDirectory(Directory.open(run_uri)).read_order().round
        place, first = (round_number, TaskContext.get().partitionId()), TaskContext.get().attemptNumber() == 0
        rows = list(task(batches))  # what the attempt has written stays behind
        if place in ((2, 1), (4, 0)):
            Path(seen, f"{round_number}-{TaskContext.get().taskAttemptId()}").touch()
        if place == (2, 1):
            with contextlib.suppress(FileExistsError):  # whichever attempt comes first: it may be a speculative one
                Path(seen, "failed").touch(exist_ok=False)
                raise RuntimeError("forced to fail")
        if place == (4, 0) and first:
            time.sleep(20)
        yield from rows

    return run_task


rounds.TrainShards = disturbed
sys.exit(train.main(sys.argv[1:]))
