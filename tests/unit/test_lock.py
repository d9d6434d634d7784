"""A lock is held by one job at a time, says by whom, and is taken over from a job that is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from w2v_spark.errors import ConfigError, InUse, StoreError
from w2v_spark.publishing import lock as lock_module
from w2v_spark.publishing.holder import Holder, show_age
from w2v_spark.publishing.lock import LOCK_FILE, Lock
from w2v_spark.storage import Directory


def read(directory: Directory) -> dict[str, object]:
    return directory.read_json(LOCK_FILE)


def write(directory: Directory, **changes: object) -> None:
    directory.create().write_json(LOCK_FILE, {**Holder.of_this_process("train").to_dict(), **changes})


def dead_process() -> tuple[int, str]:
    """The number of a process of this machine that has ended, and what a lock of it says of its start."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid, "1"


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    directory = Directory.open(tmp_path / "out")
    with Lock(directory, purpose="train"):
        with pytest.raises(InUse) as caught, Lock(directory, purpose="retrain"):
            pass
        message = str(caught.value)
        for part in ("train of ", str(os.getpid()), read(directory)["owner"], read(directory)["host"], " s ago"):
            assert str(part) in message
        assert isinstance(caught.value, ConfigError)  # whose exit code is 2
    assert not directory.exists(LOCK_FILE)
    with Lock(directory):
        assert read(directory)["pid"] == os.getpid()
    assert directory.list() == []


def test_a_lock_of_a_dead_process_of_this_machine_is_taken_over_at_once(tmp_path: Path) -> None:
    directory, said = Directory.open(tmp_path), list[str]()
    pid, start = dead_process()
    write(directory, pid=pid, process_start=start, purpose="train", owner="ada")
    with Lock(directory, say=said.append):
        assert read(directory)["pid"] == os.getpid()
    (line,) = said
    assert "train of ada" in line
    assert "which is gone" in line
    assert directory.list() == []


def test_another_process_with_the_number_of_the_dead_one_is_not_taken_for_it(tmp_path: Path) -> None:
    directory = Directory.open(tmp_path)
    write(directory, process_start="1")  # this process runs, but began at another time
    with Lock(directory):
        pass


def test_a_lock_of_another_machine_is_taken_over_after_a_long_silence(tmp_path: Path) -> None:
    directory, said = Directory.open(tmp_path), list[str]()
    write(directory, machine="another", host="there", pid=1)
    with pytest.raises(InUse, match="on there"), Lock(directory):
        pass
    os.utime(tmp_path / LOCK_FILE, (time.time() - 1000, time.time() - 1000))
    with Lock(directory, say=said.append):
        pass
    assert "not been heard of for 17 min" in said[0]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_a_file_that_says_nothing_is_held_by_somebody_until_it_is_old(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK_FILE).write_text(content)
    with pytest.raises(InUse, match="somebody"), Lock(Directory.open(tmp_path)):
        pass
    os.utime(tmp_path / LOCK_FILE, (time.time() - 1000, time.time() - 1000))
    with Lock(Directory.open(tmp_path)):
        pass


def test_who_waits_gets_it_afterwards(tmp_path: Path) -> None:
    directory, order = Directory.open(tmp_path), list[str]()

    def second() -> None:
        with Lock(directory, wait=30):
            order.append("second")

    with Lock(directory):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_lock_that_was_taken_over_is_noticed_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "BEAT_SECONDS", 0.02)
    directory = Directory.open(tmp_path)
    with Lock(directory) as lock:
        lock.check()
        write(directory, purpose="retrain", owner="eve")
        with pytest.raises(StoreError, match="taken over by retrain of eve"):
            lock.check()
        time.sleep(0.1)
        assert read(directory)["owner"] == "eve"
        (tmp_path / LOCK_FILE).unlink()
        with pytest.raises(StoreError, match="was removed"):
            lock.check()


def test_a_held_lock_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "BEAT_SECONDS", 0.02)
    with Lock(Directory.open(tmp_path)):
        os.utime(tmp_path / LOCK_FILE, (1, 1))
        deadline = time.monotonic() + 20
        while (tmp_path / LOCK_FILE).stat().st_mtime < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)


_RACER = """
import sys, time
from w2v_spark.publishing import lock
from w2v_spark.publishing.lock import Lock
from w2v_spark.storage import Directory
lock._POLL_SECONDS = 0.001
directory, held = Directory.open(sys.argv[1]), 0
while not directory.exists("go"):
    time.sleep(0.001)
for _ in range(40):
    with Lock(directory, wait=60) as held:
        held.check()
        count = int(directory.read_bytes("count"))
        time.sleep(0.0005)
        directory.write_bytes("count", str(count + 1).encode())
"""


def test_processes_never_hold_it_together(tmp_path: Path) -> None:
    """Three processes count to 120, one step at a time; they begin with a lock whose holder is dead."""
    directory = Directory.open(tmp_path)
    pid, start = dead_process()
    write(directory, pid=pid, process_start=start)
    directory.write_bytes("count", b"0")
    children = [
        subprocess.Popen([sys.executable, "-c", _RACER, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    directory.write_bytes("go", b"")
    errors = [child.communicate(timeout=120)[1].decode() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], errors
    assert directory.read_bytes("count") == b"120"
    assert [info.base_name for info in directory.list()] == ["count", "go"]


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    directory = Directory.open(tmp_path)
    with Lock(directory):
        assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()
        with pytest.raises(InUse), Lock(directory):
            pass
    assert directory.list() == []


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0 s"), (59, "59 s"), (119, "119 s"), (600, "10 min"), (7200, "2 h"), (9e5, "10 days")]
)
def test_ages(seconds: float, shown: str) -> None:
    assert show_age(seconds) == shown
