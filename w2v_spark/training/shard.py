"""One shard's part of one round: read the weights, train on a slice of the corpus, write the weights back."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from w2v_spark.config import Freeze, ModelConfig
from w2v_spark.corpus.shards import Shard
from w2v_spark.errors import StoreError
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.train import KEPT, LOSS, PAIRS, SCORES, SLOPES, Schedule, Sentences, Weights
from w2v_spark.models.tables import SamplingTables
from w2v_spark.storage import Directory
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixReader, WeightFiles, rows_at_a_time, write_matrix
from w2v_spark.training.plan import Plan
from w2v_spark.training.trainer import ThreadedTrainer
from w2v_spark.training.weights import WeightShape, batches_of, whole_files


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What a shard hands back to the driver.

    Attributes
    ----------
    shard : int
    file : str
        Stem of the two files that hold the shard's weights; empty if the shard had nothing to train on.
    checksums : list of str
        Of these files.
    tokens, kept, pairs : int
        Tokens of the sentences that were trained on, those of them that subsampling kept, and pairs.
    loss : float
        Sum over all pairs, nats.
    slopes : float
        Sum over a sample of scores of s(1 - s), s the logistic function of a score.
    scores : int
        Size of that sample.
    read_seconds, train_seconds, write_seconds : float
    """

    shard: int
    file: str
    checksums: list[str]
    tokens: int
    kept: int
    pairs: int
    loss: float
    slopes: float
    scores: int
    read_seconds: float
    train_seconds: float
    write_seconds: float

    def weight_files(self, shape: WeightShape) -> WeightFiles | None:
        """The files that hold the shard's weights; None if it had nothing to train on."""
        return whole_files(shape, f"{self.file}.", self.checksums) if self.file else None


def train_shard(
    model: ModelConfig,
    seed: int,
    plan: Plan,
    round_number: int,
    shard_number: int,
    shard: Shard,
    corpus: Directory,
    weights: tuple[MatrixReader, MatrixReader],
    results: Directory,
    tables: SamplingTables,
    threads: int = 1,
    spare: Directory | None = None,
    freeze: Freeze = Freeze.NONE,
) -> ShardResult:
    """Train one shard for one round.

    Parameters
    ----------
    corpus, results : Directory
        Where the shard's files are, and where to write the new weights.
    weights : the input and the output matrix, each (rows, D) float32
        Those that the round starts from.
    threads : int
        See `ThreadedTrainer`.
    spare : Directory, optional
        See `write_matrix`.
    freeze : Freeze
        See `Trainer`.

    Notes
    -----
    Memory: one copy of the weights, ``8 V D`` bytes with D padded to 16, and one record batch of the corpus.
    """
    clock = time.perf_counter
    begin = clock()
    slices = plan.slices(round_number, shard.tokens) if shard.tokens else []
    if not slices:
        return ShardResult(shard_number, "", [], 0, 0, 0, 0.0, 0.0, 0, clock() - begin, 0.0, 0.0)
    shape = WeightShape.build(model, tables.vocabulary_size)
    matrices = {name: _load_padded(name, source, model.dim) for name, source in zip(shape.rows, weights, strict=True)}
    read = clock()
    trainer = ThreadedTrainer(model, tables, threads, freeze)
    tokens = 0  # not what the slices say: a sentence belongs to the slice that it begins in, with all its words
    for part in slices:
        schedule = _schedule(plan, part.epoch, shard.tokens, np.uint64(stream_key(seed, part.epoch, shard_number)))
        for ids, offsets, position in shard.read(corpus, part.start, part.stop):
            if ids.view(np.uint32).max() >= tables.vocabulary_size:  # negative ids are large ones here
                raise StoreError(f"{corpus.uri}: shard {shard_number} holds ids outside the vocabulary")
            tokens += int(offsets[-1]) - int(offsets[0])
            trainer.train(Sentences(ids, offsets, position), schedule, Weights(*matrices.values()))
    trained = clock()
    stem = f"{shard_number:05d}-{uuid.uuid4().hex}"
    checksums = [
        write_matrix(results, f"{stem}.{name}.npy", len(matrix), model.dim, batches_of(matrix, model.dim), spare)
        for name, matrix in matrices.items()
    ]
    return ShardResult(
        shard_number,
        stem,
        checksums,
        tokens,
        int(trainer.statistics[KEPT]),
        int(trainer.statistics[PAIRS]),
        float(trainer.statistics[LOSS]),
        float(trainer.statistics[SLOPES]),
        int(trainer.statistics[SCORES]),
        read - begin,
        trained - read,
        clock() - trained,
    )


def _schedule(plan: Plan, epoch: int, tokens: int, key: np.uint64) -> Schedule:
    """For an epoch of so many tokens of a shard."""
    fall = (plan.learning_rate - plan.min_learning_rate) / plan.epochs
    return Schedule(key, plan.learning_rate - fall * epoch, fall / tokens, plan.min_learning_rate)


def _load_padded(name: str, source: MatrixReader, dim: int) -> Matrix:
    matrix = _memory(name, len(source), padded(dim))
    step = rows_at_a_time(source)
    for start in range(0, len(source), step):
        batch = source[start : start + step]
        for first in range(0, len(batch), BLOCK_ROWS):
            rows = matrix[start + first : start + min(first + BLOCK_ROWS, len(batch))]
            rows[:, :dim] = batch[first : first + BLOCK_ROWS]
            rows[:, dim:] = 0  # another model of this worker may have been wider
    return matrix


@lru_cache(maxsize=2)
def _memory(name: str, rows: int, columns: int) -> Matrix:
    """The memory of a matrix, which a worker keeps from round to round: fresh pages cost as much as filling them."""
    return aligned_zeros(rows, columns)
