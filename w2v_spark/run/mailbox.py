"""Where the driver puts its commands, and tasks that it keeps alive their reports: a few small files.

A file is always replaced as a whole, and its name never changes. Whoever waits opens it again and again, and looks at
it only where it is another file than before: that needs no more than a mounted file system that shows a newly opened
file as it is, which NFS promises as well (not run here).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from w2v_spark.run.commands import StepCommand, report_from_bytes
from w2v_spark.storage import Directory

_COMMAND_FILE: Final = "commands.npz"
_SHORTEST_POLL: Final = 0.001
_LONGEST_POLL: Final = 0.02
_DEADLINE_SECONDS: Final = 60.0  # without news a task takes the driver for dead

_Version = tuple[int, int, int]


@dataclass(slots=True)
class Mailbox:
    """The files, seen from one process.

    Attributes
    ----------
    directory : Directory
        The run directory.
    """

    directory: Directory
    _seen: dict[str, _Version] = field(default_factory=dict)

    def send(self, command: StepCommand) -> None:
        """Tell executors what to do next."""
        self.directory.write_bytes(_COMMAND_FILE, command.to_bytes())

    def command(self) -> StepCommand:
        """The command in force."""
        return self._parse(self.directory.read_bytes(_COMMAND_FILE))

    def wait(self, done: StepCommand) -> StepCommand | None:
        """The command after one that is done; None if no more is to come for its task."""
        begin, waited = time.monotonic(), 0.0
        current = done
        while waited < _DEADLINE_SECONDS:
            try:
                if (data := self._changed(_COMMAND_FILE)) is not None:
                    current = self._parse(data)
            except FileNotFoundError:  # the run is over
                return None
            if current.sender != done.sender:
                return None
            if current.number != done.number:
                return current
            if not current.keep_alive:
                return None
            time.sleep(min(max(waited / 100, _SHORTEST_POLL), _LONGEST_POLL))
            waited = time.monotonic() - begin
        return None

    def report(self, task: int, data: bytes) -> None:
        """Tell the driver what a task has done."""
        self.directory.write_bytes(_report_file(task), data)

    def reports(self, command: StepCommand, tasks: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
        """What has come in about a command since the last look, of some tasks."""
        found = {}
        for task in tasks:
            try:
                data = self._changed(_report_file(task))
            except FileNotFoundError:
                continue
            rows = None if data is None else report_from_bytes(command, data)
            if rows is not None:
                found[task] = rows
        return found

    def _parse(self, data: bytes) -> StepCommand:
        return StepCommand.from_bytes(data, f"{self.directory.uri}/{_COMMAND_FILE}")

    def _changed(self, name: str) -> bytes | None:
        """The content of a local file, if it is not the one that was there at the last look."""
        with open(self.directory.file(name), "rb") as file:  # noqa: PTH123
            status = os.fstat(file.fileno())
            version = status.st_ino, status.st_mtime_ns, status.st_size
            if self._seen.get(name) == version:
                return None
            data = file.read()
        self._seen[name] = version
        return data


def _report_file(task: int) -> str:
    return f"report-{task:05d}.arrow"
