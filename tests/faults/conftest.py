from __future__ import annotations

from pathlib import Path

import pytest

from tests import corpora
from tests.faults.runs import DEADLINE, start, vectors


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    return corpora.write_parquet(tmp_path_factory.mktemp("kills") / "corpus", corpora.planted_documents(3000))


@pytest.fixture(scope="session")
def reference(corpus, tmp_path_factory) -> bytes:
    """The vectors of a run that nobody disturbed, on one core."""
    output = tmp_path_factory.mktemp("reference") / "out"
    process = start(corpus, output, master="local[1]")
    assert process.wait(DEADLINE) == 0, process.stderr.read()
    return vectors(output)
