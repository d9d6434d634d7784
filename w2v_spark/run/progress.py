"""What a run says while it goes on: a bar on a terminal or in a notebook, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TextIO

from w2v_spark.errors import printable
from w2v_spark.redaction import hide
from w2v_spark.run.events import Events
from w2v_spark.run.stopping import Stopping

if TYPE_CHECKING:
    from w2v_spark.training.history import RoundRecord

_RECENT: Final = 0.7  # what a round counts for the time left, in parts of what the next one counts
_CLEAR_LINE: Final = "\r\x1b[K"
_BAR: Final = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit}s [{elapsed}{postfix}]"


def lead_nowhere(stream: TextIO) -> None:
    """Let a file that cannot be written to take all that it is given, what Python flushes at its end as well."""
    with suppress(OSError, ValueError):  # closed, or no file at all
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class LastingStream:
    """A text stream that is written to for as long as somebody reads it, and silent afterwards.

    A run of hours must not end because the terminal is gone that it was started from.

    Parameters
    ----------
    stream : file or None
        None is a standard error that was closed before Python started.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write as much as possible."""
        if self._stream is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # a broken pipe, a terminal that is gone, a closed file
                self._give_up()
        return len(text)

    def _give_up(self) -> None:
        """Be silent from now on, and leave nothing that Python could fail to flush at its end."""
        if self._stream is not None and self._stream is sys.stderr:
            lead_nowhere(self._stream)
        self._stream = None

    def flush(self) -> None:
        """Nothing: `write` does it."""

    def isatty(self) -> bool:
        """Whether a bar can be drawn."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def __getattr__(self, name: str) -> Any:  # encoding and fileno, which bars ask for
        return getattr(self._stream, name)


@dataclass(slots=True)
class Progress:
    """Shows a run.

    Attributes
    ----------
    stream : file
        Where to write; the standard error by default. Where it breaks or is closed, the run goes on in silence.
    quiet : bool
        Show warnings only.
    seconds : dict of str to float
        Wall time of each stage so far.
    clock : function
        Seconds since any moment.
    shares_terminal : bool
        Somebody else draws a bar on the last line of the terminal, such as Spark for its jobs: no bar of ours then, and
        each of our lines begins by clearing what is left of the other's.
    events : Events
        Are told the same.
    stopping : Stopping
        Is asked after each round whether the run is to go on.
    """

    stream: TextIO | None = field(default_factory=lambda: sys.stderr)
    quiet: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter
    shares_terminal: bool = False
    events: Events = field(default_factory=Events)
    stopping: Stopping = field(default_factory=Stopping)
    _out: LastingStream = field(init=False)
    _bar: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._out = LastingStream(self.stream)

    def say(self, text: str) -> None:
        """One line, where the user has not asked for silence."""
        if not self.quiet:
            self._write(text)

    def warn(self, text: str) -> None:
        """One line about what the user must know, whether or not they have asked for silence."""
        self._write(f"WARNING: {text}")
        self.events.emit("warning", text=text)

    def _write(self, text: str) -> None:
        text = printable(hide(text))
        if self._bar is None:
            clear = _CLEAR_LINE if self.shares_terminal and self._out.isatty() else ""
            self._out.write(f"{clear}{text}\n")
        else:
            self._bar.write(text, file=self._out)  # above the bar

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, and say that it starts; the times of one that is gone through twice add up."""
        self.say(f"{name} ...")
        self.events.emit("stage", stage=name, state="begin")
        begin, state = self.clock(), "failed"
        try:
            yield
            state = "end"
        finally:
            seconds = round(self.clock() - begin, 3)
            self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 3)
            self.events.emit("stage", stage=name, state=state, seconds=seconds)

    @contextmanager
    def rounds(self, tokens: int, total_rounds: int, done: Sequence[RoundRecord]) -> Iterator[RoundsProgress]:
        """Follow the rounds of a run over ``tokens`` tokens, of which some may be done."""
        tokens_done = sum(record.tokens for record in done)
        is_notebook = "ipykernel" in sys.modules  # where what Java writes does not come
        if not self.quiet and (is_notebook or (self._out.isatty() and not self.shares_terminal)):
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=tokens, initial=tokens_done, unit="word", unit_scale=True, file=self._out, desc="train",
                bar_format=_BAR, dynamic_ncols=True,
            )  # fmt: skip
        try:
            with self.stopping.rounds():
                yield RoundsProgress(self, self._bar, tokens, total_rounds, tokens_done, self.clock())
        finally:
            if self._bar is not None:
                self._bar.close()
                self._bar = None


@dataclass(slots=True)
class TimeLeft:
    """How long the rest of a run will take, by its last rounds.

    The first round of a process does not count: kernels are compiled in it, and it is the shortest of a run, so that
    it would say many times too much. Of the others the recent ones count most.
    """

    _tokens: float = 0.0
    _seconds: float = 0.0
    _rounds: int = 0

    def add(self, tokens: int, seconds: float) -> None:
        """A finished round of so many tokens."""
        self._rounds += 1
        if self._rounds > 1:
            self._tokens = _RECENT * self._tokens + tokens
            self._seconds = _RECENT * self._seconds + seconds

    def seconds(self, tokens: int) -> float | None:
        """For so many tokens; None if that cannot be said yet, or nothing is left."""
        return self._seconds / self._tokens * tokens if self._tokens and tokens > 0 else None


@dataclass(slots=True)
class RoundsProgress:
    """The part of `Progress` that is told of each round.

    Attributes
    ----------
    parent : Progress
    bar : tqdm or None
    tokens, rounds : int
        Of the whole run.
    done : int
        Tokens of finished rounds, those before an interruption included.
    last : float
        When the last round ended, or the first began, by the clock of the parent.
    pace : TimeLeft
    """

    parent: Progress
    bar: Any
    tokens: int
    rounds: int
    done: int
    last: float
    pace: TimeLeft = field(default_factory=TimeLeft)

    def update(self, record: RoundRecord) -> None:
        """Show a finished round. Raises `Stopped` if a signal has asked for it."""
        now = self.parent.clock()
        self.done += record.tokens
        self.pace.add(record.tokens, now - self.last)
        self.last = now
        seconds = self.pace.seconds(self.tokens - self.done)
        self._emit(record, seconds)
        self._show(record, seconds)
        self.parent.stopping.check(record.round + 1, self.rounds)

    def _emit(self, record: RoundRecord, seconds: float | None) -> None:
        self.parent.events.emit(
            "round", round=record.round + 1, rounds=self.rounds, tokens=record.tokens, pairs=record.pairs,
            loss=record.loss if record.pairs else None, learning_rate=record.learning_rate,
            words_per_second=record.words_per_second, seconds=record.seconds,
            done=round(self.done / max(self.tokens, 1), 6), seconds_left=None if seconds is None else round(seconds, 1),
        )  # fmt: skip

    def _show(self, record: RoundRecord, seconds: float | None) -> None:
        left = "" if seconds is None else f"{duration(seconds)} left"
        loss = f"loss {record.loss:.4f}" if record.pairs else "no pair of words"
        numbers = f"{loss}, rate {record.learning_rate:.5f}"
        if self.bar is not None:
            self.bar.set_description_str(f"train round {record.round + 1}/{self.rounds}, {numbers}", refresh=False)
            self.bar.set_postfix_str(left, refresh=False)
            self.bar.update(record.tokens)
            self.bar.refresh()
            return
        self.parent.say(
            f"train round {record.round + 1}/{self.rounds}: {record.words_per_second:,.0f} words/s, {numbers}, "
            f"{100 * self.done / self.tokens:.0f} %{', ' if left else ''}{left}"
        )


def duration(seconds: float) -> str:
    """A time to read: ``45 s``, ``1 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min"
