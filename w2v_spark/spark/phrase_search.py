"""The search for phrases as Spark jobs: on text that is encoded already, one aggregation a pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from w2v_spark.config.phrases_section import PhrasesConfig
from w2v_spark.corpus.chunk_files import ChunkFile
from w2v_spark.corpus.id_counts import read_id_counts
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.phrases.candidates import DELIMITER, Kinds
from w2v_spark.phrases.connectors import read_connectors
from w2v_spark.phrases.scores import Bounds, Corpus, threshold_of
from w2v_spark.phrases.table import PhraseTable, names_of
from w2v_spark.publishing.layout import PHRASES
from w2v_spark.run.directory import CORPUS
from w2v_spark.run.progress import Progress
from w2v_spark.spark.encode_pass import EncodePass, KeptChunks, gather_by
from w2v_spark.spark.join_tasks import JoinedWords
from w2v_spark.spark.phrase_tasks import (
    NO_PART,
    PAIR_SCHEMA,
    SCORE_SCHEMA,
    TOTAL_SCHEMA,
    AddPairs,
    CountPairs,
    ScorePairs,
)
from w2v_spark.storage import Directory, arrays_to_bytes, digest
from w2v_spark.text.words import MAX_WORD_BYTES

Counts = npt.NDArray[np.int64]


class FoundPhrases(NamedTuple):
    """What a search has found.

    Attributes
    ----------
    table : PhraseTable
    counts : (ids,) int64
        How often each id occurs once all phrases are joined: words, a gap, and phrases by `PhraseTable.names`.
    words : JoinedWords
        The same for tasks.
    """

    table: PhraseTable
    counts: Counts
    words: JoinedWords


@dataclass(frozen=True, slots=True)
class PhraseSearch:
    """Finds phrases in files of chunks.

    Attributes
    ----------
    spark : SparkSession
    config : PhrasesConfig
    run, corpus : Directory
        Of the run; where its chunks are, and where what is found on the way is kept.
    files : tuple of ChunkFile
    vocabulary_file, vocabulary_digest : str
    vocabulary : Vocabulary
        The words that phrases can be made of.
    tokens : int
        Words in all the text, the unknown included.
    progress : Progress
    """

    spark: SparkSession
    config: PhrasesConfig
    run: Directory
    corpus: Directory
    files: tuple[ChunkFile, ...]
    vocabulary_file: str
    vocabulary_digest: str
    vocabulary: Vocabulary
    tokens: int
    progress: Progress

    @classmethod
    def on(
        cls, spark: SparkSession, encode: EncodePass, kept: KeptChunks, seen: CorpusStatistics, progress: Progress
    ) -> PhraseSearch:
        """A search on text that a pass has kept, which was counted as ``seen``."""
        return cls(
            spark, encode.config.phrases, encode.run, encode.run.child(CORPUS), kept.files, encode.vocabulary_file,
            encode.vocabulary_digest, encode.vocabulary, seen.tokens, progress,
        )  # fmt: skip

    def find(self) -> FoundPhrases:
        """All passes, or fewer where one finds nothing."""
        connectors = read_connectors(self.config.connector_words)
        words = JoinedWords(self.run.uri, self.vocabulary_file, self.vocabulary_digest, "", "", connectors)
        table = PhraseTable.none()
        most = least = np.append(self.vocabulary.counts, 0)
        for number in range(1, self.config.passes + 1):
            kinds = Kinds.of_words(self.vocabulary.words, connectors, len(table.names()))
            threshold = threshold_of(self.config.scorer, self._threshold(), number)
            found = self._pass(words, table, kinds, (most, least), threshold)
            self._warn(found, number, threshold)
            if not len(found.phrases):
                counts = found.counts
                break
            table = table.with_pass(found.phrases, number)
            data = table.to_bytes()
            self.run.write_bytes(PHRASES, data)
            words = replace(words, phrases_file=PHRASES, phrases_digest=digest(data))
            most, least = _limits(found, self.vocabulary, table)
        else:
            counts = self._recount(words, table)
        self._warn_of_all(counts)
        return FoundPhrases(table, counts, words)

    def _threshold(self) -> float | None:
        return None if isinstance(self.config.threshold, str) else self.config.threshold

    def _pass(
        self, words: JoinedWords, table: PhraseTable, kinds: Kinds, limits: tuple[Counts, Counts], threshold: float
    ) -> _Pass:
        """One pass: count pairs, then score them with what is known once all are counted."""
        scorer, min_count = self.config.scorer, self.config.min_count
        bounds = Bounds.of(scorer, *limits, self.tokens, threshold, min_count)
        task = CountPairs(
            self.corpus.uri,
            self.files,
            words,
            max(len(self.files), 2),
            self._keep("bounds", most=bounds.most, least=bounds.least),
            bounds.factor,
            min_count,
        )
        numbers = self.spark.range(0, len(self.files), 1, max(len(self.files), 1))
        pairs = numbers.mapInArrow(task, PAIR_SCHEMA)
        add = AddPairs(self.corpus.uri, min_count, bool(len(kinds.connectors)))
        rows = gather_by(pairs, "part", task.parts).mapInArrow(add, TOTAL_SCHEMA).toArrow().to_pylist()
        counts = read_id_counts(
            self.corpus, [(row["file"], row["digest"]) for row in rows if row["part"] == NO_PART], len(kinds.of)
        )
        counts[kinds.gap] = 0
        files = sorted((row["part"], row["file"], row["digest"]) for row in rows if row["part"] != NO_PART)
        corpus = self._corpus(counts, kinds, sum(row["distinct"] for row in rows))
        score = ScorePairs(
            self.corpus.uri, tuple(ChunkFile(*file[1:]) for file in files), self._keep("counts", counts=counts), scorer,
            corpus, min_count, threshold,
        )  # fmt: skip
        numbers = self.spark.range(0, len(files), 1, max(len(files), 1))
        scored = numbers.mapInArrow(score, SCORE_SCHEMA).toArrow() if files else None
        return _Pass(counts, *self._named(scored, kinds, table))

    def _corpus(self, counts: Counts, kinds: Kinds, pairs: int) -> Corpus:
        """What scorers know of the text after the joining of earlier passes."""
        unknown = self.tokens - self.vocabulary.tokens
        known = np.count_nonzero(counts) - np.count_nonzero(counts[kinds.connectors])
        return Corpus(unknown + int(counts.sum()), int(known) + pairs)

    def _keep(self, name: str, **arrays: npt.NDArray[Any]) -> ChunkFile:
        """Arrays as a file, for tasks."""
        data = arrays_to_bytes(arrays)
        file = ChunkFile(f"{digest(data)}.{name}.npz", digest(data))
        self.corpus.write_bytes(file.name, data)
        return file

    def _named(self, scored: pa.Table | None, kinds: Kinds, table: PhraseTable) -> tuple[pa.Table, float]:
        """Phrases as `PhraseTable.with_pass` takes them, the most frequent first; and the best score of all others."""
        if scored is None:
            return PhraseTable.none().table, -np.inf
        best = pc.max(scored["best"]).as_py()
        found = scored.filter(pc.is_valid(scored["pair"])).combine_chunks()
        pairs, names = found["pair"].to_numpy(), table.names()
        ends = [names_of(ids, self.vocabulary.words, names) for ids in (pairs >> 32, pairs & 0xFFFFFFFF)]
        parts = _interleaved(*ends)
        if len(longer := np.flatnonzero(found["run"].to_numpy())):
            listed = parts.to_pylist()
            for row in longer.tolist():
                inner = [self.vocabulary.words[i].as_py() for i in kinds.run(found["run"][row].as_py())]
                listed[row] = [listed[row][0], *inner, listed[row][1]]
            parts = pa.array(listed, pa.list_(pa.string()))
        joined = pc.binary_join(parts, DELIMITER)
        rows = pa.table({
            "phrase": joined, "parts": parts, "count": found["count"], "count_a": found["first"],
            "count_b": found["second"], "score": found["score"], "first": ends[0],
        }).filter(pc.less_equal(pc.binary_length(joined), MAX_WORD_BYTES))  # fmt: skip
        order = [("count", "descending"), ("phrase", "ascending"), ("first", "ascending")]
        return rows.sort_by(order).drop("first"), best

    def _recount(self, words: JoinedWords, table: PhraseTable) -> Counts:
        """How often each id occurs with all phrases joined."""
        kinds = Kinds.of_words(self.vocabulary.words, words.connectors, len(table.names()))
        nothing = self._keep("bounds", most=np.zeros(1, np.int64), least=np.zeros(1, np.int64))
        task = CountPairs(self.corpus.uri, self.files, words, 1, nothing, 0.0, 1, pairs=False)
        numbers = self.spark.range(0, len(self.files), 1, max(len(self.files), 1))
        rows = numbers.mapInArrow(task, PAIR_SCHEMA).where(F.col("part") == NO_PART).toArrow().to_pylist()
        counts = read_id_counts(self.corpus, [(row["file"], row["digest"]) for row in rows], len(kinds.of))
        counts[kinds.gap] = 0
        return counts

    def _warn(self, found: _Pass, number: int, threshold: float) -> None:
        of_pass = f"pass {number}: " if self.config.passes > 1 else ""
        if not len(found.phrases):
            none = "none can, by the counts of its words"
            best = f"the best one has {found.best:.4g}" if found.best > -np.inf else none
            self.progress.warn(
                f"{of_pass}no pair of words scores above {threshold:g}, which is phrases.threshold "
                f"({self.config.scorer}); {best}"
            )
            return
        self.progress.say(f"{of_pass}{len(found.phrases):,} phrases score above {threshold:g} ({self.config.scorer})")

    def _warn_of_all(self, counts: Counts) -> None:
        """Where most of the text has become phrases."""
        joined, words = int(counts[len(self.vocabulary) + 1 :].sum()), int(counts.sum())
        if words and joined > words / 2:
            self.progress.warn(
                f"{joined:,} of {words:,} words of the text are phrases now: phrases.threshold is so low that it joins "
                "almost everything; raise it"
            )


class _Pass(NamedTuple):
    """Counts of ids before the pass, its phrases, and the best score of a pair that is none."""

    counts: Counts
    phrases: pa.Table
    best: float


def _limits(found: _Pass, vocabulary: Vocabulary, table: PhraseTable) -> tuple[Counts, Counts]:
    """What each id occurs at most and at least once the phrases of a pass are joined, which take no more than pairs."""
    names = table.names()
    most = np.zeros(len(vocabulary) + 1 + len(names), np.int64)
    most[: len(found.counts)] = found.counts
    least = most.copy()
    units = pa.concat_arrays([vocabulary.words.cast(pa.string()), pa.array([None], pa.string()), names])
    parts = found.phrases["parts"].combine_chunks()
    counts = found.phrases["count"].to_numpy()
    lengths = np.asarray(pc.list_value_length(parts), np.int64)
    np.subtract.at(least, np.asarray(pc.index_in(parts.flatten(), units), np.int64), np.repeat(counts, lengths))
    np.add.at(most, np.asarray(pc.index_in(found.phrases["phrase"], units), np.int64), counts)
    return most, np.maximum(least, 0)


def _interleaved(first: pa.Array, second: pa.Array) -> pa.Array:
    """Lists of two."""
    n = len(first)
    order = np.arange(2 * n).reshape(2, n).T.reshape(-1)
    flat = pa.concat_arrays([first, second]).take(pa.array(order))
    return pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * n + 1, 2, dtype=np.int32)), flat)
