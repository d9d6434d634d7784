"""What a failed Spark job says: in one line, and as an error of ours where it is one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from w2v_spark import errors

SPARK_ERRORS: Final = (PySparkException, Py4JError)  # the second is what PySpark does not translate
_PYTHON_ERROR: Final = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+(\S.*)")
_JAVA_CAUSE: Final = re.compile(r"^(?:Caused by)?: (\S.*)", re.MULTILINE)
_OWN_ERROR: Final = re.compile(rf"{re.escape(errors.__name__)}\.(\w+): (.*)")
_CONDITION: Final = re.compile(r"\[([A-Z][A-Z0-9_.]+)\]")
_READING_FILE: Final = re.compile(r"Encountered error while reading file (.+?)\. ")


def root_cause(error: Exception) -> str:
    """One line that says what went wrong, out of the many of a Spark error."""
    text = str(error)
    if raised := _PYTHON_ERROR.findall(text):
        return str(raised[-1])
    causes = _JAVA_CAUSE.findall(text) or text.strip().split("\n")[:1]
    return str(causes[-1]).strip() or type(error).__name__


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
def own_errors() -> Iterator[None]:
    """Turn a Spark error into one of ours where a task raised one, or where Spark could not read a file.

    Raises
    ------
    W2VError
        What the task raised.
    InputError
        A file of the input cannot be read.
    """
    try:
        yield
    except SPARK_ERRORS as error:
        cause = root_cause(error)
        if raised := _OWN_ERROR.fullmatch(cause):
            raise getattr(errors, raised[1])(raised[2]) from error
        if file := _READING_FILE.search(str(error)):
            name = file[1].rstrip("/").rpartition("/")[2]
            help_ = "rename it, since Hadoop cannot read names with a colon," if ":" in name else "repair it"
            raise errors.InputError(f"{file[1]} cannot be read: {cause}; {help_} or leave it out") from error
        raise
