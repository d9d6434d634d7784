"""Orders and reports as files that the driver and its tasks watch."""

from __future__ import annotations

import threading
from dataclasses import replace

import pyarrow as pa
import pytest

from w2v_spark.errors import StoreError
from w2v_spark.run import mailbox as mailbox_module
from w2v_spark.run.commands import Step, StepCommand, report_to_bytes
from w2v_spark.run.mailbox import Mailbox
from w2v_spark.storage import Directory
from w2v_spark.training.matrix_files import WeightFile

FIRST = StepCommand("steps", 0, 2, True, Step.TRAIN, 0, {"w_in": [WeightFile("a.npy", 1, "0a")]})
SECOND = replace(FIRST, number=1, step=Step.MERGE)
SCHEMA = pa.schema([("block", pa.int64())])


@pytest.fixture
def mailbox(tmp_path):
    return Mailbox(Directory.open(tmp_path))


def later(action, *arguments):
    timer = threading.Timer(0.05, action, arguments)
    timer.start()
    return timer


def test_the_command_in_force_is_read(mailbox):
    with pytest.raises(StoreError, match=r"commands\.npz is missing"):
        mailbox.command()
    mailbox.send(FIRST)
    mailbox.send(SECOND)
    assert Mailbox(mailbox.directory).command().key == SECOND.key


def test_a_task_waits_for_the_next_command(mailbox):
    mailbox.send(FIRST)
    timer = later(mailbox.send, SECOND)
    assert Mailbox(mailbox.directory).wait(FIRST).step is Step.MERGE
    timer.join()


def test_a_task_that_is_released_gets_no_command(mailbox):
    mailbox.send(FIRST)
    timer = later(mailbox.send, replace(FIRST, keep_alive=False))
    assert Mailbox(mailbox.directory).wait(FIRST) is None
    timer.join()


def test_commands_of_another_driver_are_not_taken(mailbox):
    """A task of a driver that was killed, when the run has been resumed."""
    mailbox.send(replace(SECOND, sender="another"))
    assert Mailbox(mailbox.directory).wait(FIRST) is None


def test_a_task_ends_with_the_run_directory(mailbox):
    assert Mailbox(mailbox.directory.child("gone")).wait(FIRST) is None


def test_a_task_takes_a_silent_driver_for_dead(mailbox, monkeypatch):
    monkeypatch.setattr(mailbox_module, "_DEADLINE_SECONDS", 0.05)
    mailbox.send(FIRST)
    assert Mailbox(mailbox.directory).wait(FIRST) is None


def test_reports_are_seen_once_and_only_those_about_the_command(mailbox):
    def say(task, command, block):
        Mailbox(mailbox.directory).report(task, report_to_bytes(command, [{"block": block}], SCHEMA))

    assert mailbox.reports(FIRST, range(2)) == {}
    say(0, FIRST, 5)
    assert mailbox.reports(FIRST, range(2)) == {0: [{"block": 5}]}
    assert mailbox.reports(FIRST, range(2)) == {}
    say(1, FIRST, 6)
    say(0, FIRST, 7)
    assert mailbox.reports(FIRST, [0, 1]) == {0: [{"block": 7}], 1: [{"block": 6}]}
    assert mailbox.reports(SECOND, range(2)) == {}
    say(1, SECOND, 8)
    assert mailbox.reports(SECOND, range(2)) == {1: [{"block": 8}]}


def test_a_report_may_have_no_rows(mailbox):
    mailbox.report(0, report_to_bytes(FIRST, [], SCHEMA))
    assert mailbox.reports(FIRST, [0]) == {0: []}
