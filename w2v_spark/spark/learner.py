"""What stands between the encoded corpus and the published table: something that learns a vector for each word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from pyspark.sql import SparkSession

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.counting.stages import StepRecord
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.run.progress import Progress
from w2v_spark.training.composed import Ngrams
from w2v_spark.training.documents import Stretches
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.matrix_files import Matrix, MatrixReader


class Learned(NamedTuple):
    """What a learner hands on.

    Attributes
    ----------
    batches : iterator of (rows, D) float32
        The vectors of all words in rank order, some at a time, to be read once while the run directory is there.
    history : list of RoundRecord
        What happened on the way.
    weights : mapping of str to (rows, D) float32
        What training would go on from: ``w_in``, and ``w_out`` or ``w_node``; nothing where nothing can.
    documents : tuple of Stretches
        Where the rows of each shard's documents are; empty where documents have none.
    ngrams : Ngrams, optional
        Of a model with sub-words, whose words' rows in ``weights`` are the means that they stand for.
    steps : list of StepRecord
        What happened in the place of rounds, where counts are decomposed.
    """

    batches: Iterator[Matrix]
    history: list[RoundRecord]
    weights: Mapping[str, MatrixReader]
    documents: tuple[Stretches, ...] = ()
    ngrams: Ngrams | None = None
    steps: Sequence[StepRecord] = ()

    @property
    def seconds(self) -> float:
        """Of all rounds or steps, those before an interruption included."""
        rounds = sum(record.seconds["total"] for record in self.history)
        return rounds + sum(step.seconds["total"] for step in self.steps)


class Learner(Protocol):
    """Makes vectors of an encoded corpus."""

    def learn(
        self,
        spark: SparkSession,
        directory: RunDirectory,
        run: Run,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        progress: Progress,
    ) -> Learned:
        """Begin, or go on where an interrupted run has stopped: what is done so far is in the run directory.

        Raises
        ------
        W2VError
            There is nothing to learn from, or learning has failed; what the run directory has is kept.
        """
        ...
