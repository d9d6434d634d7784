"""Training by rounds: in each one all shards train, then their weights are merged, then there is a checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from pyspark.sql import SparkSession

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import DivergedError, Name, StoreError
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.retraining.start import WarmStart
from w2v_spark.run.directory import ROUNDS, RunDirectory
from w2v_spark.run.manifest import SAMPLING_FILE, SUBWORDS_FILE, UPDATE_STATISTICS_FILE, Run
from w2v_spark.run.progress import Progress
from w2v_spark.spark.learner import Learned
from w2v_spark.spark.long_tasks import StepExecutor
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.training.changed_rows import ShardFiles
from w2v_spark.training.composed import ComposedRows, Ngrams
from w2v_spark.training.correction import (
    Correction,
    Moments,
    curvatures_of,
    moments_of,
    sum_moments,
)
from w2v_spark.training.documents import stretches_of
from w2v_spark.training.history import RoundRecord, caution, check_trained, mean_loss, mean_slope
from w2v_spark.training.matrix_files import WeightFile, WeightFiles, all_finite, weight_files
from w2v_spark.training.row_ranges import plan_row_ranges
from w2v_spark.training.shard import ShardResult
from w2v_spark.training.weights import WeightShape, open_matrices, word_vectors


@dataclass(frozen=True, slots=True)
class RoundsLearner:
    """Stochastic gradient descent on the weights of skip-gram or CBOW, in the rounds of the run's plan.

    Attributes
    ----------
    start : WarmStart, optional
        Weights to go on from.
    """

    start: WarmStart | None = None

    def learn(
        self,
        spark: SparkSession,
        directory: RunDirectory,
        run: Run,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        progress: Progress,
    ) -> Learned:
        """See `Learner`.

        Raises
        ------
        DivergedError
            Weights became NaN or infinite; the run directory keeps those of the round before.
        InputError
            No two words of a sentence were left to train on.
        """
        shape = WeightShape.build(run.config.model, len(vocabulary), run.others)
        begin = partial(self._begin, directory, run, shape, vocabulary)
        history = _train_rounds(spark, directory, run, shape, corpus, progress, begin)
        size, section = (0, "retrain") if self.start else (len(vocabulary), "train")
        for warning in check_trained(history, run.config, run.plan, size, section):
            progress.warn(warning)
        weights = directory.rounds.read_weights(run.plan.rounds, shape)
        tables, subwords = (
            directory.read_tables(run.files[SAMPLING_FILE]),
            directory.read_subwords(run.files.get(SUBWORDS_FILE)),
        )
        ngrams = None if subwords is None else Ngrams(subwords, weights[0])
        if subwords is not None:
            weights = ComposedRows(subwords, weights[0]), weights[1]
        return Learned(
            word_vectors(run.config.model, *weights, tables),
            history,
            dict(zip(shape.rows, weights, strict=True)),
            directory.rounds.read_documents(run.plan.rounds),
            ngrams,
        )

    def _begin(self, directory: RunDirectory, run: Run, shape: WeightShape, vocabulary: Vocabulary) -> None:
        seed = run.config.train.seed
        start = self.start.rows(vocabulary.words, shape.dim, seed) if self.start else None
        documents = input_rows_of(run.config.model).documents
        directory.rounds.begin(shape, seed, run.plan.shards, start, documents)


def _train_rounds(
    spark: SparkSession,
    directory: RunDirectory,
    run: Run,
    shape: WeightShape,
    corpus: EncodedCorpus,
    progress: Progress,
    begin: Callable[[], None],
) -> list[RoundRecord]:
    """Run all rounds that are not done yet; the history of all rounds."""
    plan = run.plan
    checkpoint = directory.rounds.last(shape, progress.warn)
    if checkpoint is None:
        begin()
        checkpoint = 0, []
    done, history = checkpoint
    if done:
        progress.say(f"going on after round {done} of {plan.rounds}")
    with (
        StepExecutor(spark, directory.directory, run, shape) as steps,
        progress.rounds(corpus.tokens * plan.epochs, plan.rounds, history) as shown,
    ):
        rounds = _Rounds(steps, directory, run, shape)
        for number in range(done, plan.rounds):
            with _damage_of_rounds():
                history = [*history, rounds.train(number, history)]
            shown.update(history[-1])
    return history


@contextmanager
def _damage_of_rounds() -> Iterator[None]:
    """Say of weights that are not what was written that there is a round to go back to."""
    try:
        with translated_errors():
            yield
    except StoreError as error:
        if f"/{ROUNDS}/" not in str(error):
            raise
        raise StoreError(*error.parts, "; go on from the last round that is whole with ", Name("resume")) from error


class _Rounds:
    """Trains round after round."""

    def __init__(self, steps: StepExecutor, directory: RunDirectory, run: Run, shape: WeightShape) -> None:
        self._steps, self._directory, self._run, self._shape = steps, directory, run, shape
        self._statistics = directory.read_update_statistics(run.files[UPDATE_STATISTICS_FILE])
        self._row_ranges = plan_row_ranges(shape)

    def train(self, number: int, history: list[RoundRecord]) -> RoundRecord:
        """One round, from the weights on disk to the next weights on disk."""
        directory, plan = self._directory, self._run.plan
        begin = time.perf_counter()
        next_weights = directory.rounds.directory(number + 1).create()
        old = directory.rounds.read_files(number)
        documents = directory.rounds.read_documents(number)
        rows, before = self._steps.train(number, old, lambda: self._moments(number), documents)
        results = [
            ShardResult(**{**row, "documents": stretches_of(json.loads(row["documents"]))}) for row in rows
        ]  # fmt: skip
        trained = time.perf_counter()
        shards = tuple(written for result in results if (written := result.weight_files(self._shape)))
        files: WeightFiles
        moments: str | None = None
        try:
            if plan.shards == 1 and shards:  # nothing to average: the shard's own files, which have all rows
                files = weight_files(shards[0])
                for matrix in open_matrices(next_weights, self._shape, files):
                    if not all_finite(matrix):
                        raise DivergedError("weights became NaN or infinite")
            else:
                losses = [*(record.loss for record in history), mean_loss(results)]
                corrections = self._corrections(number, results, before, caution(losses))
                private = _private_moments(results, self._shape.dim)
                files, moments = self._merge(number, old, shards, corrections, private)
        except DivergedError as error:
            raise DivergedError(
                f"round {number + 1}: ", *error.parts, f"; the weights after round {number} are kept in "
                f"{directory.rounds.directory(number).uri}; lower ", Name("train.learning_rate"),
                f" ({self._run.config.train.learning_rate})",
            ) from error  # fmt: skip
        now = time.perf_counter()
        record = RoundRecord.build(number, results, plan.mean_rate(number), now - begin, now - trained)
        complete = frozenset(part.file for matrices in shards for parts in matrices.values() for part in parts)
        now_at = tuple(result.documents for result in results) if documents else ()
        directory.rounds.finish(number + 1, self._shape, files, [*history, record], moments, complete, now_at)
        return record

    def _merge(
        self,
        number: int,
        old: WeightFiles,
        shards: tuple[ShardFiles, ...],
        corrections: tuple[Correction, ...],
        private: Moments,
    ) -> tuple[WeightFiles, str]:
        """Merge what the shards have written, range by range on the executors; the new weights' and moments' files."""
        row_ranges, names = self._row_ranges, list(self._shape.rows)
        with translated_errors():
            merged = self._steps.merge(number, old, shards, corrections)
        moments = [np.frombuffer(row["moments"], np.float32).reshape(-1, self._shape.dim) for row in merged]
        total = np.concatenate([sum_moments(moments, row_ranges), private[None]])
        kept = self._directory.rounds.write_moments(number + 1, total)
        new: WeightFiles = {name: [] for name in names}
        for row_range, row in zip(row_ranges, merged, strict=True):
            new[names[row_range.matrix]].append(
                WeightFile(row["file"], row_range.stop - row_range.start, row["checksum"])
            )
        return new, kept

    def _corrections(
        self, number: int, results: Sequence[ShardResult], before: Moments | None, caution: float
    ) -> tuple[Correction, ...]:
        """Of both matrices, where the merge corrects and more than one shard has trained.

        By the moments before the round alone, rows that grow within it would make those that meet them overshoot.
        """
        changes = [np.frombuffer(result.moments, np.float32) for result in results if result.moments]
        if before is None or len(changes) < 2:
            return ()
        plan, after = self._run.plan, before.copy()
        after[:2] += (sum(changes, np.zeros(before[:2].size)) / len(changes)).reshape(before[:2].shape)
        after[2] = _private_moments(results, self._shape.dim)
        mean = (before + after) / 2
        mean[0] += self._statistics[1].private * mean[2]
        slope = mean_slope(results) * caution
        return tuple(
            Correction.build(curvature, slope, plan.epoch_share(number), plan.mean_rate(number), len(changes))
            for curvature in curvatures_of(mean[:2], self._statistics)
        )

    def _moments(self, number: int) -> Moments | None:
        """Second moments before a round: the last merge has left them, but for the first round.

        Of the two matrices, and of the rows that a word meets and the merge does not see. None for a merge that does
        not correct by them.
        """
        if not self._run.corrects:
            return None
        moments = self._directory.rounds.read_moments(number, self._shape.dim)
        if moments is not None:
            return moments
        weights, dim = self._directory.rounds.read_weights(number, self._shape), self._shape.dim
        counts = [statistics.partner_counts for statistics in self._statistics[::-1]]  # of the matrix that is met
        return np.stack([*(moments_of(weights[m], counts[m], dim) for m in (0, 1)), np.zeros((dim + 1, dim))])


def _private_moments(results: Sequence[ShardResult], dim: int) -> Moments:
    """The second moment of the rows that are none of the merge's and that a word of the round meets, (D + 1, D).

    Zero where there are none.
    """
    total, met = np.zeros((dim + 1, dim)), 0
    for result in results:
        if result.private:
            total += np.frombuffer(result.private, np.float64).reshape(dim + 1, dim)
            met += result.met
    return total / max(met, 1)
