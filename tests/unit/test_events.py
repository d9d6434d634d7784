"""A run as lines of JSON: what they say, and that they never stand in its way."""

from __future__ import annotations

import io
import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import ROOT
from w2v_spark.cli.watched import watched
from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.run.events import FIELDS, Events
from w2v_spark.run.progress import Progress
from w2v_spark.run.stopping import Stopped
from w2v_spark.training.history import RoundRecord


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text(encoding="utf-8").splitlines()]


def progress(path: Path) -> Progress:
    return Progress(stream=io.StringIO(), events=Events(path))


def test_a_run_is_told_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    shown = progress(path)
    with watched(shown, "train", "out"):
        with shown.stage("count"):
            assert len(read(path)) == 2, "written at once"
        shown.warn("größer\nthan \x1b[31m it \udcff should be")
        with shown.rounds(18, 2, []) as rounds:
            rounds.update(RoundRecord(0, 9, 8, 7, float("nan"), 0.01, 0.1, 250.0, {"total": 2.0}))
            rounds.update(RoundRecord(1, 9, 8, 0, 0.0, 0.01, 0.1, float("inf"), {"total": 2.0}))
    events = read(path)
    names = ["start", "stage", "stage", "warning", "round", "round", "end"]
    assert [event["event"] for event in events] == names
    for event in events:
        assert datetime.fromisoformat(str(event["time"])).utcoffset() is not None
        assert set(event) - {"time", "event"} <= set(FIELDS[str(event["event"])])
    assert [event.get("state") for event in events[1:3]] == ["begin", "end"]
    assert events[3]["text"] == "größer\nthan \x1b[31m it \udcff should be"
    assert (events[4]["loss"], events[5]["loss"], events[5]["words_per_second"]) == (None, None, None)
    assert (events[4]["done"], events[5]["done"]) == (0.5, 1.0)
    assert events[-1]["exit_code"] == 0


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (InputError("no such file: give ", Name("input")), "no such file: give --input", 2),
        (Stopped(15, " after round 3 of 4"), "stopped by SIGTERM after round 3 of 4", 143),
        (KeyboardInterrupt(), "interrupted", 130),
        (ZeroDivisionError("oops"), "ZeroDivisionError: oops", 1),
    ],
)
def test_an_error_is_told_with_its_exit_code(tmp_path: Path, monkeypatch, error, text: str, code: int) -> None:
    monkeypatch.setattr("w2v_spark.spark.ending.end_spark", lambda: None)
    shown = progress(tmp_path / "events.jsonl")
    with pytest.raises(type(error)), watched(shown, "train", "out"), shown.stage("count"):
        raise error
    events = read(tmp_path / "events.jsonl")
    assert [event.get("state") for event in events if event["event"] == "stage"] == ["begin", "failed"]
    assert (events[-1]["event"], events[-1]["text"], events[-1]["exit_code"]) == ("error", text, code)


def test_a_file_that_can_no_longer_be_written_does_not_stop_the_run() -> None:
    events = Events("/dev/full")  # opens, and has no room
    for _ in range(3):
        events.emit("warning", text="x" * 100_000)
    events.close()


def test_values_that_json_does_not_know_do_not_stop_the_run(tmp_path: Path) -> None:
    events = Events(tmp_path / "e")
    events.emit("warning", text=object())
    events.emit("warning", text="later")
    assert (tmp_path / "e").read_text() == ""


def test_a_later_run_appends(tmp_path: Path) -> None:
    for text in ("one", "two"):
        events = Events(tmp_path / "e")
        events.emit("warning", text=text)
        events.close()
    assert [event["text"] for event in read(tmp_path / "e")] == ["one", "two"]


def test_a_file_that_cannot_be_opened_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"events .* cannot be written: No such file or directory"):
        Events(tmp_path / "missing" / "e")


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Events().emit("warning", text="x")
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_every_event_and_field_is_documented() -> None:
    text = (ROOT / "docs/reference/files.md").read_text(encoding="utf-8")
    section = text.partition("## Events")[2].partition("\n## ")[0]
    for event, fields in FIELDS.items():
        line = next(line for line in section.splitlines() if line.startswith(f"| `{event}` |"))
        assert [name for name in fields if f"`{name}`" not in line] == []
