"""A sample of documents and its exact nearest neighbours as Spark jobs: the part of topics that all documents enter."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F

from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes
from w2v_spark.topics.documents import DocumentFiles
from w2v_spark.topics.sample import key_documents
from w2v_spark.topics.settings import TopicSettings
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.search.tiled import QUERY_ROWS, find_neighbours

_ROWS: Final = "rows.npz"
_PIECES: Final = "pieces"
_SAMPLE: Final = "sample.npy"
_MOST_TASKS: Final = 64
_KEYS: Final = "content_high bigint, content_low bigint, key bigint, file int, row bigint"
_FILE_SCHEMA: Final = pa.schema([("number", pa.int64()), ("file", pa.string())])
_NEAREST_SCHEMA: Final = pa.schema([("number", pa.int64()), ("ids", pa.binary()), ("similarities", pa.binary())])


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Documents in which topics are looked for.

    Attributes
    ----------
    unit : float32, (n, D)
        Their vectors scaled to length 1, mapped where the staging directory is on a local disk.
    usable : int
        Documents that could have been drawn: they have a vector and are long enough.
    distinct : int
        Contents among them.
    """

    unit: Matrix
    usable: int
    distinct: int


@dataclass(frozen=True, slots=True)
class KeyDocuments:
    """What documents are drawn by, file by file: runs on the executors under ``mapInArrow``."""

    files: DocumentFiles
    seed: int
    min_tokens: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of `KEY_SCHEMA`."""
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            for documents in self.files.read(number):
                yield key_documents(documents, number, self.seed, self.min_tokens)


@dataclass(frozen=True, slots=True)
class GatherRows:
    """Vectors of the documents that were drawn: runs on the executors under ``mapInArrow``."""

    files: DocumentFiles
    staging: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A row a file of documents: its number, and the file with its part of the sample."""
        staging = Directory.open(self.staging)
        drawn = arrays_from_bytes(staging.read_bytes(_ROWS), _ROWS)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            places = np.flatnonzero(drawn["number"] == number)
            places = places[np.argsort(drawn["row"][places])]
            parts = list(self._parts(number, drawn["row"][places])) if len(places) else []
            unit = np.concatenate(parts) if parts else np.empty((0, self.files.dim), np.float32)
            name = f"{number:05d}-{uuid.uuid4().hex}.npz"
            staging.child(_PIECES).write_bytes(name, arrays_to_bytes({"places": places, "unit": unit}))
            yield pa.RecordBatch.from_pylist([{"number": number, "file": name}], schema=_FILE_SCHEMA)

    def _parts(self, number: int, rows: npt.NDArray[np.int64]) -> Iterator[Matrix]:
        for documents in self.files.read(number):
            start, stop = np.searchsorted(rows, [documents.start, documents.start + len(documents.ids)])
            if start < stop:
                places = np.cumsum(documents.known) - 1  # of rows among those that have a vector
                yield documents.unit[places[rows[start:stop] - documents.start]]


@dataclass(frozen=True, slots=True)
class NearestRows:
    """Nearest rows of the sample for some of its rows: runs on the executors under ``mapInArrow``."""

    staging: str
    rows_per_task: int
    topn: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of numbers: int32 ids and float32 similarities, (rows, topn) each, as bytes."""
        unit = _load_sample(self.staging)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            start = number * self.rows_per_task
            mine = np.arange(start, min(start + self.rows_per_task, len(unit)), dtype=np.int32)
            found = list(find_neighbours(unit, mine, self.topn))
            ids = b"".join(np.ascontiguousarray(part.ids).tobytes() for part in found)
            similarities = b"".join(np.ascontiguousarray(part.similarities).tobytes() for part in found)
            yield pa.RecordBatch.from_pylist(
                [{"number": number, "ids": ids, "similarities": similarities}], schema=_NEAREST_SCHEMA
            )


@lru_cache(maxsize=1)
def _load_sample(location: str) -> Matrix:
    """The sample, kept by an executor's Python worker from task to task; on a local disk workers share one copy."""
    staging = Directory.open(location)
    if staging.is_local:
        return np.asarray(np.load(staging.file(_SAMPLE), mmap_mode="c", allow_pickle=False))
    unit: Matrix = np.load(io.BytesIO(staging.read_bytes(_SAMPLE)), allow_pickle=False)
    return unit


def draw_sample(
    spark: SparkSession, files: DocumentFiles, settings: TopicSettings, staging: Directory, tasks: int | None = None
) -> Sample:
    """Draw documents by the hashes of their ids, each content once, and bring their vectors together.

    Parameters
    ----------
    staging : Directory
        That executors reach too; files are left in it.
    tasks : int, optional
        How many Spark tasks share the files; by default each has one. It changes no byte of the result.

    Notes
    -----
    Two passes over the documents, of which the second reads their vectors into files and the first hands 36 bytes a
    document to a shuffle. The driver sees the places of the documents that were drawn, and their vectors: n x D.
    """
    numbers = spark.range(0, len(files.names), 1, min(tasks or len(files.names), len(files.names)))
    keys = numbers.mapInArrow(KeyDocuments(files, settings.seed, settings.min_tokens), _KEYS)
    usable, distinct = Observation(), Observation()
    place = F.struct("key", "file", "row")
    contents = keys.observe(usable, F.count(F.lit(1)).alias("rows")).groupBy("content_high", "content_low")
    first = contents.agg(F.min(place).alias("place")).observe(distinct, F.count(F.lit(1)).alias("rows"))
    drawn = first.select("place.*").orderBy("key", "file", "row").limit(settings.sample).toArrow()
    rows = {"number": drawn["file"].to_numpy(), "row": drawn["row"].to_numpy()}
    staging.write_bytes(_ROWS, arrays_to_bytes(rows))
    staging.child(_PIECES).create()
    written = numbers.mapInArrow(GatherRows(files, staging.uri), "number bigint, file string").toArrow().to_pylist()
    unit: Matrix = np.empty((len(drawn), files.dim), dtype=np.float32)
    for row in written:
        piece = arrays_from_bytes(staging.child(_PIECES).read_bytes(row["file"]), row["file"])
        unit[piece["places"]] = piece["unit"]
    with staging.filesystem.open_output_stream(staging.file(_SAMPLE)) as stream:
        np.save(stream, unit, allow_pickle=False)
    if staging.is_local and len(unit):
        unit = _load_sample.__wrapped__(staging.uri)
    return Sample(unit, usable.get["rows"], distinct.get["rows"])


def find_nearest(
    spark: SparkSession, sample: Sample, settings: TopicSettings, staging: Directory, tasks: int | None = None
) -> tuple[npt.NDArray[np.int32], Matrix]:
    """The exact nearest rows of all rows of the sample that `draw_sample` has left in ``staging``.

    Returns
    -------
    int32 and float32, (n, k - 1)
        Rows and cosines, the most similar first; the row itself is not among them.

    Notes
    -----
    Cost: ``2 n^2 D`` operations on the executors, each of whose workers maps the sample or holds it, 4 n D bytes.
    """
    n = len(sample.unit)
    topn = min(settings.neighbours, n) - 1
    if topn < 1:
        return np.empty((n, 0), np.int32), np.empty((n, 0), np.float32)
    per_task = -(-n // (QUERY_ROWS * _MOST_TASKS)) * QUERY_ROWS
    count = -(-n // per_task)
    numbers = spark.range(0, count, 1, min(tasks or count, count))
    found = numbers.mapInArrow(
        NearestRows(staging.uri, per_task, topn), "number bigint, ids binary, similarities binary"
    ).toArrow()
    rows: dict[int, Any] = {row["number"]: row for row in found.to_pylist()}
    ids = np.frombuffer(b"".join(rows[number]["ids"] for number in range(count)), np.int32)
    similarities = np.frombuffer(b"".join(rows[number]["similarities"] for number in range(count)), np.float32)
    return ids.reshape(n, topn), similarities.reshape(n, topn)
