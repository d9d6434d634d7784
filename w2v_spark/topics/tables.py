"""The tables of topics on disk: their columns, and how they are written and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import METADATA_PREFIX, SUCCESS_FILE
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.topics.assignment import Tally
from w2v_spark.topics.centroids import to_unit
from w2v_spark.topics.hierarchy import Hierarchy
from w2v_spark.topics.words import TopicWords
from w2v_spark.vectors.blocks import Matrix

FORMAT_VERSION: Final = "1"
TOPICS: Final = "topics"
DOCUMENT_TOPICS: Final = "document_topics"
TOPICS_FILE: Final = "topics.json"

_VECTOR: Final = pa.list_(pa.field("element", pa.float32(), nullable=False))
_WORD: Final = pa.struct(
    [pa.field("word", pa.string(), nullable=False), pa.field("similarity", pa.float32(), nullable=False)]
)


def topic_schema(id_type: pa.DataType) -> pa.Schema:
    """Columns of the table of topics; documents have ids of this type."""
    document = pa.struct([pa.field("document", id_type), pa.field("similarity", pa.float32(), nullable=False)])
    whole = [pa.field(name, pa.int32(), nullable=False) for name in ("parent_level", "first_leaf", "last_leaf")]
    return pa.schema(
        [
            pa.field("id", pa.int32(), nullable=False),
            pa.field("title", pa.string(), nullable=False),
            pa.field("size", pa.int64(), nullable=False),
            pa.field("similarity", pa.float32()),
            pa.field("level", pa.int32(), nullable=False),
            pa.field("parent", pa.int32()),
            *whole,
            pa.field("words", pa.list_(pa.field("element", _WORD, nullable=False)), nullable=False),
            pa.field("documents", pa.list_(pa.field("element", document, nullable=False)), nullable=False),
            pa.field("information_gain", pa.float64()),
            pa.field("npmi", pa.float64()),
            pa.field("vector", _VECTOR, nullable=False),
            pa.field("centroid", _VECTOR, nullable=False),
        ]
    )


def assignment_schema(id_type: pa.DataType) -> pa.Schema:
    """Columns of the table of documents with their topics."""
    return pa.schema(
        [pa.field("document", id_type), pa.field("topic", pa.int32()), pa.field("similarity", pa.float32())]
    )


@dataclass(frozen=True, slots=True, eq=False)
class TopicRows:
    """All that the table of topics says, a row a topic: T that were found, then those that merging has made.

    Attributes
    ----------
    ids : int32, (2 T - 1,)
    hierarchy : Hierarchy
    tally : Tally
        Of the T.
    words : TopicWords
        Of all.
    information_gain, npmi : mapping of int to float
        By row, where they were measured.
    """

    ids: npt.NDArray[np.int32]
    hierarchy: Hierarchy
    tally: Tally
    words: TopicWords
    information_gain: Mapping[int, float] = field(default_factory=dict)
    npmi: Mapping[int, float] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """T."""
        return len(self.tally.sizes)

    def to_table(self, id_type: pa.DataType) -> pa.Table:
        """The table of `topic_schema`."""
        rows = [self._row(node.row) for node in self.hierarchy.nodes]
        return pa.Table.from_pylist(rows, schema=topic_schema(id_type))

    def _row(self, row: int) -> dict[str, Any]:
        node = self.hierarchy.nodes[row]
        leaf = row < self.found
        sums = self.tally.sums[self.hierarchy.leaves(row)].sum(axis=0, keepdims=True)
        similarity = self.tally.similarities[row] / max(int(self.tally.sizes[row]), 1) if leaf else None
        words = zip(self.words.words[row], self.words.similarities[row].tolist(), strict=True)
        return {
            "id": int(self.ids[row]),
            "title": self.words.title(row),
            "size": int(self.hierarchy.sizes[row]),
            "similarity": similarity,
            "level": node.level,
            "parent": None if node.parent is None else int(self.ids[node.parent]),
            "parent_level": node.parent_level,
            "first_leaf": node.first_leaf,
            "last_leaf": node.last_leaf,
            "words": [{"word": word, "similarity": value} for word, value in words],
            "documents": self._documents(row) if leaf else [],
            "information_gain": self.information_gain.get(row),
            "npmi": self.npmi.get(row),
            "vector": self.hierarchy.vectors[row].tolist(),
            "centroid": to_unit(sums)[0].tolist(),
        }

    def _documents(self, row: int) -> list[dict[str, Any]]:
        best = self.tally.best
        start, stop = np.searchsorted(best["topic"].to_numpy(), [row, row + 1])
        some = best.slice(start, stop - start)
        documents: list[dict[str, Any]] = some.select(["document", "similarity"]).to_pylist()
        return documents


def write_topics(directory: Directory, table: pa.Table, metadata: Mapping[str, str]) -> None:
    """Write the table of topics, one file, into a directory that is made."""
    directory.create()
    path = directory.file("part-00000.parquet")
    with pq.ParquetWriter(
        path, table.schema, filesystem=directory.filesystem, compression="zstd", store_schema=False
    ) as writer:
        writer.write_table(table, row_group_size=max(len(table), 1))
        writer.add_key_value_metadata(to_metadata(metadata))


def to_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Keys and values as a Parquet file of ours has them."""
    return {
        METADATA_PREFIX + key: value for key, value in sorted({**metadata, "format_version": FORMAT_VERSION}.items())
    }


def read_topics(location: str) -> tuple[Directory, pa.Table, dict[str, Any]]:
    """The directory of a result of ``w2v-spark topics``, its table of topics, and what ``topics.json`` says.

    Raises
    ------
    StoreError
        There is no complete result, or a file is damaged.
    """
    directory = open_result(location)
    if not directory.exists():
        raise StoreError(f"{directory.uri} does not exist; check the path")
    if not directory.exists(SUCCESS_FILE) or not directory.exists(TOPICS_FILE):
        raise StoreError(f"{directory.uri} holds no complete result of 'w2v-spark topics'")
    described = directory.read_json(TOPICS_FILE)
    files = [info for info in directory.child(TOPICS).list() if info.extension == "parquet"]
    if not files:
        raise StoreError(
            f"{directory.uri} has no {TOPICS}/: it gives documents to the topics of another directory; name that one"
            if "assigned_to" in described
            else f"{directory.uri} is damaged: {TOPICS}/ has no file"
        )
    with errors_naming(files[0].path), damage_naming(files[0].path):
        table = pq.read_table(files[0].path, filesystem=directory.filesystem)
        if missing := [name for name in topic_schema(pa.null()).names if name not in table.column_names]:
            raise StoreError(f"{files[0].path} has no column {missing[0]!r}: it is no table of topics")
    return directory, table, described


def leaf_rows(table: pa.Table) -> pa.Table:
    """The topics that were found, without those that merging has made."""
    first, last = (table[name].to_numpy() for name in ("first_leaf", "last_leaf"))
    return table.filter(pa.array(first == last))


def to_matrix(column: pa.ChunkedArray, dim: int) -> Matrix:
    """A column of vectors as (rows, D) float32, C-contiguous."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(flat, dtype=np.float32).reshape(len(column), dim)
