"""SIGTERM and SIGINT: the round in flight is finished first, unless the signal comes twice."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final, NoReturn

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Stopped(KeyboardInterrupt):
    """A signal has ended the run; like `KeyboardInterrupt` no error that anybody should handle.

    Attributes
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int, where: str = "") -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}{where}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """What shells give a process that the signal has ended: 143 or 130."""
        return 128 + self.number


class Stopping:
    """Remembers that a signal has asked the run to stop, or stops it at once.

    Parameters
    ----------
    interrupt : function
        Called before `Stopped` is raised in the middle of something: ends what would go on without this process.
    """

    def __init__(self, interrupt: Callable[[], None] = lambda: None) -> None:
        self.requested: int | None = None
        self._interrupt, self._is_ending = interrupt, False
        self._waits_for = ""

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals meanwhile, where this is the main thread; those who had handled them do so afterwards.

        Once `Stopped` was raised further signals change nothing until the end of the block: so what has to be tidied
        up, a lock above all, belongs within it, and may take some seconds only.
        """
        before = self._take_over()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextlib.contextmanager
    def rounds(self) -> Iterator[None]:
        """While there are rounds, the first signal lets the one in flight finish: see `check`."""
        self._waits_for = "this round"
        try:
            yield
        finally:
            self._waits_for = ""

    @contextlib.contextmanager
    def start(self) -> Iterator[None]:
        """While Spark starts: the first signal waits until it has, since half a start is not ended cleanly.

        PySpark may put handlers of its own in place meanwhile, which are replaced.

        Raises
        ------
        Stopped
            At the end of the block.
        """
        self._waits_for = "the start of Spark"
        try:
            yield
        except KeyboardInterrupt:  # by a handler of PySpark
            self._is_ending = True
            raise
        finally:
            self._take_over()
            self._waits_for = ""
        if self.requested is not None:
            self._stop(self.requested)

    def check(self, done: int, rounds: int) -> None:
        """After a finished round. Raises `Stopped` if a signal has asked for it."""
        if self.requested is not None and done < rounds:
            self._is_ending = True
            raise Stopped(self.requested, f" after round {done} of {rounds}; --resume goes on")

    def _take_over(self) -> dict[int, Any]:
        """Handle the signals from now on; the handlers of before, by number."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._handle) for number in _SIGNALS}

    def _handle(self, number: int, _: FrameType | None) -> Any:
        if self._is_ending:
            return
        if self.requested is None and self._waits_for:
            self.requested = number
            # Not through the stream: a handler may interrupt whoever is writing to it.
            with contextlib.suppress(OSError, ValueError, AttributeError):
                text = f"{signal.Signals(number).name}: stopping after {self._waits_for}; once more stops at once\n"
                os.write(sys.stderr.fileno(), text.encode())
            return
        self._stop(number)

    def _stop(self, number: int) -> NoReturn:
        self.requested, self._is_ending = number, True
        self._interrupt()
        raise Stopped(number, "; where a run has begun it is kept, and --resume goes on")
