"""Chunks of ids on their way to the corpus where their phrases have to be found first: kept in files, then joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from w2v_spark.corpus.chunk_files import (
    ChunkFile,
    ids_of,
    read_arrays,
    read_chunks,
    read_ids,
    with_ids,
    write_arrays,
    write_chunks,
    write_ids,
)
from w2v_spark.phrases.candidates import Kinds
from w2v_spark.phrases.joining import PhraseIndex, renumber
from w2v_spark.phrases.table import PassIds
from w2v_spark.spark.encode_tasks import PART_ARROW_SCHEMA, write_bucket
from w2v_spark.storage import Directory

FILE_SCHEMA: Final = (
    "bucket int, file string, digest string, ids string, ids_digest string, tokens bigint, id_sum bigint"
)


@dataclass(frozen=True, slots=True)
class JoinedWords:
    """The ids that phrases are made of, and the phrases to be joined, which every task reads for itself.

    Attributes
    ----------
    uri : str
        The directory of the file.
    file : ChunkFile
    passes : int
    """

    uri: str
    file: ChunkFile

    @classmethod
    def write(cls, directory: Directory, kinds: Kinds, joined: PassIds) -> Self:
        """Write what each id is, and the phrases of a pass."""
        arrays = {"kinds": kinds.of, "connectors": kinds.connectors, "gap": np.array(kinds.gap)}
        arrays |= {"pairs": joined.pairs(kinds), "phrases": joined.phrases}
        return cls(directory.uri, write_arrays(directory, "joined", arrays))

    def load(self) -> tuple[Kinds, PhraseIndex]:
        """What each id is, and what joins them; kept by a process from call to call."""
        return _load(self)


@lru_cache(maxsize=1)
def _load(joined: JoinedWords) -> tuple[Kinds, PhraseIndex]:
    arrays = read_arrays(Directory.open(joined.uri), joined.file)
    kinds = Kinds(arrays["kinds"], arrays["connectors"], int(arrays["gap"]))
    return kinds, PhraseIndex(arrays["pairs"], arrays["phrases"], kinds)


@dataclass(frozen=True, slots=True)
class KeepChunks:
    """Chunks to files, two a bucket: runs on the executors under ``mapInArrow``."""

    uri: str
    gap: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a bucket, as in `FILE_SCHEMA`."""
        directory, held = Directory.open(self.uri), list(batches)
        if not held:
            return
        chunks = pa.Table.from_batches(held)
        buckets = chunks["bucket"].to_numpy()
        for bucket in np.unique(buckets).tolist():
            some = chunks.filter(pa.array(buckets == bucket))
            signed, ends = ids_of(some)
            ids = signed ^ (signed >> 31)
            gaps = int(np.count_nonzero(ids == self.gap))
            file, written = write_chunks(directory, some), write_ids(directory, signed, ends)
            yield one_row({
                "bucket": pa.scalar(bucket, pa.int32()), "file": file.name, "digest": file.digest,
                "ids": written.name, "ids_digest": written.digest,
                "tokens": len(ids) - gaps, "id_sum": int(np.sum(ids, dtype=np.int64)) - gaps * self.gap,
            })  # fmt: skip


@dataclass(frozen=True, slots=True)
class JoinChunks:
    """Chunks whose phrases have been joined, in the ids of another vocabulary: what becomes the encoded corpus.

    Attributes
    ----------
    ids : tuple of ChunkFile
        With the phrases joined, for each file of chunks.
    numbers_file : ChunkFile
        The id that each id gets, or -1.
    """

    uri: str
    ids: tuple[ChunkFile, ...]
    numbers_file: ChunkFile

    def open(self) -> Callable[[int, ChunkFile], pa.Table]:
        """A function from the number of a file of chunks, and that file, to chunks, for one task."""
        directory = Directory.open(self.uri)
        numbers = read_arrays(directory, self.numbers_file)["numbers"]

        def join(number: int, file: ChunkFile) -> pa.Table:
            return with_ids(read_chunks(directory, file), *renumber(*read_ids(directory, self.ids[number]), numbers))

        return join


@dataclass(frozen=True, slots=True)
class WriteJoined:
    """Kept chunks to files of the encoded corpus: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    corpus_uri : str
    files : tuple of ChunkFile
    buckets : tuple of int
        Of each file.
    joined : JoinChunks
    whole : bool
        Documents have rows of their own.
    """

    corpus_uri: str
    files: tuple[ChunkFile, ...]
    buckets: tuple[int, ...]
    joined: JoinChunks
    whole: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file that has a sentence left, as in ``PART_SCHEMA``."""
        directory, join = Directory.open(self.corpus_uri), self.joined.open()
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            chunks = join(number, self.files[number])
            if len(chunks):
                row = {"bucket": self.buckets[number], **write_bucket(directory, chunks, False, self.whole)}
                yield pa.RecordBatch.from_pylist([row], schema=PART_ARROW_SCHEMA)


def one_row(values: dict[str, Any]) -> pa.RecordBatch:
    """A batch of one row; a scalar has a type of its own."""
    columns = [
        pa.array([value.as_py()], value.type) if isinstance(value, pa.Scalar) else pa.array([value])
        for value in values.values()
    ]
    return pa.record_batch(columns, names=list(values))
