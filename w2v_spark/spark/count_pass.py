"""The first pass over the text as a Spark job: count the words, and choose those that get a vector."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from w2v_spark.config import Config, TextConfig
from w2v_spark.corpus.numbered_words import WordsWriter
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import Name, VocabularyError
from w2v_spark.phrases.units import NO_UNITS, Units
from w2v_spark.spark.parquet_pieces import Pieces
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.sequence_checks import foreign_letters
from w2v_spark.spark.word_counts import collect_counts, keep_counts, most_partitions
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import Analyzer

_BATCH_RECORDS: Final = 100_000
_MOST_WORDS: Final = 1 << 20  # distinct words that a task holds before it hands partial counts on
_ADDED_UP_BYTES: Final = 256 << 20  # of local files, whose counts the driver adds up: Spark would take longer
_ADDED_UP_WORDS: Final = 8 << 20  # of all partitions together, at most
_TOO_MANY: Final = "too many"  # instead of a statistic
_COUNT_SCHEMA: Final = "word string, statistic string, count bigint"


@dataclass(frozen=True, slots=True)
class CountWords:
    """Partial word counts of a partition: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    most : int, optional
        A partition that has more words says so, and nothing else.
    """

    analyzer: Analyzer
    most: int | None = None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Words with their counts, then the partition's statistics, whose words are null."""
        return self.count(batches, None)

    def count(self, batches: Iterator[pa.RecordBatch], kept: WordsWriter | None) -> Iterator[pa.RecordBatch]:
        """The same; where words are kept, they are complete before the statistics are handed on."""
        table, sentences, tokens = WordTable(), 0, 0
        for batch in batches:
            for words in self.analyzer.words(batch.column(0)):
                sentences += int(np.count_nonzero(words.breaks))
                tokens += len(words)
                numbers = table.count(words)
                if kept is not None:
                    kept.add(numbers, words.breaks)
                if self.most is not None and len(table) > self.most:
                    yield _statistics({_TOO_MANY: 1})
                    return
                if len(table) > _MOST_WORDS:
                    yield from _count_batches(table.words(), table.counts())
                    if kept is not None:
                        kept.end_table(table)
                    table.clear()
        yield from _count_batches(table.words(), table.counts())
        if kept is not None:
            kept.end_table(table)
            kept.finish()
        totals = {"sentences": sentences, "tokens": tokens, **asdict(self.analyzer.seen)}
        yield _statistics(totals)


@dataclass(frozen=True, slots=True)
class CountPieces:
    """The same of pieces by their numbers: runs on the executors under ``mapInArrow``."""

    pieces: Pieces
    count: CountWords

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """See `CountWords`."""
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            kept = WordsWriter(Directory.open(self.pieces.kept), number) if self.pieces.kept else None
            count = replace(self.count, analyzer=copy(self.count.analyzer))  # whose statistics are those of a piece
            yield from count.count(self.pieces.documents(number), kept)


def _statistics(totals: dict[str, int]) -> pa.RecordBatch:
    names, counts = pa.array(list(totals), pa.string()), pa.array(list(totals.values()), pa.int64())
    return pa.record_batch([pa.nulls(len(names), pa.string()), names, counts], names=["word", "statistic", "count"])


def _count_batches(words: pa.Array, counts: Any) -> Iterator[pa.RecordBatch]:
    columns = [words, pa.nulls(len(words), pa.string()), pa.array(counts, pa.int64())]
    batch = pa.record_batch(columns, names=["word", "statistic", "count"])
    for start in range(0, len(batch), _BATCH_RECORDS):
        yield batch.slice(start, _BATCH_RECORDS)


def count_words(
    documents: DataFrame, config: TextConfig, units: Units = NO_UNITS, pieces: Pieces | None = None
) -> DataFrame:
    """All words of the corpus with their counts; and, where ``statistic`` is not null, what was seen besides."""
    partial = partial_counts(documents, config, units, None, pieces)
    return partial.groupBy("word", "statistic").agg(F.sum("count").alias("count"))


def partial_counts(
    documents: DataFrame,
    config: TextConfig,
    units: Units = NO_UNITS,
    most: int | None = None,
    pieces: Pieces | None = None,
) -> DataFrame:
    """What `count_words` adds up: each partition has rows of its own; see `CountWords`."""
    task = CountWords(units.analyzer(config), most)
    if pieces is not None:
        return pieces.numbers(documents.sparkSession).mapInArrow(CountPieces(pieces, task), _COUNT_SCHEMA)
    return documents.select("document").mapInArrow(task, _COUNT_SCHEMA)


def build_vocabulary(
    documents: DataFrame,
    config: Config,
    kept: Directory | None = None,
    units: Units = NO_UNITS,
    size: int | None = None,
    pieces: Pieces | None = None,
) -> tuple[Vocabulary, CorpusStatistics]:
    """Count the corpus and keep the words that get a vector.

    Only words that reach ``min_count``, and at most ``max_size`` of them, come to the driver. Of a moderate text all
    do, and are added up there in a fraction of the time; where these are too many, they are counted again.

    Parameters
    ----------
    documents
        With a column ``document`` of text or of lists of words.
    kept : Directory, optional
        The counts of all words are written there, see `w2v_spark.corpus.word_counts`.
    units : Units
        What words become before they are counted.
    size : int, optional
        Bytes of the text's files, where these are known.
    pieces : Pieces, optional
        The same documents as files that tasks read themselves.

    Raises
    ------
    VocabularyError
        Fewer than two words are left.
    """
    if size is not None and size <= _ADDED_UP_BYTES and kept is None:
        parts = default_parallelism(documents.sparkSession) if pieces is None else len(pieces.parts)
        most = _ADDED_UP_WORDS // max(parts, 8)  # of each partition
        partial = partial_counts(documents, config.text, units, most, pieces).toArrow()
        if not pc.any(pc.equal(partial["statistic"], _TOO_MANY)).as_py():
            return _vocabulary_of(*_add_up(partial, config.vocabulary.min_count), config)
    return collect_vocabulary(count_words(documents, config.text, units, pieces), config, kept)


def collect_vocabulary(
    counts: DataFrame, config: Config, kept: Directory | None = None
) -> tuple[Vocabulary, CorpusStatistics]:
    """Keep the words that get a vector, of all that were counted.

    Parameters
    ----------
    counts : DataFrame
        What `count_words` gives. With a column ``trained`` where words are counted that are not trained on.
    kept : Directory, optional
        See `build_vocabulary`.

    Returns
    -------
    The vocabulary, and what was seen.

    Raises
    ------
    VocabularyError
        Fewer than two words are left.
    """
    seen, is_word, has_trained = Observation(), F.col("statistic").isNull(), "trained" in counts.columns
    counts = counts.observe(
        seen, F.count_if(is_word).alias("distinct"), F.max(F.when(is_word, F.col("count"))).alias("most")
    )
    if kept is None:
        counts = counts.where(~is_word | (F.col("count") >= config.vocabulary.min_count))
    else:
        counts = keep_counts(counts, kept, config.vocabulary.min_count)
    if config.vocabulary.max_size:
        ranked = counts.orderBy(F.col("word").isNotNull(), F.desc("count"), F.asc("word"))
        others = len(CorpusStatistics.__slots__) + (most_partitions(counts.sparkSession) if kept else 0)
        counts = ranked.limit(config.vocabulary.max_size + others)
    table = counts.toArrow() if kept is None else collect_counts(counts.toArrow(), kept)
    return _vocabulary_of(table, int(seen.get["distinct"]), seen.get["most"], config, has_trained)


def _add_up(partial: pa.Table, min_count: int) -> tuple[pa.Table, int, int | None]:
    """What `collect_vocabulary` collects: words and statistics; how many words there are, and the highest count."""
    is_word, columns = pc.is_null(partial["statistic"]), [("count", "sum")]
    words, statistics = (  # by one column each, which takes a third of the time that both take
        partial.filter(some).group_by(name, use_threads=False).aggregate(columns).rename_columns([name, "count"])
        for name, some in (("word", is_word), ("statistic", pc.invert(is_word)))
    )
    kept = words.filter(pc.greater_equal(words["count"], min_count))
    table = pa.concat_tables([kept, statistics], promote_options="default")
    return table.select(["word", "statistic", "count"]), len(words), pc.max(words["count"]).as_py()


def _vocabulary_of(
    table: pa.Table, distinct: int, most: int | None, config: Config, has_trained: bool = False
) -> tuple[Vocabulary, CorpusStatistics]:
    """The vocabulary of counted words, and what was seen besides, of which the number of ``distinct`` words is told.

    Files of counts have a column for how often a word is trained on, which says something only where it was counted.
    """
    is_statistic = pc.is_valid(table["statistic"])
    totals = {row["statistic"]: row["count"] for row in table.filter(is_statistic).to_pylist()}
    names = [name for name in CorpusStatistics.__slots__ if name != "distinct_words"]
    statistics = CorpusStatistics(**{name: totals.get(name, 0) for name in names}, distinct_words=distinct)
    words = table.filter(pc.invert(is_statistic))
    if not len(words):
        raise _no_word(statistics, most, config)
    column = words["word"].cast(pa.string()).combine_chunks()
    trained = words["trained"].to_numpy() if has_trained else None
    vocabulary = Vocabulary.build(column, words["count"].to_numpy(), config.vocabulary, trained)
    return vocabulary, statistics


def _no_word(statistics: CorpusStatistics, most: int | None, config: Config) -> VocabularyError:
    min_count = config.vocabulary.min_count
    if not statistics.documents:
        return VocabularyError(
            "there is no document in the input; check it, ", Name("where"), " if it is given, and ",
            Name("text.column"), ", whose documents may all be null",
        )  # fmt: skip
    found = (
        f"{statistics.documents:,} documents hold no word"
        if most is None
        else f"the most frequent of {statistics.distinct_words:,} words occurs {most:,} times"
    )
    foreign = foreign_letters(statistics, config.text)
    return VocabularyError(
        *((*foreign, "; ") if foreign else ()), "no word reaches ", Name("vocabulary.min_count"), f" = {min_count} "
        f"({found}); lower ", Name("vocabulary.min_count"), ", or check that the input and ", Name("text.column"),
        " are what you meant",
    )  # fmt: skip
