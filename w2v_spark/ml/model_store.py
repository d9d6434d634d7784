"""Where a model's vectors lie: a directory of its own until it is saved, and what executors read."""

from __future__ import annotations

import threading
import uuid
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.ml.summary import TrainingSummary
from w2v_spark.ml.transform import write_served
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, SUCCESS_FILE, VECTORS
from w2v_spark.spark.input_files import spark_path
from w2v_spark.spark.settings import frame_of
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.vectors.keyed_vectors import Answer, KeyedVectors

_SERVED: Final = "served"
_URI_CHARACTERS: Final = "%/:@!$&'()*+,;=-._~"


class ModelStore:
    """The vectors of one model, shared by its copies.

    Parameters
    ----------
    directory : Directory
        The output of a run: ``vectors``, ``model.json``, ``history.json``, ``_SUCCESS``.
    is_owned : bool
        Whether the directory goes when the store does.

    Notes
    -----
    What `serve` has written stays until the process ends or `release` is called: a DataFrame that is not computed yet
    may need it, and such a DataFrame does not keep the model alive.
    """

    def __init__(self, directory: Directory, is_owned: bool) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._served: Directory | None = None
        self._removal = weakref.finalize(self, directory.delete) if is_owned else None
        self._served_removal: weakref.finalize[..., _Process] | None = None

    @cached_property
    def vectors(self) -> KeyedVectors:
        """The vectors on the driver, read at the first look."""
        return KeyedVectors.load(self.directory.uri)

    def find_synonyms(self, query: str | Sequence[float], num: int) -> Answer:
        """The ``num`` words most similar to a word, which is left out, or to a vector; fewer if there are fewer.

        Raises
        ------
        WordNotFound, InputError, ConfigError
        """
        if num < 1:
            raise ConfigError(f"num = {num} is not allowed: the number of similar words must be above 0")
        self.vectors.prepare_search()
        if isinstance(query, str):
            return self.vectors.similar_by_key(query, num)
        vector = np.asarray(query, np.float32)
        if not np.isfinite(vector).all():
            raise InputError(f"a vector that is not finite cannot be compared: {query!r}")
        return self.vectors.similar_by_vector(vector, num)

    @cached_property
    def summary(self) -> TrainingSummary:
        """How the model was trained."""
        return TrainingSummary.read(self.directory)

    def serve(self, find_location: Callable[[], Directory]) -> Directory:
        """The directory that executors read, written at the first call."""
        with self._lock:
            if self._served is None or not self._served.exists():
                served = find_location().child(f"w2v-{_SERVED}-{uuid.uuid4().hex}")
                write_served(served, self.vectors)
                self._served = served
                # Held by the finalizer's own registry until the process ends, not by this object.
                self._served_removal = weakref.finalize(_PROCESS, served.delete)
            return self._served

    def table(self, spark: SparkSession) -> DataFrame:
        """All words and vectors, ``word, vector`` of strings and lists of doubles."""
        if not self.directory.is_local:  # what Spark calls it may differ from what it is called here
            matrix = self.vectors.matrix
            lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
            words = pa.array(self.vectors.words, pa.string())
            frame = frame_of(spark, pa.table({"word": words, "vector": lists.cast(pa.list_(pa.float32()))}))
        else:
            if self._removal is not None and self._removal.alive:  # the frame is read later than this store may live
                self._removal.detach()
                weakref.finalize(_PROCESS, self.directory.delete)
                self._removal = None
            frame = spark.read.parquet(spark_path(self.directory.child(VECTORS).path))
        return frame.select("word", F.col("vector").cast("array<double>").alias("vector"))

    def release(self) -> None:
        """Remove what executors read. A later ``transform`` writes it again; earlier DataFrames may fail."""
        with self._lock:
            if self._served_removal is not None:
                self._served_removal()
            self._served = self._served_removal = None

    def copy_to(self, target: Directory) -> None:
        """Copy the model's files into a directory; the mark of completeness comes last."""
        target.create()
        with errors_naming(self.directory.uri):
            pafs.copy_files(
                self.directory.file(VECTORS), target.child(VECTORS).create().path,
                source_filesystem=self.directory.filesystem, destination_filesystem=target.filesystem,
            )  # fmt: skip
        for name in (MODEL_FILE, HISTORY_FILE):
            target.write_bytes(name, self.directory.read_bytes(name))
        target.write_bytes(SUCCESS_FILE, b"")


class _Process:
    """Lives as long as the process: what is tied to it goes at its end."""


_PROCESS: Final = _Process()


def saved_directory(spark: SparkSession, path: str) -> Directory:
    """The directory of a saved model, whose ``metadata`` Spark has written, as this process reaches it.

    Raises
    ------
    StoreError
        Spark has it on a file system that this process does not see, or that pyarrow cannot open.
    """
    files = spark.read.text(f"{path.rstrip('/')}/metadata").inputFiles()
    if not files:
        raise StoreError(f"{path} holds no saved model (no metadata)")
    uri = quote(files[0].rpartition("/metadata/")[0], safe=_URI_CHARACTERS).replace("s3a://", "s3://", 1)
    try:
        directory = Directory.open(uri)
        is_there = directory.exists("metadata")
    except (ValueError, OSError, pa.ArrowException) as error:
        raise StoreError(f"{path}, which Spark has at {uri}, cannot be opened: {error}") from error
    if not is_there:
        raise StoreError(
            f"{path} is not visible to this process, but to Spark, at {uri}; give a path that both reach, on a mounted "
            "file system or an object store"
        )
    return directory
