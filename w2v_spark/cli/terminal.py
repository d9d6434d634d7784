"""Standard output on a terminal: words and names may hold what a terminal would obey."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TextIO

from w2v_spark.errors import printable


class TerminalOutput:
    """A text stream that shows control characters instead of sending them. For files and pipes nothing is changed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text with its control characters escaped."""
        self._stream.write(printable(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
