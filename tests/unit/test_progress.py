import io
import sys
import types

from w2v_spark.training.history import Progress, RoundRecord


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(number: int) -> RoundRecord:
    return RoundRecord(number, 500, 400, 2000, 2.5, 0.01, 0.1, 250.0, {"total": 2.0})


def shown(stream, quiet=False):
    progress = Progress(stream, quiet)
    with progress.stage("train"), progress.rounds(1000, 2, []) as rounds:
        rounds.update(record(0))
        rounds.update(record(1))
    assert progress.seconds["train"] >= 0
    return stream.getvalue()


def test_plain_lines_where_there_is_no_terminal():
    lines = shown(io.StringIO()).splitlines()
    assert lines[0] == "train ..."
    assert lines[1].startswith("train round 1/2: 250 words/s, loss 2.5000, rate 0.01000, 50 %, ")
    assert lines[2].endswith(" 100 %, 0 s left")


def test_a_bar_on_a_terminal():
    text = shown(Terminal())
    assert "train round 2/2, loss 2.5000, rate 0.01000" in text
    assert "100%" in text
    assert "1.00k/1.00k" in text


def test_a_bar_in_a_notebook_whose_streams_are_no_terminals(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    text = shown(io.StringIO())
    assert "\rtrain round 2/2, loss 2.5000, rate 0.01000: 100%" in text
    assert shown(io.StringIO(), quiet=True) == ""


def test_quiet_is_silent():
    assert shown(io.StringIO(), quiet=True) == shown(Terminal(), quiet=True) == ""


def test_a_resumed_run_starts_where_it_was():
    stream, progress = io.StringIO(), Progress()
    progress = Progress(stream)
    with progress.rounds(1000, 2, [record(0)]) as rounds:
        rounds.update(record(1))
    assert "train round 2/2" in stream.getvalue()
    assert "100 %" in stream.getvalue()
