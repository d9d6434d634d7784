"""What a run says: on a terminal and elsewhere, how long it will take, and when nobody reads it any more."""

import io
import os
import subprocess
import sys
import types

import pytest

from w2v_spark.run.progress import Progress, duration
from w2v_spark.training.history import RoundRecord


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def record(number: int, tokens: int = 500) -> RoundRecord:
    return RoundRecord(number, tokens, 400, 2000, 2.5, 0.01, 0.1, 250.0, {"total": 2.0})


def shown(stream, quiet=False):
    progress = Progress(stream, quiet)
    with progress.stage("train"), progress.rounds(1000, 2, []) as rounds:
        rounds.update(record(0))
        rounds.update(record(1))
    assert progress.seconds["train"] >= 0
    return stream.getvalue()


def test_plain_lines_where_there_is_no_terminal():
    assert shown(io.StringIO()).splitlines() == [
        "train ...",
        "train round 1/2: 250 words/s, loss 2.5000, rate 0.01000, 50 %",
        "train round 2/2: 250 words/s, loss 2.5000, rate 0.01000, 100 %",
    ]


def test_a_bar_on_a_terminal():
    text = shown(Terminal())
    assert "train round 2/2, loss 2.5000, rate 0.01000: 100%" in text
    assert "1.00k/1.00k words" in text


def test_a_bar_in_a_notebook_whose_streams_are_no_terminals(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    text = shown(io.StringIO())
    assert "\rtrain round 2/2, loss 2.5000, rate 0.01000: 100%" in text
    assert shown(io.StringIO(), quiet=True) == ""


def test_lines_on_a_terminal_where_somebody_else_draws_a_bar():
    terminal = Terminal()
    progress = Progress(terminal, shares_terminal=True)
    terminal.write("[Stage 0:>                 (0 + 2) / 2]")
    with progress.stage("train"), progress.rounds(1000, 2, []) as rounds:
        rounds.update(record(0))
    clear = "\r\x1b[K"
    assert terminal.getvalue().split("\n")[:-1] == [
        f"[Stage 0:>                 (0 + 2) / 2]{clear}train ...",
        f"{clear}train round 1/2: 250 words/s, loss 2.5000, rate 0.01000, 50 %",
    ]
    file = io.StringIO()
    Progress(file, shares_terminal=True).say("no terminal")
    assert file.getvalue() == "no terminal\n"


def test_quiet_is_silent():
    assert shown(io.StringIO(), quiet=True) == shown(Terminal(), quiet=True) == ""


@pytest.mark.parametrize("quiet", [False, True])
def test_warnings_are_never_hidden(quiet):
    stream = io.StringIO()
    Progress(stream, quiet).warn("few words are left")
    assert stream.getvalue() == "WARNING: few words are left\n"


def test_a_warning_stands_above_the_bar():
    stream, progress = Terminal(), None
    progress = Progress(stream)
    with progress.rounds(1000, 2, []) as rounds:
        progress.warn("few words are left")
        rounds.update(record(0))
    assert "\rWARNING: few words are left\n" in stream.getvalue()


def test_a_resumed_run_starts_where_it_was():
    stream = io.StringIO()
    with Progress(stream).rounds(1000, 2, [record(0)]) as rounds:
        rounds.update(record(1))
    assert stream.getvalue() == "train round 2/2: 250 words/s, loss 2.5000, rate 0.01000, 100 %\n"


# Time left


def times_left(rounds, tokens, done=(), stream=None):
    """What the line after each round says is left; rounds are (tokens, seconds)."""
    clock, stream = Clock(), stream or io.StringIO()
    progress = Progress(stream, clock=clock)
    with progress.rounds(tokens, len(rounds), done) as shown:
        for number, (size, seconds) in enumerate(rounds):
            clock.now += seconds
            shown.update(record(number, size))
    lines = stream.getvalue().splitlines()
    return [line.split(" %")[1].removeprefix(", ") for line in lines]


def test_the_round_that_compiles_says_nothing_of_the_time_left():
    """It took 30 s for a hundredth of the text, and all others together take 99 s."""
    assert times_left([(1, 30.0), (3, 3.0), (6, 6.0), (90, 90.0)], 100) == [
        "",
        "1 min 36 s left",
        "1 min 30 s left",
        "",
    ]


def test_a_resumed_run_compiles_as_well():
    assert times_left([(10, 60.0), (20, 20.0), (20, 20.0)], 100, [record(0, 50)]) == ["", "20 s left", ""]


def test_recent_rounds_count_most():
    """The machine has become four times slower: not yet what the last round alone would say, and soon close to it."""
    slower = times_left([(10, 9.0), *[(10, 10.0)] * 3, *[(10, 40.0)] * 5], 1000)
    assert slower[3] == "16 min 0 s left"
    seconds = [int(left.split()[0]) * 60 + int(left.split()[2]) for left in slower[4:]]
    exact = [4 * (1000 - 10 * done) for done in range(5, 10)]
    assert seconds[0] < 0.6 * exact[0]
    assert seconds[-1] > 0.85 * exact[-1]
    assert all(found < right for found, right in zip(seconds, exact, strict=True))


def test_time_left_behind_the_bar():
    clock, stream = Clock(), Terminal()
    progress = Progress(stream, clock=clock)
    with progress.rounds(100, 3, []) as rounds:
        for number, (size, seconds) in enumerate([(1, 30.0), (9, 9.0)]):
            clock.now += seconds
            rounds.update(record(number, size))
            assert ("left" in stream.getvalue()) == (number == 1)
    assert ", 1 min 30 s left]" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (80, "1 min 20 s"), (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"), (7500, "2 h 5 min"), (7529, "2 h 5 min"), (7531, "2 h 6 min"), (360_000, "100 h 0 min"),
    ],
)  # fmt: skip
def test_times_are_easy_to_read(seconds, text):
    assert duration(seconds) == text


# Nobody reads it


class Broken(io.StringIO):
    """Takes so many writes."""

    def __init__(self, error, writes, terminal):
        super().__init__()
        self.error, self.writes, self.terminal = error, writes, terminal

    def isatty(self):
        return self.terminal

    def write(self, text):
        if not self.writes:
            raise self.error
        self.writes -= 1
        return super().write(text)


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("writes", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    "error", [BrokenPipeError(32, "Broken pipe"), OSError(5, "Input/output error"), ValueError("I/O on closed file")]
)
def test_a_run_outlives_the_stream_it_writes_to(error, writes, terminal):
    stream = Broken(error, writes, terminal)
    assert stream.getvalue() in shown(stream), "no error"


def test_a_run_outlives_a_closed_stream():
    stream = io.StringIO()
    progress = Progress(stream)
    progress.say("said")
    stream.close()
    with progress.stage("train"), progress.rounds(1000, 2, []) as rounds:
        rounds.update(record(0))
        progress.warn("unheard")
    assert "train" in progress.seconds


def test_no_standard_error_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    progress = Progress()
    progress.warn("unheard")
    with progress.rounds(1000, 2, []) as rounds:
        rounds.update(record(0))


def test_the_exit_code_is_that_of_a_run_that_went_well():
    """With a real pipe, which Python flushes once more at its end."""
    program = (
        "import sys; from w2v_spark.run.progress import Progress\n"
        "progress = Progress(); sys.stdin.read()\n"
        "for _ in range(3): progress.say('unheard')\n"
        "print('went well')"
    )
    ours, theirs = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(ours)  # nobody will read
        os.close(theirs)
        assert process.communicate(timeout=60)[0] == "went well\n"
    assert process.returncode == 0
