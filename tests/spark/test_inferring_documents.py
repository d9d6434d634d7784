"""The command ``w2v-spark infer`` gives what the library gives, wherever documents lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.commands import infer
from tests.spark.document_corpus import NAMED, Tables, build_rows, content, run, run_infer, tokens_of, write_rows
from w2v_spark.inference.document_inference import DocumentInference
from w2v_spark.spark import infer as infer_job

ROWS = build_rows()


def expected(model: Path, **settings: Any) -> dict[Any, Any]:
    """By the library, all documents at once."""
    matrix = DocumentInference.load(model, **settings).infer([row["text"] for row in ROWS])
    return {row["name"]: vector for row, vector in zip(ROWS, matrix, strict=True)}


def assert_same(tables: Tables, vectors: dict[Any, Any]) -> None:
    assert tables.vectors.keys() == vectors.keys()
    for name, vector in tables.vectors.items():
        if vector is None:
            assert np.isnan(vectors[name]).all()
        else:
            np.testing.assert_array_equal(vector, vectors[name])


@pytest.fixture(scope="module")
def inferred(documents_root: Path, document_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_infer(documents_root, document_source, tmp_path_factory.mktemp("inferred") / "out", *NAMED)


def test_the_command_is_the_library_bit_for_bit(inferred: Path, document_model: Path) -> None:
    tables = Tables(inferred)
    assert_same(tables, expected(document_model))
    known = tokens_of(ROWS)
    assert tables.tokens == {row["name"]: known.get(row["name"], 0) for row in ROWS}
    assert {name for name, vector in tables.vectors.items() if vector is None} == {50, 60}
    assert tables.documents.schema == Tables(document_model).documents.schema


def test_several_files_whatever_the_layout_of_the_input(
    spark: SparkSession, inferred: Path, documents_root: Path, document_source: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The input in one file or in five, in reverse order."""
    other = write_rows(tmp_path / "in", ROWS[::-1], files=5)
    assert content(run_infer(documents_root, other, tmp_path / "one", *NAMED)) == content(inferred)
    monkeypatch.setattr(infer_job, "_DOCUMENTS_A_FILE", 13)
    outputs = [
        run_infer(documents_root, each, tmp_path / each.parent.name, *NAMED) for each in (document_source, other)
    ]
    one, two = map(content, outputs)
    assert one == two
    assert len(one["documents"]) == 5
    tables = [Tables(output) for output in (outputs[0], inferred)]
    assert tables[0].tokens == tables[1].tokens
    assert_same(tables[0], {name: np.full(8, np.nan) if v is None else v for name, v in tables[1].vectors.items()})


def test_settings_of_inference_and_documents_without_names(
    spark: SparkSession, document_model: Path, documents_root: Path, document_source: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The content names them, and null is none; what has no vector is counted."""
    where = ["--model", str(documents_root), "--input", str(document_source), "--format", "parquet"]
    capsys.readouterr()
    assert infer([*where, "--output", str(tmp_path / "out"), "--set", "infer.epochs=3"]) == 0
    said = capsys.readouterr()
    assert "WARNING: 1 of 59 documents have no word that the model knows: their vectors are null" in said.err
    assert "without vector  1" in said.out
    rows = pq.read_table(tmp_path / "out" / "documents").to_pylist()
    vectors = sorted(tuple(row["vector"]) for row in rows if row["vector"] is not None)
    others = expected(document_model, epochs=3)
    assert vectors == sorted(tuple(vector.tolist()) for vector in others.values() if not np.isnan(vector).any())
    assert not np.allclose(others[10], expected(document_model)[10])


@pytest.mark.parametrize("batch", [2, 10_000])
def test_equal_documents_without_names_are_one(
    spark: SparkSession, documents_root: Path, tmp_path: Path, batch: int
) -> None:  # fmt: skip
    """As in training, and so that a join by the hash of the content does not multiply rows."""
    texts = [ROWS[n]["text"] for n in (1, 2, 2, 3, 2, 1, 4, 2)] + [None, None, "", ""]
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": texts}), tmp_path / "in" / "a.parquet")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch)
    try:
        out = run_infer(documents_root, tmp_path / "in", tmp_path / "out")
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    found = [row["id"] for row in pq.read_table(out / "documents").to_pylist()]
    distinct = {hashlib.md5(text.encode()).hexdigest() for text in texts if text is not None}
    assert (len(found), set(found)) == (5, distinct)


@pytest.mark.parametrize(
    "settings", [["model.architecture=pv_dm", "model.objective=hierarchical_softmax"]], ids=" ".join
)
def test_a_model_that_reads_both_matrices(
    spark: SparkSession, document_source: Path, tmp_path: Path, settings: list[str]
) -> None:
    model = run(document_source, tmp_path / "model", *NAMED, "--tag", "party", settings=settings)
    assert_same(Tables(run_infer(model, document_source, tmp_path / "out", *NAMED)), expected(model))
