"""Planted documents, their topics, and the command that finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.commands import topics as command
from tests.planted_documents import Planted, plant, write_description, write_model
from tests.spark.refusal import snapshot
from tests.spark.topics.kinds import NULLS, Job, Refused


@pytest.fixture(scope="session")
def planted() -> Planted:
    return plant()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, planted: Planted) -> Path:
    directory = write_model(tmp_path_factory.mktemp("planted") / "model", planted, nulls=NULLS)
    write_description(directory)
    return directory


@pytest.fixture(scope="session")
def found(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """The topics of the planted documents."""
    output = tmp_path_factory.mktemp("found") / "topics"
    assert command(["--model", str(model), "--output", str(output), "--quiet"]) == 0
    return output


@pytest.fixture
def run(spark: SparkSession, out: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    """Runs the command; exit code, standard output and standard error."""

    def job(*options: object, output: Path = out) -> tuple[int, str, str]:
        capsys.readouterr()
        code = command([*map(str, options), "--output", str(output)])
        return code, *capsys.readouterr()

    return job


@pytest.fixture
def refused(run: Job, out: Path) -> Refused:
    """Runs the command on something bad and returns the one line of complaint."""

    def job(*options: object, output: Path = out) -> str:
        before = snapshot(output.parent)
        code, shown, err = run(*options, "--quiet", output=output)
        assert (code, shown) == (2, ""), err
        assert err.startswith("error: ")
        assert err.count("\n") == 1, err
        assert snapshot(output.parent) == before, "something was written"
        return err

    return job
