"""Fixtures for tests of the main job."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.commands import train
from tests.spark import document_corpus
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
def reference_output(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the result is that the documents give as one text file."""
    folder = tmp_path_factory.mktemp("reference")
    source = write_text(folder / "a.txt", DOCUMENTS)
    assert train(arguments(source, folder / "out", "--quiet")) == 0
    return folder / "out"


@pytest.fixture(scope="session")
def reference(reference_output: Path) -> Model:
    """What the documents give as one text file."""
    return Model.read(reference_output)


@pytest.fixture(scope="session")
def document_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents of `document_corpus`, as one file."""
    return document_corpus.write_rows(tmp_path_factory.mktemp("documents") / "in", document_corpus.build_rows())


@pytest.fixture(scope="session")
def documents_root(spark: SparkSession, document_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one version, of PV-DBOW with words and tags, and the run directory."""
    root = tmp_path_factory.mktemp("documents") / "root"
    options = [*document_corpus.TAGGED, "--keep-run"]
    settings = ["model.architecture=pv_dbow"]
    given = document_corpus.arguments(document_source, root, *options, settings=settings, to="--publish")
    assert train(given) == 0
    return root


@pytest.fixture(scope="session")
def document_model(documents_root: Path) -> Path:
    """That version."""
    (version,) = (documents_root / "versions").iterdir()
    return version
