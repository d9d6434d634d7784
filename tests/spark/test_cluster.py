"""The cluster that other tests stand on: both workers work, and executors import the package that was shipped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands import train
from tests.conftest import ROOT
from tests.corpora import planted_documents, write_parquet
from tests.network import Traffic, Unavailable, network
from tests.object_store import fetch, store_on
from tests.spark.cluster import StandaloneCluster, standalone_cluster
from tests.spark.main_job import Model, arguments

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

TRAIN = ROOT / "jobs" / "train.py"
MACHINES = tuple(f"worker{number}" for number in range(4))
SETTINGS = ("train.shards=4", "train.rounds=2", "train.epochs=1", "model.dim=64", "train.sample=0")
FORMAT = ("--format", "parquet")
ENOUGH = 4000  # characters of what a job has said

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


def test_weights_cross_a_network_and_give_the_bits_of_one_machine(spark: SparkSession, tmp_path: Path) -> None:
    """Four machines of one core, where there can be a network: behind links of 100 Mbit/s, weights on an object store.

    Then one of them is killed, which the master notices.
    """
    corpus, local = write_parquet(tmp_path / "corpus", planted_documents(400)), tmp_path / "local"
    assert train(arguments(corpus, local, "--quiet", *FORMAT, settings=SETTINGS)) == 0
    with ExitStack() as stack:
        hosts, why_none = None, ""
        try:
            hosts = stack.enter_context(network({**dict.fromkeys(MACHINES, 100), "store": 0}))
        except Unavailable as error:
            why_none = str(error)
        workers, output = len(MACHINES), tmp_path / "out"
        cluster = stack.enter_context(standalone_cluster(tmp_path / "cluster", workers, memory="512m", hosts=hosts))
        uri: Callable[[str], object] = tmp_path.joinpath
        if hosts is not None:
            uri = stack.enter_context(store_on(hosts, "store"))
        begin = hosts.traffic() if hosts is not None else {}
        result = cluster.submit(TRAIN, *arguments(corpus, str(uri("out")), *FORMAT, settings=SETTINGS))
        assert result.returncode == 0, result.stderr[-ENOUGH:] + cluster.logs()
        if hosts is not None:
            fetch(hosts, str(uri("out")), output)
            check_traffic(output, begin, hosts.traffic())
        # By their digests: a difference of such bytes is nothing to be shown.
        assert sha256(Model.read(output).files).digest() == sha256(Model.read(local).files).digest()

        cluster.kill_worker(1)
        deadline = time.monotonic() + 30
        while cluster.alive_workers() == workers and time.monotonic() < deadline:
            time.sleep(0.1)
        assert cluster.alive_workers() == workers - 1
    assert all(process.poll() is not None for process in [cluster.master, *cluster.workers])
    if hosts is None:
        pytest.skip(f"passed over loopback, and not over a network of its own: {why_none}")


def check_traffic(output: Path, begin: Mapping[str, Traffic], end: Mapping[str, Traffic]) -> None:
    """All machines have read and written weights, and no less than the program says."""
    rounds = json.loads((output / "history.json").read_text())["rounds"]
    for way, counted in (("received", "bytes_read"), ("sent", "bytes_written")):
        weights = sum(each[counted] for each in rounds)
        passed = [getattr(end[host], way) - getattr(begin[host], way) for host in MACHINES]
        assert sum(passed) > weights
        assert min(passed) > weights / (2 * len(MACHINES))
