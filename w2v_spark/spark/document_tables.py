"""The tables of documents and tags as a Spark job: each file of the encoded corpus becomes one of the table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.tags import Tags
from w2v_spark.corpus.whole_documents import ShardDocuments, parts_in_order, read_whole
from w2v_spark.publishing.layout import DOCUMENTS, TAGS
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.spark.learner import Learned
from w2v_spark.spark.step_task import load_documents
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes
from w2v_spark.training.documents import DocumentRows, Stretches
from w2v_spark.vectors.document_table import DocumentBatch, write_documents_part, write_tags

_ROWS_AT_A_TIME: Final = 1 << 14
_SCHEMA: Final = pa.schema([("number", pa.int64()), ("file", pa.string()), ("tags", pa.binary())])
_SQL: Final = "number bigint, file string, tags binary"
_PARTS: Final = "documents.parts"


@dataclass(frozen=True, slots=True)
class WriteDocuments:
    """Files of the table by their numbers: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    run : Run
    run_uri, parts_uri : str
        The run directory, and where the files go.
    stretches : tuple of Stretches
        Where the rows of each shard's documents are.
    metadata : mapping of str to str
        For every file.
    """

    run: Run
    run_uri: str
    parts_uri: str
    stretches: tuple[Stretches, ...]
    metadata: Mapping[str, str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file: its number, its name, which no other attempt uses, and how often tags are in it."""
        state = RunDirectory(Directory.open(self.run_uri))
        corpus = _load_corpus(self.run_uri, self.run.identity)
        parts, order = Directory.open(self.parts_uri), list(parts_in_order(corpus))
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            shard, place, part = order[number]
            documents = load_documents(self.run_uri, self.run.identity, shard)
            model, seed = self.run.config.model, self.run.config.train.seed
            rows = DocumentRows(state.rounds.documents, self.stretches[shard], documents.keys, seed, model.dim)
            first, end = documents.part_starts[place : place + 2].tolist()
            table = read_whole(state.corpus, part)
            file = f"{number:05d}-{uuid.uuid4().hex}.parquet"
            write_documents_part(
                parts.filesystem, parts.file(file), table.schema.field("id").type, model.dim,
                _batches(table, rows, first), self.metadata, len(order),
            )  # fmt: skip
            tags = _count_tags(documents, first, end, self.run.tags)
            yield pa.RecordBatch.from_pylist([{"number": number, "file": file, "tags": tags}], schema=_SCHEMA)


@lru_cache(maxsize=1)
def _load_corpus(run_uri: str, identity: str) -> EncodedCorpus:
    return EncodedCorpus.read(Directory.open(run_uri), CORPUS_FILE, identity)


def _batches(table: pa.Table, rows: DocumentRows, first: int) -> Iterator[DocumentBatch]:
    for start in range(0, len(table), _ROWS_AT_A_TIME):
        some = table.slice(start, _ROWS_AT_A_TIME)
        matrix = np.empty((len(some), rows.dim), np.float32)
        rows.read(first + start, first + start + len(some), matrix)
        yield DocumentBatch(some["id"].combine_chunks(), np.asarray(some["tokens"], np.int64), matrix)


def _count_tags(documents: ShardDocuments, first: int, end: int, tags: int) -> bytes:
    """How many documents of a file have each of the tags that are in it, and how many tokens these have."""
    starts = documents.tag_starts[first : end + 1]
    own = documents.tags[starts[0] : starts[-1]]
    tokens = np.repeat(np.diff(documents.token_starts[first : end + 1]), np.diff(starts))
    number = np.bincount(own, minlength=tags)
    found = np.flatnonzero(number)
    sums = np.zeros(tags, np.int64)
    np.add.at(sums, own, tokens)
    return arrays_to_bytes({"tags": found, "documents": number[found], "tokens": sums[found]})


def write_document_tables(
    spark: SparkSession,
    state: RunDirectory,
    run: Run,
    corpus: EncodedCorpus,
    learned: Learned,
    staging: Directory,
    metadata: Mapping[str, str],
) -> tuple[str, ...]:
    """Write the tables of documents and of tags; the names of those that there are: none where words alone have rows.

    Files and the order of rows depend on the corpus and its shards alone.
    """
    if not learned.documents:
        return ()
    parts, order = staging.child(_PARTS).create(), list(parts_in_order(corpus))
    task = WriteDocuments(run, state.directory.uri, parts.uri, learned.documents, dict(metadata))
    numbers = spark.range(0, len(order), 1, len(order))
    rows = {row["number"]: row for row in numbers.mapInArrow(task, _SQL).toArrow().to_pylist()}
    table = staging.child(DOCUMENTS).create()
    for number in range(len(order)):
        parts.move(rows[number]["file"], table, f"part-{number:05d}.parquet")
    parts.delete()
    if not run.tags:
        return (DOCUMENTS,)
    counted = [rows[number]["tags"] for number in range(len(order))]
    is_there = _write_tags(state.read_tags(run), counted, learned, staging, metadata)
    return (DOCUMENTS, TAGS) if is_there else (DOCUMENTS,)


def _write_tags(
    tags: Tags, counted: list[bytes], learned: Learned, staging: Directory, metadata: Mapping[str, str]
) -> bool:  # fmt: skip
    """Write the tags that a document with a known word has, if there are any: rows of others are as they began."""
    documents, tokens = (np.zeros(len(tags), np.int64) for _ in range(2))
    for data in counted:
        arrays: dict[str, npt.NDArray[np.int64]] = arrays_from_bytes(data, "a task's report")
        documents[arrays["tags"]] += arrays["documents"]
        tokens[arrays["tags"]] += arrays["tokens"]
    kept = np.flatnonzero(documents)
    if not len(kept):
        return False
    matrix, table = learned.weights["w_in"], tags.table.take(pa.array(kept))
    first = len(matrix) - len(tags)  # behind those of words, if these have rows
    labels = table["tag"].combine_chunks(), table["value"].combine_chunks()
    folder = staging.child(TAGS).create()
    write_tags(
        folder.filesystem, folder.file("part-00000.parquet"), labels, documents[kept], tokens[kept],
        matrix[first : len(matrix)][kept], metadata,
    )  # fmt: skip
    return True
