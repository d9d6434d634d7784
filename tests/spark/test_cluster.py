"""The cluster that other tests stand on: both workers work, and executors import the package that was shipped."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.spark.cluster import StandaloneCluster, standalone_cluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# Each task waits for a sign of the other, so that neither executor can take both.
WHERE = """
import json, os, sys, time
from w2v_spark.spark.session import get_session

SIGNS = sys.argv[1]

def where(batches):
    import pyarrow as pa
    import w2v_spark
    open(os.path.join(SIGNS, str(os.getpid())), "w").close()
    deadline = time.monotonic() + 60
    while len(os.listdir(SIGNS)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    yield pa.RecordBatch.from_pydict({"file": [w2v_spark.__file__], "directory": [os.getcwd()]})

spark = get_session("where")
rows = spark.range(2, numPartitions=2).mapInArrow(where, "file string, directory string").collect()
print(json.dumps([row.asDict() for row in rows]))
"""


def _write(path: Path, source: str) -> Path:
    path.write_text(source, encoding="utf-8")
    return path


def test_both_workers_run_the_shipped_package(cluster: StandaloneCluster, tmp_path: Path) -> None:
    signs = tmp_path / "signs"
    signs.mkdir()
    result = cluster.submit(_write(tmp_path / "where.py", WHERE), str(signs))
    assert result.returncode == 0, result.stderr + cluster.logs()
    rows = json.loads(result.stdout.splitlines()[-1])
    assert {Path(row["directory"]).parents[1].name for row in rows} == {"work-0", "work-1"}
    for row in rows:
        assert cluster.package.name in Path(row["file"]).parts, f"{row['file']} is not the shipped copy"


def test_a_failing_script_shows_its_exit_code(cluster: StandaloneCluster, tmp_path: Path) -> None:
    result = cluster.submit(_write(tmp_path / "fail.py", "import sys; sys.exit(2)"))
    assert result.returncode == 2


def test_the_master_notices_a_killed_worker(tmp_path: Path) -> None:
    with standalone_cluster(tmp_path, memory="512m") as cluster:
        cluster.kill_worker(1)
        deadline = time.monotonic() + 30
        while cluster.alive_workers() > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert cluster.alive_workers() == 1
    assert all(process.poll() is not None for process in [cluster.master, *cluster.workers])
