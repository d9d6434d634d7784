"""A session starts with what nobody has chosen, and what cannot work is said before it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from pyspark.sql import SparkSession

from tests.conftest import ROOT
from tests.java_start import environment_without
from tests.spark.fresh_session import start
from w2v_spark.errors import ConfigError
from w2v_spark.spark import session as session_module
from w2v_spark.spark import session_settings
from w2v_spark.spark.java import Java
from w2v_spark.spark.session import check_worker_python, get_session
from w2v_spark.spark.session_settings import read_spark_defaults
from w2v_spark.spark.warehouse import temporary_warehouse


def test_settings_of_the_user_are_kept_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.driver.memory 1100m\nspark.master=local[1]\n")
    working = tmp_path / "working directory"
    working.mkdir()
    report = start(working, SPARK_CONF_DIR=str(tmp_path))
    assert report["master"] == "local[1]"
    assert report["memory"] == "1100m"
    assert report["preloaded"], "workers have the kernels when they begin"
    assert list(working.iterdir()) == []
    assert not Path(unquote(urlsplit(str(report["warehouse"])).path)).exists(), "it goes with the process"


def test_a_warehouse_of_the_user_is_kept(tmp_path: Path) -> None:
    assert temporary_warehouse({"spark.sql.warehouse.dir": "s3a://lake"}, tmp_path) == {}
    assert temporary_warehouse({"spark.sql.catalogImplementation": "hive"}, tmp_path) == {}
    (tmp_path / "hive-site.xml").touch()
    assert temporary_warehouse({}, tmp_path) == {}


def test_workers_of_another_python_are_forked_from_sparks_own_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    assert session_settings.preloading_daemon() == "w2v_spark.spark.daemon"
    monkeypatch.setattr(session_settings, "distributions", lambda **_: [])
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert session_settings.preloading_daemon() is None, "workers could not import it"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/elsewhere", str(ROOT)]))
    assert session_settings.preloading_daemon() == "w2v_spark.spark.daemon"
    monkeypatch.setenv("PYSPARK_PYTHON", "/another/python")
    assert session_settings.preloading_daemon() is None


# In directories with names beyond ASCII, what Java and what a Python worker see.
NAMES = """
import json, os, sys
import pyarrow as pa
from w2v_spark.spark.session import get_session, jvm_file_encoding

spark = get_session(master="local[1]")
folder = sys.argv[1]

def listed(batches):
    for batch in batches:
        yield pa.record_batch([pa.array(sorted(os.listdir(folder)))], names=["name"])

print(json.dumps({
    "encoding": jvm_file_encoding(spark),
    "lines": sorted(row.value for row in spark.read.text("file:" + folder).collect()),
    "worker": [row.name for row in spark.range(1, numPartitions=1).mapInArrow(listed, "name string").collect()],
    "LC_ALL": os.environ.get("LC_ALL"),
}))
"""


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {"LANG": "C", "PYTHONCOERCECLOCALE": "0"}],
    ids=lambda environment: " ".join(f"{key}={value}" for key, value in environment.items()),
)
@pytest.mark.slow  # starts Spark in a process of its own
def test_names_of_files_are_read_without_a_locale(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    names = ["plain.txt", "étude.txt", "日本.txt"]
    for name in names:
        (folder / name).write_text(name)
    inherited = environment_without("LC_", "LANG", "SPARK_")
    result = subprocess.run(
        [sys.executable, "-c", NAMES, str(folder)],
        env=inherited | environment,
        capture_output=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["encoding"] == "UTF-8"
    assert report["lines"] == names
    assert report["worker"] == names
    assert report["LC_ALL"] == environment.get("LC_ALL"), "this process keeps its own"


@pytest.mark.slow  # starts Spark in a process of its own
def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a b a b\n")
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    train = [sys.executable, ROOT / "jobs/train.py", "--input", tmp_path / "a.txt", "--output", tmp_path / "out"]
    result = subprocess.run(
        ["sh", "-c", script, "sh", gone, *train], capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("error: the working directory does not exist any more")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


# The Python of the workers


@pytest.fixture
def other_python(tmp_path: Path) -> Path:
    """A Python that claims to be of the next version."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import sys\nfrom collections import namedtuple\n"
        "Version = namedtuple('Version', 'major minor micro releaselevel serial')\n"
        "sys.version_info = Version(3, sys.version_info[1] + 1, 0, 'final', 0)\n"
    )
    script = tmp_path / "other-python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}/site:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return script


@pytest.mark.slow  # starts Spark in a process of its own
def test_workers_of_another_python_are_refused_with_both_versions(tmp_path: Path, other_python: Path) -> None:
    (tmp_path / "a.txt").write_text("a b a b\n")
    train = [sys.executable, ROOT / "jobs/train.py", "--input", tmp_path / "a.txt", "--output", tmp_path / "out"]
    result = subprocess.run(
        [*train, "--quiet"],
        env={**os.environ, "PYSPARK_PYTHON": str(other_python), "MASTER": "local[1]"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 2, result.stderr
    ours, theirs = (f"Python 3.{sys.version_info[1] + more}" for more in (0, 1))
    for part in (
        f"workers run {theirs} ({other_python})",
        f"process {ours}",
        f"set PYSPARK_PYTHON to {sys.executable}",
    ):
        assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out/vectors").exists()


def _fake_spark(python: str, master: str) -> Any:
    return SimpleNamespace(sparkContext=SimpleNamespace(pythonExec=python, master=master))


def test_workers_on_other_machines_are_not_asked() -> None:
    check_worker_python(_fake_spark("/no/such/python", "spark://host:7077"))
    check_worker_python(_fake_spark("/no/such/python", "yarn"))


def test_workers_whose_python_does_not_start() -> None:
    with pytest.raises(ConfigError, match=r"/no/such/python, which does not start.*set PYSPARK_PYTHON to"):
        check_worker_python(_fake_spark("/no/such/python", "local[2]"))


def test_an_active_session_is_returned_with_what_can_still_change(spark: SparkSession) -> None:
    kept = spark.conf.get("spark.driver.memory")
    again = get_session("another", "local[7]", {"spark.sql.shuffle.partitions": "3", "spark.driver.memory": "9g"})
    assert again is spark
    assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
    assert spark.conf.get("spark.driver.memory") == kept


def test_a_session_of_others_is_left_as_it_is(spark: SparkSession) -> None:
    """Also in a thread of its own, where no session is active: nothing that `get_session` chooses is set there."""
    before = {row.key: row.value for row in spark.sql("SET").collect()}
    with ThreadPoolExecutor(1) as pool:
        sessions = [get_session(threads=2), pool.submit(get_session, threads=2).result()]
    assert all(session is spark for session in sessions)
    assert {row.key: row.value for row in spark.sql("SET").collect()} == before


@pytest.mark.parametrize(
    ("environment", "settings", "needs_java"),
    [
        ({}, {}, True),
        ({"SPARK_REMOTE": "sc://host:15002"}, {}, False),
        ({"SPARK_REMOTE": "local[2]"}, {}, True),
        ({}, {"spark.remote": "sc://host"}, False),
        ({"PYSPARK_GATEWAY_PORT": "1"}, {}, False),
    ],
)
def test_java_is_only_searched_where_this_process_starts_it(
    environment: Mapping[str, str], settings: dict[str, str], needs_java: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    for name in ("SPARK_REMOTE", "PYSPARK_GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session_module, "find_java", lambda: searched.append(True) or Java(None, None, 17, ""))
    monkeypatch.setattr(session_module, "SparkSession", _FakeSession)
    # There is no Java behind the port, which only a process with a session would not notice.
    monkeypatch.setattr(session_module.pyspark.SparkContext, "_ensure_initialized", lambda: None)
    monkeypatch.setattr(session_module, "_start", lambda builder, settings, begun: builder.getOrCreate())
    get_session(config=settings)
    assert bool(searched) == needs_java


class _FakeSession:
    """Stands for ``SparkSession`` where no session is active."""

    class _Builder:
        def __getattr__(self, name: str) -> Callable[..., _FakeSession._Builder]:
            return lambda *arguments: self

    builder = _Builder()

    @staticmethod
    def getActiveSession() -> None:  # noqa: N802  (the name is PySpark's)
        return None


def test_spark_defaults_are_read_like_spark_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "spark-defaults.conf"
    path.write_text("# comment\n\nspark.a 1\nspark.b=2 # not a comment\n  spark.c:\t3\n")
    assert read_spark_defaults(path) == {"spark.a": "1", "spark.b": "2 # not a comment", "spark.c": "3"}
    path.write_text("spark.novalue\n")
    with pytest.raises(ValueError, match=r"spark\.novalue"):
        read_spark_defaults(path)
