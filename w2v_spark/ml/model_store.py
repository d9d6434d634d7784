"""Where a model's vectors lie: in the files of its training until it is saved, in memory when it was loaded."""

from __future__ import annotations

import threading
import uuid
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from w2v_spark.config import Config
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.inputs.files import spark_path
from w2v_spark.ml.location import find_location
from w2v_spark.ml.summary import TrainingSummary
from w2v_spark.ml.transform import write_served
from w2v_spark.phrases.units import Units
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, NGRAMS, SUCCESS_FILE, VECTORS
from w2v_spark.publishing.part_names import name_by_content
from w2v_spark.run.progress import Progress
from w2v_spark.spark.columns import find_column
from w2v_spark.spark.output import Output
from w2v_spark.spark.settings import frame_of
from w2v_spark.spark.source import FrameInput
from w2v_spark.spark.train import train
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.vectors.concept_forms import ConceptForms
from w2v_spark.vectors.keyed_vectors import Answer, KeyedVectors
from w2v_spark.vectors.ngram_table import write_ngrams
from w2v_spark.vectors.reading import read_vectors
from w2v_spark.vectors.subword_vectors import SubwordVectors
from w2v_spark.vectors.table import write_vectors

_SERVED: Final = "served"
_DESCRIPTIONS: Final = (MODEL_FILE, HISTORY_FILE)

# The job sets settings of the session and restores them; and one training takes all cores there are.
_ONE_AT_A_TIME: Final = threading.Lock()


class ModelStore(ABC):
    """The vectors of one model, shared by its copies.

    Notes
    -----
    What `serve` has written stays until the process ends or `release` is called: a DataFrame that is not computed yet
    may need it, and such a DataFrame does not keep the model alive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._served: Directory | None = None
        self._served_removal: weakref.finalize[..., _Process] | None = None

    @property
    @abstractmethod
    def vectors(self) -> KeyedVectors:
        """The vectors on the driver."""

    @property
    @abstractmethod
    def summary(self) -> TrainingSummary:
        """How the model was trained."""

    @property
    @abstractmethod
    def units(self) -> Units:
        """What the words of a text become."""

    @abstractmethod
    def table(self, spark: SparkSession) -> DataFrame:
        """All words and vectors, ``word, vector`` of strings and lists of doubles."""

    @abstractmethod
    def save_to(self, target: Directory) -> None:
        """Write the model's files into a directory; the mark of completeness comes last."""

    def find_synonyms(self, query: str | Sequence[float], num: int) -> Answer:
        """The ``num`` words most similar to a word, which is left out, or to a vector; fewer if there are fewer.

        Raises
        ------
        WordNotFound, InputError, ConfigError
        """
        if num is True or not hasattr(num, "__index__") or num < 1:
            raise ConfigError(f"num = {num!r} is not allowed: the number of similar words is a whole number above 0")
        self.vectors.prepare_search()
        if isinstance(query, str):
            return self.vectors.similar_by_key(query, num)
        vector = np.asarray(query, np.float32)
        if not np.isfinite(vector).all():
            raise InputError(f"a vector that is not finite cannot be compared: {query!r}")
        return self.vectors.similar_by_vector(vector, num)

    def serve(self, find_location: Callable[[], Directory]) -> Directory:
        """The directory that executors read, written at the first call."""
        with self._lock:
            if self._served is None or not self._served.exists():
                served = find_location().child(f"w2v-{_SERVED}-{uuid.uuid4().hex}")
                write_served(served, self.vectors)
                self._served = served
                # Held by the finalizer's own registry until the process ends, not by this object.
                self._served_removal = weakref.finalize(PROCESS, served.delete)
            return self._served

    def release(self) -> None:
        """Remove what executors read. A later ``transform`` writes it again; earlier DataFrames may fail."""
        with self._lock:
            if self._served_removal is not None:
                self._served_removal()
            self._served = self._served_removal = None

    def _frame_of_matrix(self, spark: SparkSession) -> DataFrame:
        matrix = self.vectors.matrix
        lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
        words = pa.array(self.vectors.words, pa.string())
        return frame_of(spark, pa.table({"word": words, "vector": lists.cast(pa.list_(pa.float32()))}))


class FittedStore(ModelStore):
    """A model just trained: its files stay where the training has put them, and go when the store does.

    Parameters
    ----------
    directory : Directory
        The output of a run: ``vectors``, ``model.json``, ``history.json``, ``_SUCCESS``.
    """

    def __init__(self, directory: Directory) -> None:
        super().__init__()
        self._directory = directory
        self._removal: weakref.finalize[..., FittedStore] | None = weakref.finalize(self, directory.delete)

    @cached_property
    def vectors(self) -> KeyedVectors:
        """The vectors on the driver, read at the first look."""
        return KeyedVectors.load(self._directory.uri)

    @cached_property
    def summary(self) -> TrainingSummary:
        """How the model was trained."""
        return TrainingSummary.read(self._directory)

    @cached_property
    def units(self) -> Units:
        """What the words of a text become."""
        return Units.read(self._directory)

    def table(self, spark: SparkSession) -> DataFrame:
        """All words and vectors, read from the files where Spark has them under the same name."""
        if not self._directory.is_local:
            frame = self._frame_of_matrix(spark)
        else:
            if self._removal is not None:  # the frame is read later than this store may live
                self._removal.detach()
                weakref.finalize(PROCESS, self._directory.delete)
                self._removal = None
            frame = spark.read.parquet(spark_path(self._directory.child(VECTORS).path))
        return _with_doubles(frame)

    def save_to(self, target: Directory) -> None:
        """Copy the files."""
        target.create()
        with errors_naming(self._directory.uri):
            for table in (name for name in (VECTORS, NGRAMS) if self._directory.child(name).exists()):
                pafs.copy_files(
                    self._directory.file(table), target.child(table).create().path,
                    source_filesystem=self._directory.filesystem, destination_filesystem=target.filesystem,
                )  # fmt: skip
        for name in (*_DESCRIPTIONS, *self.units.files()):
            target.write_bytes(name, self._directory.read_bytes(name))
        target.sync()
        target.write_bytes(SUCCESS_FILE, b"", durable=True)


class LoadedStore(ModelStore):
    """A model that was saved: all of it in memory, so that it outlives its directory and can be saved over it.

    Spark empties the path of a Pipeline before it asks any stage to save itself, so a model that still has to read its
    files then is lost.

    Parameters
    ----------
    directory : Directory
        Where it was saved.

    Raises
    ------
    StoreError
        A file is missing or damaged.

    Notes
    -----
    Cost: one pass over the files; 4 V D bytes and the words in the memory of this process.
    """

    def __init__(self, directory: Directory) -> None:
        super().__init__()
        self._table = read_vectors(directory.uri)
        self._vectors = KeyedVectors(
            self._table.words, self._table.stack, self._table.counts, ConceptForms.read(directory.uri),
            SubwordVectors.read(directory.uri, mapped=False),
        )  # fmt: skip
        self._summary = TrainingSummary.read(directory)
        self._units = Units.read(directory)
        names = (*_DESCRIPTIONS, *self._units.files())
        self._descriptions = {name: directory.read_bytes(name) for name in names}

    @property
    def vectors(self) -> KeyedVectors:
        """The vectors."""
        return self._vectors

    @property
    def summary(self) -> TrainingSummary:
        """How the model was trained."""
        return self._summary

    @property
    def units(self) -> Units:
        """What the words of a text become."""
        return self._units

    def table(self, spark: SparkSession) -> DataFrame:
        """All words and vectors, sent from here: where they were saved they may be gone when the frame is computed."""
        return _with_doubles(self._frame_of_matrix(spark))

    def save_to(self, target: Directory) -> None:
        """Write the table and its descriptions again, with the same bytes."""
        target.create()
        place, table = target.file(VECTORS), self._table
        write_vectors(target.filesystem, place, table.words, table.counts, [table.matrix], table.metadata)
        if (ngrams := self._vectors.subwords) is not None:
            folder, matrix = target.child(NGRAMS).create(), ngrams.stack.to_matrix()
            words = ngrams.labels["words"].to_numpy()
            write_ngrams(
                folder, ngrams.ngrams, words, lambda first, stop: matrix[first:stop], self._vectors.dim, ngrams.metadata
            )
            name_by_content(folder)
        for name, content in self._descriptions.items():
            target.write_bytes(name, content)
        name_by_content(target.child(VECTORS))
        target.sync()
        target.write_bytes(SUCCESS_FILE, b"", durable=True)


def fit_frame(dataset: DataFrame, column: str, config: Config, location: str | None, verbose: bool) -> ModelStore:
    """Train on a column of documents, see `train_frame`. The model's files are removed with the store."""
    return FittedStore(train_frame(dataset, FrameInput(dataset, column), config, location, verbose))


def train_frame(
    dataset: DataFrame, source: FrameInput, config: Config, location: str | None, verbose: bool
) -> Directory:  # fmt: skip
    """Train on a column of documents, by the same job as from files; the new directory that the model's files are in.

    Raises
    ------
    InputError, VocabularyError, ConfigError, DivergedError
        Nothing is left behind.
    """
    find_column(dataset, source.column, "inputCol")
    spark = dataset.sparkSession
    target = find_location(spark, location).child(f"w2v-{uuid.uuid4().hex}")
    try:
        with _ONE_AT_A_TIME:
            train(spark, source, config, Output(target, force=True), Progress(quiet=not verbose))
    except BaseException:
        target.delete()
        raise
    return target


def _with_doubles(frame: DataFrame) -> DataFrame:
    return frame.select("word", F.col("vector").cast("array<double>").alias("vector"))


class _Process:
    """Lives as long as the process: what is tied to it goes at its end."""


PROCESS: Final = _Process()
