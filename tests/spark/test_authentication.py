"""A standalone cluster that asks for a secret: who knows it works, and nobody else can read it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.spark.cluster import StandaloneCluster, standalone_cluster
from tests.spark.documents import DOCUMENTS, write_text
from tests.spark.main_job import arguments

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SETTINGS = ROOT / "conf/spark-defaults-standalone.conf"
PLAIN_PYTHON = """
import sys
from pathlib import Path
from w2v_spark.spark.session import get_session
secret = sys.stdin.read()
spark = get_session("plain", "local[1]", {"spark.hadoop.fs.s3a.secret.key": secret, "spark.app.note": "seen"})
assert spark.sparkContext.getConf().get("spark.hadoop.fs.s3a.secret.key") == secret
lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
print(any(b"spark.app.note=seen" in line for line in lines), any(secret.encode() in line for line in lines))
"""


def command_lines() -> bytes:
    """What the list of processes shows."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:  # it has ended
            continue
    return b"\n".join(lines)


@pytest.fixture(scope="module")
def secret() -> str:
    return secrets.token_hex(32)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, secret: str) -> Path:
    """The settings of ``conf/``, with the secret's file where this test may write."""
    directory = tmp_path_factory.mktemp("settings")
    (directory / "secret").write_text(f"{secret}\n")
    (directory / "secret").chmod(0o600)
    text = SETTINGS.read_text().replace("/run/secrets/spark_secret", str(directory / "secret"))
    (directory / "spark.conf").write_text(text)
    return directory / "spark.conf"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, settings: Path, secret: str) -> Iterator[StandaloneCluster]:
    directory = tmp_path_factory.mktemp("guarded")
    daemons = {"_SPARK_AUTH_SECRET": secret}
    with standalone_cluster(directory, 1, daemons=daemons, properties=settings) as cluster:
        yield cluster


@pytest.fixture
def watched(secret: str) -> Iterator[list[bytes]]:
    """Looks at the list of processes all the while; the lines in which the secret was seen."""
    seen: list[bytes] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.extend(line for line in command_lines().split(b"\n") if secret.encode() in line)
            time.sleep(0.05)

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    done.set()
    thread.join()


def test_a_job_that_knows_the_secret_and_one_that_does_not(
    guarded: StandaloneCluster, settings: Path, secret: str, tmp_path: Path, watched: list[bytes]
) -> None:
    (tmp_path / "stranger.py").write_text("from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate()\n")
    stranger = guarded.submit_async(tmp_path / "stranger.py", py_files="")  # tries for a minute
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    script = ROOT / "w2v_spark/cli/submit/w2v_spark_job.py"
    options = arguments(source, tmp_path / "out", "--keep-run")
    done = guarded.submit(script, "train", *options, properties=settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "out/model.json").read_text())["corpus"]["tokens"] == 18
    assert watched == []
    assert secret not in done.stdout + done.stderr
    assert len(guarded.status()["completedapps"]) == 1
    assert guarded.status()["activeapps"] == [], "the master has let the stranger in"
    assert stranger.poll() is None, "it is still trying"
    os.killpg(stranger.pid, signal.SIGKILL)
    stranger.communicate()
    for path in [*tmp_path.rglob("*"), *guarded.directory.rglob("*")]:
        assert not path.is_file() or secret.encode() not in path.read_bytes(), f"the secret is in {path}"


def test_java_is_started_without_secrets(secret: str) -> None:
    """PySpark itself starts it with all settings on the command line."""
    command = [sys.executable, "-c", PLAIN_PYTHON]
    done = subprocess.run(command, input=secret, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "True False\n", done.stderr


def test_daemons_listen_on_loopback_alone(guarded: StandaloneCluster) -> None:
    assert all(worker["host"].startswith("127.") for worker in guarded.status()["workers"])
