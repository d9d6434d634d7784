"""One local Spark session and one standalone cluster for all tests that need them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.spark.cluster import StandaloneCluster, standalone_cluster
from w2v_spark.spark.session import get_session


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = get_session("w2v-spark tests", "local[2]", {"spark.sql.shuffle.partitions": "3"})
    yield session
    session.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    """Two healthy workers of one core; a test that kills a worker starts a cluster of its own."""
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
