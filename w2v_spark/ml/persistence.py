"""Saving and loading of the estimator and its model, in a classic session and in Spark Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from pyspark.ml.util import DefaultParamsReader, DefaultParamsWriter, MLReader, MLWriter

from w2v_spark.errors import ConfigError
from w2v_spark.ml.location import is_connect
from w2v_spark.ml.model_store import ModelStore, saved_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.ml.param import Params

Loaded = TypeVar("Loaded")


class ParamsWriter(MLWriter):
    """Writes the Params as JSON, and a model's files beside them if there is a model."""

    def __init__(self, instance: Params, store: ModelStore | None = None) -> None:
        super().__init__()
        self._instance, self._store = instance, store

    def _handleOverwrite(self, path: str) -> None:
        """Remove what is at the path; Spark Connect does so on the server."""
        if is_connect(self.sparkSession):
            from pyspark.ml.connect.readwrite import RemoteMLWriter

            RemoteMLWriter.handleOverwrite(path, True)
        else:
            super()._handleOverwrite(path)

    def saveImpl(self, path: str) -> None:
        """Write the files. Raises `StoreError` where the path is one that only Spark reaches."""
        spark = self.sparkSession
        if not isinstance(path, str):
            raise TypeError(f"path should be a string, got type {type(path)}")
        DefaultParamsWriter.saveMetadata(self._instance, path, spark)
        if self._store is not None:
            self._store.copy_to(saved_directory(spark, path))


class ParamsReader(MLReader[Any]):
    """Reads what `ParamsWriter` wrote: ``create`` makes the object, from the store of the model if there is one."""

    def __init__(self, create: Callable[[ModelStore | None], Params], class_name: str, has_store: bool) -> None:
        super().__init__()
        self._create, self._class_name, self._has_store = create, class_name, has_store

    def load(self, path: str) -> Any:
        """The object.

        Raises
        ------
        ConfigError
            Something else was saved there.
        """
        spark = self.sparkSession
        metadata = DefaultParamsReader.loadMetadata(path, spark)
        if metadata["class"] != self._class_name:
            raise ConfigError(f"{path} holds a {metadata['class']}, expected a {self._class_name}")
        store = ModelStore(saved_directory(spark, path), is_owned=False) if self._has_store else None
        instance = self._create(store)
        instance._resetUid(metadata["uid"])
        DefaultParamsReader.getAndSetParams(cast(Any, instance), metadata)
        return instance
