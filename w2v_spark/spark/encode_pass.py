"""The second pass over the text as a Spark job: encode the documents into shards of ids."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, IntegerType, LongType, StructType

from w2v_spark.config import Config
from w2v_spark.corpus.chunks import ChunkEncoder, decode_ids, order_chunks
from w2v_spark.corpus.documents import write_documents
from w2v_spark.corpus.shards import EncodedCorpus, Part, Shard, write_part
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import InputError, Name
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import Analyzer, build_analyzer

BUCKET_TOKENS: Final = 1 << 23
_MOST_PARTITIONS: Final = 10_000
_PART_SCHEMA: Final = (
    "bucket int, file string, sentences bigint, batches array<int>, ends array<bigint>, checksums array<string>, "
    "documents string, documents_digest string, digest bigint, id_sum bigint"
)
_PART_ARROW_SCHEMA: Final = pa.schema([
    ("bucket", pa.int32()), ("file", pa.string()), ("sentences", pa.int64()), ("batches", pa.list_(pa.int32())),
    ("ends", pa.list_(pa.int64())), ("checksums", pa.list_(pa.string())), ("documents", pa.string()),
    ("documents_digest", pa.string()), ("digest", pa.int64()), ("id_sum", pa.int64()),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class EncodeDocuments:
    """Documents to chunks of ids with their buckets: runs on the executors under ``mapInArrow``."""

    analyzer: Analyzer
    max_sentence_length: int
    run_uri: str
    vocabulary_file: str
    vocabulary_digest: str
    buckets: int
    seed: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of `CHUNK_SCHEMA`; where documents have names, with these in place of their rows, else without."""
        vocabulary = Vocabulary.read(Directory.open(self.run_uri), self.vocabulary_file, self.vocabulary_digest)
        encoder = ChunkEncoder(
            WordTable.from_words(vocabulary.words), self.max_sentence_length, self.buckets, self.seed
        )  # fmt: skip
        names = None
        for batch in batches:
            names = batch.column(1) if batch.num_columns > 1 else None
            for words in self.analyzer.words(batch.column(0)):
                for chunks in encoder.add(words):
                    yield _with_names(chunks, names)
            if names is not None:  # whose rows the next batch would count anew
                yield _with_names(encoder.finish(), names)
        if names is None:
            yield from (_with_names(chunks, None) for chunks in [encoder.finish()] if len(chunks))


def _with_names(chunks: pa.RecordBatch, names: pa.Array | None) -> pa.RecordBatch:
    """Chunks without the rows of their documents, but with the names that stand there."""
    columns = [chunks.column(name) for name in ("bucket", "key", "tie", "ids")]
    if names is None:
        return pa.record_batch(columns, names=["bucket", "key", "tie", "ids"])
    columns += [names.take(chunks.column("document")), chunks.column("piece")]
    return pa.record_batch(columns, names=["bucket", "key", "tie", "ids", "id", "piece"])


@dataclass(frozen=True, slots=True)
class WriteBuckets:
    """Chunks to files of the encoded corpus, a file a bucket: runs on the executors under ``mapInArrow``."""

    corpus_uri: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file, as in ``_PART_SCHEMA``."""
        directory = Directory.open(self.corpus_uri)
        held = list(batches)
        if not held:
            return
        chunks = pa.Table.from_batches(held)
        buckets = chunks["bucket"].to_numpy()
        for bucket in np.unique(buckets):
            row = {"bucket": bucket, **_write_bucket(directory, chunks.filter(pa.array(buckets == bucket)))}
            yield pa.RecordBatch.from_pylist([row], schema=_PART_ARROW_SCHEMA)


def _write_bucket(directory: Directory, chunks: pa.Table) -> dict[str, Any]:
    """Write the chunks of one bucket in reading order; the file, the sum of their keys and that of their ids."""
    has_names = "id" in chunks.column_names
    if has_names:  # equal documents are told apart by their names, whatever order they have come in
        chunks = chunks.sort_by([("id", "ascending"), ("piece", "ascending")])
    keys = chunks["key"].to_numpy()
    order = pa.array(order_chunks(keys, chunks["tie"].to_numpy()))
    encoded = chunks["ids"].cast(pa.large_binary()).combine_chunks().take(order)
    ends = np.frombuffer(encoded.buffers()[1], np.int64)[: len(encoded) + 1] // 4
    signed = np.frombuffer(encoded.buffers()[2], np.int32, ends[-1])
    ids, offsets = decode_ids(signed)
    part = write_part(directory, ids, offsets)
    row: dict[str, Any] = part.to_dict()
    if has_names:
        sentences = np.diff(np.searchsorted(offsets, ends))
        row["documents"], row["documents_digest"] = write_documents(
            directory, chunks["id"].take(order), chunks["piece"].take(order), sentences
        )
    digest = np.sum(keys.view(np.uint64), dtype=np.uint64).view(np.int64)
    return {**row, "digest": int(digest), "id_sum": int(np.sum(ids, dtype=np.int64))}


def encode_corpus(
    frames: Sequence[DataFrame],
    config: Config,
    run: Directory,
    vocabulary_file: str,
    vocabulary_digest: str,
    vocabulary: Vocabulary,
    shards: int,
) -> EncodedCorpus:
    """Write the documents as ``shards`` shards of ids below ``run/corpus``.

    Parameters
    ----------
    frames : sequence of DataFrame
        Each with a column ``document`` and, where documents have names, a column ``id`` of any type that can be sorted.
    vocabulary_file, vocabulary_digest : str
        The vocabulary's file in ``run``, which every executor reads for itself, and its digest.
    vocabulary : Vocabulary
        The same; its tokens say how many files there will be.

    Raises
    ------
    InputError
        The text is not the one that was counted, or no sentence has two words.
    """
    corpus = run.child("corpus").create()
    per_shard = max(1, math.ceil(vocabulary.tokens / shards / BUCKET_TOKENS))
    buckets = shards * per_shard
    encode = EncodeDocuments(
        build_analyzer(config.text), config.text.max_sentence_length, run.uri, vocabulary_file,
        vocabulary_digest, buckets, config.train.seed,
    )  # fmt: skip
    has_names = all("id" in frame.columns for frame in frames) and len({frame.schema["id"] for frame in frames}) == 1
    names = ["id"] if has_names else []
    selected = [frame.select("document", *names) for frame in frames]
    chunks = reduce(DataFrame.union, [frame.mapInArrow(encode, _chunk_schema(frame)) for frame in selected])
    chunks = _by_bucket(chunks, min(buckets, _MOST_PARTITIONS))
    rows = chunks.mapInArrow(WriteBuckets(corpus.uri), _PART_SCHEMA).toArrow().to_pylist()
    parts = {row["bucket"]: Part(**{each.name: row[each.name] for each in fields(Part)}) for row in rows}
    digest = sum(row["digest"] for row in rows) % 2**64
    encoded = EncodedCorpus(
        tuple(
            Shard(tuple(parts[b] for b in range(s * per_shard, (s + 1) * per_shard) if b in parts))
            for s in range(shards)
        ),
        f"{digest:016x}",
    )
    _check_encoded(encoded, sum(row["id_sum"] for row in rows), vocabulary)
    return encoded


def _chunk_schema(documents: DataFrame) -> StructType:
    """What Spark is told of the chunks: `CHUNK_SCHEMA` but for the document, in whose place its name may be."""
    schema = StructType().add("bucket", IntegerType()).add("key", LongType()).add("tie", LongType())
    schema = schema.add("ids", BinaryType())
    if "id" in documents.columns:
        schema = schema.add("id", documents.schema["id"].dataType).add("piece", IntegerType())
    return schema


def _check_encoded(corpus: EncodedCorpus, id_sum: int, vocabulary: Vocabulary) -> None:
    """Refuse a corpus that is not what was counted, or that has no two words beside each other."""
    expected = int(np.dot(np.arange(len(vocabulary), dtype=np.int64), vocabulary.trained_counts))
    if (corpus.tokens, id_sum) != (vocabulary.tokens, expected):
        found = f"{corpus.tokens:,}" if corpus.tokens != vocabulary.tokens else "as many, but others"
        raise InputError(
            f"the input has changed while it was read: it had {vocabulary.tokens:,} words of the vocabulary when they "
            f"were counted, and {found} when they were encoded; write or cache the result of a query that "
            "differs from run to run (rand(), limit without an order), or wait until nobody writes to the input"
        )
    if corpus.tokens == corpus.sentences:
        raise InputError(
            f"there is nothing to train on: none of the {corpus.sentences:,} sentences has two words of the "
            "vocabulary; give a document or list of words a row, not a word a row, lower ",
            Name("vocabulary.min_count"), ", or see that ", Name("text.sentences"), " and ",
            Name("text.max_sentence_length"), " do not cut every word off",
        )  # fmt: skip


def _by_bucket(chunks: DataFrame, partitions: int) -> DataFrame:
    """Bring the chunks of each bucket together, the buckets evenly over the partitions where Spark can."""
    if hasattr(chunks, "repartitionById"):  # Spark 4.1 and later; a hash puts two of a few buckets into one partition
        return chunks.repartitionById(partitions, F.col("bucket") % F.lit(partitions))
    return chunks.repartition(partitions, "bucket")
