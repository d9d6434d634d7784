"""What tests of `pyspark.ml.tuning` tune by."""

from __future__ import annotations

from pyspark.ml.evaluation import Evaluator
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame


class CountsCoordinates(Evaluator, DefaultParamsReadable["CountsCoordinates"], DefaultParamsWritable):
    """Prefers vectors of more coordinates, which is easily checked; saved with what it has chosen."""

    def _evaluate(self, dataset: DataFrame) -> float:
        return float(dataset.first().vector.size)
