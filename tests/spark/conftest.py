"""Fixtures for tests of the main job."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.commands import train
from tests.spark.documents import DOCUMENTS, write_text
from tests.spark.main_job import MainJob, Model, arguments
from tests.spark.refusal import Refusal


@pytest.fixture
def job(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> MainJob:
    return MainJob(capsys)


@pytest.fixture
def refused(job: MainJob) -> Refusal:
    return Refusal(job)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text file that nothing is wrong with."""
    return write_text(tmp_path_factory.mktemp("text") / "a.txt")


@pytest.fixture(scope="session")
def reference(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """What the documents give as one text file."""
    folder = tmp_path_factory.mktemp("reference")
    source = write_text(folder / "a.txt", DOCUMENTS)
    assert train(arguments(source, folder / "out", "--quiet")) == 0
    return Model.read(folder / "out")
