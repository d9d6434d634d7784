"""A job that is told to stop, and a second one on its output."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.faults.processes import processes
from tests.faults.random_kills import Trial, bench
from tests.faults.runs import DEADLINE, TRAIN, arguments, rounds_done, start, vectors, wait_for


def test_signals_stop_a_job_that_goes_on_later(corpus, reference, tmp_path):
    """SIGTERM in round 3 or later, then Ctrl-C twice; a second job is refused meanwhile, and no child stays behind."""
    output, events = tmp_path / "out", tmp_path / "events.jsonl"
    process = start(corpus, output, "--events", str(events))
    wait_for(lambda: rounds_done(output) >= 2, process)
    process.send_signal(signal.SIGSTOP)  # or it has ended before the second one looks
    second = start(corpus, output, "--resume")
    _, said = second.communicate(timeout=DEADLINE)
    process.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert "is in use by train of " in said
    assert f"(process {process.pid})" in said
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 143, said
    done = rounds_done(output)
    assert said.strip().splitlines()[-1] == f"error: stopped by SIGTERM after round {done} of 12; --resume goes on"
    assert '"exit_code": 143' in events.read_text().splitlines()[-1]
    assert "Traceback" not in said
    wait_until_gone(process.pid)

    process = start(corpus, output, "--resume")
    wait_for(lambda: rounds_done(output) > done, process)
    for _ in range(3):  # the last ones while it tidies up
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    wait_until_gone(process.pid)
    assert not (output / "lock.json").exists()

    process = start(corpus, output, "--resume")
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    assert vectors(output) == reference


def test_a_signal_in_the_first_pass_is_one_line(corpus, tmp_path):
    """Also of the connection to Java that breaks by that."""
    output, events = tmp_path / "out", tmp_path / "events.jsonl"
    process = start(corpus, output, "--quiet", "--events", str(events))
    wait_for(lambda: events.exists() and '"count"' in events.read_text(), process)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 143, said
    assert said.splitlines() == ["error: stopped by SIGTERM; where a run has begun it is kept, and --resume goes on"]
    wait_until_gone(process.pid)


@pytest.mark.parametrize("count", [1, 2])
def test_a_signal_while_spark_starts_leaves_no_java(count, corpus, tmp_path):
    """PySpark does not know yet what it has launched."""
    output = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, TRAIN, *arguments(corpus, output)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: any(one.is_java for one in processes([process.pid])), process)
    for _ in range(count):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 143, said
    assert said.splitlines() == [
        "starting Spark ...",
        "SIGTERM: stopping after the start of Spark; once more stops at once",
        "error: stopped by SIGTERM; where a run has begun it is kept, and --resume goes on",
    ]
    wait_until_gone(process.pid)
    assert not (output / "lock.json").exists()


def wait_until_gone(session: int) -> None:
    deadline = time.monotonic() + 20
    while (left := processes([session])) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def test_a_killed_java(tmp_path):
    """One trial of ``make faults``, which kills others as well, and at random moments."""
    with bench(["local[2]"], tmp_path) as made:
        trial = made.run(Trial("test", "local[2]", "java", "train", 0.4))
        assert not trial.is_lost, "\n".join([str(trial), *trial.said])
