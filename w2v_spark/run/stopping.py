"""SIGTERM and SIGINT: the round in flight is finished first, unless the signal comes twice."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

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
        self._interrupt, self._can_wait = interrupt, False

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals meanwhile, where this is the main thread; those who had handled them do so afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    @contextlib.contextmanager
    def rounds(self) -> Iterator[None]:
        """While there are rounds, the first signal lets the one in flight finish: see `check`."""
        self._can_wait = True
        try:
            yield
        finally:
            self._can_wait = False

    def check(self, done: int, rounds: int) -> None:
        """After a finished round. Raises `Stopped` if a signal has asked for it."""
        if self.requested is not None and done < rounds:
            raise Stopped(self.requested, f" after round {done} of {rounds}; --resume goes on")

    def _handle(self, number: int, _: FrameType | None) -> Any:
        if self.requested is None and self._can_wait:
            self.requested = number
            # Not through the stream: a handler may interrupt whoever is writing to it.
            with contextlib.suppress(OSError, ValueError, AttributeError):
                text = f"{signal.Signals(number).name}: stopping after this round; once more stops at once\n"
                os.write(sys.stderr.fileno(), text.encode())
            return
        self.requested = number
        self._interrupt()
        raise Stopped(number, "; where a run has begun it is kept, and --resume goes on")
