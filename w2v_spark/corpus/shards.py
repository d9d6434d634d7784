"""The encoded corpus on disk: shards of sentences of word ids that can be read from any position.

A shard is a list of Arrow IPC files. A row is a sentence, ``ids list<int32>``, so a record batch is nothing but the
ids and the sentence offsets, and a local file is used straight from the page cache. Where documents have names, a
second file beside each says whose the sentences are, see `w2v_spark.corpus.documents`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory

_SCHEMA = pa.schema([pa.field("ids", pa.list_(pa.field("item", pa.int32(), False)), False)])
_BATCH_TOKENS: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a shard: its name, its sentences, and the tokens of each of its record batches.

    ``documents`` is the file that says which documents the sentences are from, if they have names.
    """

    file: str
    sentences: int
    batches: list[int]
    documents: str | None = None

    @property
    def tokens(self) -> int:
        """Tokens in the file."""
        return sum(self.batches)

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
    batches = []
    with (
        directory.filesystem.open_output_stream(directory.file(file)) as sink,
        pa.ipc.new_file(sink, _SCHEMA) as writer,
    ):
        begin = 0
        while begin < len(offsets) - 1:
            end = int(np.searchsorted(offsets, offsets[begin] + _BATCH_TOKENS, side="left"))
            end = min(max(end, begin + 1), len(offsets) - 1)
            first, last = offsets[begin], offsets[end]
            lists = pa.ListArray.from_arrays(pa.array(offsets[begin : end + 1] - first), pa.array(ids[first:last]))
            writer.write_batch(pa.record_batch([lists.cast(_SCHEMA.field(0).type)], schema=_SCHEMA))
            batches.append(int(last - first))
            begin = end
    return Part(file, len(offsets) - 1, batches)


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
    path = directory.file(part.file)
    try:
        source = pa.memory_map(path) if directory.is_local else directory.filesystem.open_input_file(path)
        with source, pa.ipc.open_file(source) as reader:
            for number, tokens in enumerate(part.batches):
                if position < stop and position + tokens > start:
                    sentences = reader.get_batch(number).column(0)
                    offsets = np.asarray(sentences.offsets)
                    first, last = np.searchsorted(offsets[:-1], [start - position, stop - position])
                    if last > first:
                        yield np.asarray(sentences.values), offsets[first : last + 1], position
                position += tokens
    except (pa.ArrowInvalid, FileNotFoundError) as error:
        raise damaged(directory, part.file, error) from error


def damaged(directory: Directory, file: str, error: Exception) -> StoreError:
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
    """

    shards: tuple[Shard, ...]
    digest: str

    @property
    def tokens(self) -> int:
        """Tokens in all shards."""
        return sum(shard.tokens for shard in self.shards)

    @property
    def sentences(self) -> int:
        """Sentences in all shards."""
        return sum(part.sentences for shard in self.shards for part in shard.parts)

    def write(self, directory: Directory, name: str) -> None:
        """Save the list of files as JSON."""
        shards = [[part.to_dict() for part in shard.parts] for shard in self.shards]
        directory.write_json(name, {"digest": self.digest, "shards": shards})

    @classmethod
    def read(cls, directory: Directory, name: str) -> EncodedCorpus:
        """Load what `write` saved."""
        value = directory.read_json(name)
        try:
            shards = tuple(Shard(tuple(Part(**part) for part in parts)) for parts in value["shards"])
            return cls(shards, value["digest"])
        except (KeyError, TypeError) as error:
            raise StoreError(f"{directory.uri}/{name} is no list of shards: {error}") from error
