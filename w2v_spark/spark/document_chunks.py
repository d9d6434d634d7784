"""Chunks of documents that have names: what travels with them through the shuffle, and what is written beside them.

Where documents have rows of their own, all chunks of one have the key of its name, so they come together in one file of
one shard, in the order of its pieces.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.corpus.chunks import bucket_of
from w2v_spark.corpus.documents import write_documents
from w2v_spark.corpus.tags import Tags
from w2v_spark.corpus.whole_documents import document_keys
from w2v_spark.storage import Directory

SHOWN: Final = 5
"""Names of a bucket that are shown where they are given twice."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What stands behind the documents in the batches that are encoded.

    Attributes
    ----------
    whole : bool
        Documents have rows of their own: behind the name come a hash of it, int64, and a list of strings for each tag.
    buckets, seed : int
        Of the encoder.
    tags_file, tags_digest : str
        The tags in the run directory.
    """

    whole: bool = False
    buckets: int = 0
    seed: int = 0
    tags_file: str = ""
    tags_digest: str = ""

    def open(self, run: Directory) -> OpenLabels:
        """For one task."""
        tags = Tags.read(run, self.tags_file, self.tags_digest) if self.tags_file else Tags.none()
        return OpenLabels(self, tags)


WITHOUT_LABELS: Final = Labels()
"""Of words alone: there may be names, which travel along."""


@dataclass(slots=True)
class OpenLabels:
    """The labels of one batch after the other.

    Attributes
    ----------
    ids : pa.Array or None
        The names of the documents of the batch.
    """

    kind: Labels
    tags: Tags
    ids: pa.Array | None = None
    _keys: npt.NDArray[np.uint64] | None = None
    _tags: pa.Array | None = None

    def take(self, batch: pa.RecordBatch) -> None:
        """The next batch."""
        self.ids = batch.column(1) if batch.num_columns > 1 else None
        if self.kind.whole:
            self._keys = document_keys(np.asarray(batch.column(2)), self.kind.seed)
            self._tags = self._numbers([batch.column(3 + number) for number in range(len(self.tags.names))], len(batch))

    def attach(self, chunks: pa.RecordBatch) -> pa.RecordBatch:
        """Chunks without the rows of their documents, but with the labels that stand there."""
        columns = {name: chunks.column(name) for name in ("bucket", "key", "tie", "ids")}
        if self.ids is None:
            return pa.record_batch(list(columns.values()), names=list(columns))
        documents = chunks.column("document")
        if self._keys is not None and self._tags is not None:
            keys = self._keys[np.asarray(documents)]
            columns["tie"] = columns["key"]  # a hash of what is in the chunk
            columns["bucket"] = pa.array(bucket_of(keys, self.kind.buckets))
            columns["key"] = pa.array(keys.view(np.int64))
        columns |= {"id": self.ids.take(documents), "piece": chunks.column("piece")}
        if self._tags is not None:
            columns["tags"] = self._tags.take(documents)
        return pa.record_batch(list(columns.values()), names=list(columns))

    def _numbers(self, columns: list[pa.Array], rows: int) -> pa.Array:
        """The numbers of each document's tags, distinct and ascending, as lists."""
        owners, numbers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for number, column in enumerate(columns):
            owners.append(np.asarray(pc.list_parent_indices(column)).astype(np.int64))
            numbers.append(self.tags.rows(number, pc.list_flatten(column)))
        pairs = np.stack([np.concatenate(owners), np.concatenate(numbers)], axis=1)
        pairs = np.unique(pairs[pairs[:, 1] >= 0], axis=0)
        offsets = np.searchsorted(pairs[:, 0], np.arange(rows + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(pairs[:, 1].astype(np.int32)))


def write_named(
    directory: Directory, chunks: pa.Table, sentences: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Write whose the chunks of a file are; the fields of `Part` that say where."""
    file, found = write_documents(directory, chunks["id"], chunks["piece"], sentences)
    return {"documents": file, "documents_digest": found}


def write_whole(
    directory: Directory, chunks: pa.Table, sentences: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """The same for documents with rows of their own, whose chunks follow each other; and what was found of them."""
    ids = in_utc(chunks["id"].combine_chunks())
    keys = np.asarray(chunks["key"])
    new = np.ones(len(keys), bool)
    names = np.asarray(ids.dictionary_encode("encode").indices)  # null is one of them, and so is NaN
    new[1:] = (keys[1:] != keys[:-1]) | (names[1:] != names[:-1])
    first = np.flatnonzero(new)
    places = pa.array(first)
    more = {
        "tokens": pa.array(np.add.reduceat(tokens, first), pa.int64()),
        "key": pa.array(keys[first], pa.int64()),
        "tags": chunks["tags"].combine_chunks().take(places).cast(pa.list_(pa.int32())),
    }
    file, found = write_documents(
        directory, ids.take(places), pa.array(np.zeros(len(first), np.int32)), np.add.reduceat(sentences, first), more
    )
    copies = np.add.reduceat((np.asarray(chunks["piece"]) == 0).astype(np.int64), first)
    often = np.flatnonzero(copies > 1)
    seen = {
        "documents": len(first),
        "nulls": int(copies[np.asarray(ids.take(places).is_null())].sum()),
        "repeated": len(often),
        "examples": [[str(ids[int(first[n])].as_py()), int(copies[n])] for n in often[:SHOWN]],
    }
    return {"documents": file, "documents_digest": found, "tally": json.dumps(seen)}


def in_utc(names: pa.Array) -> pa.Array:
    """Points in time in the zone UTC, whatever the session's is; all other names as they are."""
    is_zoned = pa.types.is_timestamp(names.type) and names.type.tz is not None
    return names.cast(pa.timestamp(names.type.unit, "UTC")) if is_zoned else names


def content_digest(chunks: pa.Table, whole: bool) -> int:
    """The sum of the keys of all chunks, with the names of their documents in them where these have rows, int64."""
    keys = chunks["key"].to_numpy().view(np.uint64)
    if whole:
        keys = document_keys((keys ^ chunks["tie"].to_numpy().view(np.uint64)).view(np.int64), 0)
    return int(np.sum(keys, dtype=np.uint64).view(np.int64))


@dataclass(frozen=True, slots=True)
class FoundDocuments:
    """What was found of the documents that have rows.

    Attributes
    ----------
    documents : int
        Those with a word of the vocabulary.
    nulls : int
        Those without a name.
    repeated : int
        Names that more than one document has.
    examples : list of (str, int)
        Some of these, and how many documents have each.
    """

    documents: int
    nulls: int
    repeated: int
    examples: list[tuple[str, int]]

    @classmethod
    def add_up(cls, tallies: list[str]) -> FoundDocuments:
        """Of all files, from what `write_whole` has found in each."""
        total, examples = Counter[str](), list[tuple[str, int]]()
        for tally in tallies:
            seen = json.loads(tally)
            examples += [(name, copies) for name, copies in seen.pop("examples")]
            total.update(seen)
        examples = sorted(examples, key=lambda each: (-each[1], each[0]))[:SHOWN]
        return cls(total["documents"], total["nulls"], total["repeated"], examples)


class SortedNames:
    """Finds names that are given to more than one document, where equal ones follow each other."""

    def __init__(self) -> None:
        self._documents, self._repeated = 0, 0
        self._examples: list[tuple[str, int]] = []
        self._last: Any = None  # a scalar
        self._copies = 0

    def add(self, names: pa.Array) -> None:
        """Some more of them."""
        self._documents += len(names)
        runs = pc.run_end_encode(names)
        for name, copies in zip(runs.values, np.diff(runs.run_ends, prepend=0).tolist(), strict=True):
            if self._last is not None and self._last == name:
                self._copies += copies
                continue
            self._close()
            self._last, self._copies = name, copies

    def tally(self) -> str:
        """What `FoundDocuments.add_up` takes."""
        self._close()
        self._last, self._copies = None, 0
        found = {"documents": self._documents, "nulls": 0, "repeated": self._repeated, "examples": self._examples}
        return json.dumps(found)

    def _close(self) -> None:
        if self._copies > 1:
            self._repeated += 1
            if len(self._examples) < SHOWN:
                self._examples.append((str(self._last.as_py()), self._copies))
