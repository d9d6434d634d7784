"""Signals: the first one lets the round in flight finish, the second one and those elsewhere stop at once."""

from __future__ import annotations

import io
import os
import signal
import threading

import pytest

from w2v_spark.run.progress import Progress
from w2v_spark.run.stopping import Stopped, Stopping
from w2v_spark.training.history import RoundRecord

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]


def record(number: int) -> RoundRecord:
    return RoundRecord(number, 9, 8, 7, 2.5, 0.01, 0.1, 250.0, {"total": 2.0})


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_round_in_flight_is_finished(number: int, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    interrupted: list[int] = []
    progress = Progress(stream=io.StringIO(), stopping=Stopping(lambda: interrupted.append(1)))
    with progress.stopping.handled(), progress.rounds(36, 4, []) as shown:
        shown.update(record(0))
        send(number)
        with pytest.raises(Stopped, match="after round 2 of 4; --resume goes on") as stopped:
            shown.update(record(1))
    assert stopped.value.exit_code == code
    assert interrupted == []
    assert "stopping after this round" in capfd.readouterr().err


def test_nothing_is_left_to_stop_after_the_last_round() -> None:
    progress = Progress(stream=io.StringIO())
    with progress.stopping.handled(), progress.rounds(9, 1, []) as shown:
        send(signal.SIGTERM)
        shown.update(record(0))


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_second_signal_stops_at_once(number: int, code: int) -> None:
    interrupted: list[int] = []
    stopping = Stopping(lambda: interrupted.append(1))
    with stopping.handled(), stopping.rounds():
        send(signal.SIGTERM)
        assert interrupted == []
        with pytest.raises(Stopped) as stopped:
            send(number)
    assert (stopped.value.exit_code, interrupted) == (code, [1])


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_outside_of_rounds_the_first_one_does(number: int, code: int) -> None:
    stopping = Stopping()
    with stopping.handled():
        with stopping.rounds():
            pass
        with pytest.raises(Stopped) as stopped:
            send(number)
    assert stopped.value.exit_code == code


@pytest.mark.parametrize("rounds", [1, 2])
def test_impatience_does_not_disturb_tidying_up(rounds: int) -> None:
    """Ctrl-C again and again: whether a round has ended in between or not, what comes after `Stopped` is done."""
    stopping = Stopping(lambda: send(signal.SIGINT))

    def work() -> None:
        try:
            with stopping.rounds():
                send(signal.SIGINT)
                stopping.check(1, rounds)
                send(signal.SIGINT)
        finally:
            send(signal.SIGINT)
            send(signal.SIGTERM)

    with stopping.handled(), pytest.raises(Stopped):
        work()


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_start_of_spark_is_awaited(number: int, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    """And handlers that PySpark puts in place are replaced."""
    done: list[str] = []
    stopping = Stopping(lambda: done.append("ended"))
    before = signal.getsignal(number)

    def start() -> None:
        with stopping.start():
            send(number)
            done.append("started")
            signal.signal(number, signal.SIG_IGN)

    with stopping.handled():
        with pytest.raises(Stopped) as stopped:
            start()
        assert signal.getsignal(number) not in (before, signal.SIG_IGN)
    assert (stopped.value.exit_code, done) == (code, ["started", "ended"])
    assert "stopping after the start of Spark; once more stops at once" in capfd.readouterr().err
    assert signal.getsignal(number) == before


def test_handlers_of_others_are_restored() -> None:
    before = [signal.getsignal(number) for number, _ in SIGNALS]
    with Stopping().handled():
        assert [signal.getsignal(number) for number, _ in SIGNALS] != before
    assert [signal.getsignal(number) for number, _ in SIGNALS] == before


def test_another_thread_handles_no_signals() -> None:
    """As in a notebook or a job server: only the main thread may."""
    seen: list[bool] = []

    def work() -> None:
        with Stopping().handled():
            seen.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
