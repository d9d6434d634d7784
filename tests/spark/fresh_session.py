"""A Spark that is started in a process of its own, as on the machine of a new user."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.java_start import environment_without

# Says what it runs on, after a query, and a task that has gone through a Python worker.
_START = """
import json, os, sys
import pyarrow as pa
from w2v_spark.spark.session import get_session

spark = get_session()

def count(batches):
    rows, loaded = sum(map(len, batches)), "w2v_spark.kernels.train" in sys.modules
    yield pa.record_batch([pa.array([rows]), pa.array([loaded])], names=["rows", "loaded"])

found = spark.range(10).mapInArrow(count, "rows long, loaded boolean").collect()
spark.sql("SELECT 1").collect()
jvm = spark.sparkContext._jvm.java.lang
print(json.dumps({
    "rows": sum(row.rows for row in found),
    "preloaded": all(row.loaded for row in found),
    "master": spark.conf.get("spark.master"),
    "ui": spark.conf.get("spark.ui.enabled"),
    "memory": spark.conf.get("spark.driver.memory"),
    "heap": jvm.Runtime.getRuntime().maxMemory(),
    "java": jvm.System.getProperty("java.home"),
    "java_home": os.environ.get("JAVA_HOME"),
    "warehouse": spark.conf.get("spark.sql.warehouse.dir"),
}))
"""


def start(directory: Path, **environment: str) -> dict[str, object]:
    """Start a session by plain Python, in a working directory, with nothing set that a new user would not have."""
    ours = ("SPARK_", "PYSPARK_", "MASTER")
    inherited = environment_without(*ours)
    command = [sys.executable, "-c", _START]
    result = subprocess.run(
        command, cwd=directory, env=inherited | environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout.splitlines()[-1]))
