"""What cannot be trained or inferred of documents is refused with names and numbers, most of it before Spark works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.commands import infer, retrain, train
from tests.spark.document_corpus import NAMED, TAGGED, Tables, arguments, run, write_rows
from w2v_spark.estimator import Word2Vec
from w2v_spark.spark import passes

DBOW = "model.architecture=pv_dbow"
TEXT = "the cat sat. The dog sat"


def refused(capsys: pytest.CaptureFixture[str], source: Path, output: Path, *options: str,
            settings: tuple[str, ...] = (DBOW,)) -> str:  # fmt: skip
    """The one line of complaint; nothing is published."""
    capsys.readouterr()
    code = train(arguments(source, output, *options, settings=settings))
    said = capsys.readouterr()
    assert (code, said.out) == (2, ""), said.err
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert not (output / "_SUCCESS").exists()
    return said.err


@pytest.fixture
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts Spark fails."""

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("Spark was started")

    monkeypatch.setattr("w2v_spark.spark.session.get_session", fail)


def rows_of(*names: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "text": f"{TEXT} {number}", **more} for number, name in enumerate(names)]


def test_names_of_several_documents(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    source = write_rows(tmp_path / "in", rows_of("b", "a", "b", "c", "b", "c", "d"), name=pa.string())
    said = refused(capsys, source, tmp_path / "out", *NAMED)
    assert "--id: 2 names are those of more than one document: 'b' (3 documents), 'c' (2 documents); a name" in said


def test_inference_of_several_documents_of_one_name(
    spark: SparkSession, document_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_rows(tmp_path / "in", rows_of("b", "a", "b", "c", "b", "c", "d"), name=pa.string())
    given = ["--input", str(source), "--format", "parquet", *NAMED]
    assert infer(["--model", str(document_model), *given, "--output", str(tmp_path / "out"), "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "--id: 2 names are those of more than one document: 'b' (3 documents), 'c' (2 documents); a name" in said
    assert not (tmp_path / "out/documents").exists()


def test_documents_without_a_name(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_rows(tmp_path / "in", rows_of(1, None, 2, None, None))
    assert "--id: 3 documents have no name (null); give each its own" in refused(
        capsys, source, tmp_path / "out", *NAMED
    )


def test_one_document_is_trained_and_a_tag_of_many_values_warned_of(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On three shards, of which two are empty."""
    monkeypatch.setattr(passes, "MANY_TAGS", 2)
    source = write_rows(tmp_path / "in", rows_of(7, party=None, themes=["a", "b", "c"]))
    output = run(source, tmp_path / "out", *TAGGED, settings=[DBOW])
    tables = Tables(output)
    assert tables.tokens == {7: 4}
    assert tables.tags == {("themes", value): (1, 4) for value in "abc"}
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if "tags have" in line]
    assert warning.startswith("WARNING: tags have 3 values, each of which has a row in every shard as words do: ")
    assert "each running shard 0." in warning


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        (["--tag", "year"], [DBOW], "--tag = 'year' is of type bigint; it must be a string or an array of strings"),
        (["--tag", "absent"], [DBOW], "--tag = 'absent' is not in the input; its columns are name, text, year, party"),
        (["--id", "parts"], [DBOW], "--id = 'parts' is of type array<string>; it must be a string, a number or a date"),
        (["--tag", "party"], [], "--tag = 'party' gives vectors to what documents share, which model.architecture = "
         "'skipgram' does not: choose 'pv_dbow' or 'pv_dm'"),
        ([], [DBOW, "vocabulary.min_count=99"], "vocabulary.min_count"),
    ],
)  # fmt: skip
def test_columns_that_are_no_names_or_tags(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str],
    settings: list[str], message: str,
) -> None:  # fmt: skip
    rows = rows_of(1, 2, 3, year=1999, party="a", parts=["x"])
    source = write_rows(tmp_path / "in", rows, year=pa.int64(), parts=pa.list_(pa.string()))
    assert message in refused(capsys, source, tmp_path / "out", *options, settings=tuple(settings))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tag", "party", "--tag", "party"], "--tag = 'party' is given twice; name each column once"),
        (["--gate", "held_out_loss <= incumbent", "--set", "train.held_out=0.1"],
         "--gate: there is no held_out_loss of a model of documents"),
    ],
)  # fmt: skip
def test_what_is_refused_before_spark_starts(
    no_session: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    source = write_rows(tmp_path / "in", rows_of(1, 2, party="a"))
    place = ["--publish", str(tmp_path / "root")] if "--gate" in options else ["--output", str(tmp_path / "out")]
    begin = ["--input", str(source), "--format", "parquet", "--quiet", "--set", DBOW]
    assert train([*begin, *place, *options]) == 2
    assert message in capsys.readouterr().err


def test_no_training_goes_on_from_a_model_of_documents(
    documents_root: Path, document_source: Path, no_session: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retrain(["--from", str(documents_root), "--input", str(document_source)]) == 2
    said = capsys.readouterr().err
    assert "is a model of documents (pv_dbow), which training cannot go on from: train anew on all documents" in said


def test_a_model_without_documents_infers_none(
    text: Path, reference_output: Path, no_session: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert infer(["--model", str(reference_output), "--input", str(text), "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert (
        f"error: --model {reference_output} is a model of words (skipgram), which has no vectors of documents" in said
    )
    assert not output.exists()


@pytest.mark.parametrize("setting", ["model.dim=5", "train.seed=2"])
def test_inference_changes_nothing_of_the_model(
    documents_root: Path, text: Path, no_session: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    where = ["--model", str(documents_root), "--input", str(text), "--output", str(tmp_path / "out")]
    assert infer([*where, "--set", setting]) == 2
    assert f"--set '{setting}' changes the model, which is trained: expected infer.KEY=VALUE" in capsys.readouterr().err
    assert infer([*where, "--set", "infer.epochs=0"]) == 2
    assert "infer.epochs = 0 is not allowed" in capsys.readouterr().err


def test_names_are_needed_where_they_are_asked_for(
    spark: SparkSession, documents_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_rows(tmp_path / "in", rows_of(1, None))
    where = ["--model", str(documents_root), "--input", str(source), "--format", "parquet"]
    assert infer([*where, "--output", str(tmp_path / "out"), *NAMED, "--quiet"]) == 2
    assert "--id: 1 documents have no name (null)" in capsys.readouterr().err
    assert not (tmp_path / "out" / "_SUCCESS").exists()


def test_word2vec_names_the_estimator_of_documents(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(TEXT,)], ["text"])
    with pytest.raises(ValueError, match=r"^architecture = 'pv_dbow' gives vectors to documents: use Doc2Vec"):
        Word2Vec(architecture="pv_dbow", inputCol="text", outputCol="vector").fit(frame)


def test_the_description_says_what_was_found(document_model: Path) -> None:
    corpus = json.loads((document_model / "model.json").read_text())["corpus"]
    assert (corpus["documents"], corpus["kept_documents"]) == (59, len(Tables(document_model).tokens))
    assert corpus["tags"] == 6  # with the one that no document of known words has
