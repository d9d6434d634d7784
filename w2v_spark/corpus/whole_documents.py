"""Documents that have rows of their own: each is whole in one shard, its sentences behind each other.

Beside each file of sentences lies the file of `w2v_spark.corpus.documents`, with a row a document and more columns:
``tokens int64``, ``key int64``, by which documents are placed and their rows begin, and ``tags list<int32>``, the
numbers of its tags. Documents are numbered within their shard, in reading order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.corpus.documents import read_table
from w2v_spark.corpus.shards import EncodedCorpus, Part, Shard
from w2v_spark.errors import StoreError
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.rng import mix
from w2v_spark.storage import Directory

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ShardDocuments:
    """The documents of a shard.

    Attributes
    ----------
    token_starts : (n + 1,) int64
        Tokens of the shard before each document, and all of them.
    keys : (n,) uint64
        See `document_keys`.
    tag_starts : (n + 1,) int64, tags : (tags of all,) int64
        Document ``d`` has the tags ``tags[tag_starts[d]:tag_starts[d + 1]]``, by number.
    part_starts : (files + 1,) int64
        The first document of each file, and the number of all.
    """

    token_starts: Ints
    keys: npt.NDArray[np.uint64]
    tag_starts: Ints
    tags: Ints
    part_starts: Ints

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def most_tags(self) -> int:
        """How many tags a document has, at most."""
        return int(np.diff(self.tag_starts).max(initial=0))

    def at(self, positions: npt.ArrayLike) -> Ints:
        """The documents that hold the tokens at some positions of the shard."""
        return np.searchsorted(self.token_starts, np.asarray(positions, np.int64), "right") - 1

    @classmethod
    def read(cls, directory: Directory, shard: Shard) -> ShardDocuments:
        """Of one shard of a corpus. Memory: some 40 bytes a document.

        Raises
        ------
        StoreError
            A file is missing, damaged, or of documents that are not whole.
        """
        tables = [read_whole(directory, part) for part in shard.parts]
        tokens, keys, lengths, tags = [], [], [], []
        for table in tables:
            lists = table["tags"].combine_chunks() if len(table) else pa.array([], pa.list_(pa.int32()))
            tokens.append(np.asarray(table["tokens"], np.int64))
            keys.append(np.asarray(table["key"], np.int64))
            lengths.append(np.asarray(pa.compute.list_value_length(lists), np.int64))
            tags.append(np.asarray(lists.flatten(), np.int64))
        return cls(
            _starts(_joined(tokens)), _joined(keys).view(np.uint64), _starts(_joined(lengths)), _joined(tags),
            _starts(np.array([len(table) for table in tables], np.int64)),
        )  # fmt: skip


def read_whole(directory: Directory, part: Part) -> pa.Table:
    """The documents of a file of sentences: ``id``, ``tokens``, ``key``, ``tags``, in reading order.

    Raises
    ------
    StoreError
        See `ShardDocuments.read`.
    """
    table = read_table(directory, part)
    if "tokens" not in table.column_names:
        raise StoreError(f"{directory.uri}/{part.file} holds pieces of documents, not whole ones")
    return table


def parts_in_order(corpus: EncodedCorpus) -> Iterator[tuple[int, int, Part]]:
    """All files of a corpus: the shard of each, its number within the shard, and the file."""
    for number, shard in enumerate(corpus.shards):
        for place, part in enumerate(shard.parts):
            yield number, place, part


def document_keys(hashes: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint64]:
    """The keys that documents are placed by, (n,), from hashes of their names."""
    keys = np.empty(len(hashes), np.uint64)
    _mix_keys(np.ascontiguousarray(hashes).view(np.uint64), np.uint64(seed), keys)
    return keys


@kernel
def _mix_keys(hashes, seed, keys):
    for i in range(len(hashes)):
        keys[i] = mix(hashes[i] ^ mix(seed + np.uint64(1)))


@kernel
def fold_keys(documents, contents, keys):
    """The key of each document, (documents,) uint64 and zero before, from those of its chunks, (chunks,) uint64."""
    for i in range(len(documents)):
        keys[documents[i]] = mix(keys[documents[i]] ^ contents[i])


def _joined(arrays: list[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, np.int64), *arrays])


def _starts(lengths: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
