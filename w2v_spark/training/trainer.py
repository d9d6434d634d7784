"""The kernels as one object: what does not change from sentence to sentence is given once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Freeze, ModelConfig
from w2v_spark.kernels.arguments import NO_DOCUMENTS, STATISTICS, Documents, Model, Schedule, Sentences, Weights
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.subwords import NO_SUBWORDS, Subwords
from w2v_spark.kernels.train import train_sentences
from w2v_spark.kernels.window_step import build_scratch
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.objectives import HierarchicalSoftmax, output_rows_of
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.models.tables import SamplingTables


def build_model(
    model: ModelConfig,
    tables: SamplingTables,
    freeze_input: bool,
    freeze_output: bool,
    most_tags: int = 0,
    pool: int = 0,
) -> Model:
    """A configuration in the words of the kernels."""
    inputs, outputs = input_rows_of(model), output_rows_of(model)
    others = 1 + most_tags if inputs.documents else 0
    return Model(
        dim=model.dim,
        words=inputs.words,
        documents=inputs.documents,
        averaged=inputs.averaged,
        mean=inputs.mean,
        hierarchical_softmax=isinstance(outputs, HierarchicalSoftmax),
        window=inputs.window,
        shrink_window=inputs.shrinks,
        negatives=model.negatives,
        most_rows=outputs.most_rows(tables),
        most_inputs=2 * inputs.window + others,
        freeze_input=freeze_input,
        freeze_output=freeze_output,
        subwords=model.subwords,
        pool=pool,
    )


class Trainer:
    """Trains weights on sentences; not to be shared between threads.

    Parameters
    ----------
    model : ModelConfig
    tables : SamplingTables
        Built for the same model.
    freeze : Freeze
        Which matrix stays as it is, if one does; rows of documents never do.
    most_tags : int
        How many tags a document has, at most.
    subwords : SubwordTable, optional
        The n-grams of the words, for a model that has them.
    pool : int
        See `noise_pool.pool_size`.

    Attributes
    ----------
    statistics : (STATISTICS,) float64
        What all sentences so far add up to; the slots are named in `kernels.arguments`.
    """

    def __init__(
        self,
        model: ModelConfig,
        tables: SamplingTables,
        freeze: Freeze = Freeze.NONE,
        most_tags: int = 0,
        subwords: SubwordTable | None = None,
        pool: int = 0,
    ) -> None:
        self._model = build_model(model, tables, freeze is Freeze.INPUT, freeze is Freeze.OUTPUT, most_tags, pool)
        self._takes_sentences = input_rows_of(model).whole_sentence
        self._others = self._model.most_inputs - 2 * self._model.window
        self._tables, self._ngrams = tables, subwords
        self._scratch, self._subwords = self._build_scratch(), self._build_subwords()
        self.statistics = np.zeros(STATISTICS)

    def _build_scratch(self) -> npt.NDArray[np.float32]:
        return build_scratch(self._model.most_inputs, self._model.most_rows, self._model.dim)

    def _build_subwords(self) -> Subwords:
        if self._ngrams is None:
            return NO_SUBWORDS
        slots, columns = 2 * self._model.window + 2, padded(self._model.dim)
        hidden, begun = aligned_zeros(slots, columns), aligned_zeros(slots, columns)
        return Subwords(self._ngrams.starts, self._ngrams.rows, hidden, begun)

    def _reach_across(self, others: int) -> None:
        """Make the window as wide as a sentence with so many words beside the target, and the memory as large."""
        if others > self._model.window:
            self._model = self._model._replace(window=others, most_inputs=others + self._others)
            self._scratch, self._subwords = self._build_scratch(), self._build_subwords()

    def train(
        self, sentences: Sentences, schedule: Schedule, weights: Weights, documents: Documents = NO_DOCUMENTS
    ) -> None:  # fmt: skip
        """Train on consecutive sentences; weights and documents are updated in place."""
        if self._takes_sentences:
            self._reach_across(int(np.diff(sentences.offsets).max(initial=1)) - 1)
        train_sentences(
            sentences, schedule, weights, documents, self._subwords, self._model, self._tables, self._scratch,
            self.statistics,
        )  # fmt: skip


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
    freeze, most_tags, subwords, pool
        See `Trainer`.

    Attributes
    ----------
    statistics : (STATISTICS,) float64
        Of all threads, added in their order.
    """

    def __init__(
        self,
        model: ModelConfig,
        tables: SamplingTables,
        threads: int,
        freeze: Freeze = Freeze.NONE,
        most_tags: int = 0,
        subwords: SubwordTable | None = None,
        pool: int = 0,
    ) -> None:
        self._trainers = [Trainer(model, tables, freeze, most_tags, subwords, pool) for _ in range(threads)]
        self.statistics = np.zeros(STATISTICS)

    def train(
        self, sentences: Sentences, schedule: Schedule, weights: Weights, documents: Documents = NO_DOCUMENTS
    ) -> None:  # fmt: skip
        """Train on consecutive sentences, a stretch of them in each thread; back when all have ended."""
        stretches = [
            (sentences._replace(offsets=sentences.offsets[first : last + 1]), schedule, weights,
             documents._replace(owners=documents.owners[first:last]))
            for first, last in cut_sentences(sentences.offsets, len(self._trainers))
        ]  # fmt: skip
        working = self._trainers[: len(stretches)]
        if len(working) == 1:
            working[0].train(*stretches[0])
        else:
            # The kernel releases the interpreter lock. Starting threads costs nothing beside a batch of sentences.
            with ThreadPoolExecutor(len(self._trainers)) as pool:
                calls = [
                    pool.submit(trainer.train, *stretch) for trainer, stretch in zip(working, stretches, strict=True)
                ]
            for call in calls:
                call.result()
        for trainer in working:
            self.statistics += trainer.statistics
            trainer.statistics[:] = 0


def cut_sentences(offsets: npt.NDArray[Any], parts: int) -> Iterator[tuple[int, int]]:
    """At most so many consecutive stretches of sentences with about equally many tokens: of each the first and the end.

    Each sentence is in exactly one; a stretch that would have no sentence is left out.
    """
    first, last = int(offsets[0]), int(offsets[-1])
    ends = [first + (last - first) * part // parts for part in range(1, parts)]
    begin = 0
    for end in [*np.searchsorted(offsets, ends).tolist(), len(offsets) - 1]:
        if end > begin:
            yield begin, end
            begin = end
