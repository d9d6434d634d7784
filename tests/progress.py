"""What pytest prints while it runs: a line a file when its last test is done, in place of a dot a test."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class FileProgress:
    """Counts the results of each file's tests.

    Attributes
    ----------
    expected : counter of str
        Tests a file has, by its path.
    """

    expected: Counter[str] = field(default_factory=Counter)
    _results: dict[str, Counter[str]] = field(default_factory=dict)
    _seconds: Counter[str] = field(default_factory=Counter)
    _begin: float = field(default_factory=time.monotonic)

    def add(self, file: str, phase: str, outcome: str, seconds: float) -> str | None:
        """Take in one phase of a test; the file's line if that was its last one."""
        results = self._results.setdefault(file, Counter())
        self._seconds[file] += seconds
        if outcome != "passed" or phase == "call":
            results[outcome if phase == "call" or outcome == "skipped" else "failed"] += 1
        if phase != "teardown":
            return None
        results["done"] += 1
        if results["done"] < self.expected[file]:
            return None
        counts = ", ".join(f"{results[kind]} {kind}" for kind in ("passed", "failed", "skipped") if results[kind])
        elapsed = time.monotonic() - self._begin
        return f"{elapsed:6.0f} s  {file:<50} {counts}  ({self._seconds[file]:.1f} s)"


_PROGRESS = pytest.StashKey[FileProgress]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_PROGRESS] = FileProgress()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Without xdist the tests are known here."""
    session.config.stash[_PROGRESS].expected.update(item.nodeid.partition("::")[0] for item in session.items)


class XdistProgress:
    """With xdist the controller learns of the tests from the first worker that has collected them."""

    def __init__(self, config: pytest.Config) -> None:
        self._expected = config.stash[_PROGRESS].expected

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        if not self._expected:
            self._expected.update(name.partition("::")[0] for name in ids)


class ReportLines:
    """Prints the lines, on the process that has the terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._progress = config.stash[_PROGRESS]
        self._terminal: Any = config.pluginmanager.get_plugin("terminalreporter")
        if self._terminal is not None and config.option.verbose <= 0:
            self._terminal.showfspath = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        line = self._progress.add(report.nodeid.partition("::")[0], report.when, report.outcome, report.duration)
        if line is not None and self._terminal is not None:
            self._terminal.write_line(line)

    def pytest_report_teststatus(self, report: pytest.TestReport, config: pytest.Config) -> Any:
        """Passed tests leave no mark of their own unless all names are asked for."""
        if report.passed and report.when == "call" and config.option.verbose <= 0:
            return "passed", "", "PASSED"
        return None


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(XdistProgress(session.config))
        session.config.pluginmanager.register(ReportLines(session.config))
