"""The main job for the test of executors: in round 3 a task fails once, in round 5 one dawdles and is overtaken.

Called with a directory for marks, the seconds that the slow task sleeps, and the arguments of the main job.

Every attempt of the two tasks leaves a file that names its round and its stage. A late attempt of an earlier round may
read a later command than its own; its stage tells it from the attempts that count.
"""

import contextlib
import sys
import time
from pathlib import Path

from pyspark import TaskContext

sys.path.append(str(Path(__file__).parents[2]))  # behind the package that is shipped

from tests.commands import train
from w2v_spark.run.commands import Step
from w2v_spark.run.mailbox import Mailbox
from w2v_spark.spark import long_tasks
from w2v_spark.storage import Directory

SEEN, SECONDS = Path(sys.argv.pop(1)), float(sys.argv.pop(1))
STEP_TASK = long_tasks.StepTask
FAILS, DAWDLES = (Step.TRAIN, 2, 1), (Step.TRAIN, 4, 0)  # rounds and shards from 0


def disturbed(run, run_uri):
    task, seen, seconds = STEP_TASK(run, run_uri), str(SEEN), SECONDS

    def run_task(batches):
        command, context = Mailbox(Directory.open(run_uri)).command(), TaskContext.get()
        place, mark = (command.step, command.round, context.partitionId()), f"{command.round}-{context.stageId()}"
        rows = list(task(batches))  # what the attempt has written stays behind
        if place in (FAILS, DAWDLES):
            Path(seen, f"{mark}-{context.taskAttemptId()}").touch()
        if place == FAILS:
            with contextlib.suppress(FileExistsError):  # whichever attempt comes first: it may be a speculative one
                Path(seen, f"{mark}-failed").touch(exist_ok=False)
                raise RuntimeError("forced to fail")
        if place == DAWDLES and context.attemptNumber() == 0:
            time.sleep(seconds)
        yield from rows

    return run_task


long_tasks.StepTask = disturbed
sys.exit(train(sys.argv[1:]))
