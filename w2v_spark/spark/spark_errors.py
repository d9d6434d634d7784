"""What a failed Spark job says: in one line, and as an error of ours where it is one."""

from __future__ import annotations

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
_READING_FILE: Final = re.compile(r"Encountered error while reading file (.+?)\. ")


def root_cause(error: Exception) -> str:
    """One line that says what went wrong, out of the many of a Spark error."""
    text = str(error)
    if raised := _PYTHON_ERROR.findall(text):
        return str(raised[-1])
    causes = _JAVA_CAUSE.findall(text) or text.split("\n")[:1]
    return str(causes[-1]).strip() or type(error).__name__


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
            raise errors.InputError(f"{file[1]} cannot be read: {cause}; repair it or leave it out") from error
        raise
