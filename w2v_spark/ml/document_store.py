"""Where a model of documents lies: in the files of its training, or where it was saved. Nothing is read before use."""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Callable
from functools import cached_property
from typing import Final, Self

import pyarrow.fs as pafs
from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import Config
from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.inference.document_inference import DocumentInference, open_model
from w2v_spark.inference.served import ServedModel
from w2v_spark.inputs.files import spark_path
from w2v_spark.ml.model_store import PROCESS, train_frame
from w2v_spark.ml.summary import TrainingSummary
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.publishing.layout import DOCUMENTS, HISTORY_FILE, MODEL_FILE, STATE, SUCCESS_FILE, TAGS, VECTORS
from w2v_spark.spark.source import FrameInput
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.vectors.document_vectors import DocumentVectors
from w2v_spark.vectors.keyed_vectors import KeyedVectors

_FOLDERS: Final = (VECTORS, DOCUMENTS, TAGS, STATE)


class DocumentStore:
    """The files of a model of documents, shared by its copies.

    Documents may be more than a driver can hold, so a loaded model reads where it was saved, as the one just trained
    reads where its training has put it.

    Parameters
    ----------
    directory : Directory
        The output of a run.
    owned : bool
        Whether the files go with the store.
    """

    def __init__(self, directory: Directory, owned: bool = False) -> None:
        self._directory, self._lock = directory, threading.Lock()
        self._served: tuple[Config, ServedModel, Directory, weakref.finalize[..., object]] | None = None
        self._removal = weakref.finalize(self, directory.delete) if owned else None

    @classmethod
    def open(cls, directory: Directory) -> Self:
        """The files of a model that is there. Raises `ConfigError` if it is one of words alone."""
        model = ModelDescription.read(directory).config.model
        if not input_rows_of(model).documents:
            raise ConfigError(
                f"{directory.uri} is a model of words ({model.architecture}), which has no vectors of documents: load "
                "it with Word2VecModel"
            )
        return cls(directory)

    @cached_property
    def vectors(self) -> KeyedVectors:
        """The vectors of words on the driver, mapped."""
        return KeyedVectors.load(self._directory.uri)

    @cached_property
    def documents(self) -> DocumentVectors:
        """Those of documents and tags, mapped."""
        return DocumentVectors.load(self._directory.uri)

    @cached_property
    def summary(self) -> TrainingSummary:
        """How the model was trained."""
        return TrainingSummary.read(self._directory)

    def inference(self, config: Config) -> DocumentInference:
        """For texts on the driver."""
        return DocumentInference.load(self._directory.uri, **config.to_dict()["infer"])

    def table(self, spark: SparkSession, name: str) -> DataFrame:
        """One of the tables, as Spark reads it.

        Raises
        ------
        StoreError
            There is none.
        """
        if not self._directory.exists(name):
            raise StoreError(f"the model has no table of {name}")
        if self._removal is not None:  # the frame is read later than this store may live
            self._removal.detach()
            weakref.finalize(PROCESS, self._directory.delete)
            self._removal = None
        folder = self._directory.child(name)
        return spark.read.parquet(spark_path(folder.path) if folder.is_local else folder.uri.replace("s3://", "s3a://"))

    def save_to(self, target: Directory) -> None:
        """Copy the files; the mark of completeness comes last."""
        target.create()
        for name in _FOLDERS:
            if self._directory.exists(name):
                with errors_naming(self._directory.child(name).uri):
                    pafs.copy_files(
                        self._directory.file(name), target.child(name).create().path,
                        source_filesystem=self._directory.filesystem, destination_filesystem=target.filesystem,
                    )  # fmt: skip
        for name in (MODEL_FILE, HISTORY_FILE):
            target.write_bytes(name, self._directory.read_bytes(name))
        target.sync()
        target.write_bytes(SUCCESS_FILE, b"", durable=True)

    def serve(self, config: Config, find_location: Callable[[], Directory]) -> ServedModel:
        """What executors infer with, written at the first call and when the configuration has changed."""
        with self._lock:
            if self._served is None or self._served[0] != config or not self._served[2].exists():
                directory = find_location().child(f"w2v-served-{uuid.uuid4().hex}")
                served = ServedModel.write(directory, open_model(self._directory.uri), config)
                # Held by the finalizer's own registry until the process ends: a DataFrame may need it until then.
                self._served = config, served, directory, weakref.finalize(PROCESS, directory.delete)
            return self._served[1]

    def release(self) -> None:
        """Remove what executors read. A later ``transform`` writes it again; earlier DataFrames may fail."""
        with self._lock:
            if self._served is not None:
                self._served[3]()
            self._served = None


def fit_documents(
    dataset: DataFrame,
    source: FrameInput,
    config: Config,
    location: str | None,
    verbose: bool,
) -> DocumentStore:
    """Train on a column of documents, by the same job as from files, see `train_frame`."""
    return DocumentStore(train_frame(dataset, source, config, location, verbose), owned=True)
