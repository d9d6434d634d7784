"""What Spark's Java process and its Python workers print, in a file where it disturbs nobody.

A Spark that plain Python starts shares standard output and error with it: a task that fails writes some twenty lines
there, four times, and the daemon of the Python workers adds tracebacks after the end. Here all of it goes to a file in
the temporary directory, which is removed with the process, unless somebody was told of it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_REASON = re.compile(r"(Exception|Error|error)\b")


class JavaLog:
    """The file of one Java process.

    Attributes
    ----------
    path : Path or None
        None where no temporary file could be made: what is printed goes nowhere.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self._process = os.getpid()
        self._before = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The file, for as long as it takes to start the process that writes to it."""
        self.remove()
        try:
            descriptor, name = tempfile.mkstemp(prefix=f"w2v-spark-{os.getpid()}-", suffix=".log")
        except OSError:  # full, read-only, or gone
            with Path(os.devnull).open("wb") as nowhere:
                yield nowhere
            return
        self.path = Path(name)
        atexit.register(self.remove)
        with os.fdopen(descriptor, "wb") as file:
            yield file

    def start(self) -> None:
        """Count from here: what Java says while it starts means nothing once it has started."""
        self._before = self._size()

    def holds_something(self) -> bool:
        """Whether something was printed since `start`."""
        return self._size() > self._before

    def keep(self) -> None:
        """Leave the file where it is when this process ends."""
        atexit.unregister(self.remove)

    def reason(self) -> str:
        """The line that says why the process has ended early; empty where there is none."""
        if self.path is None:
            return ""
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in self.path.read_text(errors="replace").splitlines() if line.strip()]
            return next(filter(_REASON.search, lines), lines[-1] if lines else "")
        return ""

    def remove(self) -> None:
        """Remove the file; a process that was forked from the one that made it leaves it alone."""
        if self.path is not None and os.getpid() == self._process:
            with contextlib.suppress(OSError):
                self.path.unlink()

    def _size(self) -> int:
        with contextlib.suppress(OSError):
            return self.path.stat().st_size if self.path is not None else 0
        return 0


JAVA_LOG = JavaLog()  # a process starts one Java at most, which outlives the sessions in it
