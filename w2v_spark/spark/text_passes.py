"""The two passes over the text as Spark jobs: count the words, then encode the documents into shards."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from w2v_spark.config import Config, TextConfig
from w2v_spark.corpus.chunks import BLOCK_SCHEMA, BlockEncoder, decode_ids, order_blocks
from w2v_spark.corpus.shards import EncodedCorpus, Part, Shard, write_part
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import VocabularyError
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import Analyzer, build_analyzer
from w2v_spark.text.words import MAX_WORD_BYTES

BUCKET_TOKENS: Final = 1 << 23
_MOST_PARTITIONS: Final = 10_000
_BATCH_RECORDS: Final = 100_000
_MOST_WORDS: Final = 1 << 20  # distinct words that a task holds before it hands partial counts on
_COUNT_SCHEMA: Final = "word string, count bigint"
_STATISTIC: Final = " " * (MAX_WORD_BYTES + 1)  # behind the name of a statistic: no word is as long
_PART_SCHEMA: Final = "bucket int, file string, sentences bigint, batches array<int>, digest bigint"


@dataclass(frozen=True, slots=True)
class CountWords:
    """Partial word counts of a partition: runs on the executors under ``mapInArrow``."""

    analyzer: Analyzer

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Words with their counts, then the partition's statistics."""
        table, sentences, tokens = WordTable(), 0, 0
        for batch in batches:
            for words in self.analyzer.words(batch.column(0)):
                sentences += int(np.count_nonzero(words.breaks))
                tokens += len(words)
                table.count(words)
                if len(table) > _MOST_WORDS:
                    yield from _count_batches(table.words(), table.counts())
                    table.clear()
        yield from _count_batches(table.words(), table.counts())
        totals = {"sentences": sentences, "tokens": tokens, **asdict(self.analyzer.seen)}
        yield from _count_batches(pa.array([name + _STATISTIC for name in totals]), np.array(list(totals.values())))


def _count_batches(words: pa.Array, counts: Any) -> Iterator[pa.RecordBatch]:
    batch = pa.record_batch([words, pa.array(counts, pa.int64())], names=["word", "count"])
    for start in range(0, len(batch), _BATCH_RECORDS):
        yield batch.slice(start, _BATCH_RECORDS)


def count_words(documents: DataFrame, config: TextConfig) -> DataFrame:
    """All words of the corpus, ``word, count``; and statistics, whose names have more bytes than a word may have."""
    partial = documents.mapInArrow(CountWords(build_analyzer(config)), _COUNT_SCHEMA)
    return partial.groupBy("word").agg(F.sum("count").alias("count"))


def build_vocabulary(documents: DataFrame, config: Config) -> tuple[Vocabulary, CorpusStatistics]:
    """Count the corpus and keep the words that get a vector.

    Only words that reach ``min_count``, and at most ``max_size`` of them, come to the driver.

    Raises
    ------
    VocabularyError
        Fewer than two words are left.
    """
    seen, is_word = Observation(), F.octet_length("word") <= MAX_WORD_BYTES
    counts = count_words(documents, config.text).observe(
        seen, F.count_if(is_word).alias("distinct"), F.max(F.when(is_word, F.col("count"))).alias("most")
    )
    counts = counts.where(~is_word | (F.col("count") >= config.vocabulary.min_count))
    if config.vocabulary.max_size:
        ranked = counts.orderBy(is_word, F.desc("count"), F.asc("word"))
        counts = ranked.limit(config.vocabulary.max_size + len(CorpusStatistics.__slots__))
    table = counts.toArrow()
    statistic = pc.greater(pc.binary_length(table["word"]), MAX_WORD_BYTES)
    totals = {row["word"].strip(): row["count"] for row in table.filter(statistic).to_pylist()}
    statistics = CorpusStatistics(
        **{name: totals.get(name, 0) for name in CorpusStatistics.__slots__ if name != "distinct_words"},
        distinct_words=int(seen.get["distinct"]),
    )
    words = table.filter(pc.invert(statistic))
    if not len(words):
        most = seen.get["most"]
        found = (
            f"{statistics.documents:,} documents hold no word"
            if most is None
            else f"the most frequent of {statistics.distinct_words:,} words occurs {most:,} times"
        )
        raise VocabularyError(
            f"no word reaches vocabulary.min_count = {config.vocabulary.min_count} ({found}); "
            "lower vocabulary.min_count, or check that the input and text.column are what you meant"
        )
    column = words["word"].cast(pa.string()).combine_chunks()
    return Vocabulary.build(column, words["count"].to_numpy(), config.vocabulary), statistics


@dataclass(frozen=True, slots=True)
class EncodeDocuments:
    """Documents to blocks of ids with their buckets: runs on the executors under ``mapInArrow``."""

    analyzer: Analyzer
    max_sentence_length: int
    run_uri: str
    vocabulary_file: str
    buckets: int
    seed: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of `BLOCK_SCHEMA`."""
        vocabulary = Vocabulary.read(Directory.open(self.run_uri), self.vocabulary_file)
        encoder = BlockEncoder(
            WordTable.from_words(vocabulary.words), self.max_sentence_length, self.buckets, self.seed
        )
        for batch in batches:
            for words in self.analyzer.words(batch.column(0)):
                yield from encoder.add(words)
        yield encoder.finish()


@dataclass(frozen=True, slots=True)
class WriteBuckets:
    """Blocks to files of the encoded corpus, a file a bucket: runs on the executors under ``mapInArrow``."""

    corpus_uri: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file, as in ``_PART_SCHEMA``."""
        directory = Directory.open(self.corpus_uri)
        blocks = pa.Table.from_batches(batches, BLOCK_SCHEMA)
        buckets = blocks["bucket"].to_numpy()
        for bucket in np.unique(buckets):
            part, digest = _write_bucket(directory, blocks.filter(pa.array(buckets == bucket)))
            row = {"bucket": bucket, "file": part.file, "sentences": part.sentences, "batches": part.batches}
            schema = pa.schema([("bucket", pa.int32()), ("file", pa.string()), ("sentences", pa.int64()),
                                ("batches", pa.list_(pa.int32())), ("digest", pa.int64())])  # fmt: skip
            yield pa.RecordBatch.from_pylist([{**row, "digest": digest}], schema=schema)


def _write_bucket(directory: Directory, blocks: pa.Table) -> tuple[Part, int]:
    """Write the blocks of one bucket in reading order; the file and the sum of their keys."""
    keys, ties = blocks["key"].to_numpy(), blocks["tie"].to_numpy()
    ids = blocks["ids"].cast(pa.large_binary()).combine_chunks().take(pa.array(order_blocks(keys, ties)))
    signed = np.frombuffer(ids.buffers()[2], np.int32, np.frombuffer(ids.buffers()[1], np.int64)[len(ids)] // 4)
    part = write_part(directory, *decode_ids(signed))
    return part, int(np.sum(keys.view(np.uint64), dtype=np.uint64).view(np.int64))


def encode_corpus(
    documents: DataFrame, config: Config, run: Directory, vocabulary_file: str, tokens: int, shards: int
) -> EncodedCorpus:
    """Write the documents as ``shards`` shards of ids below ``run/corpus``.

    Parameters
    ----------
    vocabulary_file : str
        The vocabulary's file in ``run``, which every executor reads for itself.
    tokens : int
        Tokens of the vocabulary in the corpus, which say how many files there will be.
    """
    corpus = run.child("corpus").create()
    per_shard = max(1, math.ceil(tokens / shards / BUCKET_TOKENS))
    buckets = shards * per_shard
    encode = EncodeDocuments(
        build_analyzer(config.text), config.text.max_sentence_length, run.uri, vocabulary_file, buckets,
        config.train.seed,
    )  # fmt: skip
    block_schema = "bucket int, key bigint, tie bigint, ids binary"
    blocks = _by_bucket(documents.mapInArrow(encode, block_schema), min(buckets, _MOST_PARTITIONS))
    rows = blocks.mapInArrow(WriteBuckets(corpus.uri), _PART_SCHEMA).toArrow().to_pylist()
    parts = {row["bucket"]: Part(row["file"], row["sentences"], row["batches"]) for row in rows}
    digest = sum(row["digest"] for row in rows) % 2**64
    return EncodedCorpus(
        tuple(
            Shard(tuple(parts[b] for b in range(s * per_shard, (s + 1) * per_shard) if b in parts))
            for s in range(shards)
        ),
        f"{digest:016x}",
    )


def _by_bucket(blocks: DataFrame, partitions: int) -> DataFrame:
    """Bring the blocks of each bucket together, the buckets evenly over the partitions where Spark can."""
    if hasattr(blocks, "repartitionById"):  # Spark 4.1 and later; a hash puts two of a few buckets into one partition
        return blocks.repartitionById(partitions, F.col("bucket") % F.lit(partitions))
    return blocks.repartition(partitions, "bucket")
