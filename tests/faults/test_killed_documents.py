"""Rows of documents after kills in the middle of rounds: not a bit differs, whatever cores there are."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from tests.faults.runs import DEADLINE, arguments, kill, rounds_done, start, wait_for
from tests.spark.document_corpus import TAGGED, build_rows, content, write_rows
from w2v_spark.cli.main import main

OPTIONS = (*TAGGED, "--set", "model.architecture=pv_dm", "--set", "vocabulary.min_count=1")


def test_a_killed_driver_loses_no_row(spark: SparkSession, tmp_path: Path) -> None:
    """Begun on one core, killed in rounds 3 and 8, and ended on four; beside a calm run on two."""
    source = write_rows(tmp_path / "in", build_rows(600))
    assert main(["train", *arguments(source, tmp_path / "calm", "--quiet", *OPTIONS)]) == 0
    output = tmp_path / "out"
    for stop, flags in ((2, ()), (7, ("--resume",))):
        process = start(source, output, *OPTIONS, *flags, master="local[1]")
        wait_for(lambda: rounds_done(output) >= stop, process)  # noqa: B023
        kill(process)
        assert not (output / "documents").exists()
    process = start(source, output, *OPTIONS, "--resume", master="local[4]")
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    assert "going on after round" in said
    assert content(output) == content(tmp_path / "calm")
