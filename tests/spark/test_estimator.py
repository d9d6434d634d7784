"""The Estimator in Spark's machinery, and what it leaves behind."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import Tokenizer
from pyspark.ml.tuning import (
    CrossValidator,
    CrossValidatorModel,
    ParamGridBuilder,
    TrainValidationSplit,
    TrainValidationSplitModel,
)
from pyspark.sql import DataFrame, SparkSession

from tests.spark.main_job import MainJob, Model
from tests.spark.tuning import CountsCoordinates
from w2v_spark import KeyedVectors
from w2v_spark.errors import ConfigError, StoreError, VocabularyError
from w2v_spark.estimator import Word2Vec, Word2VecModel
from w2v_spark.ml.location import LOCATION_SETTING

TEXTS = ["The cat sat. The dog ran!", "a cat and a dog", "the dog sat on the cat"] * 4


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def quick(runs: Path) -> Word2Vec:
    return Word2Vec(
        vectorSize=4, minCount=1, maxIter=2, rounds=2, numPartitions=2, sample=0.0, inputCol="words",
        outputCol="vector", runDirectory=str(runs), verbose=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def words(spark: SparkSession) -> DataFrame:
    rows = [(number, text.lower().split()) for number, text in enumerate(TEXTS)]
    return spark.createDataFrame(rows, "id int, words array<string>").cache()


@pytest.fixture(scope="module")
def model(words: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Word2VecModel]:
    runs = tmp_path_factory.mktemp("model")
    estimator = Word2Vec(
        vectorSize=4,
        minCount=1,
        rounds=2,
        numPartitions=1,
        inputCol="words",
        outputCol="vector",
        runDirectory=str(runs),
    )
    return estimator.setVerbose(False).fit(words)


class TestMachinery:
    def test_a_pipeline_is_fitted_saved_and_loaded(self, quick: Word2Vec, spark: SparkSession, tmp_path: Path) -> None:
        texts = spark.createDataFrame([(text,) for text in TEXTS], "text string")
        pipeline = Pipeline(stages=[Tokenizer(inputCol="text", outputCol="words"), quick])
        pipeline.write().overwrite().save(str(tmp_path / "pipeline"))
        fitted = Pipeline.load(str(tmp_path / "pipeline")).fit(texts)
        fitted.write().overwrite().save(str(tmp_path / "fitted"))
        loaded = PipelineModel.load(str(tmp_path / "fitted"))
        assert isinstance(loaded.stages[1], Word2VecModel)
        assert loaded.transform(texts).collect() == fitted.transform(texts).collect()

    def test_saved_files_are_plain(self, model: Word2VecModel, tmp_path: Path) -> None:
        model.save(str(tmp_path / "model"))
        files = [path for path in (tmp_path / "model").rglob("*") if path.is_file() and path.name[0] not in "._"]
        assert {path.suffix for path in files} == {".txt", ".json", ".parquet"}
        assert json.loads(next((tmp_path / "model" / "metadata").glob("part-*")).read_text())["uid"] == model.uid
        assert KeyedVectors.load(tmp_path / "model").words == model.vectors_table.words

    @pytest.mark.slow
    def test_cross_validation_over_param_maps(self, quick: Word2Vec, words: DataFrame, tmp_path: Path) -> None:
        grid = ParamGridBuilder().addGrid(quick.vectorSize, [3, 5]).baseOn({quick.rounds: 1}).build()
        validator = CrossValidator(
            estimator=quick, estimatorParamMaps=grid, evaluator=CountsCoordinates(), numFolds=2, parallelism=2, seed=1
        )
        fitted = validator.fit(words)
        assert fitted.avgMetrics == [3.0, 5.0]
        assert fitted.bestModel.getVectorSize() == 5
        assert fitted.transform(words).first().vector.size == 5
        fitted.bestModel.save(str(tmp_path / "best"))
        assert isinstance(fitted, CrossValidatorModel)

    @pytest.mark.slow
    def test_a_pipeline_is_tuned_by_a_split(self, quick: Word2Vec, spark: SparkSession, tmp_path: Path) -> None:
        texts = spark.createDataFrame([(text,) for text in TEXTS], "text string")
        grid = ParamGridBuilder().addGrid(quick.vectorSize, [5, 3]).baseOn({quick.rounds: 1}).build()
        split = TrainValidationSplit(
            estimator=Pipeline(stages=[Tokenizer(inputCol="text", outputCol="words"), quick]),
            estimatorParamMaps=grid,
            evaluator=CountsCoordinates(),
            collectSubModels=True,
            seed=1,
        )
        fitted = split.fit(texts)
        assert fitted.validationMetrics == [5.0, 3.0]
        tried, best = [model.stages[1] for model in fitted.subModels], fitted.bestModel.stages[1]
        assert [model.getVectorSize() for model in (*tried, best)] == [5, 3, 5]
        documents = [model.summary.corpus["documents"] for model in (*tried, best)]
        assert documents[0] == documents[1] < documents[2] == len(TEXTS)  # the best one is fitted again, on all
        fitted.save(str(tmp_path / "fitted"))
        rows = TrainValidationSplitModel.load(str(tmp_path / "fitted")).transform(texts).collect()
        assert rows == fitted.transform(texts).collect()
        assert {row.vector.size for row in rows} == {5}

    def test_param_maps_of_fit_and_copies(self, quick: Word2Vec, words: DataFrame) -> None:
        first, second = quick.fit(words, [{quick.vectorSize: 3}, {quick.vectorSize: 2, quick.architecture: "cbow"}])
        assert (first.vectors_table.dim, second.vectors_table.dim) == (3, 2)
        assert second.summary.config["model"]["architecture"] == "cbow"
        copy = first.copy({first.outputCol: "other"})
        assert copy.uid == first.uid
        assert copy.vectors_table is first.vectors_table
        assert copy.transform(words).columns == ["id", "words", "other"]

    def test_session_settings_are_as_before(self, quick: Word2Vec, words: DataFrame, spark: SparkSession) -> None:
        names = ("spark.sql.adaptive.enabled", "spark.sql.shuffle.partitions", "spark.sql.codegen.wholeStage")
        before = [spark.conf.get(name) for name in names]
        quick.fit(words)
        assert [spark.conf.get(name) for name in names] == before


class TestTraining:
    def test_it_is_the_main_job(self, quick: Word2Vec, words: DataFrame, job: MainJob, tmp_path: Path) -> None:
        words.write.parquet(str(tmp_path / "words"))
        options = ("--format", "parquet", "--column", "words")
        settings = ("model.dim=4", "train.epochs=2", "train.sample=0")
        expected: Model = job.train(tmp_path / "words", tmp_path / "out", *options, settings=settings)
        model = quick.fit(words)
        assert model.vectors_table.words == expected.table["word"].to_pylist()
        before = expected.description["config"]
        assert model.summary.config == {**before, "text": {**before["text"], "column": "text"}}
        assert model.summary.corpus == expected.corpus
        assert model.summary.plan == expected.description["plan"]
        np.testing.assert_array_equal(model.vectors_table.matrix, expected.matrix)

    def test_a_wider_model_before_changes_nothing(self, quick: Word2Vec, words: DataFrame) -> None:
        first = quick.fit(words).vectors_table.matrix
        quick.fit(words, {quick.vectorSize: 16})
        np.testing.assert_array_equal(quick.fit(words).vectors_table.matrix, first)

    def test_text_is_tokenised(self, quick: Word2Vec, spark: SparkSession) -> None:
        texts = spark.createDataFrame([*((text,) for text in TEXTS), (None,), ("",)], "text string")
        model = quick.setInputCol("text").fit(texts)
        assert set(model.vectors_table.words) == {"the", "cat", "sat", "dog", "ran", "a", "and", "on"}
        rows = model.transform(texts.na.drop()).collect()
        expected = model.vectors_table[["the", "cat", "sat", "the", "dog", "ran"]].mean(axis=0)
        np.testing.assert_allclose(rows[0].vector.toArray(), expected, atol=1e-6)
        assert not rows[-1].vector.toArray().any()

    def test_the_summary_tells_of_the_training(self, quick: Word2Vec, words: DataFrame, tmp_path: Path) -> None:
        model = quick.fit(words)
        summary = model.summary
        assert model.hasSummary
        assert (len(summary.history), len(summary.loss), summary.total_iterations) == (2, 2, 2)
        assert summary.corpus["documents"] == len(TEXTS)
        assert summary.corpus["vocabulary_size"] == len(model.vectors_table)
        assert {"count", "encode", "train", "publish", "rounds", "total"} <= summary.seconds.keys()
        assert "12 documents" in str(summary)
        model.save(str(tmp_path / "saved"))
        assert Word2VecModel.load(str(tmp_path / "saved")).summary == summary

    def test_progress_is_shown_unless_told_not_to(
        self, quick: Word2Vec, words: DataFrame, capsys: pytest.CaptureFixture[str]
    ) -> None:
        quick.fit(words)
        assert capsys.readouterr().err == ""
        quick.setVerbose(True).fit(words)
        assert "train round 2/2" in capsys.readouterr().err

    def test_errors_of_a_run_name_params(self, quick: Word2Vec, words: DataFrame) -> None:
        with pytest.raises(ConfigError, match=r"^numPartitions = -1 is not allowed: expected a finite number"):
            quick.fit(words, {quick.numPartitions: -1})
        with pytest.raises(ConfigError, match=r"^sample = 2\.0 is not allowed"):
            quick.fit(words).copy({quick.sample: 2.0}).transform(words)

    def test_the_whole_sentence_is_a_window(self, quick: Word2Vec, words: DataFrame) -> None:
        quick.setParams(windowSize=0, numPartitions=3, rounds=3)
        model = quick.fit(words)
        assert model.summary.config["model"]["window"] == "sentence"
        pairs = sum(len(text.split()) * (len(text.split()) - 1) for text in TEXTS)
        assert sum(record["pairs"] for record in model.summary.history) == 2 * pairs  # in two epochs

    def test_all_params_reach_the_run(self, quick: Word2Vec, words: DataFrame) -> None:
        quick.setParams(objective="hierarchical_softmax", merge="mean", maxVocabularySize=4, windowSize=2)
        config = quick.fit(words).summary.config
        assert config["model"]["objective"] == "hierarchical_softmax"
        assert (config["train"]["merge"], config["vocabulary"]["max_size"]) == ("mean", 4)


class TestFiles:
    def test_a_model_that_is_gone_leaves_nothing(self, quick: Word2Vec, words: DataFrame, runs: Path) -> None:
        model = quick.fit(words)
        assert not (next(runs.iterdir()) / "_run").exists()
        del model
        gc.collect()
        assert list(runs.iterdir()) == []

    def test_a_training_that_fails_leaves_nothing(self, quick: Word2Vec, words: DataFrame, runs: Path) -> None:
        with pytest.raises(VocabularyError):
            quick.setMinCount(1000).fit(words)
        assert list(runs.iterdir()) == []

    def test_frames_outlive_their_model(self, quick: Word2Vec, words: DataFrame) -> None:
        model = quick.fit(words)
        means, vectors = model.transform(words), model.getVectors()
        count = len(model.vectors_table)
        del model
        gc.collect()
        assert len(means.collect()) == len(TEXTS)
        assert vectors.count() == count

    def test_files_for_executors_are_written_once_and_can_be_released(
        self, quick: Word2Vec, words: DataFrame, runs: Path
    ) -> None:
        model = quick.fit(words)
        model.transform(words).collect()
        model.copy().transform(words).collect()
        assert len(list(runs.glob("w2v-served-*"))) == 1
        model.release()
        assert list(runs.glob("w2v-served-*")) == []
        assert model.transform(words).first() is not None

    def test_the_location_can_be_a_setting(
        self, quick: Word2Vec, words: DataFrame, spark: SparkSession, tmp_path: Path
    ) -> None:
        spark.conf.set(LOCATION_SETTING, str(tmp_path / "setting"))
        try:
            quick.clear(quick.runDirectory)
            model = quick.fit(words)
            assert len(list((tmp_path / "setting").iterdir())) == 1
            assert len(model.vectors_table)
        finally:
            spark.conf.unset(LOCATION_SETTING)

    def test_other_columns_are_kept_as_they_are(self, model: Word2VecModel, spark: SparkSession) -> None:
        query = (
            "SELECT array('cat', 'dog') AS words, map('a', 1) AS m, interval 1 month AS i, named_struct('x', 1) AS s"
        )
        frame = spark.sql(query)
        kept = model.transform(frame)
        assert kept.schema[:-1] == frame.schema[:]
        assert kept.select("m", "s").collect() == frame.select("m", "s").collect()

    def test_documents_come_from_files_read_by_column(
        self, model: Word2VecModel, words: DataFrame, spark: SparkSession, tmp_path: Path
    ) -> None:
        words.write.parquet(str(tmp_path / "words"))
        frame = spark.read.parquet(str(tmp_path / "words"))
        found, expected = (model.transform(each).orderBy("id").collect() for each in (frame, words))
        assert found == expected

    def test_what_is_no_model_is_refused(self, model: Word2VecModel, quick: Word2Vec, tmp_path: Path) -> None:
        quick.save(str(tmp_path / "estimator"))
        with pytest.raises(ConfigError, match=r"holds a w2v_spark\.estimator\.Word2Vec, expected"):
            Word2VecModel.load(str(tmp_path / "estimator"))
        with pytest.raises(StoreError, match="no vectors"):
            Word2VecModel().getVectors()
        with pytest.raises(ConfigError, match="unknownWords"):
            model.copy({model.unknownWords: "guess"}).transform(model.getVectors().selectExpr("array(word) AS words"))
