"""A run as lines of JSON, for those who watch it: one object an event, written at once."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final, TextIO

from w2v_spark.errors import ConfigError, Name
from w2v_spark.redaction import hide

FIELDS: Final = {
    "start": {"command": "which one", "output": "where the result goes"},
    "stage": {
        "stage": "count, encode, train or publish",
        "state": "begin, or end, or failed",
        "seconds": "wall time, at the end",
    },
    "plan": {
        "shards": "P", "rounds": "T", "epochs": "passes over the text", "vocabulary": "V", "tokens": "words of the text"
    },
    "round": {
        "round": "from 1", "rounds": "T", "tokens": "words read", "pairs": "pairs trained on",
        "loss": "mean of a pair, nats; null without pairs", "learning_rate": "in the middle of the round",
        "words_per_second": "merging included", "seconds": "wall time by stages", "done": "part of the run, 0 to 1",
        "seconds_left": "estimate; null where there is none",
    },
    "step": {
        "step": "of a decomposition of counts, from 0", "steps": "how many at most",
        "largest": "the first singular value", "smallest": "that of the vectors' last dimension",
        "change": "of a singular value since the step before, at most", "seconds": "wall time by stages",
    },
    "gate": {"gate": "the condition", "passed": "whether it holds", "values": "what was compared"},
    "switch": {"version": "id that readers follow from now on", "before": "id until now, or null"},
    "warning": {"text": "as on standard error"},
    "error": {"text": "as on standard error", "exit_code": "of the process"},
    "end": {"seconds": "wall time of all", "exit_code": "0"},
}  # fmt: skip
"""What each event has beside ``time``, UTC in ISO 8601, and ``event``, its name."""


class Events:
    """Appends events to a file; where that fails it stays silent, and the run goes on.

    Parameters
    ----------
    path : path or None
        None writes nothing.
    clock : function
        The time of day.

    Raises
    ------
    ConfigError
        The file cannot be opened; later nothing is raised.
    """

    def __init__(
        self, path: str | PathLike[str] | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._file: TextIO | None = None
        self._clock, self._lock = clock, threading.Lock()
        if path is not None:
            try:
                self._file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115  a run ends in many ways
            except OSError as error:
                raise ConfigError(Name("events"), f" {path} cannot be written: {error.strerror or error}") from error

    def emit(self, event: str, **values: Any) -> None:
        """Write an event and hand it to the system at once."""
        if self._file is None:
            return
        line = {"time": self._clock().isoformat(timespec="milliseconds"), "event": event, **values}
        try:
            text = json.dumps(_finite(line), ensure_ascii=False, allow_nan=False)
            with self._lock:
                self._file.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
                self._file.flush()
        except (OSError, ValueError, TypeError):  # a full disk, a closed file, a value that is none of JSON's
            with contextlib.suppress(OSError, ValueError):
                self._file.close()
            self._file = None

    def close(self) -> None:
        """Close the file; no harm if it is closed."""
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._file.close()
            self._file = None


def _finite(value: Any) -> Any:
    """Plain values without secrets, and with null for what is no number: many readers of JSON refuse it."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return None
    return value
