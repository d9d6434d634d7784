"""Estimators and Models of `pyspark.ml`: one that takes the place of its `Word2Vec`, and one of documents."""

from __future__ import annotations

import os
from typing import Any, Self, Unpack

import w2v_spark.spark  # noqa: F401 - first, since it says what to install where PySpark is missing

# isort: split
import pyarrow as pa
from pyspark.ml import Estimator, Model
from pyspark.ml.functions import array_to_vector
from pyspark.ml.util import MLReadable, MLReader, MLWritable, MLWriter
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.ml.doc2vec import Doc2Vec, Doc2VecModel
from w2v_spark.ml.location import find_location
from w2v_spark.ml.model_store import LoadedStore, ModelStore, fit_frame
from w2v_spark.ml.param_table import (
    build_config,
    check_keywords,
    check_unknown_words,
    errors_naming_params,
    input_column,
)
from w2v_spark.ml.params import Keywords, Word2VecParams, Word2VecSetters
from w2v_spark.ml.persistence import ParamsReader, ParamsWriter
from w2v_spark.ml.summary import TrainingSummary
from w2v_spark.ml.transform import add_mean_vectors
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.spark.columns import find_column
from w2v_spark.spark.settings import frame_of
from w2v_spark.vectors.keyed_vectors import KeyedVectors

__all__ = ["Doc2Vec", "Doc2VecModel", "Word2Vec", "Word2VecModel"]

_SYNONYMS = StructType([StructField("word", StringType()), StructField("similarity", DoubleType(), False)])


class Word2Vec(Estimator["Word2VecModel"], Word2VecSetters, MLReadable["Word2Vec"], MLWritable):
    """Learns a vector for each word of a column of documents, lists of words or text.

    Its Params are those of `pyspark.ml.feature.Word2Vec` and more; ``explainParams()`` lists them with their defaults,
    docs/guide/estimator.md says what differs.

    Examples
    --------
    >>> model = Word2Vec(vectorSize=50, inputCol="words", outputCol="vector").fit(documents)
    >>> model.findSynonymsArray("king", 3)
    >>> model.transform(documents)
    """

    def __init__(self, **params: Unpack[Keywords]) -> None:
        super().__init__()
        self.setParams(**params)

    def setParams(self, **params: Unpack[Keywords]) -> Self:
        """Set Params by name. Raises `TypeError` for an unknown name."""
        check_keywords(self, params)
        return self._set(**{name: value for name, value in params.items() if value is not None})

    @errors_naming_params()
    def _fit(self, dataset: DataFrame) -> Word2VecModel:
        config, column = build_config(self), input_column(self)
        if input_rows_of(config.model).documents:
            raise ConfigError(
                f"architecture = '{config.model.architecture}' gives vectors to documents: use Doc2Vec, or one of "
                "'skipgram' and 'cbow'"
            )
        check_unknown_words(self.getUnknownWords())
        if self.getOutputCol() in dataset.columns:
            raise ConfigError(f"outputCol = {self.getOutputCol()!r} is a column of the input already; name another one")
        store = fit_frame(dataset, column, config, self.getRunDirectory(), self.getVerbose())
        model = Word2VecModel(store)
        model._resetUid(self.uid)
        return self._copyValues(model)

    def write(self) -> MLWriter:
        """What saves the Params."""
        return ParamsWriter(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the Params: ``write().save(path)``."""
        self.write().save(os.fspath(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Word2Vec:
        """What was saved: ``read().load(path)``."""
        return cls.read().load(os.fspath(path))

    @classmethod
    def read(cls) -> MLReader[Word2Vec]:
        """What loads them."""
        return ParamsReader(lambda _: cls(), f"{cls.__module__}.{cls.__name__}", None)


class Word2VecModel(Model, Word2VecParams, MLReadable["Word2VecModel"], MLWritable):
    """Words and their vectors, made by `Word2Vec` or loaded. Copies share the vectors.

    A loaded model is in memory, 4 V D bytes, and needs the place where it was saved no longer.
    """

    def __init__(self, store: ModelStore | None = None) -> None:
        super().__init__()
        self._store = store

    def setInputCol(self, value: str) -> Self:
        """Set `inputCol`."""
        return self._set(inputCol=value)

    def setOutputCol(self, value: str) -> Self:
        """Set `outputCol`."""
        return self._set(outputCol=value)

    def setUnknownWords(self, value: str) -> Self:
        """Set `unknownWords`."""
        return self._set(unknownWords=value)

    def setRunDirectory(self, value: str | os.PathLike[str]) -> Self:
        """Set `runDirectory`."""
        return self._set(runDirectory=value)

    @property
    def vectors_table(self) -> KeyedVectors:
        """All vectors on the driver, with look-ups and similarities."""
        return self._files.vectors

    @property
    def hasSummary(self) -> bool:
        """Whether it is known how the model was trained: always."""
        return True

    @property
    def summary(self) -> TrainingSummary:
        """How the model was trained: history, corpus, seconds by stage."""
        return self._files.summary

    def getVectors(self) -> DataFrame:
        """All words with their vectors: ``word string, vector vector``."""
        table = self._files.table(SparkSession.active())
        return table.select("word", array_to_vector(F.col("vector")).alias("vector"))

    def findSynonyms(self, word: Any, num: int) -> DataFrame:
        """The ``num`` words most similar to a word or vector: ``word string, similarity double``.

        Raises
        ------
        WordNotFound
            The word is not in the vocabulary, and no n-gram gives it a vector.
        """
        found = self.findSynonymsArray(word, num)
        words, similarities = ([row[i] for row in found] for i in (0, 1))
        table = pa.table({"word": pa.array(words, pa.string()), "similarity": pa.array(similarities, pa.float64())})
        return frame_of(SparkSession.active(), table, _SYNONYMS)

    def findSynonymsArray(self, word: Any, num: int) -> list[tuple[str, float]]:
        """The same as a list, without a Spark job."""
        return self._files.find_synonyms(word if isinstance(word, str) else _plain(word), num)

    def release(self) -> None:
        """Remove the files that ``transform`` has written for the executors; DataFrames made before may fail then."""
        self._files.release()

    @errors_naming_params()
    def _transform(self, dataset: DataFrame) -> DataFrame:
        name, output, spark = input_column(self), self.getOutputCol(), dataset.sparkSession
        find_column(dataset, name, "inputCol")
        config = build_config(self)
        if output in dataset.columns:
            raise ConfigError(f"outputCol = {output!r} is a column of the input already; name another one")
        check_unknown_words(self.getUnknownWords())
        served = self._files.serve(lambda: find_location(spark, self.getRunDirectory()))
        shape, ngrams = self._files.vectors.matrix.shape, self._files.vectors.subwords
        analyzer, as_zero = self._files.units.analyzer(config.text), self.getUnknownWords() == "zero"
        subwords = None if ngrams is None else ngrams.model
        return add_mean_vectors(dataset, name, output, served.uri, shape, analyzer, as_zero, subwords)

    @property
    def _files(self) -> ModelStore:
        if self._store is None:
            raise StoreError("this model has no vectors; get one from Word2Vec.fit or Word2VecModel.load")
        return self._store

    def write(self) -> MLWriter:
        """What saves the model: Params as JSON, vectors as Parquet."""
        return ParamsWriter(self, self._files)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the model: ``write().save(path)``."""
        self.write().save(os.fspath(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Word2VecModel:
        """What was saved, or a result of ``w2v-spark train``: its output, ``ROOT`` or ``ROOT@version``."""
        return cls.read().load(os.fspath(path))

    @classmethod
    def read(cls) -> MLReader[Word2VecModel]:
        """What loads it."""
        return ParamsReader(cls, f"{cls.__module__}.{cls.__name__}", LoadedStore)


def _plain(vector: Any) -> Any:
    """A vector of `pyspark.ml.linalg`, or anything else that numpy takes."""
    return vector.toArray() if hasattr(vector, "toArray") else vector
