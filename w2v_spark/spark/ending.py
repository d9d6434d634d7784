"""Ending what Spark does for a run that is stopped in the middle of something."""

from __future__ import annotations

import contextlib
import gc
import subprocess
from typing import Any, Final

import pyspark
from pyspark.sql import SparkSession

_PATIENCE: Final = 10.0  # seconds for Java to remove its temporary files


def end_spark() -> None:
    """End the jobs of this process, and Java with its Python workers where this process has started it.

    Takes a second or two. Where Java has started this process (``spark-submit``), it ends after it.
    """
    process = own_java()
    if process is None:
        session = SparkSession.getActiveSession()
        with contextlib.suppress(Exception):  # Spark Connect has other ways, or Java is gone already
            if session is not None:
                session.sparkContext.cancelAllJobs()
        return
    with contextlib.suppress(OSError):
        process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def own_java() -> subprocess.Popen[Any] | None:
    """The Java that this process has started; None where there is none, or another has started it."""
    gateway = getattr(pyspark.SparkContext, "_gateway", None)
    if gateway is None:
        return _launching_java()
    process = getattr(gateway, "proc", None)
    return process if isinstance(process, subprocess.Popen) else None


def _launching_java() -> subprocess.Popen[Any] | None:
    """A Java that PySpark has launched and was not told the port of: only a local variable of PySpark knows it.

    It would stay for good, since it cannot hand its port over any more and fails with its other threads alive.
    """
    for one in gc.get_objects():
        if isinstance(one, subprocess.Popen) and "spark-submit" in str(one.args) and one.poll() is None:
            return one
    return None
