"""Chunks of ids on their way to the buckets of the corpus by files of the run directory, without Spark's shuffle.

For text that tasks read by themselves: nothing of it passes through Java then. Each task writes files of as many parts
as there are buckets, and whoever writes a bucket reads its part of all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from w2v_spark.corpus.chunk_files import ChunkFile, ids_of, with_ids
from w2v_spark.corpus.parted_files import read_part, write_parts
from w2v_spark.spark.encode_tasks import PART_ARROW_SCHEMA, write_bucket
from w2v_spark.spark.join_tasks import one_row
from w2v_spark.spark.parquet_pieces import Task
from w2v_spark.spark.worker import release_memory
from w2v_spark.storage import Directory

PARTED_SCHEMA: Final = "file string, digest string"
_KIND: Final = "parts"
_FLUSH_BYTES: Final = 32 << 20  # of chunks, that a task holds before it writes a file
_MOST_PARTS: Final = 100_000  # of all files: with more, each is so small that Spark's shuffle is faster


def fits(buckets: int, text_bytes: int, tasks: int) -> bool:
    """Whether so many bytes of text are few enough for a moderate number of parts; their ids are hardly ever more."""
    return buckets * (tasks + text_bytes // _FLUSH_BYTES) <= _MOST_PARTS


def remove_parted(directory: Directory) -> None:
    """Remove all files of `PartChunks`, those of lost attempts too."""
    for info in directory.list():
        if info.base_name.endswith(f".{_KIND}"):
            directory.remove(info.base_name)


@dataclass(frozen=True, slots=True)
class PartChunks:
    """Documents to files of chunks, a part a bucket: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    encode : function for ``mapInArrow``
        Makes chunks of documents without names.
    buckets : int
    uri : str
        The directory of the files.
    """

    encode: Task
    buckets: int
    uri: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file, as in `PARTED_SCHEMA`."""
        held = _Held(Directory.open(self.uri), self.buckets)
        for chunks in self.encode(batches):
            held.chunks.append(chunks)
            held.bytes += chunks.nbytes
            if held.bytes >= _FLUSH_BYTES:
                yield held.flush()
        if held.chunks:
            yield held.flush()


@dataclass(slots=True)
class _Held:
    """Chunks that are not written yet."""

    directory: Directory
    buckets: int
    chunks: list[pa.RecordBatch] = field(default_factory=list)
    bytes: int = 0

    def flush(self) -> pa.RecordBatch:
        """Write them: the row of the file."""
        table = pa.Table.from_batches(self.chunks)
        order = np.argsort(table["bucket"].to_numpy(), kind="stable")
        table = table.take(pa.array(order))
        edges = np.searchsorted(table["bucket"].to_numpy(), np.arange(self.buckets + 1))
        parts = [_to_bytes(table.slice(first, end - first)) for first, end in itertools.pairwise(edges)]
        file = write_parts(self.directory, parts, _KIND)
        self.chunks, self.bytes = [], 0
        return one_row({"file": file.name, "digest": file.digest})


def _to_bytes(chunks: pa.Table) -> bytes:
    """The number of chunks, their two hashes, where each ends, and their ids; nothing for none."""
    if not len(chunks):
        return b""
    signed, ends = ids_of(chunks)
    hashes = [chunks[name].to_numpy() for name in ("key", "tie")]
    return b"".join(array.tobytes() for array in (np.array([len(ends)], np.int64), *hashes, ends, signed))


def _from_bytes(data: bytes) -> pa.Table:
    n = int(np.frombuffer(data, np.int64, 1)[0])
    keys, ties = np.frombuffer(data, np.int64, n, 8), np.frombuffer(data, np.int64, n, 8 + 8 * n)
    numbers = np.frombuffer(data, np.int32, offset=8 + 16 * n)
    table = pa.table({"key": keys, "tie": ties})
    return with_ids(table, numbers[n:], numbers[:n])


@dataclass(frozen=True, slots=True)
class WriteParted:
    """The parts of a bucket to a file of the encoded corpus: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    uri : str
        The directory of these files and of those.
    files : tuple of ChunkFile
        From `PartChunks`.
    buckets : int
    """

    uri: str
    files: tuple[ChunkFile, ...]
    buckets: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a bucket that has a chunk, as in ``PART_SCHEMA``."""
        directory = Directory.open(self.uri)
        for bucket in (bucket for batch in batches for bucket in batch.column(0).to_pylist()):
            parts = [read_part(directory, file, bucket, self.buckets) for file in self.files]
            tables = [_from_bytes(part) for part in parts if part]
            if tables:
                row = {"bucket": bucket, **write_bucket(directory, pa.concat_tables(tables), False, False)}
                yield pa.RecordBatch.from_pylist([row], schema=PART_ARROW_SCHEMA)
        release_memory()
