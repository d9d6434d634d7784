"""Training from a DataFrame, by the same job as from files."""

from __future__ import annotations

import threading
import uuid
from typing import Final

from pyspark.sql import DataFrame

from w2v_spark.config import Config
from w2v_spark.ml.location import find_location
from w2v_spark.ml.model_store import ModelStore
from w2v_spark.run.progress import Progress
from w2v_spark.spark.columns import find_column
from w2v_spark.spark.source import FrameInput
from w2v_spark.spark.train import Output, train

# The job sets settings of the session and restores them; and one training takes all cores there are.
_ONE_AT_A_TIME: Final = threading.Lock()


def fit_frame(dataset: DataFrame, column: str, config: Config, location: str | None, verbose: bool) -> ModelStore:
    """Train on a column of documents; the model's files are in a new directory, which is removed with the store.

    Raises
    ------
    InputError, VocabularyError, ConfigError, DivergedError
        Nothing is left behind.
    """
    find_column(dataset, column, "inputCol")
    spark = dataset.sparkSession
    target = find_location(spark, location).child(f"w2v-{uuid.uuid4().hex}")
    try:
        with _ONE_AT_A_TIME:
            train(spark, FrameInput(dataset, column), config, Output(target), Progress(quiet=not verbose))
    except BaseException:
        target.delete()
        raise
    return ModelStore(target, is_owned=True)
