"""``model.published_rows``: which rows of the trained weights the job publishes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests import corpora
from tests.spark.main_job import MainJob

ROUNDS = 2


def test_published_rows(
    spark: SparkSession, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One corpus, trained three times: the weights are the same, and what is published of them is not."""
    monkeypatch.setattr("w2v_spark.training.weights.ROWS_AT_A_TIME", 100)  # several blocks, the last one shorter
    job = MainJob(capsys)
    source = corpora.write_parquet(tmp_path / "corpus", corpora.planted_documents(40))
    weights, published = {}, {}
    for choice in ("input", "output", "sum"):
        out = tmp_path / choice
        settings = [f"model.published_rows={choice}", f"train.rounds={ROUNDS}", "train.sample=0"]
        model = job.train(source, out, "--format", "parquet", "--keep-run", "--quiet", settings=settings)
        assert model.description["config"]["model"]["published_rows"] == choice
        published[choice] = model.matrix
        folder = out / f"_run/rounds/{ROUNDS:05d}"
        files = json.loads((folder / "round.json").read_text())["files"]
        weights[choice] = [
            np.concatenate([np.load(folder / file) for file, *_ in files[name]]) for name in ("w_in", "w_out")
        ]
    w_in, w_out = weights["input"]
    assert len(w_in) % 100
    assert len(w_in) > 200
    assert w_out.any(axis=1).all()
    assert not np.array_equal(w_in, w_out)
    for choice, expected in {"input": w_in, "output": w_out, "sum": w_in + w_out}.items():
        assert [part.tobytes() for part in weights[choice]] == [w_in.tobytes(), w_out.tobytes()]
        assert (published[choice].dtype, published[choice].shape) == (np.float32, w_in.shape)
        assert published[choice].tobytes() == expected.tobytes()
    assert published["sum"].tobytes() == (published["input"] + published["output"]).tobytes()
