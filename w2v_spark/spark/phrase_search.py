"""The search for phrases as Spark jobs: on text that is encoded already, one aggregation a pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config.phrases_section import PhrasesConfig
from w2v_spark.corpus.chunk_files import ChunkFile, read_arrays, write_arrays
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.phrases.candidates import DELIMITER, Kinds
from w2v_spark.phrases.connectors import read_connectors
from w2v_spark.phrases.scores import Bounds, Corpus, score_pairs, threshold_of
from w2v_spark.phrases.table import NO_PASS, PassIds, PhraseTable, names_of
from w2v_spark.run.directory import CORPUS
from w2v_spark.run.progress import Progress
from w2v_spark.spark.encode_pass import EncodePass, KeptChunks
from w2v_spark.spark.join_tasks import JoinedWords
from w2v_spark.spark.phrase_tasks import COUNT_SCHEMA, SCORE_SCHEMA, CountPairs, PairBounds, ScorePairs
from w2v_spark.storage import Directory
from w2v_spark.text.words import MAX_WORD_BYTES

Counts = npt.NDArray[np.int64]


class FoundPhrases(NamedTuple):
    """What a search has found.

    Attributes
    ----------
    table : PhraseTable
    counts : (ids,) int64
        How often each id occurs once all phrases are joined: words, a gap, and phrases by `PhraseTable.names`.
    ids : tuple of ChunkFile
        The text in these ids.
    """

    table: PhraseTable
    counts: Counts
    ids: tuple[ChunkFile, ...]


@dataclass(frozen=True, slots=True)
class PhraseSearch:
    """Finds phrases in files of ids, which it replaces by others pass by pass, and joins each pass once.

    Attributes
    ----------
    spark : SparkSession
    config : PhrasesConfig
    corpus : Directory
        Where the files are, and where what is found on the way is kept.
    files : tuple of ChunkFile
        Of ids as they were read.
    vocabulary : Vocabulary
        The words that phrases can be made of.
    tokens : int
        Words in all the text, the unknown included.
    progress : Progress
    """

    spark: SparkSession
    config: PhrasesConfig
    corpus: Directory
    files: tuple[ChunkFile, ...]
    vocabulary: Vocabulary
    tokens: int
    progress: Progress

    @classmethod
    def on(
        cls, spark: SparkSession, encode: EncodePass, kept: KeptChunks, seen: CorpusStatistics, progress: Progress
    ) -> PhraseSearch:
        """A search on text that a pass has kept, which was counted as ``seen``."""
        return cls(
            spark, encode.config.phrases, encode.run.child(CORPUS), kept.ids, encode.vocabulary, seen.tokens,
            progress,
        )  # fmt: skip

    def find(self) -> FoundPhrases:
        """All passes, or fewer where one finds nothing."""
        kinds = Kinds.of_words(self.vocabulary.words, read_connectors(self.config.connector_words))
        table, counts = PhraseTable.none(), np.append(self.vocabulary.trained_counts, 0)
        joined, files = NO_PASS, self.files
        most = least = counts
        for number in range(1, self.config.passes + 1):
            threshold = threshold_of(self.config.scorer, self._threshold(), number)
            bounds = Bounds.of(self.config.scorer, most, least, self.tokens, threshold, self.config.min_count)
            files, sums, counts = self._count(files, kinds, joined, counts, bounds)
            found, best = self._score(sums, counts, kinds, table, threshold)
            self._warn(found, best, number, threshold)
            if not len(found):
                break
            table = table.with_pass(found, number)
            kinds, joined = kinds.with_phrases(len(table.names())), table.in_ids(self.vocabulary.words)[-1]
            counts = np.append(counts, np.zeros(len(kinds.of) - len(counts), np.int64))
            most, least = _limits(counts, joined, found["count"].to_numpy())
        else:
            files, _, counts = self._count(files, kinds, joined, counts, None)
        self._warn_of_all(counts)
        return FoundPhrases(table, counts, files)

    def _threshold(self) -> float | None:
        return None if isinstance(self.config.threshold, str) else self.config.threshold

    def _count(
        self, files: tuple[ChunkFile, ...], kinds: Kinds, joined: PassIds, counts: Counts, bounds: Bounds | None
    ) -> tuple[tuple[ChunkFile, ...], _Sums, Counts]:
        """Join the phrases of the last pass, and count pairs, where there are bounds for them.

        Parameters
        ----------
        files : tuple of ChunkFile
            They are removed where others take their place.
        joined : PassIds
            Of the last pass.
        counts : (ids,) int64
            How often each id occurs without it.
        bounds : Bounds, optional

        Returns
        -------
        The files with the phrases joined, the sums of pairs, and how often each id occurs now.
        """
        limits = None
        if bounds is not None:
            file = write_arrays(self.corpus, "limits", {"limits": bounds.limits})
            limits = PairBounds(file, bounds.factor)
        task = CountPairs(self.corpus.uri, files, JoinedWords.write(self.corpus, kinds, joined), limits)
        rows = self._tasks(len(files)).mapInArrow(task, COUNT_SCHEMA).toArrow().sort_by("number").to_pylist()
        times, counts = np.zeros(len(joined.phrases), np.int64), counts.copy()
        for row in rows if len(times) else ():
            times += read_arrays(self.corpus, ChunkFile(row["times"], row["times_digest"]))["times"]
        joined.take(counts, times)
        joined.give(counts, times)
        sums = tuple(ChunkFile(row["pairs"], row["pairs_digest"]) for row in rows)
        written = tuple(ChunkFile(row["ids"], row["ids_digest"]) for row in rows)
        self._remove(set(files) - set(written))
        return written, _Sums(sums, sum(row["distinct"] for row in rows)), counts

    def _score(
        self, sums: _Sums, counts: Counts, kinds: Kinds, table: PhraseTable, threshold: float
    ) -> tuple[pa.Table, float]:
        """The phrases among counted pairs, as `PhraseTable.with_pass` takes them; and the best score of all others.

        How many distinct pairs there are, which gensim's scorer asks for, is known once all are added up. So tasks take
        all the sums for distinct, and what scores high enough by that is scored again.
        """
        scorer, min_count = self.config.scorer, self.config.min_count
        file = write_arrays(self.corpus, "counts", {"counts": counts})
        task = ScorePairs(
            self.corpus.uri, sums.files, len(self.files), bool(len(kinds.connectors)), file, scorer,
            self._corpus(counts, kinds, sums.distinct), min_count, threshold,
        )  # fmt: skip
        rows = self._tasks(len(self.files)).mapInArrow(task, SCORE_SCHEMA).toArrow()
        self._remove(sums.files)
        corpus = self._corpus(counts, kinds, pc.sum(rows["distinct"]).as_py() or 0)
        rows = rows.filter(pc.is_valid(rows["pair"])).combine_chunks()
        pairs = rows["pair"].to_numpy()
        first, second = counts[pairs >> 32], counts[pairs & 0xFFFFFFFF]
        scores = score_pairs(scorer, rows["count"].to_numpy(), first, second, corpus, min_count)
        kept = scores > threshold
        columns = {"first": first, "second": second, "score": scores}
        scored = pa.table({**{name: rows[name] for name in ("pair", "run", "count")}, **columns})
        best = float(np.max(scores[~kept], initial=-np.inf))
        return self._named(scored.filter(pa.array(kept)).combine_chunks(), kinds, table), best

    def _remove(self, files: Iterable[ChunkFile]) -> None:
        for name, _ in files:
            self.corpus.remove(name)

    def _tasks(self, number: int) -> DataFrame:
        """A number for each of some tasks."""
        return self.spark.range(0, number, 1, max(number, 1))

    def _corpus(self, counts: Counts, kinds: Kinds, pairs: int) -> Corpus:
        """What scorers know of the text after the joining of earlier passes."""
        unknown = self.tokens - self.vocabulary.tokens
        known = np.count_nonzero(counts) - np.count_nonzero(counts[kinds.connectors])
        return Corpus(unknown + int(counts.sum()), int(known) + pairs)

    def _named(self, found: pa.Table, kinds: Kinds, table: PhraseTable) -> pa.Table:
        """Phrases with their names, the most frequent first."""
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
        return rows.sort_by(order).drop("first")

    def _warn(self, found: pa.Table, score: float, number: int, threshold: float) -> None:
        of_pass = f"pass {number}: " if self.config.passes > 1 else ""
        if not len(found):
            none = "none can, by the counts of its words"
            best = f"the best one has {score:.4g}" if score > -np.inf else none
            self.progress.warn(
                f"{of_pass}no pair of words scores above {threshold:g}, which is phrases.threshold "
                f"({self.config.scorer}); {best}"
            )
            return
        self.progress.say(f"{of_pass}{len(found):,} phrases score above {threshold:g} ({self.config.scorer})")

    def _warn_of_all(self, counts: Counts) -> None:
        """Where most of the text has become phrases."""
        joined, words = int(counts[len(self.vocabulary) + 1 :].sum()), int(counts.sum())
        if words and joined > words / 2:
            self.progress.warn(
                f"{joined:,} of {words:,} words of the text are phrases now: phrases.threshold is so low that it joins "
                "almost everything; raise it"
            )


class _Sums(NamedTuple):
    """Files of sums of pairs, and how many sums there are; a pair may be in each of the files."""

    files: tuple[ChunkFile, ...]
    distinct: int


def _limits(counts: Counts, joined: PassIds, pairs: Counts) -> tuple[Counts, Counts]:
    """What each id occurs at most and at least once the phrases of a pass are joined, which take no more than pairs."""
    most, least = counts.copy(), counts.copy()
    joined.give(most, pairs)
    joined.take(least, pairs)
    return most, np.maximum(least, 0)


def _interleaved(first: pa.Array, second: pa.Array) -> pa.Array:
    """Lists of two."""
    n = len(first)
    order = np.arange(2 * n).reshape(2, n).T.reshape(-1)
    flat = pa.concat_arrays([first, second]).take(pa.array(order))
    return pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * n + 1, 2, dtype=np.int32)), flat)
