"""An Estimator and a Model of `pyspark.ml` for vectors of documents; `w2v_spark.estimator` hands them on."""

from __future__ import annotations

import os
from typing import Any, Self, Unpack

import pyarrow as pa
from pyspark.ml import Estimator, Model
from pyspark.ml.functions import array_to_vector
from pyspark.ml.linalg import VectorUDT
from pyspark.ml.util import MLReadable, MLReader, MLWritable, MLWriter
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from w2v_spark.config import Config
from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.inference.document_inference import DocumentInference
from w2v_spark.ml.document_store import DocumentStore, fit_documents
from w2v_spark.ml.location import find_location
from w2v_spark.ml.param_table import build_config, check_keywords, errors_naming_params, input_column
from w2v_spark.ml.params import Doc2VecParams, Doc2VecSetters, DocumentKeywords
from w2v_spark.ml.persistence import ParamsReader, ParamsWriter
from w2v_spark.ml.summary import TrainingSummary
from w2v_spark.ml.transform import arrow_function, dense_vectors, row_by_row
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.publishing.layout import DOCUMENTS, TAGS, VECTORS
from w2v_spark.spark.columns import document_column
from w2v_spark.spark.source import FrameInput
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.vectors.document_vectors import DocumentVectors
from w2v_spark.vectors.keyed_vectors import KeyedVectors


class Doc2Vec(Estimator["Doc2VecModel"], Doc2VecSetters, MLReadable["Doc2Vec"], MLWritable):
    """Learns a vector for each document of a column, lists of words or text, and for each of their tags.

    Params have the names of `Word2Vec`; ``explainParams()`` lists them with their defaults.

    Examples
    --------
    >>> model = Doc2Vec(vectorSize=100, maxIter=20, inputCol="text", idCol="id", outputCol="vector").fit(documents)
    >>> model.documents.most_similar("an id")
    >>> model.transform(new_documents)
    """

    __module__ = "w2v_spark.estimator"

    def __init__(self, **params: Unpack[DocumentKeywords]) -> None:
        super().__init__()
        self.setParams(**params)

    def setParams(self, **params: Unpack[DocumentKeywords]) -> Self:
        """Set Params by name. Raises `TypeError` for an unknown name."""
        check_keywords(self, params)
        return self._set(**{name: value for name, value in params.items() if value is not None})

    @errors_naming_params()
    def _fit(self, dataset: DataFrame) -> Doc2VecModel:
        config, column = _config_of(self), input_column(self)
        if self.getOutputCol() in dataset.columns:
            raise ConfigError(f"outputCol = {self.getOutputCol()!r} is a column of the input already; name another one")
        source = FrameInput(dataset, column, self.getIdCol(), tuple(self.getTagCols()))
        store = fit_documents(dataset, source, config, self.getRunDirectory(), self.getVerbose())
        model = Doc2VecModel(store)
        model._resetUid(self.uid)
        return self._copyValues(model)

    def write(self) -> MLWriter:
        """What saves the Params."""
        return ParamsWriter(self)

    @classmethod
    def read(cls) -> MLReader[Doc2Vec]:
        """What loads them."""
        return ParamsReader(lambda _: cls(), f"{cls.__module__}.{cls.__name__}", None)


class Doc2VecModel(Model, Doc2VecParams, MLReadable["Doc2VecModel"], MLWritable):
    """Documents, tags and words with their vectors, made by `Doc2Vec` or loaded. Copies share the vectors.

    Vectors are mapped, not read, and ``transform`` infers: a loaded model needs the place where it was saved.
    """

    __module__ = "w2v_spark.estimator"

    def __init__(self, store: DocumentStore | None = None) -> None:
        super().__init__()
        self._store = store

    def setInputCol(self, value: str) -> Self:
        """Set `inputCol`."""
        return self._set(inputCol=value)

    def setOutputCol(self, value: str) -> Self:
        """Set `outputCol`."""
        return self._set(outputCol=value)

    def setInferEpochs(self, value: int) -> Self:
        """Set `inferEpochs`."""
        return self._set(inferEpochs=value)

    def setInferStepSize(self, value: float) -> Self:
        """Set `inferStepSize`."""
        return self._set(inferStepSize=value)

    def setRunDirectory(self, value: str | os.PathLike[str]) -> Self:
        """Set `runDirectory`."""
        return self._set(runDirectory=value)

    @property
    def documents(self) -> DocumentVectors:
        """The vectors of documents and tags on the driver, mapped, with look-ups and similarities."""
        return self._files.documents

    @property
    def vectors_table(self) -> KeyedVectors:
        """The vectors of words on the driver, mapped, with look-ups and similarities."""
        return self._files.vectors

    @property
    def hasSummary(self) -> bool:
        """Whether it is known how the model was trained: always."""
        return True

    @property
    def summary(self) -> TrainingSummary:
        """How the model was trained: history, corpus, seconds by stage."""
        return self._files.summary

    def documentVectors(self) -> DataFrame:
        """All documents of the training: ``id, tokens bigint, vector vector``."""
        return self._table(DOCUMENTS, "id", "tokens")

    def tagVectors(self) -> DataFrame:
        """All tags: ``tag string, value string, documents bigint, tokens bigint, vector vector``."""
        return self._table(TAGS, "tag", "value", "documents", "tokens")

    def getVectors(self) -> DataFrame:
        """All words with their vectors: ``word string, vector vector``."""
        return self._table(VECTORS, "word")

    @errors_naming_params()
    def inference(self) -> DocumentInference:
        """What infers vectors of texts in this process, without Spark."""
        return self._files.inference(_config_of(self))

    def release(self) -> None:
        """Remove the files that ``transform`` has written for the executors; DataFrames made before may fail then."""
        self._files.release()

    @errors_naming_params()
    def _transform(self, dataset: DataFrame) -> DataFrame:
        name, output, spark = input_column(self), self.getOutputCol(), dataset.sparkSession
        column = document_column(dataset, name, "inputCol")
        if output in dataset.columns:
            raise ConfigError(f"outputCol = {output!r} is a column of the input already; name another one")
        config = _config_of(self)
        model = self._files.serve(config, lambda: find_location(spark, self.getRunDirectory()))

        def of_documents(documents: pa.Array) -> pa.Array:
            inference = model.load()
            freeze_modules("infer")
            batches = list(inference.batches(documents))
            return dense_vectors([batch.matrix for batch in batches], [batch.missing for batch in batches])

        vectors = arrow_function()(of_documents, VectorUDT())(column)
        return row_by_row(dataset, column).select(
            "*", vectors.alias(output, metadata={"ml_attr": {"num_attrs": config.model.dim}})
        )

    def _table(self, name: str, *columns: str) -> DataFrame:
        frame = self._files.table(SparkSession.active(), name)
        return frame.select(*columns, array_to_vector(F.col("vector").cast("array<double>")).alias("vector"))

    @property
    def _files(self) -> DocumentStore:
        if self._store is None:
            raise StoreError("this model has no vectors; get one from Doc2Vec.fit or Doc2VecModel.load")
        return self._store

    def write(self) -> MLWriter:
        """What saves the model: Params as JSON, vectors as Parquet, weights beside them."""
        return ParamsWriter(self, self._files)

    @classmethod
    def read(cls) -> MLReader[Doc2VecModel]:
        """What loads it."""
        return ParamsReader(cls, f"{cls.__module__}.{cls.__name__}", DocumentStore.open)


def _config_of(params: Any) -> Config:
    """The configuration that Params ask for. Raises `ConfigError` for one of words alone."""
    config = build_config(params)
    if not input_rows_of(config.model).documents:
        raise ConfigError(
            f"architecture = '{config.model.architecture}' gives vectors to words alone: expected 'pv_dbow' or "
            "'pv_dm', or use Word2Vec"
        )
    if not params.isSet("inferStepSize") or config.infer.min_learning_rate <= config.infer.learning_rate:
        return config
    return config.replace(infer={"min_learning_rate": config.infer.learning_rate})
