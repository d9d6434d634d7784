"""What tests of `pyspark.ml.tuning` tune by."""

from __future__ import annotations

from pyspark.ml.evaluation import Evaluator
from pyspark.sql import DataFrame


class CountsCoordinates(Evaluator):
    """Prefers vectors of more coordinates, which is easily checked."""

    def _evaluate(self, dataset: DataFrame) -> float:
        return float(dataset.first().vector.size)
