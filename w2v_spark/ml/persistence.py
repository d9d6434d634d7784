"""Saving and loading of the estimator and its model, in a classic session and in Spark Connect."""

from __future__ import annotations

import contextlib
import os
import posixpath
import uuid
import warnings
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast
from urllib.parse import quote

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReader, MLWriter

from w2v_spark.errors import ConfigError, StoreError, W2VError
from w2v_spark.ml.location import is_connect
from w2v_spark.ml.param_table import DOCUMENT_PARAMS, RENAMED_PARAMS, errors_naming_params, params_of
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, STATE, SUCCESS_FILE, TABLES, VECTORS
from w2v_spark.publishing.versions import open_result
from w2v_spark.spark.spark_errors import condition, quiet_analysis
from w2v_spark.storage import Directory
from w2v_spark.text.user_tokenizer import other_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.ml.param import Params
    from pyspark.sql import SparkSession

Loaded = TypeVar("Loaded")
PathLike = str | os.PathLike[str]

_SAVED: Final = ("metadata", "data", "stages", *TABLES, STATE, MODEL_FILE, HISTORY_FILE, SUCCESS_FILE)
_URI_CHARACTERS: Final = "%/:@!$&'()*+,;=-._~"


class Store(Protocol):
    """The files of a model."""

    def save_to(self, target: Directory) -> None:
        """Write them into a directory; the mark of completeness comes last."""


class ParamsWriter(MLWriter):
    """Writes the Params as JSON, and a model's files beside them if there is a model."""

    def __init__(self, instance: Params, store: Store | None = None) -> None:
        super().__init__()
        self._instance, self._store = instance, store

    @errors_naming_params()
    def save(self, path: PathLike) -> None:
        """Write the files; with ``overwrite()`` all of a new model before an earlier one goes.

        Raises
        ------
        StoreError
            The path is one that only Spark reaches.
        ConfigError
            The path is empty; or with ``overwrite()``, something is there that no ``save`` has written.
        """
        path = os.fspath(path)
        if not path:
            raise ConfigError("the path to save to is empty; name a directory")
        if self.shouldOverwrite:
            _check_saved(path)
        if not self.shouldOverwrite or self._store is None:
            super().save(path)
            return
        suffix = f".{uuid.uuid4().hex}.saving"
        staged = path.rstrip("/") + suffix
        try:
            self.saveImpl(staged)
            self._handleOverwrite(path)
        except BaseException:
            self._handleOverwrite(staged)
            raise
        source = saved_directory(self.sparkSession, staged)
        above, name = posixpath.split(source.path)
        parent = Directory(posixpath.dirname(source.uri), source.filesystem, above)
        parent.move(name, parent, name.removesuffix(suffix))

    def _handleOverwrite(self, path: str) -> None:
        """Remove what is at the path; Spark Connect does so on the server."""
        if is_connect(self.sparkSession):
            from pyspark.ml.connect.readwrite import RemoteMLWriter

            RemoteMLWriter.handleOverwrite(path, True)
        else:
            super()._handleOverwrite(path)

    def saveImpl(self, path: str) -> None:
        """Write the files to a path where nothing is."""
        spark = self.sparkSession
        DefaultParamsWriter.saveMetadata(self._instance, path, spark)
        if self._store is not None:
            self._store.save_to(saved_directory(spark, path))


def _check_saved(path: str) -> None:
    """Refuse to remove what is no saved model or stage, as far as this process sees it. Raises `ConfigError`."""
    try:
        directory = Directory.open(path)
        names = [info.base_name for info in directory.list()]
    except (ConfigError, OSError, pa.ArrowException):  # nothing for this process, though perhaps for Spark
        return
    foreign = [name for name in names if name not in _SAVED and not name.startswith(".")]
    if names and (foreign or "metadata" not in names):
        found = repr(foreign[0]) if foreign else "no metadata"
        raise ConfigError(
            f"{path} holds {found}, which was not saved there; choose another path, or remove it yourself"
        )


class ParamsReader(MLReader[Any]):
    """Reads what `ParamsWriter` wrote.

    Parameters
    ----------
    create : function of a store, or of None
        Makes the object.
    class_name : str
        What it has to be.
    open_store : function of a directory, optional
        Opens the files of a model; None where there is none.
    """

    def __init__(
        self, create: Callable[[Any], Params], class_name: str, open_store: Callable[[Directory], Store] | None
    ) -> None:
        super().__init__()
        self._create, self._class_name, self._open_store = create, class_name, open_store

    @errors_naming_params()
    def load(self, path: PathLike) -> Any:
        """The object: what was saved, or the model of a training's output or of a root of versions.

        Raises
        ------
        ConfigError
            Something else was saved there.
        StoreError
            Nothing was saved there, a file of the model is missing or damaged, or the path is one that only Spark
            reaches.
        """
        spark, path = self.sparkSession, os.fspath(path)
        if self._open_store is not None and (result := _published_result(path)) is not None:
            instance, model = self._create(self._open_store(result)), ModelDescription.read(result)
            for warning in other_tokenizer(model.config.text, model.packages):
                warnings.warn(warning, stacklevel=3)
            values = params_of(model.config, DOCUMENT_PARAMS)
            return instance._set(**{name: value for name, value in values.items() if instance.hasParam(name)})
        metadata = _read_metadata(spark, path)
        if metadata["class"] != self._class_name:
            raise ConfigError(f"{path} holds a {metadata['class']}, expected a {self._class_name}")
        for part in ("paramMap", "defaultParamMap"):
            values = metadata.get(part, {})
            metadata[part] = {RENAMED_PARAMS.get(name, name): value for name, value in values.items()}
        store = None if self._open_store is None else self._open_store(saved_directory(spark, path))
        instance = self._create(store)
        instance._resetUid(metadata["uid"])
        DefaultParamsReader.getAndSetParams(cast(Any, instance), metadata)
        return instance


def _read_metadata(spark: SparkSession, path: str) -> dict[str, Any]:
    """What Spark has written of the Params. Raises `StoreError` where that is missing or damaged."""
    try:
        with quiet_analysis():
            metadata = DefaultParamsReader.loadMetadata(path, spark)
        if not isinstance(metadata["paramMap"], dict):
            raise TypeError("no Params")
    except AnalysisException as error:
        if condition(error) != "PATH_NOT_FOUND":
            raise
        raise StoreError(f"{path} holds no saved model (no metadata)", *_advice(path)) from error
    except (TypeError, ValueError, LookupError) as error:  # no line, no JSON, or other JSON
        raise StoreError(f"{path} holds no saved model: its metadata is damaged") from error
    return metadata


def _advice(path: str) -> tuple[str, ...]:
    """What to do with a path that holds something else of this program."""
    with contextlib.suppress(W2VError, OSError, pa.ArrowException):  # a guess; where it fails, there is no advice
        directory = Directory.open(path)
        if directory.exists(MODEL_FILE) and directory.exists(VECTORS):
            return ("; it is the output of a training, which Word2VecModel.load and KeyedVectors.load open",)
        if not directory.exists():
            return ("; nothing is there, so check the path",)
    return ()


def _published_result(path: str) -> Directory | None:
    """The result that a training has put at a path, which is no saved model; of a root of versions the current one.

    Raises `ConfigError` or `StoreError` as `open_result` does.
    """
    try:
        Directory.open(path)
    except ConfigError:  # nothing for this process, though perhaps for Spark
        return None
    directory = open_result(path)
    return directory if directory.exists(MODEL_FILE) and not directory.exists("metadata") else None


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
