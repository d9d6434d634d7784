"""Learning by counting: counts of pairs or of words in documents, weights of them, and their decomposition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from w2v_spark.config import Objective, PublishedRows, TermWeights
from w2v_spark.corpus.chunk_files import ChunkFile, read_arrays, write_arrays
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.whole_documents import parts_in_order
from w2v_spark.counting.documents import WordStatistics
from w2v_spark.counting.ranges import cut_rows, pair_entries
from w2v_spark.counting.rows import RowFile
from w2v_spark.counting.stages import Counted, MatrixRows, Stages
from w2v_spark.counting.weights import association_terms, word_weights
from w2v_spark.errors import InputError, Name
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.subsample import keep_probabilities
from w2v_spark.run.directory import CORPUS, FACTORIZATION, RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.run.progress import Progress
from w2v_spark.spark.counting_tasks import (
    AddRows,
    Associate,
    CountDocuments,
    Counting,
    CountPairs,
    WeighDocuments,
    WeighWords,
)
from w2v_spark.spark.decomposition import Decomposition
from w2v_spark.spark.learner import Learned
from w2v_spark.spark.numbered_tasks import do_numbered
from w2v_spark.training.file_rows import ROWS_AT_A_TIME
from w2v_spark.training.matrix_files import Matrix, MatrixReader

_SENTENCE: Final = 1_000_000_000  # words on each side, of a window that ends with its sentence


@dataclass(frozen=True, slots=True)
class CountsLearner:
    """Positive pointwise mutual information or latent semantic analysis: vectors by a decomposition of counts.

    What is finished is kept below ``factorization`` in the run directory: counts, weights, and each step.
    """

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
        InputError
            No two words stand beside each other, or no document differs from the others: there is nothing to decompose.
        """
        stages = Stages.open(directory.directory.child(FACTORIZATION), run.identity)
        work = _Counts(spark, stages, directory, run, corpus, vocabulary, progress)
        if (matrix := stages.read_matrix()) is None:
            matrix = work.weigh(work.count())
        stages.keep(matrix.files | (set() if (steps := stages.read_steps()) is None else steps.files))
        if not matrix.entries:
            raise _nothing(run)
        progress.say(f"a matrix of {matrix.shape[0]:,} x {matrix.shape[1]:,} with {matrix.entries:,} entries")
        decomposition = Decomposition(spark, stages, run.config, matrix, progress)
        steps = decomposition.run()
        if not (rank := int(np.count_nonzero(steps.values))):
            raise _nothing(run)
        if rank < run.config.model.dim:
            found = "1 independent direction" if rank == 1 else f"{rank} independent directions"
            progress.warn(
                f"the counts have {found}, fewer than model.dim = {run.config.model.dim}: the other coordinates of the "
                "vectors are 0; give more text, or lower model.dim"
            )
        sides = _published(run)
        matrices = decomposition.vectors(steps, sides)
        return Learned(_batches(matrices, run.config.model.dim), [], {}, steps=steps.history)


def _nothing(run: Run) -> InputError:
    """With what may help: settings that are as low as they may be are not named."""
    lowered: tuple[tuple[str, float], ...] = (("vocabulary.min_count", run.config.vocabulary.min_count),)
    if run.config.model.objective is Objective.LSA:
        why = "no word tells a document from the others; give a document a row, and more than one of them"
    else:
        why = "no two words are near each other more often than by chance; give more text"
        lowered = (("counts.shift", run.config.counts.shift), *lowered)
    parts: list[Name | str] = []
    for key, value in lowered:
        if value > 1:
            parts += [" or " if parts else ", or lower ", Name(key), f" ({value})"]
    return InputError(f"there is nothing to decompose: {why}", *parts)


def _published(run: Run) -> tuple[str, ...]:
    """Which sides' vectors are added up."""
    if run.config.model.objective is Objective.LSA:
        return ("right",)
    rows = run.config.model.published_rows
    return {PublishedRows.INPUT: ("left",), PublishedRows.OUTPUT: ("right",)}.get(rows, ("left", "right"))


def _batches(matrices: Sequence[tuple[MatrixReader, npt.NDArray[np.float32]]], dim: int) -> Iterator[Matrix]:
    """The vectors of all words, each matrix times the signs of its columns."""
    rows = len(matrices[0][0])
    for start in range(0, rows, ROWS_AT_A_TIME):
        first, *others = (matrix[start : start + ROWS_AT_A_TIME] * signs for matrix, signs in matrices)
        yield np.ascontiguousarray((first + others[0] if others else first)[:, :dim])


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Counts and weighs."""

    spark: SparkSession
    stages: Stages
    directory: RunDirectory
    run: Run
    corpus: EncodedCorpus
    vocabulary: Vocabulary
    progress: Progress

    def count(self) -> Counted:
        """Counts in files, those that are there already or new ones."""
        if (counted := self.stages.read_counted()) is None:
            counts_pairs = self.run.config.model.objective is Objective.PPMI_SVD
            with self.progress.stage("pairs" if counts_pairs else "documents"):
                counted = self._count_pairs() if counts_pairs else self._count_documents()
            self.stages.write_counted(counted)
        files = {file.name for file in (*counted.left, *counted.right)}
        self.stages.keep(files | {counted.arrays.name})
        return counted

    def weigh(self, counted: Counted) -> MatrixRows:
        """What the counts become."""
        with self.progress.stage("weights"):
            if self.run.config.model.objective is Objective.PPMI_SVD:
                matrix = self._associate(counted)
            else:
                matrix = self._weigh_terms(counted)
        self.stages.write_matrix(matrix)
        return matrix

    def _counting(self, ranges: npt.NDArray[np.int64]) -> Counting:
        parts = tuple(part for _, _, part in parts_in_order(self.corpus))
        corpus, uri = self.directory.directory.child(CORPUS).uri, self.stages.directory.uri
        return Counting(corpus, uri, parts, len(self.vocabulary), tuple(ranges.tolist()))

    def _count_pairs(self) -> Counted:
        rows, counts = input_rows_of(self.run.config.model), self.vocabulary.trained_counts
        window = _SENTENCE if rows.whole_sentence else rows.window
        reach = min(window, self.run.config.text.max_sentence_length)
        counting = self._counting(cut_rows(pair_entries(counts, reach)))
        count = CountPairs(counting, min(window, reach) if rows.whole_sentence else window, rows.shrinks)
        found = do_numbered(self.spark, count, len(counting.parts))
        files = tuple(ChunkFile(*file) for files in found for file in files)
        kept = keep_probabilities(self.vocabulary.counts, self.run.config.train.sample)
        file = write_arrays(self.stages.directory, "kept", {"kept": kept})
        add = AddRows(counting, files, (0,) * len(files), len(counts), file)
        added = do_numbered(self.spark, add, len(counting.ranges) - 1)
        left = tuple(RowFile(*rows) for rows, _ in added)
        sums = np.concatenate([self._arrays(sums)["sums"] for _, sums in added])
        settings = self.run.config.counts
        terms = association_terms(sums, kept, settings.smoothing, settings.shift)
        return Counted(left, left, write_arrays(self.stages.directory, "terms", terms._asdict()))

    def _count_documents(self) -> Counted:
        counts = self.vocabulary.trained_counts
        counting = self._counting(cut_rows(counts.astype(np.float64)))
        found = do_numbered(self.spark, CountDocuments(counting), len(counting.parts))
        documents = tuple(RowFile(*rows) for rows, _, _ in found)
        seen = WordStatistics(len(counts))
        for file, (_, _, arrays) in zip(documents, found, strict=True):
            seen.add(file.rows, **self._arrays(arrays))
        offsets = (0, *np.cumsum([file.rows for file in documents]).tolist()[:-1])
        turned = tuple(ChunkFile(*words) for _, words, _ in found)
        add = AddRows(counting, turned, offsets, seen.documents)
        added = do_numbered(self.spark, add, len(counting.ranges) - 1)
        words = word_weights(self.run.config.counts.term_weights, counts, seen)
        return Counted(
            documents, tuple(RowFile(*rows) for rows, _ in added),
            write_arrays(self.stages.directory, "words", {"words": words}),
        )  # fmt: skip

    def _associate(self, counted: Counted) -> MatrixRows:
        counting, symmetric = self._counting(_ranges_of(counted.left)), self.run.config.counts.smoothing == 1
        associate = Associate(counting, counted.left, counted.arrays, symmetric)
        found = do_numbered(self.spark, associate, len(counted.left))
        return MatrixRows(*(tuple(RowFile(*files[side]) for files in found) for side in (0, 1)))

    def _weigh_terms(self, counted: Counted) -> MatrixRows:
        damped = self.run.config.counts.term_weights is TermWeights.LOG_ENTROPY
        weigh = WeighDocuments(self.stages.directory.uri, counted.left, counted.arrays, damped)
        found = do_numbered(self.spark, weigh, len(counted.left))
        norms = tuple(ChunkFile(*norms) for _, norms in found)
        counting = self._counting(_ranges_of(counted.right))
        by_words = WeighWords(counting, counted.right, counted.arrays, norms, damped)
        words = do_numbered(self.spark, by_words, len(counted.right))
        return MatrixRows(tuple(RowFile(*rows) for rows, _ in found), tuple(RowFile(*rows) for rows in words))

    def _arrays(self, file: Any) -> dict[str, npt.NDArray[Any]]:
        return read_arrays(self.stages.directory, ChunkFile(*file))


def _ranges_of(files: Sequence[RowFile]) -> npt.NDArray[np.int64]:
    """Where the ranges begin that some files are the rows of, and behind them all rows."""
    return np.concatenate([[0], np.cumsum([file.rows for file in files])]).astype(np.int64)
