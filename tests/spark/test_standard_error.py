"""What the command prints when Spark fails: one line of its own, and where to read the rest."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.java_start import environment_without
from tests.spark.documents import REPEATED, write_text
from tests.spark.main_job import arguments

pytestmark = pytest.mark.slow  # starts processes of its own

SMALL_FILES = 256 << 10
DISK = "2m"
MANY = [f"the cat sat on mat {i % 1997} and {i * 7 % 997}" for i in range(150_000)]  # 4 MiB of ids


def train(
    folder: Path, source: Path, output: Path, *options: str, limit: int | None = None, master: str = "local[2,4]"
) -> tuple[int, list[str]]:
    """Run the command in a process with a temporary directory of its own; its exit code and standard error."""
    temporary = folder / "temporary"
    temporary.mkdir()
    inherited = environment_without("SPARK_", "PYSPARK_")

    def limit_files() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = subprocess.run(
        [sys.executable, ROOT / "jobs/train.py", *arguments(source, output, *options)],
        env=inherited | {"TMPDIR": str(temporary), "MASTER": master},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=limit_files,
    )
    return result.returncode, result.stderr.splitlines()


def logs(folder: Path) -> list[Path]:
    return sorted((folder / "temporary").glob("w2v-spark-*.log"))


def test_success_prints_nothing_and_leaves_no_log(tmp_path: Path) -> None:
    code, lines = train(tmp_path, write_text(tmp_path / "a.txt"), tmp_path / "out", "--quiet")
    assert (code, lines) == (0, [])
    assert logs(tmp_path) == []


@pytest.fixture
def truncated(tmp_path: Path) -> Path:
    path = tmp_path / "input/a.txt.gz"
    path.parent.mkdir()
    whole = gzip.compress("\n".join(MANY).encode(), mtime=0)
    path.write_bytes(whole[: len(whole) // 2])
    return path


def test_a_truncated_file_is_the_last_line(tmp_path: Path, truncated: Path) -> None:
    """Behind what says how far the job is, though Spark has tried it four times."""
    code, lines = train(tmp_path, truncated, tmp_path / "out")
    assert code == 2
    (log,) = logs(tmp_path)
    assert len(lines) == 3
    assert lines[0] == "starting Spark ..."
    assert lines[1].startswith("count")
    assert lines[2] == (
        f"error: file://{truncated} cannot be read: java.io.EOFException: Unexpected end of input stream; "
        f"repair it or leave it out (details: {log})"
    )
    assert "ERROR Executor" in log.read_text()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Mounts a disk that is too small; the test is skipped where this process may not."""
    mounted = []

    def mount() -> Path:
        disk = tmp_path / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no disk of its own can be mounted here: {done.stderr.strip()}")
        mounted.append(disk)
        return disk

    yield mount
    for disk in mounted:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("kind", ["a small disk", "a limit to files"])
def test_a_full_disk_is_one_line(tmp_path: Path, kind: str, small_disk: Callable[[], Path]) -> None:
    source = write_text(tmp_path / "a.txt", MANY)
    is_disk = kind == "a small disk"
    place = small_disk() if is_disk else tmp_path
    limit = None if is_disk else SMALL_FILES
    code, (line,) = train(tmp_path, source, place / "out", "--quiet", limit=limit, master="local[2]")
    assert code == 1
    assert line.startswith("error: a disk is full (")
    assert ("No space left on device" if is_disk else "File too large") in line
    assert "make room where the output goes" in line
    (log,) = logs(tmp_path)
    assert line.endswith(f"(details: {log})")
    assert not (place / "out/vectors").exists()


def test_a_spark_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/spark-defaults.conf").write_text("spark.driver.memory 3\n")
    source = write_text(tmp_path / "a.txt")
    (tmp_path / "temporary").mkdir()
    result = subprocess.run(
        [sys.executable, ROOT / "jobs/train.py", *arguments(source, tmp_path / "out", "--quiet")],
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary"), "SPARK_CONF_DIR": str(tmp_path / "conf")},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    (log,) = logs(tmp_path)
    assert line.startswith("error: Spark did not start: Error occurred during initialization of VM")
    assert line.endswith(f"(details: {log})")


def test_logging_that_the_user_has_set_up_is_left_alone(tmp_path: Path) -> None:
    """Their own log4j2 file says what goes to standard error, and it does."""
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "log4j2.properties").write_text(
        "rootLogger.level = warn\nrootLogger.appenderRef.own.ref = own\nappender.own.type = Console\n"
        "appender.own.name = own\nappender.own.target = SYSTEM_ERR\nappender.own.layout.type = PatternLayout\n"
        "appender.own.layout.pattern = OWN %p %m%n\n"
    )
    source = write_text(tmp_path / "a.txt", REPEATED)
    result = subprocess.run(
        [sys.executable, ROOT / "jobs/train.py", *arguments(source, tmp_path / "out", "--quiet")],
        env={**os.environ, "SPARK_CONF_DIR": str(conf), "MASTER": "local[2]"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "OWN WARN" in result.stderr
