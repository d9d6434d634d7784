"""Orders and reports as files that the driver and its tasks watch."""

from __future__ import annotations

import threading
from dataclasses import replace

import pyarrow as pa
import pytest

from w2v_spark.errors import StoreError
from w2v_spark.run import mailbox as board_module
from w2v_spark.run.commands import Order, Step, report_to_bytes
from w2v_spark.run.mailbox import Board
from w2v_spark.storage import Directory

FIRST = Order("crew", 0, 2, True, Step.TRAIN, 0, {"w_in": [("a.npy", 1)]})
SECOND = replace(FIRST, number=1, step=Step.MERGE)
SCHEMA = pa.schema([("block", pa.int64())])


@pytest.fixture
def board(tmp_path):
    return Board(Directory.open(tmp_path))


def later(action, *arguments):
    timer = threading.Timer(0.05, action, arguments)
    timer.start()
    return timer


def test_the_order_in_force_is_read(board):
    with pytest.raises(StoreError, match=r"order\.npz is missing"):
        board.order()
    board.post(FIRST)
    board.post(SECOND)
    assert Board(board.directory).order().key == SECOND.key


def test_a_task_waits_for_the_next_order(board):
    board.post(FIRST)
    timer = later(board.post, SECOND)
    assert Board(board.directory).wait(FIRST).step is Step.MERGE
    timer.join()


def test_a_task_that_is_sent_home_gets_no_order(board):
    board.post(FIRST)
    timer = later(board.post, replace(FIRST, stay=False))
    assert Board(board.directory).wait(FIRST) is None
    timer.join()


def test_orders_of_another_driver_are_not_taken(board):
    """A task of a driver that was killed, when the run has been resumed."""
    board.post(replace(SECOND, crew="another"))
    assert Board(board.directory).wait(FIRST) is None


def test_a_task_ends_with_the_run_directory(board):
    assert Board(board.directory.child("gone")).wait(FIRST) is None


def test_a_task_takes_a_silent_driver_for_dead(board, monkeypatch):
    monkeypatch.setattr(board_module, "_DEADLINE_SECONDS", 0.05)
    board.post(FIRST)
    assert Board(board.directory).wait(FIRST) is None


def test_reports_are_seen_once_and_only_those_about_the_order(board):
    def say(task, order, block):
        Board(board.directory).report(task, report_to_bytes(order, [{"block": block}], SCHEMA))

    assert board.reports(FIRST, range(2)) == {}
    say(0, FIRST, 5)
    assert board.reports(FIRST, range(2)) == {0: [{"block": 5}]}
    assert board.reports(FIRST, range(2)) == {}
    say(1, FIRST, 6)
    say(0, FIRST, 7)
    assert board.reports(FIRST, [0, 1]) == {0: [{"block": 7}], 1: [{"block": 6}]}
    assert board.reports(SECOND, range(2)) == {}
    say(1, SECOND, 8)
    assert board.reports(SECOND, range(2)) == {1: [{"block": 8}]}


def test_a_report_may_have_no_rows(board):
    board.report(0, report_to_bytes(FIRST, [], SCHEMA))
    assert board.reports(FIRST, [0]) == {0: []}
