"""Lists of hostile words through the whole job: counted as they are, in the table, its neighbours, and Spark SQL."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.commands import neighbours
from tests.spark.main_job import MainJob
from tests.unit.hostile import HOSTILE, LONG
from w2v_spark import KeyedVectors

COLUMN = "../../w\u202eords; drop table x --"
DOCUMENTS = [[word, "plain", other] for word, other in zip(HOSTILE, reversed(HOSTILE), strict=True)] * 3


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "documents.parquet"
    words = pa.array([*DOCUMENTS, ["plain", LONG, None, ""]], pa.list_(pa.string()))
    pq.write_table(pa.table({COLUMN: words}), path)
    return path


def test_lists_of_hostile_words(job: MainJob, spark: SparkSession, source: Path, out: Path) -> None:
    before = sorted(out.parent.iterdir())
    model = job.train(source, out, "--column", COLUMN)
    expected = dict.fromkeys(HOSTILE, 6) | {"plain": len(DOCUMENTS) + 1}
    assert model.counts == expected
    assert model.corpus["overlong_words"] == 1, "a word of 1 MB, which is left out and counted"
    assert model.description["config"]["text"]["column"] == COLUMN
    assert sorted(out.parent.iterdir()) == sorted([*before, out]), "nothing is written but the output"
    vectors = KeyedVectors.load(out)
    assert set(vectors.words) == set(expected)
    in_spark = {row.word for row in spark.read.parquet(str(out / "vectors")).select("word").collect()}
    assert in_spark == set(expected)


def test_neighbours_of_hostile_words(job: MainJob, source: Path, out: Path, tmp_path: Path) -> None:
    words = job.train(source, out, "--column", COLUMN).counts
    assert neighbours(["--vectors", str(out), "--output", str(tmp_path / "near"), "--topn", "3"]) == 0
    table = pq.read_table(tmp_path / "near")
    assert table["word"].to_pylist() == list(words)
    assert {near["word"] for row in table["neighbours"].to_pylist() for near in row} <= set(words)
