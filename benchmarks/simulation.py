"""P shards in one process: what a cluster would train, one shard after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.common import timed
from benchmarks.corpus import Corpus
from w2v_spark.config import Config
from w2v_spark.kernels.arguments import SCORES, SLOPES, Schedule, Sentences, Weights
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.models.tables import SamplingTables
from w2v_spark.training.correction import Correction, Moments, curvatures_of, moments_of
from w2v_spark.training.noise_pool import pool_size
from w2v_spark.training.plan import Plan, Slice
from w2v_spark.training.row_ranges import CHUNK_ROWS
from w2v_spark.training.trainer import Trainer
from w2v_spark.training.update_statistics import build_update_statistics
from w2v_spark.training.weights import WeightShape, initial_rows

MERGES: Final = ("curvature", "adasum", "mean")

Matrix = npt.NDArray[np.float32]
Pair = tuple[Matrix, Matrix]


def train(corpus: Corpus, config: Config, shards: int, rounds: int, merge: str) -> tuple[Matrix, float]:
    """Train all rounds.

    Returns
    -------
    vectors : (V, D) float32
        The input vectors.
    seconds : float
        Of the whole run, on one core.
    """
    with threadpool_limits(limits=1, user_api="blas"), timed() as timing:
        run = Simulation(corpus, config, shards, rounds)
        for number in range(rounds):
            run.round(number, merge)
    return run.weights[0][:, : config.model.dim], timing.seconds


class Simulation:
    """The state of a run.

    Attributes
    ----------
    weights : the input and the output matrix, each (rows, D padded) float32
    """

    def __init__(self, corpus: Corpus, config: Config, shards: int, rounds: int) -> None:
        self._corpus, self._config = corpus, config
        settings, counts = config.train, corpus.vocabulary.counts
        rates = settings.learning_rate, settings.min_learning_rate
        self._plan = Plan(shards, rounds, settings.epochs, *rates, settings.sample)
        self._tables = SamplingTables.build(counts, config.model, settings.sample)
        self._update_statistics = build_update_statistics(counts, config, self._tables)
        self._trainer = Trainer(config.model, self._tables)
        self._cuts = np.searchsorted(corpus.offsets, [len(corpus) * p // shards for p in range(shards + 1)])
        self._cuts[-1] = corpus.sentences
        shape, dim = WeightShape.build(config.model, len(corpus.vocabulary)), config.model.dim
        self.weights: Pair = (
            aligned_zeros(shape.input_rows, padded(dim)),
            aligned_zeros(shape.output_rows, padded(dim)),
        )
        self.weights[0][:, :dim] = np.concatenate(list(initial_rows(shape.input_rows, dim, settings.seed)))
        self._shard = _copy(self.weights)

    def round(self, number: int, merge: str) -> None:
        """Train every shard from the same weights, and merge."""
        if self._plan.shards == 1:
            self._train_shard(0, number, self.weights)
            return
        self._trainer.statistics[:] = 0
        if merge == "adasum":
            steps = adasum(self._displacements(number))
        else:
            before = self._moments(self.weights) if merge == "curvature" else None
            steps, ones, after = self._mean(number, merge == "curvature")
            if before is not None:
                steps = self._correct(steps, ones, (before + after) / 2, number)
        for weights, step in zip(self.weights, steps, strict=True):
            weights += step

    def _mean(self, number: int, corrects: bool) -> tuple[Pair, Pair, Moments]:
        """The mean of what the shards add to both matrices, what one adds to each row, and the moments after it."""
        total, one = (_zeros_like(self.weights) for _ in range(2))
        dim = self._config.model.dim
        after = np.zeros((2, dim + 1, dim))
        for mine, weights in zip(self._shard, self.weights, strict=True):
            mine[:] = weights
        for p in range(self._plan.shards):
            self._train_shard(p, number, self._shard)
            if corrects:
                after += self._moments(self._shard).astype(np.float32) / self._plan.shards
            first = (p - number) % self._plan.shards  # the rows whose turn it is, as in `merge.displacements`
            for matrices in zip(self._shard, self.weights, total, one, strict=True):
                _move_changes(*matrices, first, self._plan.shards)
        for matrix in total:
            matrix *= np.float32(1 / self._plan.shards)
        return total, one, after

    def _displacements(self, number: int) -> Iterator[Pair]:
        """What each shard adds to both matrices; to be used up before the next is asked for."""
        for p in range(self._plan.shards):
            for mine, weights in zip(self._shard, self.weights, strict=True):
                mine[:] = weights
            self._train_shard(p, number, self._shard)
            for mine, weights in zip(self._shard, self.weights, strict=True):
                mine -= weights
            yield self._shard

    def _train_shard(self, p: int, number: int, weights: Pair) -> None:
        offsets = self._corpus.offsets[self._cuts[p] : self._cuts[p + 1] + 1]
        tokens, settings = int(offsets[-1] - offsets[0]), self._config.train
        fall = (settings.learning_rate - settings.min_learning_rate) / settings.epochs
        parts = self._plan.slices(number, tokens)
        trainer = self._trainer_of(parts)
        for part in parts:
            first, last = np.searchsorted(offsets[:-1] - offsets[0], [part.start, part.stop])
            if last > first:
                ids = self._corpus.ids[offsets[first] : offsets[last]]
                position = int(offsets[first] - offsets[0])
                sentences = Sentences(ids, offsets[first : last + 1] - offsets[first], position)
                rate = settings.learning_rate - fall * part.epoch
                key = np.uint64(stream_key(settings.seed, part.epoch, p))
                schedule = Schedule(key, rate, fall / tokens, settings.min_learning_rate)
                trainer.train(sentences, schedule, Weights(*weights))

    def _trainer_of(self, parts: Sequence[Slice]) -> Trainer:
        """That of all shards, or one with noise from a pool, as the main job has it."""
        tokens = sum(part.tokens for part in parts)
        pool = pool_size(self._config, self._tables.vocabulary_size, tokens, self._plan.shards)
        if not pool:
            return self._trainer
        trainer = Trainer(self._config.model, self._tables, pool=pool)
        trainer.statistics = self._trainer.statistics
        return trainer

    def _moments(self, weights: Pair) -> Moments:
        dim, counts = self._config.model.dim, [each.partner_counts for each in self._update_statistics[::-1]]
        return np.stack([moments_of(weights[m][:, :dim], counts[m], dim) for m in (0, 1)])

    def _correct(self, means: Pair, ones: Pair, moments: Moments, number: int) -> Pair:
        dim, scored = self._config.model.dim, self._trainer.statistics
        slope = float(scored[SLOPES] / max(scored[SCORES], 1))
        share, rate = self._plan.epoch_share(number), self._plan.mean_rate(number)
        curvatures = curvatures_of(moments, self._update_statistics)
        for mean, one, curvature, statistics in zip(means, ones, curvatures, self._update_statistics, strict=True):
            correction = Correction.build(curvature, slope, share, rate, self._plan.shards)
            for start in range(0, len(mean), CHUNK_ROWS):
                rows = slice(start, start + CHUNK_ROWS)
                moved, apart = (np.ascontiguousarray(matrix[rows, :dim]) for matrix in (mean, one))
                mean[rows, :dim] = correction.apply(np.zeros_like(moved), moved, apart, statistics.updates[rows])
        return means


@kernel
def _move_changes(mine: Any, weights: Any, total: Any, one: Any, first: int, step: int) -> None:
    """Add ``mine - weights`` to ``total``, keep it in ``one`` for the rows ``first::step``, and undo it in ``mine``."""
    for r in range(len(mine)):
        changed = False
        for d in range(mine.shape[1]):
            if mine[r, d] != weights[r, d]:
                changed = True
                break
        if changed:  # few rows have
            keep = r >= first and (r - first) % step == 0
            for d in range(mine.shape[1]):
                moved = mine[r, d] - weights[r, d]
                total[r, d] += moved
                if keep:
                    one[r, d] = moved
                mine[r, d] = weights[r, d]


def _zeros_like(pair: Pair) -> Pair:
    first, second = (np.zeros_like(matrix) for matrix in pair)
    return first, second


def adasum(displacements: Iterator[Pair]) -> Pair:
    """Adasum (Maleki et al. 2020), row by row, in a binary tree; holds about log2 P displacements at a time."""
    waiting: list[tuple[int, Pair]] = []  # (shards that it stands for, their displacement), ever fewer
    for displacement in displacements:
        size, carried = 1, _copy(displacement)
        while waiting and waiting[-1][0] == size:
            size, carried = 2 * size, _adasum_pair(waiting.pop()[1], carried)
        waiting.append((size, carried))
    _, total = waiting.pop()
    while waiting:
        total = _adasum_pair(waiting.pop()[1], total)
    return total


def _adasum_pair(first: Pair, second: Pair) -> Pair:
    for a, b in zip(first, second, strict=True):
        for start in range(0, len(a), CHUNK_ROWS):
            x, y = a[start : start + CHUNK_ROWS], b[start : start + CHUNK_ROWS]
            dot = np.einsum("rd,rd->r", x, y)[:, None]
            norms = [np.einsum("rd,rd->r", z, z)[:, None] + np.float32(1e-30) for z in (x, y)]
            x[:] = (1 - dot / (2 * norms[0])) * x + (1 - dot / (2 * norms[1])) * y
    return first


def _copy(pair: Pair) -> Pair:
    first, second = (matrix.copy() for matrix in pair)
    return first, second
