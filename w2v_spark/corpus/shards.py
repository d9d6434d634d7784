"""The encoded corpus on disk: shards of sentences of word ids that can be read from any position.

A shard is a list of Arrow IPC files. A row is a sentence, ``ids list<int32>``, so a record batch is nothing but the
ids and the sentence offsets, and a local file is used straight from the page cache. Where documents have names, a
second file beside each says whose the sentences are, see `w2v_spark.corpus.documents`.

The list of files has a checksum for each stretch of bytes of a file: what precedes the batches, each batch, and what
follows. A batch is verified when it is read, before Arrow sees it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.kernels.checksum import checksum, hexadecimal
from w2v_spark.storage import Directory, damage_naming, errors_naming, from_plain, retried

_SCHEMA = pa.schema([pa.field("ids", pa.list_(pa.field("item", pa.int32(), False)), False)])
_BATCH_TOKENS: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a shard.

    Attributes
    ----------
    file : str
    sentences : int
    batches : list of int
        The tokens of each record batch.
    ends : list of int
        Where stretches of the file end: what precedes the batches, each batch, and the file itself.
    checksums : list of str
        The `checksum` of each of these stretches, in hexadecimal.
    documents : str, optional
        The file that says which documents the sentences are from, if they have names.
    documents_digest : str, optional
        Its digest.
    """

    file: str
    sentences: int
    batches: list[int]
    ends: list[int]
    checksums: list[str]
    documents: str | None = None
    documents_digest: str | None = None

    def __post_init__(self) -> None:
        if any("/" in name for name in (self.file, self.documents or "")):
            raise ValueError(f"{self.file!r} is not the name of a file of the corpus")
        if not len(self.ends) == len(self.checksums) == len(self.batches) + 2:
            raise ValueError(f"{self.file} has {len(self.batches)} batches and {len(self.checksums)} checksums")

    @property
    def tokens(self) -> int:
        """Tokens in the file."""
        return sum(self.batches)

    def check(self, directory: Directory) -> None:
        """Look whether a file of that length is there. Raises `StoreError`."""
        with errors_naming(f"{directory.uri}/{self.file}"):
            info = directory.filesystem.get_file_info(directory.file(self.file))
        if not info.is_file or info.size != self.ends[-1]:
            found = f"has {info.size} bytes" if info.is_file else "is missing"
            raise StoreError(f"{directory.uri}/{self.file} {found}, expected {self.ends[-1]} bytes")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def write_part(directory: Directory, ids: npt.NDArray[np.int32], offsets: npt.NDArray[np.int32]) -> Part:
    """Write sentences to a new file that no other task, retry or speculative copy writes to.

    Parameters
    ----------
    ids : (tokens,) int32
    offsets : (sentences + 1,) int32
        Sentence ``s`` is ``ids[offsets[s]:offsets[s + 1]]``.
    """
    file = f"{uuid.uuid4().hex}.arrow"
    batches: list[int] = []
    ends = [0]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, _SCHEMA) as writer:
        begin = 0
        while begin < len(offsets) - 1:
            end = int(np.searchsorted(offsets, offsets[begin] + _BATCH_TOKENS, side="left"))
            end = min(max(end, begin + 1), len(offsets) - 1)
            first, last = offsets[begin], offsets[end]
            lists = pa.ListArray.from_arrays(pa.array(offsets[begin : end + 1] - first), pa.array(ids[first:last]))
            batch = pa.record_batch([lists.cast(_SCHEMA.field(0).type)], schema=_SCHEMA)
            writer.write_batch(batch)
            if not batches:
                ends[0] = sink.tell() - pa.ipc.get_record_batch_size(batch)
            ends.append(sink.tell())
            batches.append(int(last - first))
            begin = end
    content = sink.getvalue()
    ends.append(content.size)
    with directory.filesystem.open_output_stream(directory.file(file)) as stream:
        stream.write(content)
    checksums = [hexadecimal(checksum(content[first:last])) for first, last in pairwise([0, *ends])]
    return Part(file, len(offsets) - 1, batches, ends, checksums)


@dataclass(frozen=True, slots=True)
class Shard:
    """The files of one shard, in reading order."""

    parts: tuple[Part, ...]

    @property
    def tokens(self) -> int:
        """Tokens in the shard."""
        return sum(part.tokens for part in self.parts)

    def read(
        self, directory: Directory, start: int, stop: int
    ) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]]:
        """Yield the sentences that start at ``start <= position < stop``, a record batch at a time.

        Yields
        ------
        ids : (tokens of the batch,) int32, read-only
        offsets : (sentences + 1,) int32
            Into ``ids``; covers the wanted sentences only.
        position : int
            Tokens of the shard before ``ids[0]``.
        """
        position = 0
        for part in self.parts:
            if position < stop and position + part.tokens > start:
                yield from _read_part(directory, part, position, start, stop)
            position += part.tokens


def _read_part(
    directory: Directory, part: Part, position: int, start: int, stop: int
) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], int]]:
    places = list(accumulate(part.batches, initial=position))
    wanted = [n for n, (first, last) in enumerate(pairwise(places)) if first < stop and last > start]
    for number, batch in zip(wanted, read_batches(directory, part, wanted), strict=True):
        sentences = batch.column(0)
        offsets = np.asarray(sentences.offsets)
        first, last = np.searchsorted(offsets[:-1], [start - places[number], stop - places[number]])
        if last > first:
            yield np.asarray(sentences.values), offsets[first : last + 1], places[number]


def read_batches(directory: Directory, part: Part, numbers: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Yield some record batches of a file, each verified before it is taken apart.

    Raises
    ------
    StoreError
        The file is missing, or not what was written.
    """
    path = directory.file(part.file)
    try:
        source = pa.memory_map(path) if directory.is_local else directory.filesystem.open_input_file(path)
        with source:
            for number in numbers:
                begin, end = part.ends[number], part.ends[number + 1]
                data = retried(directory.filesystem, partial(_read_range, source, begin, end))
                if hexadecimal(checksum(data)) != part.checksums[number + 1]:
                    raise damaged(directory, part.file, f"its record batch {number} is not what was written")
                yield pa.ipc.read_record_batch(pa.ipc.read_message(data), _SCHEMA)
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        raise damaged(directory, part.file, error) from error


def _read_range(source: pa.NativeFile, begin: int, end: int) -> pa.Buffer:
    source.seek(begin)
    return source.read_buffer(end - begin)


def damaged(directory: Directory, file: str, error: Exception | str) -> StoreError:
    """What to say of a file of the corpus that cannot be read."""
    return StoreError(f"{directory.uri}/{file} is missing or damaged: {error}")


@dataclass(frozen=True, slots=True)
class EncodedCorpus:
    """All shards of a corpus.

    Attributes
    ----------
    shards : tuple of Shard
    digest : str
        Hexadecimal sum of the keys of all chunks: equal for equal documents in any order, files or splits.
    documents : int
        How many have rows of their own.
    """

    shards: tuple[Shard, ...]
    digest: str
    documents: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in all shards."""
        return sum(shard.tokens for shard in self.shards)

    @property
    def sentences(self) -> int:
        """Sentences in all shards."""
        return sum(part.sentences for shard in self.shards for part in shard.parts)

    def write(self, directory: Directory, name: str, run: str = "") -> None:
        """Save the list of files as JSON, with the identity of the run that they belong to."""
        shards = [[part.to_dict() for part in shard.parts] for shard in self.shards]
        documents = {"documents": self.documents} if self.documents else {}
        value = {"run": run, "digest": self.digest, **documents, "shards": shards}
        directory.write_sealed_json(name, value)

    @classmethod
    def read(cls, directory: Directory, name: str, run: str | None = None) -> EncodedCorpus:
        """Load what `write` saved.

        Parameters
        ----------
        run : str, optional
            The identity that the list must have.

        Raises
        ------
        StoreError
            It is missing, damaged, or of another run.
        """
        value = directory.read_sealed_json(name)
        with damage_naming(f"{directory.uri}/{name}"):
            shards = tuple(Shard(tuple(from_plain(Part, part) for part in parts)) for parts in value["shards"])
            corpus, found = cls(shards, str(value["digest"]), int(value.get("documents", 0))), value["run"]
        if run is not None and found != run:
            raise StoreError(f"{directory.uri}/{name} belongs to another run")
        return corpus
