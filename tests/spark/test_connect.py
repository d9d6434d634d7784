"""The Estimator and the main job in a session of Spark Connect, whose server comes with PySpark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.spark.connect_session import SENTENCES
from tests.spark.main_job import Model

pytestmark = pytest.mark.slow  # starts servers of its own

pytest.importorskip("grpc", reason="Spark Connect needs grpcio: pip install 'pyspark[connect]'")
pytest.importorskip("zstandard", reason="Spark Connect needs zstandard: pip install 'pyspark[connect]'")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connect")


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    """What `connect_session` says."""
    hidden = ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_SUBMIT_ARGS", "SPARK_CONNECT_MODE_ENABLED")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [sys.executable, "-m", "tests.spark.connect_session", str(folder)],
        cwd=ROOT, env={**environment, "SPARK_REMOTE": "local[2]"}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if not line.startswith("\tat ")]
    assert done.returncode == 0, "\n".join(said[-80:])
    value: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return value


def test_the_session_is_one_of_connect(result: dict[str, Any]) -> None:
    assert result["session"] == "pyspark.sql.connect.session"


def test_a_model_is_trained_and_asked(result: dict[str, Any]) -> None:
    assert set(result["vectors"]) == {"a", "b", "c", "d"}
    assert result["synonyms"] == result["array"]
    assert result["summary"]["documents"] == len(SENTENCES)
    assert "'nothing' is not among" in result["unknown"]


def test_models_that_were_saved_transform_alike(result: dict[str, Any]) -> None:
    expected = [np.mean([result["vectors"][word] for word in words], axis=0) for words in SENTENCES]
    assert len(result["means"]) == 5
    for means in result["means"]:
        np.testing.assert_allclose(means, expected, atol=1e-6)


def test_params_are_tuned(result: dict[str, Any]) -> None:
    tuned = result["tuned"]
    assert tuned["metrics"] == [[5.0, 3.0], [5.0, 3.0]]
    assert tuned["dim"] == {"CrossValidator": 5, "TrainValidationSplit": 5}
    assert set(tuned["documents"].values()) == {len(SENTENCES)}  # the best one is fitted again, on all
    assert tuned["sizes"] == [[5] * len(SENTENCES)] * 2


def test_a_directory_that_executors_do_not_see_is_a_clear_error(result: dict[str, Any], folder: Path) -> None:
    assert result["not shared"].startswith(f"executors do not see {folder}/runs of this process")


def test_the_main_job_runs(result: dict[str, Any], folder: Path) -> None:
    assert result["job"] == 0
    assert set(Model.read(folder / "out").counts) == {"a", "b", "c", "d"}


def test_nothing_is_left_when_the_process_has_ended(result: dict[str, Any], folder: Path) -> None:
    assert result
    assert list((folder / "runs").iterdir()) == []
