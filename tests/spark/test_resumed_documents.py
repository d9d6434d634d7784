"""Interrupted trainings of documents go on with the rows that were there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.commands import train
from tests.spark.document_corpus import TAGGED, arguments, content, run
from w2v_spark.run.progress import RoundsProgress

SETTINGS = ["model.architecture=pv_dbow"]


class Interruption(Exception):
    """Stands for a kill."""


def test_a_damaged_file_of_rows_is_trained_again(
    spark: SparkSession, document_source: Path, document_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """After round 2, of which a file of rows of documents is damaged, the run goes on from round 1."""

    def interrupt(_: RoundsProgress, record: Any) -> None:
        if record.round == 1:
            raise Interruption

    output = tmp_path / "out"
    given = arguments(document_source, output, *TAGGED, settings=SETTINGS)
    with monkeypatch.context() as patch:
        patch.setattr(RoundsProgress, "update", interrupt)
        with pytest.raises(Interruption):
            train(given)
    rounds = output / "_run" / "rounds"
    shards = json.loads((rounds / "00002" / "round.json").read_text())["documents"]
    older = json.loads((rounds / "00001" / "round.json").read_text())["documents"]
    known = {stretch[0] for shard in older for stretch in shard}
    new = next(stretch[0] for shard in shards for stretch in shard if stretch[0] not in known)
    path = rounds / "documents" / new
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    capsys.readouterr()
    run(document_source, output, *TAGGED, "--resume", settings=SETTINGS)
    said = capsys.readouterr().err
    assert f"WARNING: {path} " in said
    assert "; going back to what was there after round 1" in said
    assert content(output) == content(document_model)
    assert not (output / "_run").exists()
