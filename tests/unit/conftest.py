"""Unit tests run without PySpark, but for those of the Estimator's parts."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from w2v_spark.formats import input_file, word2vec_binary, word2vec_text

collect_ignore = [] if find_spec("pyspark") else ["test_estimator_parts.py", "test_facade.py", "test_generated.py"]


@pytest.fixture(params=[64, 4 << 20], ids=["small chunks", "chunks"])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read some bytes at a time, and whole."""
    for module in (input_file, word2vec_binary, word2vec_text):
        monkeypatch.setattr(module, "CHUNK", request.param)
