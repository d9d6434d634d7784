"""The driver's loop: in each round all shards train, then their weights are merged, then there is a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from pyspark.sql import SparkSession

from w2v_spark.config import Merge
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.errors import DivergedError
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.spark.long_tasks import Crew
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.training.history import Progress, RoundRecord, mean_slope
from w2v_spark.training.merge import (
    Correction,
    Curvature,
    Moments,
    curvatures_of,
    moments_of,
    plan_blocks,
    sum_moments,
)
from w2v_spark.training.shard import ShardResult
from w2v_spark.training.weights import WeightFiles, WeightShape, all_finite, open_matrices, whole_files


def train_rounds(
    spark: SparkSession,
    state: RunDirectory,
    run: Run,
    corpus: EncodedCorpus,
    vocabulary: int,
    progress: Progress,
) -> list[RoundRecord]:
    """Run all rounds that are not done yet, for so many words of the vocabulary; the history of all rounds.

    Raises
    ------
    DivergedError
        Weights became NaN or infinite; the run directory keeps those of the round before.
    """
    plan = run.plan
    shape = WeightShape.build(run.config.model, vocabulary)
    checkpoint = state.last_round(shape)
    if checkpoint is None:
        state.begin_rounds(shape, run.config.train.seed, plan.shards)
        checkpoint = 0, []
    done, history = checkpoint
    if done:
        progress.say(f"going on after round {done} of {plan.rounds}")
    with (
        Crew(spark, state.directory, run, shape) as crew,
        progress.rounds(corpus.tokens * plan.epochs, plan.rounds, history) as shown,
    ):
        rounds = _Rounds(crew, state, run, shape)
        for number in range(done, plan.rounds):
            history = [*history, rounds.train(number, history)]
            shown.update(history[-1])
    return history


class _Rounds:
    """Trains round after round."""

    def __init__(self, crew: Crew, state: RunDirectory, run: Run, shape: WeightShape) -> None:
        self._crew, self._state, self._run, self._shape = crew, state, run, shape
        self._exposures, self._blocks = state.read_exposures(), plan_blocks(shape)

    def train(self, number: int, history: list[RoundRecord]) -> RoundRecord:
        """One round, from the weights on disk to the next weights on disk."""
        state, plan = self._state, self._run.plan
        begin = time.perf_counter()
        next_weights = state.round_directory(number + 1).create()
        old = state.read_files(number)
        rows, curvatures = self._crew.train(number, old, lambda: self._curvatures(number))
        results = [ShardResult(**row) for row in rows]
        trained = time.perf_counter()
        try:
            if plan.shards == 1 and results[0].file:  # nothing to average: the shard's own files
                files = whole_files(self._shape, f"{results[0].file}.")
                for matrix in open_matrices(next_weights, self._shape, files):
                    if not all_finite(matrix):
                        raise DivergedError("weights became NaN or infinite")
            else:
                files = self._merge(number, old, results, curvatures)
        except DivergedError as error:
            raise DivergedError(
                f"round {number + 1}: {error}; the weights after round {number} are kept in "
                f"{state.round_directory(number).uri}; lower train.learning_rate "
                f"({self._run.config.train.learning_rate})"
            ) from error
        now = time.perf_counter()
        record = RoundRecord.build(number, results, plan.mean_rate(number), now - begin, now - trained)
        written = [old, *(whole_files(self._shape, f"{result.file}.") for result in results if result.file)]
        complete = frozenset(file for matrices in written for parts in matrices.values() for file, _ in parts)
        state.finish_round(number + 1, self._shape, files, [*history, record], complete)
        return record

    def _merge(
        self, number: int, old: WeightFiles, results: Sequence[ShardResult], curvatures: tuple[Curvature, ...]
    ) -> WeightFiles:
        """Merge what the shards have written, block by block on the executors; the files of the new weights."""
        plan, slope = self._run.plan, mean_slope(results)
        blocks, names = self._blocks, list(self._shape.rows)
        stems = tuple(f"{result.file}." for result in results if result.file)
        corrections = tuple(
            Correction.build(curvature, slope, plan.epoch_share(number), plan.mean_rate(number), len(stems))
            for curvature in (curvatures if len(stems) > 1 else ())  # nothing is averaged where one shard has trained
        )
        with translated_errors():
            merged = self._crew.merge(number, old, stems, corrections)
        moments = [np.frombuffer(row["moments"], np.float32).reshape(-1, self._shape.dim) for row in merged]
        self._state.write_moments(number + 1, sum_moments(moments, blocks))
        new: WeightFiles = {name: [] for name in names}
        for block, row in zip(blocks, merged, strict=True):
            new[names[block.matrix]].append((row["file"], block.stop - block.start))
        return new

    def _curvatures(self, number: int) -> tuple[Curvature, ...]:
        """Of both matrices before a round, for a merge that corrects by them; shards train while it is worked out."""
        if self._run.config.train.merge is not Merge.CURVATURE or self._run.plan.shards == 1:
            return ()
        return curvatures_of(self._moments(number), self._exposures)

    def _moments(self, number: int) -> Moments:
        """Second moments of the weights before a round: the last merge has left them, but for the first round."""
        moments = self._state.read_moments(number, self._shape.dim)
        if moments is not None:
            return moments
        weights = self._state.read_weights(number, self._shape)
        return np.stack([moments_of(weights[m], self._exposures[1 - m].met, self._shape.dim) for m in (0, 1)])
