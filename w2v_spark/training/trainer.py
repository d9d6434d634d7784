"""The kernels as one object: what does not change from sentence to sentence is given once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Architecture, Freeze, ModelConfig, Objective
from w2v_spark.kernels.train import STATISTICS, Model, Schedule, Sentences, Weights, train_sentences
from w2v_spark.kernels.window_step import build_scratch
from w2v_spark.sampling.tables import SamplingTables


class Trainer:
    """Trains weights on sentences; not to be shared between threads.

    Parameters
    ----------
    model : ModelConfig
    tables : SamplingTables
        Built for the same model.
    freeze : Freeze
        Which matrix stays as it is, if one does.

    Attributes
    ----------
    statistics : (STATISTICS,) float64
        What all sentences so far add up to; the slots are named in `kernels.train`.
    """

    def __init__(self, model: ModelConfig, tables: SamplingTables, freeze: Freeze = Freeze.NONE) -> None:
        tree = model.objective is Objective.HIERARCHICAL_SOFTMAX
        most_rows = int(np.diff(tables.starts).max(initial=1)) if tree else model.negatives + 1
        self._takes_sentences = model.window == "sentence"
        window = 1 if model.window == "sentence" else model.window
        self._model = Model(
            dim=model.dim,
            cbow=model.architecture is Architecture.CBOW,
            cbow_mean=model.cbow_mean,
            hierarchical_softmax=tree,
            window=window,
            shrink_window=model.shrink_window and not self._takes_sentences,
            negatives=model.negatives,
            most_rows=most_rows,
            most_inputs=2 * window,
            freeze_input=freeze is Freeze.INPUT,
            freeze_output=freeze is Freeze.OUTPUT,
        )
        self._tables = tables
        self._scratch = self._build_scratch()
        self.statistics = np.zeros(STATISTICS)

    def _build_scratch(self) -> npt.NDArray[np.float32]:
        return build_scratch(self._model.most_inputs, self._model.most_rows, self._model.dim)

    def _reach_across(self, others: int) -> None:
        """Make the window as wide as a sentence with so many words beside the target, and the memory as large."""
        if others > self._model.window:
            self._model = self._model._replace(window=others, most_inputs=others)
            self._scratch = self._build_scratch()

    def train(self, sentences: Sentences, schedule: Schedule, weights: Weights) -> None:
        """Train on consecutive sentences; the weights are updated in place."""
        if self._takes_sentences:
            self._reach_across(int(np.diff(sentences.offsets).max(initial=1)) - 1)
        train_sentences(sentences, schedule, weights, self._model, self._tables, self._scratch, self.statistics)


class ThreadedTrainer:
    """A `Trainer` for each of several threads, on one copy of the weights.

    With one thread it is a `Trainer`, to the bit. With more, threads read and write rows without locks, so that an
    update is lost now and then, as in Recht et al. 2011 ("Hogwild: A Lock-Free Approach to Parallelizing Stochastic
    Gradient Descent"). Random streams and the learning rate go by position, so what is drawn is the same.

    Parameters
    ----------
    model : ModelConfig
    tables : SamplingTables
    threads : int
        At least 1.
    freeze : Freeze
        See `Trainer`.

    Attributes
    ----------
    statistics : (STATISTICS,) float64
        Of all threads, added in their order.
    """

    def __init__(
        self, model: ModelConfig, tables: SamplingTables, threads: int, freeze: Freeze = Freeze.NONE
    ) -> None:  # fmt: skip
        self._trainers = [Trainer(model, tables, freeze) for _ in range(threads)]
        self.statistics = np.zeros(STATISTICS)

    def train(self, sentences: Sentences, schedule: Schedule, weights: Weights) -> None:
        """Train on consecutive sentences, a stretch of them in each thread; back when all have ended."""
        offsets = cut_sentences(sentences.offsets, len(self._trainers))
        stretches = [sentences._replace(offsets=stretch) for stretch in offsets]
        working = self._trainers[: len(stretches)]
        if len(working) == 1:
            working[0].train(stretches[0], schedule, weights)
        else:
            # The kernel releases the interpreter lock. Starting threads costs nothing beside a batch of sentences.
            with ThreadPoolExecutor(len(self._trainers)) as pool:
                calls = [
                    pool.submit(trainer.train, stretch, schedule, weights)
                    for trainer, stretch in zip(working, stretches, strict=True)
                ]
            for call in calls:
                call.result()
        for trainer in working:
            self.statistics += trainer.statistics
            trainer.statistics[:] = 0


def cut_sentences(offsets: npt.NDArray[Any], parts: int) -> Iterator[npt.NDArray[Any]]:
    """Offsets of at most so many consecutive stretches of sentences, with about equally many tokens.

    Each sentence is in exactly one; a stretch that would have no sentence is left out.
    """
    first, last = int(offsets[0]), int(offsets[-1])
    ends = [first + (last - first) * part // parts for part in range(1, parts)]
    begin = 0
    for end in [*np.searchsorted(offsets, ends).tolist(), len(offsets) - 1]:
        if end > begin:
            yield offsets[begin : end + 1]
            begin = end
