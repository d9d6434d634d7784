"""One executor and three, a task that fails and speculation: the same bytes."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.conftest import ROOT
from tests.faults.runs import TRAIN, arguments, vectors
from tests.spark.cluster import standalone_cluster

DISTURBED = ROOT / "tests" / "faults" / "disturbed_train.py"
SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.multiplier": "1.1",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.minTaskRuntime": "500ms",
}


SLEEPS = (20, 60, 120)  # seconds; a busy machine may need longer until a copy is started


@pytest.mark.cluster
def test_executors_failures_and_speculation_do_not_change_a_bit(corpus, reference, tmp_path):
    with standalone_cluster(tmp_path / "cluster", workers=3, cores=1, memory="1g") as cluster:
        for executors in (1, 3):
            output = tmp_path / f"out-{executors}"
            result = cluster.submit(TRAIN, *arguments(corpus, output), conf={"spark.cores.max": str(executors)})
            assert result.returncode == 0, result.stderr + cluster.logs()
            assert vectors(output) == reference

        for seconds in SLEEPS:
            seen, output = tmp_path / f"seen-{seconds}", tmp_path / f"disturbed-{seconds}"
            seen.mkdir()
            result = cluster.submit(DISTURBED, str(seen), str(seconds), *arguments(corpus, output), conf=SPECULATION)
            assert result.returncode == 0, result.stderr + cluster.logs()
            assert vectors(output) == reference
            failing, dawdling = (attempts_of_stage(seen, number) for number in (2, 4))
            # The mark of the failure, its attempt, and the one that succeeded.
            assert "failed" in failing, sorted(seen.iterdir())
            assert len(failing) >= 3, sorted(seen.iterdir())
            if len(dawdling) >= 2:
                return
        pytest.fail(f"Spark has not once overtaken the slow task, which slept for {SLEEPS} seconds")


def attempts_of_stage(seen, round_number):
    """What the attempts of a round's task have left, from the stage that most of them belong to."""
    stages = defaultdict(set)
    for file in seen.glob(f"{round_number}-*"):
        _, stage, attempt = file.name.split("-")
        stages[stage].add(attempt)
    return max(stages.values(), key=len)
