"""Spark's classes are kept from one Java to the next, where the user has not said anything about it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.java_start import VARIABLE
from w2v_spark.spark import java_archive, java_options
from w2v_spark.spark.java import Java
from w2v_spark.spark.java_archive import archive_options

OLD, NEW = Java(None, None, 17, "java 17.0.1"), Java(None, None, 21, "java 21.0.1")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in java_options._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "w2v-spark" / "java"


def test_an_old_java_writes_an_archive_once_and_a_new_one_renews_it(cache: Path) -> None:
    written = archive_options(OLD, {})
    archive = Path(written.rpartition("=")[2])
    assert "-XX:ArchiveClassesAtExit=" in written
    assert archive.parent == cache
    archive.touch()
    assert f"-XX:SharedArchiveFile={archive}" in archive_options(OLD, {})
    assert "-XX:+AutoCreateSharedArchive -XX:SharedArchiveFile=" in archive_options(NEW, {})
    other = archive_options(Java(None, None, 17, "java 17.0.2"), {})
    assert "-XX:ArchiveClassesAtExit=" in other, "an update of Java has an archive of its own"


@pytest.mark.parametrize("option", ["-XX:SharedArchiveFile=mine.jsa", "-Xshare:off", "-javaagent:profiler.jar"])
@pytest.mark.parametrize("place", [VARIABLE, "spark.driver.extraJavaOptions"])
def test_what_the_user_has_said_counts(option: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == VARIABLE:
        monkeypatch.setenv(place, option)
    assert archive_options(NEW, {} if place == VARIABLE else {place: option}) == ""


def test_other_options_of_the_user_are_no_matter() -> None:
    assert archive_options(NEW, {"spark.driver.extraJavaOptions": "-Xss4m"}) != ""


def test_an_archive_is_kept_where_nobody_else_can_write_only(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java_archive, "find_directory", lambda name: None)
    assert archive_options(NEW, {}) == ""
    monkeypatch.setattr(java_archive, "find_directory", lambda name: Path("/a place/java"))
    assert archive_options(NEW, {}) == "", "Spark would take it for two options"


SESSION = """
import sys
from w2v_spark.spark.session import get_session
spark = get_session("test", "local[1]", {"spark.driver.extraJavaOptions": "-Xlog:class+load:file=" + sys.argv[1]})
print(spark.range(3).count())
print(spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid())
"""


@pytest.mark.slow  # starts two Javas
def test_the_second_java_takes_classes_from_the_archive_of_the_first(cache: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    shared = []
    for number in range(2):
        log = tmp_path / f"{number}.log"
        run = subprocess.run(
            [sys.executable, "-c", SESSION, str(log)], env=environment, capture_output=True, text=True, check=True
        )
        count, java = map(int, run.stdout.split())
        assert count == 3
        deadline = time.monotonic() + 60
        while Path(f"/proc/{java}").exists():  # Java ends, and writes, after Python
            assert time.monotonic() < deadline
            time.sleep(0.1)
        shared.append(log.read_text().count("org.apache.spark.SparkContext source: shared objects file (top)"))
    assert shared == [0, 1]
