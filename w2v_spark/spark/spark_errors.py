"""What a failed Spark job says: in one line, and as an error of ours where we know what to do about it."""

from __future__ import annotations

import errno
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark import SparkContext
from pyspark.errors import PySparkException

from w2v_spark import errors
from w2v_spark.errors import ClusterError, ConfigError, InputError, MissingExtra, Name, W2VError
from w2v_spark.publishing.layout import RUN
from w2v_spark.spark.java_log import JAVA_LOG

SPARK_ERRORS: Final = (PySparkException, Py4JError)  # the second is what PySpark does not translate
_JAVA_IS_GONE: Final = (ConnectionRefusedError, ConnectionResetError, Py4JNetworkError)
_DISK_IS_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# An executor's errors reach the driver as text, and with Spark Connect all do: nothing else tells them apart.
_PYTHON_ERROR: Final = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(\S.*)")
_JAVA_CAUSE: Final = re.compile(r"^(?:Caused by)?: (\S.*)", re.MULTILINE)
_OWN_ERROR: Final = re.compile(rf"{re.escape(errors.__name__)}\.(\w+): (.*)")
_CONDITION: Final = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")
_READING_FILE: Final = re.compile(r"Encountered error while reading file (.+?)\. ")
_NO_PACKAGE: Final = re.compile(r"No module named '(w2v_spark[\w.]*)'")
_OTHER_PYTHON: Final = re.compile(r"Python in worker has different version: (\S+) than that in driver: ([^\s,]+)")
_FULL_DISK: Final = re.compile(r"No space left on device|Disk quota exceeded|File too large")
_LOST_RUN: Final = re.compile(rf"\[Errno \d+\].*/{RUN}\b")  # of pyarrow and of Python, in the driver and in tasks
_JAVA_MEMORY: Final = re.compile(r"java\.lang\.OutOfMemoryError(?:: .*)?")
_LOST_EXECUTOR: Final = re.compile(r"ExecutorLostFailure \(executor (\S+) .*?\) Reason: (.+)")
_DEAD_WORKER: Final = re.compile(r"Python worker exited unexpectedly|Python worker (?:process )?(?:has )?died")


def one_line_cause(error: Exception) -> str:
    """One line that says what went wrong, out of the many of a Spark error."""
    text = str(error)
    if raised := _PYTHON_ERROR.findall(text):
        return str(raised[-1])
    causes = _JAVA_CAUSE.findall(text) or text.strip().split("\n")[:1]
    return str(causes[-1]).strip() or type(error).__name__


def details(error: BaseException) -> str:
    """`` (details: PATH)`` to follow the message of an error that came from Spark, where Java has printed something.

    The file stays when this process ends, since somebody has been told of it.
    """
    link: BaseException | None = error
    while link is not None and not isinstance(link, (*SPARK_ERRORS, *_JAVA_IS_GONE)):
        link = link.__cause__ or link.__context__
    if link is None or not JAVA_LOG.holds_something():
        return ""
    JAVA_LOG.keep()
    return f" (details: {JAVA_LOG.path})"


def condition(error: Exception) -> str:
    """Spark's own name for what went wrong, such as ``DATA_SOURCE_NOT_FOUND``; empty where it has none."""
    if isinstance(error, PySparkException) and (known := error.getCondition()):
        return known
    found = _CONDITION.search(str(error))
    return found[1] if found else ""


@contextmanager
def quiet_analysis() -> Iterator[None]:
    """Keep PySpark from writing what it cannot analyse to standard error; the error that it raises says it."""
    logger = logging.getLogger("SQLQueryContextLogger")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def quiet_connections() -> Iterator[None]:
    """Keep Py4J from telling at length of a connection that breaks, which it raises as well.

    It writes to the root of all loggers, which gives that one a handler to standard error if it has none, and then to
    loggers of its own, which pass on to it.
    """
    root, own = logging.getLogger(), logging.getLogger("py4j")
    passes_on = own.propagate

    def is_of_others(record: logging.LogRecord) -> bool:
        return "py4j" not in Path(record.pathname).parts

    root.addFilter(is_of_others)
    own.propagate = False
    try:
        yield
    finally:
        own.propagate = passes_on
        root.removeFilter(is_of_others)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn an error of Spark into one of ours where a task raised one, or where it is known what to do about it.

    Raises
    ------
    W2VError
        What the task raised.
    InputError
        A file of the input cannot be read.
    ConfigError, MissingExtra
        The workers run another version of Python, or lack this package or a library that it needs.
    ClusterError
        A disk is full, memory has run out, or a process of Spark has ended.
    """
    try:
        with quiet_connections():
            yield
    except _JAVA_IS_GONE as error:
        raise _ended_java() from error
    except SPARK_ERRORS as error:
        if type(error) is Py4JError and _java_is_gone():
            raise _ended_java() from error
        translated = _translate(error)
        if translated is None:
            raise
        raise translated from error
    except OSError as error:  # of the driver's own files
        link: BaseException | None = error
        while link is not None:
            if isinstance(link, OSError) and link.errno in _DISK_IS_FULL:
                raise _full_disk(str(link)) from error
            link = link.__cause__
        if not isinstance(error, W2VError) and _LOST_RUN.search(str(error)):
            raise _lost_run(str(error)) from error
        raise


def _java_is_gone() -> bool:
    """Whether Java no longer answers: where it ends between two calls, Py4J says that a class does not exist in it."""
    gateway = SparkContext._gateway
    if gateway is None:
        return False
    try:
        gateway.jvm.java.lang.System.currentTimeMillis()
    except (Py4JError, OSError):
        return True
    return False


def _translate(error: Exception) -> W2VError | None:
    """An error of ours that says the same, or None."""
    text, cause = str(error), one_line_cause(error)
    if _FULL_DISK.search(cause):
        return _full_disk(cause)
    if raised := _OWN_ERROR.fullmatch(cause):
        kind = getattr(errors, raised[1], None)
        if isinstance(kind, type) and issubclass(kind, MissingExtra):
            return MissingExtra(f"on the machines that run Spark's Python workers, {raised[2]}")
        if isinstance(kind, type) and issubclass(kind, W2VError):
            return kind(raised[2])
    if _LOST_RUN.search(cause):
        return _lost_run(cause)
    if file := _READING_FILE.search(text):
        name = file[1].rstrip("/").rpartition("/")[2]
        remedy = "rename it, since Hadoop cannot read names with a colon," if ":" in name else "repair it"
        return InputError(f"{file[1]} cannot be read: {cause}; {remedy} or leave it out")
    return _translate_workers(text, cause) or _translate_memory(text)


def _translate_workers(text: str, cause: str) -> W2VError | None:
    """What is wrong with the Python that the workers run."""
    if versions := _OTHER_PYTHON.search(text):
        return ConfigError(
            f"Spark's workers run Python {versions[1]}, this process Python {versions[2]} ({sys.executable}); they "
            f"must be of one version: set PYSPARK_PYTHON to a Python {versions[2]} of theirs, or start this process "
            f"with Python {versions[1]}"
        )
    if module := _NO_PACKAGE.search(cause):
        return ConfigError(
            f"the Python of Spark's workers has no {module[1]}: install the same version of w2v-spark there, "
            "or ship it with spark.submit.pyFiles"
        )
    return None


def _translate_memory(text: str) -> W2VError | None:
    """What has ended a process; where several things have, the one that came first."""
    if found := _JAVA_MEMORY.search(text):
        return ClusterError(
            f"Java is out of memory ({found[0]}); raise spark.driver.memory, or spark.executor.memory on a cluster"
        )
    if lost := _LOST_EXECUTOR.search(text):
        return ClusterError(
            f"executor {lost[1]} was lost ({lost[2].strip().rstrip('.')}), as others before it; where memory ran out "
            "(exit code 137), raise spark.executor.memoryOverhead or lower ",
            Name("model.dim"),
        )
    if _DEAD_WORKER.search(text):
        return ClusterError(
            "a Python worker of Spark has died, most often because the system has ended it for want of memory; use "
            "fewer cores or lower ",
            Name("model.dim"),
            ", and on a cluster raise spark.executor.memoryOverhead",
        )
    return None


def _ended_java() -> ClusterError:
    return ClusterError(
        "the Java process of Spark has ended, most often because the system or the user has stopped it; a training "
        "goes on where it was with ",
        Name("resume"),
        "; where memory ran out, lower spark.driver.memory or ",
        Name("model.dim"),
        ", or use fewer cores",
    )


def _lost_run(cause: str) -> ClusterError:
    return ClusterError(
        f"the run directory cannot be used any more ({cause}): it was deleted, it has become read-only, or its mount "
        "is lost; once it is back, ",
        Name("resume"),
        " goes on",
    )


def _full_disk(cause: str) -> ClusterError:
    return ClusterError(
        f"a disk is full ({cause}); make room where the output goes and where Spark keeps its own files "
        "(spark.local.dir), or choose other places"
    )
