"""All documents and their nearest topics: one pass over the vectors, which gives a file for each that is read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes
from w2v_spark.topics.assignment import Tally, Topics, assign_rows
from w2v_spark.topics.documents import DocumentBatch, DocumentFiles
from w2v_spark.topics.tables import assignment_schema, to_metadata
from w2v_spark.vectors.blocks import Matrix

_TOPICS: Final = "topics.npz"
_PARTS: Final = "parts"
_GROUP_ROWS: Final = 1 << 17
_SCHEMA: Final = pa.schema([("number", pa.int64()), ("file", pa.string())])


@dataclass(frozen=True, slots=True)
class AssignDocuments:
    """Documents of some files with their topics, and what is added up over them: runs under ``mapInArrow``."""

    files: DocumentFiles
    staging: str
    top_documents: int
    metadata: dict[str, str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file: its number, and the name of what was written, which no other attempt uses."""
        staging = Directory.open(self.staging)
        known = arrays_from_bytes(staging.read_bytes(_TOPICS), _TOPICS)
        parts = staging.child(_PARTS)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            name = f"{number:05d}-{uuid.uuid4().hex}"
            tally = self._write(number, parts, name, known["vectors"], known["ids"])
            parts.write_bytes(f"{name}.tally", tally.to_bytes())
            yield pa.RecordBatch.from_pylist([{"number": number, "file": name}], schema=_SCHEMA)

    def _write(self, number: int, parts: Directory, name: str, vectors: Matrix, ids: Topics) -> Tally:
        tally = Tally.empty(len(vectors), self.files.dim, self.files.id_type, self.top_documents)
        schema = assignment_schema(self.files.id_type)
        group: list[pa.RecordBatch] = []
        with pq.ParquetWriter(
            parts.file(f"{name}.parquet"), schema, filesystem=parts.filesystem, compression="zstd", store_schema=False
        ) as writer:
            for documents in self.files.read(number):
                group.append(self._assign(documents, vectors, ids, schema, tally))
                if sum(map(len, group)) >= _GROUP_ROWS:
                    _write_group(writer, group)
                    group = []
            if group:
                _write_group(writer, group)
            writer.add_key_value_metadata(to_metadata(self.metadata))
        return tally

    @staticmethod
    def _assign(
        documents: DocumentBatch, vectors: Matrix, ids: Topics, schema: pa.Schema, tally: Tally
    ) -> pa.RecordBatch:
        rows = np.flatnonzero(documents.known)
        topics = np.zeros(len(documents.ids), dtype=np.int32)
        similarities = np.zeros(len(documents.ids), dtype=np.float32)
        nobody = np.ones(len(documents.ids), dtype=bool)
        if len(vectors) and len(rows):
            unit = documents.unit
            nearest, cosines = assign_rows(unit, vectors)
            tally.add(documents.ids.take(pa.array(rows)), unit, nearest, cosines)
            topics[rows], similarities[rows], nobody[rows] = ids[nearest], cosines, False
        columns = [documents.ids, pa.array(topics, mask=nobody), pa.array(similarities, mask=nobody)]
        return pa.record_batch(columns, schema=schema)


def _write_group(writer: pq.ParquetWriter, group: list[pa.RecordBatch]) -> None:
    table = pa.Table.from_batches(group)
    writer.write_table(table, row_group_size=len(table))


def assign_documents(
    spark: SparkSession,
    files: DocumentFiles,
    topics: tuple[Matrix, Topics],
    top_documents: int,
    staging: Directory,
    table: Directory,
    metadata: dict[str, str],
    tasks: int | None = None,
) -> Tally:
    """Give every document to its nearest topic, and add up what is published of the topics.

    Parameters
    ----------
    topics : float32, (T, D) and int32, (T,)
        Vectors of length 1, and the numbers of the topics; there may be none.
    staging : Directory
        That executors reach too.
    table : Directory
        Where the files go: one for each file of documents, with its documents in its order.
    tasks : int, optional
        How many Spark tasks share the files; by default each has one. It changes no byte of the result.

    Notes
    -----
    Sums of a file are added in the order of the files, so they do not depend on who has computed them when. Cost:
    ``2 N T D`` operations; a task holds a batch of documents and T x D sums.
    """
    staging.child(_PARTS).create()
    vectors, ids = topics
    staging.write_bytes(_TOPICS, arrays_to_bytes({"vectors": vectors, "ids": ids}))
    count = len(files.names)
    numbers = spark.range(0, count, 1, min(tasks or count, count))
    assign = AssignDocuments(files, staging.uri, top_documents, metadata)
    rows: list[dict[str, Any]] = numbers.mapInArrow(assign, "number bigint, file string").toArrow().to_pylist()
    names = {row["number"]: row["file"] for row in rows}
    tally = Tally.empty(len(vectors), files.dim, files.id_type, top_documents)
    parts = staging.child(_PARTS)
    table.create()
    for number in range(count):
        name = f"{names[number]}.tally"
        tally.merge(Tally.from_bytes(parts.read_bytes(name), name, top_documents))
        parts.move(f"{names[number]}.parquet", table, f"part-{number:05d}.parquet")
    return tally
