"""The Estimator of documents: what the command gives, in Spark's machinery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import Tokenizer
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import DataFrame, SparkSession

from tests.spark.document_corpus import TAGGED, build_rows, run
from tests.spark.tuning import CountsCoordinates
from w2v_spark import DocumentVectors
from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.estimator import Doc2Vec, Doc2VecModel
from w2v_spark.ml.transform import row_by_row

UNKNOWN, NULL = 50, 60  # documents without a known word, and without text


@pytest.fixture(scope="module")
def documents(spark: SparkSession) -> DataFrame:
    columns = "name long, text string, party string, themes array<string>"
    return spark.createDataFrame([tuple(row.values()) for row in build_rows()], columns).cache()


def estimator(runs: Path, **params: Any) -> Doc2Vec:
    given = {
        "architecture": "pv_dbow", "vectorSize": 8, "minCount": 2, "maxIter": 2, "rounds": 3, "numPartitions": 3,
        "sample": 0.0, "seed": 1, "inputCol": "text", "idCol": "name", "outputCol": "vector",
        "runDirectory": str(runs), "verbose": False, **params,
    }  # fmt: skip
    return Doc2Vec(**given)


@pytest.fixture(scope="module")
def model(documents: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doc2VecModel]:
    fitted = estimator(tmp_path_factory.mktemp("runs"), tagCols=["party", "themes"]).fit(documents)
    yield fitted
    fitted.release()


def vectors_of(frame: DataFrame) -> dict[Any, list[float] | None]:
    return {row["name"]: None if row["vector"] is None else row["vector"].toArray().tolist() for row in frame.collect()}


def test_it_trains_what_the_command_trains(model: Doc2VecModel, document_source: Path, tmp_path: Path) -> None:
    output = run(document_source, tmp_path / "out", *TAGGED, settings=["model.architecture=pv_dbow", "train.seed=1"])
    expected = DocumentVectors.load(output)
    assert {row["id"] for row in model.documentVectors().collect()} == set(expected.ids.to_pylist())
    for row in model.documentVectors().collect():
        np.testing.assert_array_equal(row["vector"].toArray().astype(np.float32), expected[row["id"]])
    tags = {(row["tag"], row["value"]): row["documents"] for row in model.tagVectors().collect()}
    assert tags["party", "party 1"] > 1
    assert set(model.vectors_table.words) == {row["word"] for row in model.getVectors().collect()}


def test_transform_is_the_inference_of_the_library(model: Doc2VecModel, documents: DataFrame) -> None:
    found = vectors_of(model.transform(documents))
    texts = [row["text"] or "" for row in build_rows()]
    for row, vector in zip(build_rows(), model.inference().infer(texts), strict=True):
        if row["name"] in (UNKNOWN, NULL):
            assert found[row["name"]] is None, "and nobody is left out"
        else:
            assert found[row["name"]] == vector.astype(float).tolist()


def test_documents_come_from_files_read_by_column(
    model: Doc2VecModel, documents: DataFrame, document_source: Path, spark: SparkSession, tmp_path: Path
) -> None:
    frame = model.transform(spark.read.parquet(str(document_source)))
    expected = vectors_of(model.transform(documents))
    assert vectors_of(frame) == expected
    frame.select("name", "vector").write.parquet(str(tmp_path / "vectors"))
    assert vectors_of(spark.read.parquet(str(tmp_path / "vectors"))) == expected


def test_no_document_is_lost_on_the_way(spark: SparkSession, document_source: Path) -> None:
    frame = spark.read.parquet(str(document_source))
    assert row_by_row(frame, frame["text"]).count() == row_by_row(frame, frame["themes"]).count() == len(build_rows())


def test_a_model_is_saved_and_loaded(model: Doc2VecModel, documents: DataFrame, tmp_path: Path) -> None:
    model.write().save(str(tmp_path / "model"))
    loaded = Doc2VecModel.load(str(tmp_path / "model"))
    try:
        assert vectors_of(loaded.transform(documents)) == vectors_of(model.transform(documents))
        assert loaded.documents.most_similar(10, topn=3) == model.documents.most_similar(10, topn=3)
        assert loaded.getTagCols() == ["party", "themes"]
    finally:
        loaded.release()
    saved = estimator(tmp_path / "runs", negative=3)
    saved.write().save(str(tmp_path / "estimator"))
    assert Doc2Vec.load(str(tmp_path / "estimator")).getNegative() == 3
    with pytest.raises(ConfigError, match="expected"):
        Doc2VecModel.load(str(tmp_path / "estimator"))
    with pytest.raises(StoreError, match="no vectors"):
        Doc2VecModel().documentVectors()


@pytest.mark.slow
def test_a_pipeline_is_tuned_by_cross_validation(spark: SparkSession, tmp_path: Path) -> None:
    rows = [(row["name"], row["text"]) for row in build_rows(30) if row["text"]]
    texts = spark.createDataFrame(rows, "name long, text string")
    quick = estimator(tmp_path / "runs", inputCol="words", rounds=1, maxIter=1)
    pipeline = Pipeline(stages=[Tokenizer(inputCol="text", outputCol="words"), quick])
    validator = CrossValidator(
        estimator=pipeline, estimatorParamMaps=ParamGridBuilder().addGrid(quick.vectorSize, [3, 5]).build(),
        evaluator=CountsCoordinates(), numFolds=2, seed=1,
    )  # fmt: skip
    fitted = validator.fit(texts)
    assert fitted.avgMetrics == [3.0, 5.0]
    fitted.bestModel.write().save(str(tmp_path / "best"))
    loaded = PipelineModel.load(str(tmp_path / "best"))
    assert vectors_of(loaded.transform(texts)) == vectors_of(fitted.transform(texts))


def test_a_model_of_words_is_none_of_documents(reference_output: Path, spark: SparkSession) -> None:
    with pytest.raises(ConfigError, match=r"is a model of words \(skipgram\).*: load it with Word2VecModel"):
        Doc2VecModel.load(str(reference_output))


def test_what_cannot_be_is_refused_before_anything_is_read(documents: DataFrame, tmp_path: Path) -> None:
    for params, message in (
        ({"architecture": "skipgram"}, "gives vectors to words alone"),
        ({"outputCol": "party"}, "outputCol = 'party' is a column of the input already"),
        ({"idCol": "nobody"}, "nobody"),
        ({"tagCols": ["name"]}, "name"),
    ):
        with pytest.raises(Exception, match=message):
            estimator(tmp_path, **params).fit(documents)
    assert not list(tmp_path.iterdir())
