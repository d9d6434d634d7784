"""What Spark documents and tests of its own Word2Vec, asked of both implementations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.ml import feature
from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.sql import DataFrame, SparkSession

from w2v_spark import estimator
from w2v_spark.errors import ConfigError, InputError, W2VError, WordNotFound

SENTENCES = [["a", "b", "c", "a", "b"], ["a", "c", "d", "d"], ["rare", "a"]] + [["a", "b", "c", "d"]] * 8
PARAMS = ("inputCol", "maxIter", "maxSentenceLength", "minCount", "numPartitions", "outputCol", "seed", "stepSize",
          "vectorSize", "windowSize")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One implementation, its module and a fitted model."""

    name: str
    module: Any
    model: Any

    @property
    def is_ours(self) -> bool:
        return self.name == "ours"


def make(module: Any, **params: Any) -> Any:
    """An estimator, built by the same keywords."""
    built = module.Word2Vec(vectorSize=6, minCount=2, seed=42, inputCol="words", outputCol="vector", **params)
    return built.setNumPartitions(1)


@pytest.fixture(scope="module")
def sentences(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([(words,) for words in SENTENCES], "words array<string>").cache()


@pytest.fixture(scope="module", params=["mllib", "ours"])
def kind(
    request: pytest.FixtureRequest, sentences: DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kind]:
    module = {"mllib": feature, "ours": estimator}[request.param]
    built = make(module)
    if request.param == "ours":
        built.setRunDirectory(str(tmp_path_factory.mktemp("runs"))).setVerbose(False).setRounds(2).setSample(0.0)
    return Kind(request.param, module, built.fit(sentences))


def vectors_of(model: Any) -> dict[str, Any]:
    return {row.word: row.vector.toArray() for row in model.getVectors().collect()}


def test_params_have_the_same_names_getters_and_setters(kind: Kind) -> None:
    built = kind.module.Word2Vec()
    for name in PARAMS:
        assert built.hasParam(name)
        if name not in ("inputCol", "outputCol"):
            value = built.getOrDefault(name)
            capital = name[0].upper() + name[1:]
            assert getattr(getattr(built, f"set{capital}")(value), f"get{capital}")() == value


def test_params_have_the_same_defaults(kind: Kind) -> None:
    built = kind.module.Word2Vec()
    assert (built.getVectorSize(), built.getMinCount(), built.getStepSize(), built.getMaxIter()) == (100, 5, 0.025, 1)
    assert (built.getWindowSize(), built.getMaxSentenceLength()) == (5, 1000)
    assert built.getOutputCol() == f"{built.uid}__output"
    assert built.getNumPartitions() == (0 if kind.is_ours else 1)


def test_the_model_has_the_params_of_its_estimator(kind: Kind) -> None:
    model = kind.model
    assert (model.getVectorSize(), model.getMinCount(), model.getSeed(), model.getInputCol()) == (6, 2, 42, "words")
    assert model.uid.startswith("Word2Vec_")


def test_vectors_have_the_same_schema_and_words(kind: Kind) -> None:
    frame = kind.model.getVectors()
    assert [(field.name, field.dataType.simpleString()) for field in frame.schema] == [
        ("word", "string"),
        ("vector", "vector"),
    ]
    assert isinstance(frame.schema["vector"].dataType, VectorUDT)
    assert set(vectors_of(kind.model)) == {"a", "b", "c", "d"}
    assert frame.first().vector.size == 6


def test_synonyms_have_the_same_schema(kind: Kind) -> None:
    schema = kind.model.findSynonyms("a", 2).schema
    assert [(field.name, field.dataType.simpleString(), field.nullable) for field in schema] == [
        ("word", "string", True),
        ("similarity", "double", False),
    ]


def test_synonyms_are_cosines_in_descending_order_without_the_word(kind: Kind) -> None:
    vectors, found = vectors_of(kind.model), kind.model.findSynonymsArray("a", 3)
    cosine = {w: v @ vectors["a"] / np.linalg.norm(v) / np.linalg.norm(vectors["a"]) for w, v in vectors.items()}
    assert [word for word, _ in found] == sorted(set(cosine) - {"a"}, key=lambda w: -cosine[w])
    np.testing.assert_allclose([s for _, s in found], [cosine[word] for word, _ in found], atol=1e-5)
    assert [tuple(row) for row in kind.model.findSynonyms("a", 3).collect()] == found


@pytest.mark.parametrize("how", ["vector", "list"])
def test_synonyms_of_a_vector_may_hold_its_own_word(kind: Kind, how: str) -> None:
    vector = vectors_of(kind.model)["b"]
    found = kind.model.findSynonymsArray(Vectors.dense(vector) if how == "vector" else vector.tolist(), 2)
    assert found[0][0] == "b"
    assert found[0][1] == pytest.approx(1, abs=1e-5)


def test_synonyms_of_a_vector_of_zeros_have_similarity_0(kind: Kind) -> None:
    assert {s for _, s in kind.model.findSynonymsArray(Vectors.dense([0.0] * 6), 2)} == {0.0}


def test_more_synonyms_than_words_gives_all(kind: Kind) -> None:
    assert {word for word, _ in kind.model.findSynonymsArray("a", 100)} == {"b", "c", "d"}


@pytest.mark.parametrize("number", [0, -1])
def test_no_synonyms_cannot_be_asked_for(kind: Kind, number: int) -> None:
    with pytest.raises(ConfigError if kind.is_ours else Exception, match=r"number of similar words|Number of similar"):
        kind.model.findSynonyms("a", number)


def test_an_unknown_word_has_no_synonyms(kind: Kind) -> None:
    with pytest.raises(WordNotFound if kind.is_ours else Exception, match=r"not in vocabulary|not among"):
        kind.model.findSynonyms("nothing", 2)


def test_transform_is_the_mean_of_the_words(kind: Kind, spark: SparkSession) -> None:
    documents = [["a"], ["a", "b", "a"], [], ["nothing"], ["d", "c"]]
    frame = spark.createDataFrame(list(enumerate(documents)), "id int, words array<string>")
    rows = sorted(kind.model.transform(frame).collect(), key=lambda row: row.id)
    vectors = vectors_of(kind.model)
    for row, words in zip(rows, documents, strict=True):
        expected = [vectors[word] for word in words if word in vectors] or [np.zeros(6)]
        np.testing.assert_allclose(row.vector.toArray(), np.mean(expected, axis=0), atol=1e-6)
        assert row.words == words


def test_unknown_words_are_left_out_or_count_as_zeros(kind: Kind, spark: SparkSession) -> None:
    frame = spark.createDataFrame([(["a", "nothing", None, "a"],)], "words array<string>")
    vector = vectors_of(kind.model)["a"]
    models = [(kind.model, vector if kind.is_ours else vector / 2)]
    if kind.is_ours:
        models.append((kind.model.copy({kind.model.unknownWords: "zero"}), vector / 2))
    for model, expected in models:
        np.testing.assert_allclose(model.transform(frame).first().vector.toArray(), expected, atol=1e-6)


def test_transform_adds_one_vector_column(kind: Kind, sentences: DataFrame) -> None:
    schema = kind.model.transform(sentences).schema
    assert schema.names == ["words", "vector"]
    assert isinstance(schema["vector"].dataType, VectorUDT)
    assert schema["vector"].metadata == {"ml_attr": {"num_attrs": 6}}


def test_a_null_document_is_an_error(kind: Kind, spark: SparkSession) -> None:
    frame = spark.createDataFrame([(None,)], "words array<string>")
    with pytest.raises(Exception, match="null"):
        kind.model.transform(frame).collect()


def test_columns_are_checked(kind: Kind, sentences: DataFrame, spark: SparkSession) -> None:
    with pytest.raises(InputError if kind.is_ours else Exception, match="absent"):
        kind.model.copy({kind.model.inputCol: "absent"}).transform(sentences)
    with pytest.raises(ConfigError if kind.is_ours else Exception, match="already"):
        kind.model.copy({kind.model.outputCol: "words"}).transform(sentences)
    numbers = spark.createDataFrame([(1,)], "words int")
    with pytest.raises(InputError if kind.is_ours else Exception, match="int"):
        make(kind.module).fit(numbers)
    with pytest.raises(ConfigError if kind.is_ours else Exception, match="inputCol"):
        kind.module.Word2Vec().fit(sentences)


def test_no_word_often_enough_is_an_error(kind: Kind, sentences: DataFrame) -> None:
    with pytest.raises(W2VError if kind.is_ours else Exception, match=r"minCount|min_count"):
        make(kind.module).setMinCount(1000).fit(sentences)


def test_a_size_below_1_is_an_error(kind: Kind, sentences: DataFrame) -> None:
    with pytest.raises(ConfigError if kind.is_ours else Exception, match="vectorSize"):
        make(kind.module).setVectorSize(-1).fit(sentences)


def test_the_estimator_is_saved_and_loaded(kind: Kind, tmp_path: Path) -> None:
    built = make(kind.module)
    built.save(str(tmp_path / "estimator"))
    loaded = kind.module.Word2Vec.load(str(tmp_path / "estimator"))
    assert loaded.uid == built.uid
    assert loaded.extractParamMap() == built.extractParamMap()


def test_the_model_is_saved_loaded_and_written_over(kind: Kind, sentences: DataFrame, tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    kind.model.save(path)
    with pytest.raises(Exception, match="already exists"):
        kind.model.save(path)
    kind.model.write().overwrite().save(path)
    loaded = kind.module.Word2VecModel.load(path)
    assert loaded.uid == kind.model.uid
    assert loaded.getOutputCol() == "vector"
    before, after = vectors_of(kind.model), vectors_of(loaded)
    assert before.keys() == after.keys()
    assert all((before[word] == after[word]).all() for word in before)
    assert loaded.findSynonymsArray("a", 3) == kind.model.findSynonymsArray("a", 3)
    assert loaded.transform(sentences).first() == kind.model.transform(sentences).first()


def test_explain_params_lists_them(kind: Kind) -> None:
    text = kind.module.Word2Vec(vectorSize=7).explainParams()
    assert "current: 7" in text
    assert all(f"{name}:" in text for name in PARAMS)


@pytest.mark.parametrize("module", [feature, estimator], ids=["mllib", "ours"])
def test_the_example_of_mllib(module: Any, spark: SparkSession) -> None:
    """Three sentences in the documentation of Spark, which subsampling would leave nothing of."""
    lines = ("Hi I heard about Spark", "I wish Java could use case classes", "Logistic regression models are neat")
    documents = spark.createDataFrame([(line.split(" "),) for line in lines], ["text"])
    model = module.Word2Vec(vectorSize=3, minCount=0, inputCol="text", outputCol="result").fit(documents)
    rows = model.transform(documents).collect()
    assert [len(row.result) for row in rows] == [3, 3, 3]
    assert all(np.isfinite(row.result.toArray()).all() and row.result.toArray().any() for row in rows)
