"""A round: all shards train, their weights are merged, and a checkpoint is made of them while the next ones train."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from w2v_spark.errors import DivergedError, Name, StoreError
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import UPDATE_STATISTICS_FILE, Run
from w2v_spark.spark.long_tasks import StepExecutor
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.training.changed_rows import ShardFiles
from w2v_spark.training.correction import (
    Correction,
    Moments,
    curvatures_of,
    moments_of,
    sum_moments,
)
from w2v_spark.training.documents import Stretches, stretches_of
from w2v_spark.training.file_rows import all_finite
from w2v_spark.training.history import RoundRecord, caution, losses_of, mean_slope
from w2v_spark.training.matrix_files import WeightFile, WeightFiles, weight_files
from w2v_spark.training.row_ranges import plan_row_ranges
from w2v_spark.training.shard import ShardResult
from w2v_spark.training.weights import WeightShape, open_matrices


@dataclass(frozen=True, slots=True)
class _Merged:
    """Weights after a round, on disk and not yet a checkpoint: that is written while the next round is trained.

    Attributes
    ----------
    rounds_done : int
    files : WeightFiles
    record : RoundRecord
    documents : tuple of Stretches
    moments : Moments, optional
        Those that `RoundTrainer._moments` would read, and the digest of their file.
    complete, lying : frozenset of str
        See `RoundFiles.finish`.
    """

    rounds_done: int
    files: WeightFiles
    record: RoundRecord
    documents: tuple[Stretches, ...]
    moments: tuple[Moments, str] | None
    complete: frozenset[str]
    lying: frozenset[str]


class RoundTrainer:
    """Trains round after round; a context, at whose end each round that was merged is a checkpoint.

    Parameters
    ----------
    history : list of RoundRecord
        Of the rounds that are done.
    told : function of a RoundRecord
        Is called for each checkpoint.

    Attributes
    ----------
    history : list of RoundRecord
        Of all rounds that are checkpoints.
    """

    def __init__(
        self,
        steps: StepExecutor,
        directory: RunDirectory,
        run: Run,
        shape: WeightShape,
        history: list[RoundRecord],
        told: Callable[[RoundRecord], object],
    ) -> None:
        self.history, self._told = history, told
        self._steps, self._directory, self._run, self._shape = steps, directory, run, shape
        self._statistics = directory.read_update_statistics(run.files[UPDATE_STATISTICS_FILE])
        self._row_ranges = plan_row_ranges(shape)
        self._last: _Merged | None = None
        self._is_checkpoint = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with nullcontext() if kind is None else suppress(OSError, StoreError):  # the first error is the one to tell
            self.finish_last()

    def train(self, number: int) -> None:
        """One round, from the weights on disk to the next weights on disk."""
        directory, plan, last = self._directory, self._run.plan, self._last
        begin = time.perf_counter()
        next_weights = directory.rounds.directory(number + 1).create()
        if last is None:
            old, documents = directory.rounds.read_files(number), directory.rounds.read_documents(number)
        else:
            old, documents = last.files, last.documents
        rows, before = self._steps.train(number, old, lambda: self._meanwhile(number), documents)
        results = [
            ShardResult(**{**row, "documents": stretches_of(json.loads(row["documents"]))}) for row in rows
        ]  # fmt: skip
        trained = time.perf_counter()
        shards = tuple(written for result in results if (written := result.weight_files(self._shape)))
        files: WeightFiles
        moments: tuple[Moments, str] | None = None
        try:
            if plan.shards == 1 and shards:  # nothing to average: the shard's own files, which have all rows
                files = weight_files(shards[0])
                for matrix in open_matrices(next_weights, self._shape, files):
                    if not all_finite(matrix):
                        raise DivergedError("weights became NaN or infinite")
            else:
                careful = caution(losses_of(self.history, results))
                corrections = self._corrections(number, results, before, careful)
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
        lying = directory.rounds.documents_lying() if documents else frozenset()
        self._last, self._is_checkpoint = _Merged(number + 1, files, record, now_at, moments, complete, lying), False

    def _meanwhile(self, number: int) -> Moments | None:
        """What the driver does while the shards train: the last round becomes a checkpoint."""
        self.finish_last()
        return self._moments(number)

    def finish_last(self) -> None:
        """Make the weights of the last round a checkpoint, if they are none yet."""
        last = self._last
        if last is None or self._is_checkpoint:
            return
        self._is_checkpoint = True  # or has failed, which once is enough to hear of
        history = [*self.history, last.record]
        self._directory.rounds.finish(
            last.rounds_done, self._shape, last.files, history, None if last.moments is None else last.moments[1],
            last.complete, last.documents, last.lying,
        )  # fmt: skip
        self.history = history
        self._told(last.record)

    def _merge(
        self,
        number: int,
        old: WeightFiles,
        shards: tuple[ShardFiles, ...],
        corrections: tuple[Correction, ...],
        private: Moments,
    ) -> tuple[WeightFiles, tuple[Moments, str]]:
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
        return new, (total, kept)

    def _corrections(
        self, number: int, results: Sequence[ShardResult], before: Moments | None, caution: float
    ) -> tuple[Correction, ...]:
        """Of both matrices, where the merge corrects and more than one shard has trained.

        By the moments before the round alone, rows that grow within it would make those that meet them overshoot.
        """
        changes = [np.frombuffer(result.moments, np.float32) for result in results if result.moments]
        trained = sum(bool(result.file) for result in results)
        if before is None or trained < 2:
            return ()
        plan, after = self._run.plan, before.copy()
        after[:2] += (sum(changes, np.zeros(before[:2].size)) / max(len(changes), 1)).reshape(before[:2].shape)
        after[2] = _private_moments(results, self._shape.dim)
        mean = (before + after) / 2
        mean[0] += self._statistics[1].private * mean[2]
        slope = mean_slope(results) * caution
        return tuple(
            Correction.build(curvature, slope, plan.epoch_share(number), plan.mean_rate(number), trained)
            for curvature in curvatures_of(mean[:2], self._statistics)
        )

    def _moments(self, number: int) -> Moments | None:
        """Second moments before a round: the last merge has left them, but for the first round.

        Of the two matrices, and of the rows that a word meets and the merge does not see. None for a merge that does
        not correct by them.
        """
        if not self._run.corrects:
            return None
        if self._last is not None and self._last.moments is not None:
            return self._last.moments[0]
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
