"""Settings and fixtures shared by all tests: one local Spark session and one standalone cluster.

PySpark is imported by the fixtures alone: tests that need none of them run without it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import java_start
from tests.progress import pytest_collection_finish, pytest_configure, pytest_sessionstart
from tests.sharing import pytest_xdist_make_scheduler

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.spark.cluster import StandaloneCluster

__all__ = [
    "ROOT",
    "pytest_collection_finish",
    "pytest_configure",
    "pytest_sessionstart",
    "pytest_xdist_make_scheduler",
]

ROOT = Path(__file__).resolve().parents[1]

# Child processes, Spark's Python workers among them, import the package from this checkout.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
java_start.add_options()

END_OF_CHECKS = "W2V_SPARK_CHECKS_END"
"""Variable with the time, in seconds since 1970, from which on slow tests are not begun; see ``.ci/run``."""
LAST_SECONDS = 540
"""So much later none is begun but those of tests/unit: the rest would be ended in the middle, and nothing be known."""
SLOW_FOLDERS = ("faults", "packaging", "quality")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in some folders belongs to ``make check`` alone."""
    for item in items:
        if item.path.relative_to(ROOT).parts[1] in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(900))  # clusters that lose workers, environments that are installed


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start no slow test when the checks have to end soon, as on a machine of half the usual speed; it is shown."""
    if not (end := float(os.environ.get(END_OF_CHECKS, "0"))):
        return
    is_late = time.time() > end + LAST_SECONDS and item.path.relative_to(ROOT).parts[1] != "unit"
    if is_late or (item.get_closest_marker("slow") and time.time() > end):
        pytest.skip("NOT RUN: this machine is so slow that the checks would not end in time; run make check")


# Compiling a kernel takes seconds, so no deadline; and a failure seen once is seen by everyone.
settings.register_profile("w2v", deadline=None, derandomize=True)
settings.load_profile("w2v")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from w2v_spark.spark.session import get_session

    session = get_session("w2v-spark tests", "local[2]", {"spark.sql.shuffle.partitions": "3"})
    yield session
    session.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    """Two healthy workers of one core; a test that kills a worker starts a cluster of its own."""
    from tests.spark.cluster import standalone_cluster

    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
