"""Models that were saved: they stand on their own, and what is written over stays until the new files are complete."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.estimator import Word2Vec, Word2VecModel
from w2v_spark.ml.model_store import LoadedStore
from w2v_spark.storage import Directory

TEXTS = ["the cat sat on the mat", "a cat and a dog", "the dog sat on the cat"] * 4


@pytest.fixture(scope="module")
def words(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([(text.split(),) for text in TEXTS], "words array<string>").coalesce(1).cache()


@pytest.fixture(scope="module")
def model(words: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Word2VecModel:
    estimator = Word2Vec(
        vectorSize=32, minCount=1, rounds=1, numPartitions=1, sample=0.0, inputCol="words", outputCol="vector",
        runDirectory=tmp_path_factory.mktemp("runs"), verbose=False,
    )  # fmt: skip
    return estimator.fit(words)


def words_of(model: Word2VecModel) -> dict[str, list[float]]:
    return {row.word: row.vector.toArray().tolist() for row in model.getVectors().collect()}


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder that Spark does not hide, but for the metadata, whose names and times change."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.parent.name != "metadata"}


def test_a_model_is_saved_where_it_was_loaded_from(model: Word2VecModel, tmp_path: Path) -> None:
    place = tmp_path / "a model"
    model.save(place)
    before = contents(place)
    assert {"model.json", "history.json", "_SUCCESS"} <= before.keys()
    assert sum(name.startswith("vectors/part-00000-") for name in before) == 1
    for number in range(2):
        loaded = Word2VecModel.load(place).setOutputCol(f"column {number}")
        loaded.write().overwrite().save(place)
        again = Word2VecModel.load(place)
        assert again.getOutputCol() == f"column {number}"
        assert words_of(again) == words_of(model)
        assert again.summary == model.summary
    assert contents(place) == before
    assert [path.name for path in tmp_path.iterdir()] == ["a model"]


def test_so_is_a_pipeline(model: Word2VecModel, words: DataFrame, tmp_path: Path) -> None:
    place = str(tmp_path / "pipeline")
    inner, outer = PipelineModel([model]), tmp_path / "nested"
    inner.save(place)
    PipelineModel([PipelineModel([model])]).save(str(outer))
    expected = inner.transform(words).collect()
    for path in (place, str(outer)):
        loaded = PipelineModel.load(path)
        loaded.write().overwrite().save(path)
        assert loaded.transform(words).collect() == expected
        assert PipelineModel.load(path).transform(words).collect() == expected


def test_a_loaded_model_outlives_its_directory(model: Word2VecModel, words: DataFrame, tmp_path: Path) -> None:
    model.save(str(tmp_path / "model"))
    saved = contents(tmp_path / "model")
    loaded = Word2VecModel.load(str(tmp_path / "model")).setRunDirectory(tmp_path / "runs")
    frame = loaded.getVectors()
    shutil.rmtree(tmp_path / "model")
    assert loaded.findSynonymsArray("cat", 3) == model.findSynonymsArray("cat", 3)
    assert loaded.findSynonyms("cat", 3).collect() == model.findSynonyms("cat", 3).collect()
    assert {row.word for row in frame.collect()} == set(model.vectors_table.words)
    assert words_of(loaded) == words_of(model)
    assert loaded.transform(words).collect() == model.transform(words).collect()
    assert str(loaded.summary) == str(model.summary)
    np.testing.assert_array_equal(loaded.vectors_table.matrix, model.vectors_table.matrix)
    assert loaded.vectors_table.counts.tolist() == model.vectors_table.counts.tolist()
    loaded.save(tmp_path / "elsewhere")
    assert contents(tmp_path / "elsewhere") == saved


def test_only_what_was_saved_is_overwritten(model: Word2VecModel, tmp_path: Path) -> None:
    lake, saved = tmp_path / "lake", tmp_path / "saved"
    lake.mkdir()
    (lake / "text.txt").write_text("all there is")
    model.save(saved)
    (saved / "notes.txt").write_text("mine")
    for folder, file in ((lake, "text.txt"), (saved, "notes.txt")):
        before = contents(folder)
        with pytest.raises(ConfigError, match=f"holds '{file}', which was not saved there"):
            model.write().overwrite().save(str(folder))
        assert contents(folder) == before
    (saved / "notes.txt").unlink()
    model.write().overwrite().save(str(saved))


def test_what_is_there_stays_until_the_new_model_is_complete(
    model: Word2VecModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "model"
    model.save(place)
    before = contents(place)

    def fail(self: LoadedStore, target: Directory) -> None:
        target.create().write_bytes("half", b"")
        raise OSError("no space left on device")

    monkeypatch.setattr(LoadedStore, "save_to", fail)
    with pytest.raises(OSError, match="no space left"):
        Word2VecModel.load(place).write().overwrite().save(place)
    assert contents(place) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_empty_path_is_refused() -> None:
    for writer in (Word2Vec().write(), Word2Vec().write().overwrite()):
        with pytest.raises(ConfigError, match="path to save to is empty"):
            writer.save("")


def test_a_path_may_be_a_path(tmp_path: Path) -> None:
    estimator = Word2Vec(inputCol="words", vectorSize=7)
    estimator.save(tmp_path / "estimator")
    estimator.write().overwrite().save(tmp_path / "estimator")
    for loaded in (Word2Vec.load(tmp_path / "estimator"), Word2Vec.read().load(tmp_path / "estimator")):
        assert loaded.extractParamMap() == estimator.extractParamMap()


def test_params_of_earlier_versions_are_read(tmp_path: Path) -> None:
    estimator = Word2Vec(inputCol="words", publishedRows="sum")
    estimator.save(tmp_path / "new")
    text = next((tmp_path / "new" / "metadata").glob("part-*")).read_text()
    assert text.count('"publishedRows"') == 2  # its value and its default
    (tmp_path / "old" / "metadata").mkdir(parents=True)
    (tmp_path / "old" / "metadata" / "part-00000").write_text(text.replace('"publishedRows"', '"vectors"'))
    loaded = Word2Vec.load(tmp_path / "old")
    assert (loaded.getPublishedRows(), loaded.uid) == ("sum", estimator.uid)
    loaded.clear(loaded.publishedRows)
    assert loaded.getPublishedRows() == "input"


def test_a_damaged_model_is_refused_when_it_is_loaded(model: Word2VecModel, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    (tmp_path / "model" / "history.json").unlink()
    with pytest.raises(StoreError, match=r"history\.json is missing"):
        Word2VecModel.load(tmp_path / "model")


def test_where_no_model_was_saved_says_so(model: Word2VecModel, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"missing holds no saved model \(no metadata\); nothing is there") as caught:
        Word2VecModel.load(tmp_path / "missing")
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match=r"nothing is there"):
        Word2Vec.load(tmp_path / "missing")
    with pytest.raises(
        StoreError, match=r"the output of a training, which Word2VecModel\.load and KeyedVectors\.load open$"
    ):
        Word2Vec.load(model._files._directory.path)
    assert words_of(Word2VecModel.load(model._files._directory.path)) == words_of(model)
    (tmp_path / "other").mkdir()
    with pytest.raises(StoreError, match=r"other holds no saved model \(no metadata\)$"):
        Word2VecModel.load(tmp_path / "other")
    for content in ("", "not JSON", "[1]", '{"class": "x"}'):
        folder = tmp_path / "damaged" / "metadata"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "part-00000").write_text(content)
        with pytest.raises(StoreError, match=r"damaged holds no saved model: its metadata is damaged$"):
            Word2VecModel.load(tmp_path / "damaged")
