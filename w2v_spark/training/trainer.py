"""The kernels as one object: what does not change from sentence to sentence is given once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Architecture, ModelConfig, Objective
from w2v_spark.kernels.step import build_scratch
from w2v_spark.kernels.train import STATISTICS, Model, train_sentences
from w2v_spark.sampling.tables import SamplingTables


class Trainer:
    """Trains weights on sentences; not to be shared between threads.

    Parameters
    ----------
    model : ModelConfig
    tables : SamplingTables
        Built for the same model.

    Attributes
    ----------
    statistics : (STATISTICS,) float64
        What all sentences so far add up to; the slots are named in `kernels.train`.
    """

    def __init__(self, model: ModelConfig, tables: SamplingTables) -> None:
        tree = model.objective is Objective.HIERARCHICAL_SOFTMAX
        most_rows = int(np.diff(tables.starts).max(initial=1)) if tree else model.negatives + 1
        self._model = Model(
            dim=model.dim,
            cbow=model.architecture is Architecture.CBOW,
            cbow_mean=model.cbow_mean,
            hierarchical_softmax=tree,
            window=model.window,
            shrink_window=model.shrink_window,
            negatives=model.negatives,
            most_rows=most_rows,
        )
        self._tables = tables
        self._scratch = build_scratch(2 * model.window, most_rows, model.dim)
        self.statistics = np.zeros(STATISTICS)

    def train(
        self,
        ids: npt.NDArray[np.int32],
        offsets: npt.NDArray[np.int64] | npt.NDArray[np.int32],
        position: int,
        key: int,
        w_in: npt.NDArray[np.float32],
        w_out: npt.NDArray[np.float32],
        first_rate: float,
        rate_per_token: float,
        last_rate: float,
    ) -> None:
        """Train on consecutive sentences, in place; the parameters are those of `train_sentences`."""
        train_sentences(
            ids, offsets, position, np.uint64(key), w_in, w_out, self._model, self._tables, first_rate, rate_per_token,
            last_rate, self._scratch, self.statistics,
        )  # fmt: skip
