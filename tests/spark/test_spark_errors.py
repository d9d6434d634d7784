"""Failures of Spark, of its Python workers and of its machines, as one line each that says what to do."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pyarrow as pa
import pytest
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark import SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from tests.conftest import ROOT
from w2v_spark.errors import (
    ClusterError,
    ConfigError,
    DivergedError,
    InputError,
    MissingExtra,
    StoreError,
    W2VError,
    WordNotFound,
)
from w2v_spark.spark.spark_errors import details, one_line_cause, translated_errors

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def failing(spark: SparkSession, task: Task) -> W2VError:
    """What becomes of an error in a task."""
    with pytest.raises(W2VError) as caught, translated_errors():
        spark.range(1, numPartitions=1).mapInArrow(task, "id long").collect()
    assert caught.value.__cause__ is not None, "Spark's own error, for whoever wants to know more"
    assert "\n" not in str(caught.value)
    return caught.value


def text_of(text: str) -> W2VError:
    """What becomes of an error of Spark that says this."""
    with pytest.raises(W2VError) as caught, translated_errors():
        raise Py4JError(text)
    assert "\n" not in str(caught.value)
    return caught.value


# In tasks


@pytest.mark.parametrize("kind", [StoreError, InputError, DivergedError, ConfigError, WordNotFound])
def test_an_error_of_ours_stays_one(spark: SparkSession, kind: type[W2VError]) -> None:
    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            raise OSError("the first of two")
        except OSError as error:
            raise kind("shard 3: it's broken") from error

    error = failing(spark, task)
    assert type(error) is kind
    assert str(error) == "shard 3: it's broken"


def test_a_library_that_workers_lack(spark: SparkSession) -> None:
    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise MissingExtra("numba is not installed; run: pip install 'w2v-spark[train]'")

    error = failing(spark, task)
    assert type(error) is MissingExtra
    assert str(error).startswith("on the machines that run Spark's Python workers, numba is not installed")


def test_a_package_that_workers_lack(spark: SparkSession) -> None:
    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise ModuleNotFoundError("No module named 'w2v_spark'")

    error = failing(spark, task)
    assert type(error) is ConfigError
    assert str(error).startswith("the Python of Spark's workers has no w2v_spark: install the same version")


def test_a_full_disk_in_a_task(spark: SparkSession) -> None:
    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise StoreError(f"part.arrow cannot be read: {error}") from error

    error = failing(spark, task)
    assert type(error) is ClusterError
    assert "a disk is full" in str(error)
    assert "part.arrow" in str(error)
    assert "spark.local.dir" in str(error)


def test_a_worker_that_the_system_kills(spark: SparkSession) -> None:
    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)
        yield from batches

    error = failing(spark, task)
    assert type(error) is ClusterError
    assert str(error).startswith("a Python worker of Spark has died")
    assert "lower model.dim" in str(error)


def test_an_error_that_is_not_understood_stays_as_it_is(spark: SparkSession) -> None:
    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise ZeroDivisionError("by nothing")

    with pytest.raises(Exception, match="by nothing") as caught, translated_errors():
        spark.range(1, numPartitions=1).mapInArrow(task, "id long").collect()
    assert not isinstance(caught.value, W2VError)
    assert one_line_cause(caught.value) == "ZeroDivisionError: by nothing"


# By what Spark says of them


def test_memory_of_java() -> None:
    error = text_of("An error occurred while calling o1.x.\n: java.lang.OutOfMemoryError: Java heap space\n\tat x")
    assert type(error) is ClusterError
    assert str(error) == (
        "Java is out of memory (java.lang.OutOfMemoryError: Java heap space); raise spark.driver.memory, "
        "or spark.executor.memory on a cluster"
    )


@pytest.mark.parametrize(
    "reason",
    [
        "Command exited with code 137",
        "Container killed by YARN for exceeding physical memory limits. 5.1 GB of 5 GB physical memory used.",
    ],
)
def test_a_lost_executor(reason: str) -> None:
    error = text_of(
        "An error occurred while calling o112.collectToPython.\n: org.apache.spark.SparkException: Job aborted due to "
        "stage failure: Task 0 in stage 2.0 failed 4 times, most recent failure: Lost task 0.3 in stage 2.0 (TID 9) "
        "(10.0.0.7 executor 12): ExecutorLostFailure (executor 12 exited caused by one of the running tasks) Reason: "
        f"{reason}\nDriver stacktrace:\n\tat org.apache.spark.scheduler.DAGScheduler"
    )
    assert type(error) is ClusterError
    assert str(error).startswith(f"executor 12 was lost ({reason.rstrip('.')})")
    assert "spark.executor.memoryOverhead" in str(error)


def test_workers_of_another_python() -> None:
    from pyspark.errors.utils import ErrorClassesReader

    said = ErrorClassesReader().get_error_message(
        "PYTHON_VERSION_MISMATCH", {"worker_version": "3.8", "driver_version": "3.12"}
    )
    error = text_of(f"Traceback (most recent call last):\n  File x\npyspark.errors.PySparkRuntimeError: {said}")
    assert type(error) is ConfigError
    assert "workers run Python 3.8, this process Python 3.12" in str(error)
    assert "PYSPARK_PYTHON" in str(error)


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(111, "Connection refused"), ConnectionResetError(), Py4JNetworkError("x")]
)
def test_a_java_that_has_ended(error: Exception) -> None:
    with pytest.raises(ClusterError, match="the Java process of Spark has ended"), translated_errors():
        raise error


# On the driver


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_of_the_driver(number: int) -> None:
    failure = StoreError("run.json cannot be written")
    failure.__cause__ = OSError(number, os.strerror(number))
    with pytest.raises(ClusterError, match="a disk is full"), translated_errors():
        raise failure


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN])
@pytest.mark.parametrize("in_a_task", [False, True])
def test_a_run_directory_that_is_gone(number: int, in_a_task: bool) -> None:
    """As pyarrow says it."""
    said = f"[Errno {number}] Failed to open local file '/out/_run/rounds/00007/round.json'. Detail: [errno {number}] x"
    error: Exception = OSError(said)
    if in_a_task:
        error = PySparkRuntimeError(f"Traceback (most recent call last):\n  File x\nOSError: {said}\n", {})
    with pytest.raises(ClusterError, match="the run directory cannot be used any more") as caught, translated_errors():
        raise error
    assert "; once it is back, resume goes on" in str(caught.value)


@pytest.mark.parametrize("error", [StoreError("damaged"), OSError(errno.EACCES, "denied"), BrokenPipeError()])
def test_other_errors_of_the_driver_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translated_errors():
        raise error
    assert caught.value is error


class Gateway:
    """A way to Java, which answers or not."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers

    @property
    def jvm(self) -> Any:
        if not self.answers:
            raise Py4JNetworkError("no answer")
        return MagicMock()


@pytest.mark.parametrize(("answers", "expected"), [(True, Py4JError), (False, ClusterError)])
def test_a_class_that_py4j_does_not_find_where_java_has_ended(
    monkeypatch: pytest.MonkeyPatch, answers: bool, expected: type[Exception]
) -> None:
    monkeypatch.setattr(SparkContext, "_gateway", Gateway(answers))
    with pytest.raises(expected), translated_errors():
        raise Py4JError("org.apache.X does not exist in the JVM")


def test_details_are_of_errors_from_spark_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from w2v_spark.spark import spark_errors
    from w2v_spark.spark.java_log import JavaLog

    log = JavaLog()
    monkeypatch.setattr(spark_errors, "JAVA_LOG", log)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failure = InputError("x")
    failure.__cause__ = PySparkRuntimeError("x", {})
    with log.open() as file:
        file.write(b"while it starts\n")
        file.flush()
        log.start()
        assert details(failure) == "", "nothing was printed since"
        file.write(b"ERROR Executor\n")
    assert details(failure) == f" (details: {log.path})"
    assert details(InputError("x")) == ""
    log.remove()


# A whole process whose Java goes away

KILLED = """
import os, signal, sys, time
from w2v_spark.spark.session import get_session
from w2v_spark.spark.spark_errors import translated_errors

spark = get_session(master="local[1]")
jvm = spark.sparkContext._jvm
java = jvm.java.lang.ProcessHandle.current().pid()

def kill(batches=None):
    os.kill(java, signal.SIGKILL)
    time.sleep(5)
    return batches

try:
    with translated_errors():
        if sys.argv[1] == "in a job":
            spark.range(1).mapInArrow(kill, "id long").collect()
        kill()
        jvm.org.apache.spark.sql.execution.python.UserDefinedPythonFunction
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("moment", ["in a job", "between two calls"])
def test_a_java_that_is_killed(tmp_path: Path, moment: str) -> None:
    environment: dict[str, Any] = {**os.environ, "TMPDIR": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", KILLED, moment], env=environment, cwd=ROOT, capture_output=True, text=True,
        timeout=180, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("ClusterError the Java process of Spark has ended")
    assert result.stderr == ""
