"""The main job where neither the driver nor Python workers can write to a home, as in a container with any user id."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.java_start import environment_without
from tests.spark.documents import write_text
from tests.spark.main_job import Model, arguments
from w2v_spark.kernels import cache
from w2v_spark.spark.java import find_java_home

NOWHERE = "/dev/null/nowhere"  # not even root can make this


@pytest.mark.slow  # everything is compiled, and nothing kept by the driver
def test_the_main_job_without_a_home(tmp_path: Path) -> None:
    """With no place for compiled code on the driver, and one that only executors are told of."""
    conf = {"spark.master": "local[1]", "spark.local.dir": str(tmp_path / "local"), "spark.ui.enabled": "false"}
    conf["spark.executorEnv.NUMBA_CACHE_DIR"] = str(tmp_path / "kernels")
    write_text(tmp_path / "conf/spark-defaults.conf", [" ".join(setting) for setting in conf.items()])
    write_text(tmp_path / "temporary" / f"w2v-spark-{os.getuid()}", [])  # a file where the directory would be
    ours = ("SPARK_", "PYSPARK_", "MASTER", "NUMBA_", "XDG_")
    environment = environment_without(*ours)
    environment |= {"HOME": NOWHERE, "TMPDIR": str(tmp_path / "temporary"), "SPARK_CONF_DIR": str(tmp_path / "conf")}
    java_home = find_java_home()  # here, since it may have to be unpacked
    if java_home is not None:
        environment["JAVA_HOME"] = str(java_home)
    result = subprocess.run(
        [sys.executable, ROOT / "jobs/train.py", *arguments(write_text(tmp_path / "a.txt"), tmp_path / "out")],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert Model.read(tmp_path / "out").counts["the"] == 80
    kept = {Path(folder) for folder, _, files in os.walk(tmp_path) if any(name[-4:-1] == ".nb" for name in files)}
    assert cache.DIRECTORY is not None
    assert kept == {tmp_path / "kernels" / cache.DIRECTORY.name}
