"""One shard's part of one round: read the weights, train on a slice of the corpus, write the weights back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Config
from w2v_spark.kernels.arguments import KEPT, LOSS, PAIRS, SCORES, SLOPES, Schedule, Sentences, Weights
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.training.changed_rows import ChangedFile, ShardFiles
from w2v_spark.training.composed import composed_moment
from w2v_spark.training.documents import DocumentRows, SliceRows, Stretch, Stretches, put
from w2v_spark.training.matrix_files import Matrix, WeightFile, write_matrix
from w2v_spark.training.noise_pool import pool_size
from w2v_spark.training.plan import Plan, Slice
from w2v_spark.training.shard_memory import IN_MEMORY, memory_of
from w2v_spark.training.shard_weights import ALL_ROWS, ShardMatrix
from w2v_spark.training.shard_work import RoundStart, ShardWork, mark_touched
from w2v_spark.training.trainer import ThreadedTrainer
from w2v_spark.training.weights import WeightShape


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What a shard hands back to the driver.

    Attributes
    ----------
    shard : int
    file : str
        Stem of the two files that hold the shard's weights; empty if the shard had nothing to train on.
    checksums : list of str
        Of these files, or `IN_MEMORY` where there are none.
    tokens, kept, pairs : int
        Tokens of the sentences that were trained on, those of them that subsampling kept, and pairs.
    loss : float
        Sum over all pairs, nats.
    slopes : float
        Sum over a sample of scores of s(1 - s), s the logistic function of a score.
    scores : int
        Size of that sample.
    read_seconds, train_seconds, write_seconds : float
    moments : bytes
        How much the second moments of the shard's two matrices have changed, (2, D + 1, D) float32, see `moments_of`;
        empty where nothing is corrected by them, or others tell.
    documents : tuple of Stretch
        Where the rows of the shard's documents are now.
    private : bytes
        The second moment of what the merge does not see, (D + 1, D) float64: the rows of documents that were trained,
        see `SliceRows`, or the vectors of words that have n-grams; empty where there are none.
    met : int
        The tokens that it is of.
    changed : list of int
        How many rows each of the files has: a number, or `ALL_ROWS`.
    bytes_read, bytes_written : int
        Of weights.
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
    moments: bytes = b""
    documents: Stretches = ()
    private: bytes = b""
    met: int = 0
    changed: list[int] = field(default_factory=list)
    bytes_read: int = 0
    bytes_written: int = 0

    def weight_files(self, shape: WeightShape) -> ShardFiles | None:
        """The files that hold the shard's weights; None if it had nothing to train on."""
        if not self.file:
            return None
        files: ShardFiles = {}
        for (name, rows), found, changed in zip(shape.rows.items(), self.checksums, self.changed, strict=True):
            file = f"{self.file}.{name}.npy"
            is_whole = changed == ALL_ROWS
            files[name] = [WeightFile(file, rows, found)] if is_whole else [ChangedFile(file, changed, found, rows)]
        return files


def train_shard(work: ShardWork, start: RoundStart, config: Config, plan: Plan) -> ShardResult:
    """Train one shard for one round.

    Notes
    -----
    Memory: one copy of the weights, ``8 V D`` bytes with D padded to 16, and one record batch of the corpus with the
    rows of its documents.
    """
    clock, model, train = time.perf_counter, config.model, config.train
    begin, number, shard = clock(), work.number, work.shard
    slices = plan.slices(start.round_number, shard.tokens) if shard.tokens else []
    if not slices:
        return ShardResult(
            number, "", [], 0, 0, 0, 0.0, 0.0, 0, clock() - begin, 0.0, 0.0, documents=start.stretches
        )  # fmt: skip
    pool = pool_size(config, work.tables.vocabulary_size, sum(part.tokens for part in slices), plan.shards)
    inputs, outputs = matrices = _load(work, start, config, plan, slices, pool)
    read = clock()
    most_tags = work.documents.most_tags if work.documents is not None else 0
    trainer = ThreadedTrainer(model, work.tables, train.threads, train.freeze, most_tags, work.subwords, pool)
    training = _Training(work, start, config, trainer, Weights(inputs.rows, outputs.rows))
    for part in slices:
        training.train(part, _schedule(plan, part.epoch, shard.tokens, work.key(train.seed, part.epoch)))
    trained = clock()
    moments = b""
    if inputs.sample is not None:
        moments = np.stack([matrix.moment_change() for matrix in matrices]).astype(np.float32).tobytes()
    stem = f"{number:05d}-{uuid.uuid4().hex}"
    checksums = [
        IN_MEMORY if start.memory else matrix.write(start.results, f"{stem}.{matrix.name}.npy", start.spare)
        for matrix in matrices
    ]
    return ShardResult(
        number,
        stem,
        checksums,
        training.tokens,
        int(trainer.statistics[KEPT]),
        int(trainer.statistics[PAIRS]),
        float(trainer.statistics[LOSS]),
        float(trainer.statistics[SLOPES]),
        int(trainer.statistics[SCORES]),
        read - begin,
        trained - read,
        clock() - trained,
        moments,
        training.stretches,
        *training.private(inputs.rows),
        changed=[matrix.changed for matrix in matrices],
        bytes_read=4 * model.dim * (inputs.read + outputs.read),
        bytes_written=0 if start.memory else inputs.bytes_written + outputs.bytes_written,
    )


def _load(
    work: ShardWork, start: RoundStart, config: Config, plan: Plan, slices: Sequence[Slice], pool: int
) -> tuple[ShardMatrix, ShardMatrix]:
    """The two matrices, or the rows of them that the slices touch where these are few."""
    model = config.model
    shape = WeightShape.build(model, work.tables.vocabulary_size, work.others)
    statistics = work.statistics if plan.asks(start.round_number, work.number) else None
    memory = start.memory or memory_of(shape)[0]
    is_there = start.memory is not None and memory.holds == start.content
    memory.let_go()
    marks = mark_touched(work, slices, config, shape, pool) if plan.shards > 1 and start.memory is None else None
    inputs, outputs = (
        ShardMatrix.load(
            name, None if is_there else start.weights[m], memory.matrices[m], model.dim,
            None if marks is None else marks[m],
            work.subwords is not None and m == 0,  # the vectors of all words are composed of it
            statistics[1 - m] if statistics else None,
        )
        for m, name in enumerate(shape.rows)
    )  # fmt: skip
    return inputs, outputs


class _Training:
    """Trains slice after slice of a shard."""

    def __init__(
        self, work: ShardWork, start: RoundStart, config: Config, trainer: ThreadedTrainer, weights: Weights
    ) -> None:  # fmt: skip
        self._work, self._start, self._trainer, self._weights = work, start, trainer, weights
        self._seed, self._dim = config.train.seed, config.model.dim
        self._tag_rows = input_rows_of(config.model).word_rows(work.tables.vocabulary_size)
        self.tokens = (
            0  # not what the slices say: a sentence belongs to the slice that it begins in, with all its words
        )
        self.stretches = start.stretches
        self._moments, self._met = np.zeros((self._dim + 1, self._dim)), 0

    def train(self, part: Slice, schedule: Schedule) -> None:
        """One slice; the rows of its documents go to a file as they become final."""
        documents, directory = self._work.documents, self._start.rows
        if documents is None or directory is None:
            for ids, offsets, position in self._sentences(part):
                self._trainer.train(Sentences(ids, offsets, position), schedule, self._weights)
            return
        first, end = documents.at([part.start, part.stop - 1])
        source = DocumentRows(directory, self.stretches, documents.keys, self._seed, self._dim)
        rows = SliceRows(documents, source, int(first), int(end) + 1, self._tag_rows)
        file, count = f"{self._work.number:05d}-{uuid.uuid4().hex}.npy", rows.end - rows.first
        checksum = write_matrix(directory, file, count, self._dim, self._trained(part, schedule, rows))
        self.stretches = put(self.stretches, Stretch(file, count, checksum, 0, rows.first, count))
        self._moments += rows.moments
        self._met += rows.tokens

    def private(self, w_in: Matrix) -> tuple[bytes, int]:
        """Two of the attributes of `ShardResult`."""
        if self._work.documents is not None:
            return self._moments.tobytes(), self._met
        if self._work.subwords is None or self._work.statistics is None:
            return b"", 0
        moment = composed_moment(self._work.subwords, w_in, self._dim)
        return (moment * self.tokens).tobytes(), self.tokens

    def _trained(self, part: Slice, schedule: Schedule, rows: SliceRows) -> Iterator[Matrix]:
        for ids, offsets, position in self._sentences(part):
            documents, done = rows.take(position + offsets[:-1].astype(np.int64))
            yield from done
            self._trainer.train(Sentences(ids, offsets, position), schedule, self._weights, documents)
        yield from rows.finish()

    def _sentences(self, part: Slice) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]]:
        for ids, offsets, position in self._work.sentences(part):
            self.tokens += int(offsets[-1]) - int(offsets[0])
            yield ids, offsets, position


def _schedule(plan: Plan, epoch: int, tokens: int, key: np.uint64) -> Schedule:
    """For an epoch of so many tokens of a shard."""
    fall = (plan.learning_rate - plan.min_learning_rate) / plan.epochs
    return Schedule(key, plan.learning_rate - fall * epoch, fall / tokens, plan.min_learning_rate)
