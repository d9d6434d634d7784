"""Spark starts in a thread while the modules of a training are imported, and is ended where these fail."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.java_start import environment_without
from w2v_spark.errors import ConfigError
from w2v_spark.spark import starting
from w2v_spark.spark.settings import text_pass_conf
from w2v_spark.spark.source import Input, is_small
from w2v_spark.spark.starting import StartingSession

# Says whether the workers that SQL takes are those that were warmed, and whether Java knows the session in this thread.
_JOB = """
import json, sys, threading
import pyarrow as pa
from pyspark.sql import SparkSession
from w2v_spark.spark.starting import StartingSession

with StartingSession(threads=1, is_small=True) as starting:
    spark = starting.result()
    loaded = [name for name in ("numba", "pandas", "pyspark.testing") if name in sys.modules]
for thread in threading.enumerate():
    if thread.name == "w2v-warm-up":
        thread.join()

def look(batches):
    for batch in batches:
        loaded = "w2v_spark.spark.step_task" in sys.modules
        yield pa.record_batch([pa.array([loaded] * len(batch))], names=["loaded"])

rows = spark.range(0, 2, 1, 2).mapInArrow(look, "loaded boolean").collect()
print(json.dumps({
    "warm": any(row.loaded for row in rows),
    "is_active": SparkSession.getActiveSession() is spark,
    "loaded": loaded,
}))
"""


@pytest.mark.slow
def test_workers_are_warm_and_the_session_is_that_of_the_thread(tmp_path: Path) -> None:
    environment = environment_without("SPARK_REMOTE", "PYSPARK_", "MASTER") | {"MASTER": "local[2]"}
    result = subprocess.run(
        [sys.executable, "-c", _JOB], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert told == {"warm": True, "is_active": True, "loaded": []}


def test_a_session_that_is_there_is_taken_as_it_is(spark: SparkSession) -> None:
    with StartingSession(threads=1) as session:
        assert session.result() is spark


def test_arguments_of_numpy_reach_java(spark: SparkSession) -> None:
    row = spark.range(1).select(F.lit(np.float32(0.5)), F.lit(np.int64(7)), F.lit(np.array([1.0, 2.0]))).first()
    assert row is not None
    assert tuple(row) == (0.5, 7, [1.0, 2.0])


@pytest.fixture
def nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "starts_java", lambda: True)


@pytest.mark.usefixtures("nothing_there")
def test_what_keeps_spark_from_starting_is_raised_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ConfigError("no Java")

    monkeypatch.setattr(starting, "get_session", fail)
    with StartingSession(threads=1) as session, pytest.raises(ConfigError, match="no Java"):
        session.result()


@pytest.mark.usefixtures("nothing_there")
def test_half_a_start_is_ended_where_something_else_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def start(**_: object) -> None:
        assert ended.wait(30)
        raise ConfigError("Java was ended")

    monkeypatch.setattr(starting, "get_session", start)
    monkeypatch.setattr(starting, "end_spark", ended.set)
    with pytest.raises(ConfigError, match="no such dictionary"), StartingSession(threads=1):
        raise ConfigError("no such dictionary")
    assert ended.is_set()


def test_what_is_small_is_seen_without_spark(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("one text\n")
    assert is_small(Input(paths=(str(text),)))
    assert is_small(Input(paths=(str(tmp_path),)))
    assert not is_small(Input(table="a.table"))
    assert not is_small(Input(paths=("s3://bucket/text.txt",)))
    assert not is_small(Input(paths=(str(text), "s3://bucket/text.txt")))
    assert not is_small(Input(paths=(str(text),), format="delta"))
    with text.open("r+b") as file:
        file.truncate((32 << 20) + 1)
    assert not is_small(Input(paths=(str(text),)))
    assert Input(paths=(str(tmp_path),)).size == (32 << 20) + 1


@pytest.mark.parametrize(("is_small", "parts", "mode"), [(True, "2", "NO_CODEGEN"), (False, "8", "FALLBACK")])
def test_a_small_text_gets_no_code_of_its_own(spark: SparkSession, is_small: bool, parts: str, mode: str) -> None:
    names = ("spark.sql.shuffle.partitions", "spark.sql.codegen.factoryMode")
    before = [spark.conf.get(name) for name in names]
    with text_pass_conf(spark, 2, is_small):
        assert min(int(parts), int(before[0])) == int(spark.conf.get(names[0]))
        assert spark.conf.get(names[1]) == mode
    assert [spark.conf.get(name) for name in names] == before
