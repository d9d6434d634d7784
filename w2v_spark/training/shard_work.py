"""What a shard works on in a round: its part of the text, the weights it starts from, and which of them it touches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Config
from w2v_spark.corpus.shards import Shard
from w2v_spark.corpus.whole_documents import ShardDocuments
from w2v_spark.errors import StoreError
from w2v_spark.kernels.arguments import Sentences
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.touched import mark_rows
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.models.tables import SamplingTables
from w2v_spark.storage import Directory
from w2v_spark.training.documents import Stretches
from w2v_spark.training.matrix_files import MatrixReader
from w2v_spark.training.plan import Slice
from w2v_spark.training.shard_memory import Content, ShardMemory
from w2v_spark.training.shard_weights import Marks
from w2v_spark.training.trainer import build_model
from w2v_spark.training.update_statistics import BothStatistics
from w2v_spark.training.weights import WeightShape

_FEW_WITH_POOL: Final = 8  # words of a slice for each row: with more, nearly all rows would be touched
_NO_NGRAMS: Final = np.zeros(1, np.int64), np.zeros(0, np.int32)


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

    def key(self, seed: int, epoch: int) -> np.uint64:
        """What names the shard's random streams in an epoch."""
        return np.uint64(stream_key(seed, epoch, self.number))

    def sentences(self, part: Slice) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]]:
        """The sentences of a slice, batch by batch, as `Shard.read`. Raises `StoreError` where a word is none."""
        for ids, offsets, position in self.shard.read(self.corpus, part.start, part.stop):
            if ids.view(np.uint32).max() >= self.tables.vocabulary_size:  # negative ids are large ones here
                raise StoreError(f"{self.corpus.uri}: shard {self.number} holds ids outside the vocabulary")
            yield ids, offsets, position


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
    memory : ShardMemory, optional
        Where the new weights stay instead of being written, and the old ones may be.
    content : Content
        What ``weights`` are, where there is such a memory.
    """

    round_number: int
    weights: tuple[MatrixReader, MatrixReader]
    results: Directory
    spare: Directory | None = None
    stretches: Stretches = ()
    rows: Directory | None = None
    memory: ShardMemory | None = None
    content: Content = frozenset()


def draws_ahead(words: float, rows: int, pool: int) -> bool:
    """Whether a slice of so many words touches few enough of the rows of both matrices for drawing ahead to pay."""
    return words <= (_FEW_WITH_POOL if pool else 1) * rows


def mark_touched(
    work: ShardWork, slices: Sequence[Slice], config: Config, shape: WeightShape, pool: int
) -> tuple[Marks, Marks] | None:
    """Which rows of both matrices some slices of a shard touch, each (rows,) uint8; none where that is not worth it.

    Drawing ahead costs a part of training, in proportion to the words, and a smaller one where noise comes from a pool;
    what it saves is a part of the rows, most of them where the words are few. ``pool`` is the `pool_size`.
    """
    if not draws_ahead(sum(part.tokens for part in slices), shape.input_rows + shape.output_rows, pool):
        return None
    inputs, outputs = np.zeros(shape.input_rows, np.uint8), np.zeros(shape.output_rows, np.uint8)
    model = build_model(config.model, work.tables, freeze_input=False, freeze_output=False, pool=pool)
    starts, rows = (work.subwords.starts, work.subwords.rows) if work.subwords is not None else _NO_NGRAMS
    for part in slices:
        key = work.key(config.train.seed, part.epoch)
        for ids, offsets, position in work.sentences(part):
            mark_rows(Sentences(ids, offsets, position), key, model, work.tables, starts, rows, inputs, outputs)
        if work.documents is not None:
            first, last = work.documents.at([part.start, part.stop - 1]).tolist()
            begin, end = work.documents.tag_starts[[first, last + 1]].tolist()
            words = input_rows_of(config.model).word_rows(work.tables.vocabulary_size)
            inputs[words + work.documents.tags[begin:end]] = 1
    return inputs, outputs
