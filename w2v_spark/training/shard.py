"""One shard's part of one round: read the weights, train on a slice of the corpus, write the weights back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Config
from w2v_spark.corpus.shards import Shard
from w2v_spark.corpus.whole_documents import ShardDocuments
from w2v_spark.errors import StoreError
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.train import KEPT, LOSS, PAIRS, SCORES, SLOPES, Schedule, Sentences, Weights
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.models.tables import SamplingTables
from w2v_spark.storage import Directory
from w2v_spark.training.composed import composed_moment
from w2v_spark.training.correction import moments_of
from w2v_spark.training.documents import DocumentRows, SliceRows, Stretch, Stretches, put
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixReader, WeightFiles, rows_at_a_time, write_matrix
from w2v_spark.training.plan import Plan, Slice
from w2v_spark.training.trainer import ThreadedTrainer
from w2v_spark.training.update_statistics import BothStatistics
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
    moments : bytes
        The second moments of the shard's two matrices, (2, D + 1, D) float32, see `moments_of`; empty where nothing is
        corrected by them.
    documents : tuple of Stretch
        Where the rows of the shard's documents are now.
    private : bytes
        The second moment of what the merge does not see, (D + 1, D) float64: the rows of documents that were trained,
        see `SliceRows`, or the vectors of words that have n-grams; empty where there are none.
    met : int
        The tokens that it is of.
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

    def weight_files(self, shape: WeightShape) -> WeightFiles | None:
        """The files that hold the shard's weights; None if it had nothing to train on."""
        return whole_files(shape, f"{self.file}.", self.checksums) if self.file else None


@dataclass(frozen=True, slots=True, eq=False)
class ShardWork:
    """A shard and what all of its rounds have in common.

    Attributes
    ----------
    number : int
    shard : Shard
    corpus : Directory
        Where the shard's files are.
    tables : SamplingTables
    statistics : of both matrices, optional
        Where the merge corrects by how curved the loss is.
    documents : ShardDocuments, optional
        Those of the shard, where they have rows of their own.
    tags : int
        How many there are.
    subwords : SubwordTable, optional
        The n-grams of the words, where they have any.
    """

    number: int
    shard: Shard
    corpus: Directory
    tables: SamplingTables
    statistics: BothStatistics | None = None
    documents: ShardDocuments | None = None
    tags: int = 0
    subwords: SubwordTable | None = None

    @property
    def others(self) -> int:
        """Rows of the input matrix behind those of words."""
        return self.tags if self.subwords is None else self.subwords.ngrams


@dataclass(frozen=True, slots=True, eq=False)
class RoundStart:
    """What a shard's part of a round starts from, and where its results go.

    Attributes
    ----------
    round_number : int
    weights : the input and the output matrix, each (rows, D) float32
    results : Directory
        Where to write the new weights.
    spare : Directory, optional
        See `write_matrix`.
    stretches : Stretches
        Where the rows of the shard's documents are.
    rows : Directory, optional
        Of their files, where to write the new ones too.
    """

    round_number: int
    weights: tuple[MatrixReader, MatrixReader]
    results: Directory
    spare: Directory | None = None
    stretches: Stretches = ()
    rows: Directory | None = None


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
    shape = WeightShape.build(model, work.tables.vocabulary_size, work.others)
    matrices = {
        name: _load_padded(name, source, model.dim) for name, source in zip(shape.rows, start.weights, strict=True)
    }
    read = clock()
    most_tags = work.documents.most_tags if work.documents is not None else 0
    trainer = ThreadedTrainer(model, work.tables, train.threads, train.freeze, most_tags, work.subwords)
    training = _Training(work, start, config, trainer, Weights(*matrices.values()))
    for part in slices:
        key = np.uint64(stream_key(train.seed, part.epoch, number))
        training.train(part, _schedule(plan, part.epoch, shard.tokens, key))
    trained = clock()
    moments = _moments(matrices.values(), work.statistics, model.dim) if work.statistics else b""
    stem = f"{number:05d}-{uuid.uuid4().hex}"
    checksums = [
        write_matrix(
            start.results, f"{stem}.{name}.npy", len(matrix), model.dim, batches_of(matrix, model.dim), start.spare
        )
        for name, matrix in matrices.items()
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
        *training.private(matrices["w_in"]),
    )


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
        work = self._work
        for ids, offsets, position in work.shard.read(work.corpus, part.start, part.stop):
            if ids.view(np.uint32).max() >= work.tables.vocabulary_size:  # negative ids are large ones here
                raise StoreError(f"{work.corpus.uri}: shard {work.number} holds ids outside the vocabulary")
            self.tokens += int(offsets[-1]) - int(offsets[0])
            yield ids, offsets, position


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


def _moments(matrices: Iterable[Matrix], statistics: BothStatistics, dim: int) -> bytes:
    """See `ShardResult`."""
    counts = (each.partner_counts for each in reversed(statistics))  # of the matrix that is met
    found = [moments_of(matrix[:, :dim], met, dim) for matrix, met in zip(matrices, counts, strict=True)]
    return np.stack(found).astype(np.float32).tobytes()


@lru_cache(maxsize=2)
def _memory(name: str, rows: int, columns: int) -> Matrix:
    """The memory of a matrix, which a worker keeps from round to round: fresh pages cost as much as filling them."""
    return aligned_zeros(rows, columns)
