"""The second pass over the text, what its tasks do: documents to chunks of ids, chunks to files of the corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from w2v_spark.corpus.chunk_files import ids_of
from w2v_spark.corpus.chunks import ChunkEncoder, decode_ids, order_chunks
from w2v_spark.corpus.id_counts import write_id_counts
from w2v_spark.corpus.shards import write_part
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.phrases.table import check_delimiter
from w2v_spark.spark.document_chunks import (
    WITHOUT_LABELS,
    Labels,
    content_digest,
    write_named,
    write_whole,
)
from w2v_spark.spark.worker import release_memory
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import Analyzer
from w2v_spark.text.words import Words

NO_BUCKET: Final = -1
"""The bucket of rows that say what a task has seen."""
PART_SCHEMA: Final = (
    "bucket int, file string, sentences bigint, batches array<int>, ends array<bigint>, checksums array<string>, "
    "documents string, documents_digest string, digest bigint, id_sum bigint, counts string, counts_digest string, "
    "frame bigint, tally string"
)
PART_ARROW_SCHEMA: Final = pa.schema([
    ("bucket", pa.int32()), ("file", pa.string()), ("sentences", pa.int64()), ("batches", pa.list_(pa.int32())),
    ("ends", pa.list_(pa.int64())), ("checksums", pa.list_(pa.string())), ("documents", pa.string()),
    ("documents_digest", pa.string()), ("digest", pa.int64()), ("id_sum", pa.int64()), ("counts", pa.string()),
    ("counts_digest", pa.string()), ("frame", pa.int64()), ("tally", pa.string()),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class EncodeDocuments:
    """Documents to chunks of ids with their buckets: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    frame : int, optional
        Where given, tasks say under this number what they have seen, on its way to `WriteBuckets` among the chunks.
    labels : Labels
        What the columns behind the documents are.
    gaps : bool
        Whether the number of words, which is the id of none of them, stands where unknown ones are left out.
    concepts : frozenset of str
        Words that may hold the delimiter of phrases.
    """

    analyzer: Analyzer
    max_sentence_length: int
    run_uri: str
    vocabulary_file: str
    vocabulary_digest: str
    buckets: int
    seed: int
    frame: int | None = None
    labels: Labels = WITHOUT_LABELS
    gaps: bool = False
    concepts: frozenset[str] = frozenset()

    def open(self) -> tuple[WordTable, ChunkEncoder]:
        """The vocabulary, and what makes chunks of its words."""
        vocabulary = Vocabulary.read(Directory.open(self.run_uri), self.vocabulary_file, self.vocabulary_digest)
        table, gap = WordTable.from_words(vocabulary.words), len(vocabulary) if self.gaps else None
        return table, ChunkEncoder(table, self.max_sentence_length, self.buckets, self.seed, gap)

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches of `CHUNK_SCHEMA`; where documents have names, with these in place of their rows, else without."""
        _, encoder = self.open()
        labels, tally = self.labels.open(Directory.open(self.run_uri)), None if self.frame is None else _Tally()

        def hand_on(chunks: pa.RecordBatch) -> pa.RecordBatch:
            if tally is not None:
                tally.add_chunks(chunks)
            return labels.attach(chunks)

        for batch in batches:
            labels.take(batch)
            ready = self.gaps and isinstance(batch.column(0), pa.ListArray | pa.LargeListArray)
            for words in self.analyzer.words(batch.column(0)):
                if ready:
                    check_delimiter(words, self.concepts)
                if tally is not None:
                    tally.add_words(words)
                yield from map(hand_on, encoder.add(words))
            if labels.ids is not None:  # whose rows the next batch would count anew
                yield hand_on(encoder.finish())
        if labels.ids is None and len(chunks := encoder.finish()):
            yield hand_on(chunks)
        if tally is not None and self.frame is not None and self.analyzer.seen.documents:
            yield tally.row(self.frame, self.analyzer, None if labels.ids is None else labels.ids.type)


@dataclass(slots=True)
class _Tally:
    """What a task has seen, and what of it has become ids."""

    sentences: int = 0
    tokens: int = 0
    kept: int = 0
    id_sum: int = 0

    def add_words(self, words: Words) -> None:
        self.sentences += int(np.count_nonzero(words.breaks))
        self.tokens += len(words)

    def add_chunks(self, chunks: pa.RecordBatch) -> None:
        ids = np.frombuffer(chunks.column("ids").buffers()[2], np.int32)
        self.kept += len(ids)
        self.id_sum += int(np.sum(ids ^ (ids >> 31), dtype=np.int64))  # the last of a sentence is stored as ~id

    def row(self, frame: int, analyzer: Analyzer, names: pa.DataType | None) -> pa.RecordBatch:
        """As a chunk of no bucket: JSON in the place of ids."""
        data = json.dumps(asdict(self) | asdict(analyzer.seen)).encode()
        columns = {
            "bucket": pa.array([NO_BUCKET], pa.int32()), "key": pa.array([frame], pa.int64()),
            "tie": pa.array([0], pa.int64()), "ids": pa.array([data], pa.binary()),
        }  # fmt: skip
        if names is not None:
            columns |= {"id": pa.nulls(1, names), "piece": pa.array([0], pa.int32())}
        return pa.record_batch(list(columns.values()), names=list(columns))


@dataclass(frozen=True, slots=True)
class WriteBuckets:
    """Chunks to files of the encoded corpus, a file a bucket: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    corpus_uri : str
    counts : bool
        Whether a second file of each bucket says how often which ids are in it.
    whole : bool
        Documents have rows of their own.
    """

    corpus_uri: str
    counts: bool = False
    whole: bool = False

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file, and one for what each task has seen, as in ``PART_SCHEMA``."""
        directory = Directory.open(self.corpus_uri)
        held = list(batches)
        if not held:
            return
        chunks = pa.Table.from_batches(held)
        buckets = chunks["bucket"].to_numpy()
        for bucket in np.unique(buckets):
            some = chunks.filter(pa.array(buckets == bucket))
            if bucket == NO_BUCKET:
                tallies = zip(some["key"].to_pylist(), some["ids"].to_pylist(), strict=True)
                rows = [{"bucket": bucket, "frame": frame, "tally": data.decode()} for frame, data in tallies]
            else:
                rows = [{"bucket": bucket, **write_bucket(directory, some, self.counts, self.whole)}]
            yield pa.RecordBatch.from_pylist(rows, schema=PART_ARROW_SCHEMA)
        del held, chunks, some
        release_memory()


def write_bucket(directory: Directory, chunks: pa.Table, counts: bool, whole: bool) -> dict[str, Any]:
    """Write the chunks of one bucket in reading order; the file, the sum of their keys and that of their ids."""
    has_names = "id" in chunks.column_names
    if whole:
        chunks = chunks.sort_by([(name, "ascending") for name in ("key", "id", "piece", "tie")])
    elif has_names:  # equal documents are told apart by their names, whatever order they have come in
        chunks = chunks.sort_by([("id", "ascending"), ("piece", "ascending")])
    if not whole:
        chunks = chunks.take(pa.array(order_chunks(chunks["key"].to_numpy(), chunks["tie"].to_numpy())))
    signed, ends = ids_of(chunks)
    starts = np.concatenate([np.zeros(1, np.int64), ends])
    ids, offsets = decode_ids(signed)
    part = write_part(directory, ids, offsets)
    row: dict[str, Any] = part.to_dict()
    if has_names:
        sentences = np.diff(np.searchsorted(offsets, starts))
        write = write_whole if whole else write_named
        row |= write(directory, chunks, sentences, np.diff(starts))
    if counts:
        row["counts"], row["counts_digest"] = write_id_counts(directory, part.file, ids)
    return {**row, "digest": content_digest(chunks, whole), "id_sum": int(np.sum(ids, dtype=np.int64))}
