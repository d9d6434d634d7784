"""Vectors of new documents as a table: documents over Spark tasks, each of which writes a file."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from w2v_spark.config import Config
from w2v_spark.errors import InputError, Name
from w2v_spark.inference.document_inference import DocumentInference, OpenModel
from w2v_spark.inference.served import ServedModel
from w2v_spark.publishing.description import describe_packages
from w2v_spark.publishing.layout import DOCUMENTS, MODEL_FILE
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.document_chunks import FoundDocuments, SortedNames, in_utc
from w2v_spark.spark.document_frame import check_found, with_names
from w2v_spark.spark.encode_pass import gather_by
from w2v_spark.spark.source import Source
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.storage import Directory
from w2v_spark.vectors.document_table import DocumentBatch, write_documents_part

_DOCUMENTS_A_FILE: Final = 100_000
_PARTS: Final = "documents.parts"
_SERVED: Final = "served"
_SCHEMA: Final = pa.schema(
    [("file", pa.int64()), ("name", pa.string()), ("documents", pa.int64()), ("tokens", pa.int64()),
     ("without", pa.int64()), ("tally", pa.string())]
)  # fmt: skip
_SQL: Final = "file bigint, name string, documents bigint, tokens bigint, without bigint, tally string"


@dataclass(frozen=True, slots=True)
class Inferred:
    """What has become of the documents.

    Attributes
    ----------
    documents : int
    tokens : int
        Their words that the model knows.
    without : int
        Documents without any, which have no vector.
    seconds : dict of str to float
        Wall time of each stage and ``total``.
    """

    documents: int
    tokens: int
    without: int
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class InferDocuments:
    """Files of the table: runs on the executors under ``mapInArrow``, on the documents of one file in order.

    Attributes
    ----------
    model : ServedModel
    parts_uri : str
        Where the files go.
    metadata : mapping of str to str
        For every file.
    named : bool
        Documents have names of their own. Otherwise their content names them, and equal ones are one.
    """

    model: ServedModel
    parts_uri: str
    metadata: Mapping[str, str]
    named: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row a file: its number, its name, which no other attempt uses, and what is in it."""
        batches = batches if self.named else _distinct(batches)
        first = next(batches, None)
        if first is None:
            return
        inference, parts = self.model.load(), Directory.open(self.parts_uri)
        freeze_modules("infer")
        held: list[pa.RecordBatch | None] = [first]
        while held[0] is not None:  # several files may fall into one task
            number = int(held[0].column("file")[0].as_py())
            name = f"{number:05d}-{uuid.uuid4().hex}.parquet"
            sums, names = np.zeros(3, np.int64), SortedNames()
            write_documents_part(
                parts.filesystem, parts.file(name), in_utc(first.column("id")).type, inference.dim,
                _infer(inference, _of_file(number, held, batches), sums, names), self.metadata,
            )  # fmt: skip
            row: dict[str, Any] = dict(zip(("documents", "tokens", "without"), sums.tolist(), strict=True))
            row |= {"file": number, "name": name, "tally": names.tally()}
            yield pa.RecordBatch.from_pylist([row], schema=_SCHEMA)


def _distinct(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows without those that have the name of the row before."""
    last = None
    for batch in batches:
        names = batch.column("id")
        new = np.ones(len(names), bool)
        new[1:] = pc.not_equal(names[1:], names[:-1])
        new[:1] = [name.as_py() != last for name in names[:1]]
        if new.any():
            last = names[-1].as_py()
            yield batch.filter(pa.array(new))


def _of_file(
    number: int, held: list[pa.RecordBatch | None], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:  # fmt: skip
    """The documents of one file, of rows sorted by it; ``held`` has what comes next."""
    while (batch := held[0]) is not None:
        files = np.asarray(batch.column("file"))
        end = int(np.searchsorted(files, number, "right"))
        if end:
            yield batch.slice(0, end)
        if end < len(batch):
            held[0] = batch.slice(end)
            return
        held[0] = next(batches, None)


def _infer(
    inference: DocumentInference, batches: Iterator[pa.RecordBatch], sums: Any, names: SortedNames
) -> Iterator[DocumentBatch]:  # fmt: skip
    for batch in batches:
        start = 0
        for inferred in inference.batches(batch.column("document")):
            ids = in_utc(batch.column("id").slice(start, len(inferred.tokens)))
            start += len(inferred.tokens)
            names.add(ids)
            sums += len(ids), inferred.tokens.sum(), inferred.missing.sum()
            yield DocumentBatch(ids, inferred.tokens, inferred.matrix, inferred.missing)


def infer(
    spark: SparkSession, source: Source, opened: OpenModel, config: Config, target: Publication, progress: Progress
) -> Inferred:
    """Infer vectors of all documents of an input, and publish them.

    Parameters
    ----------
    source, target
        Checked already.
    config : Config
        The model's, with what was changed in ``[infer]``.

    Raises
    ------
    InputError
        The input cannot be used, or names are those of more than one document.
    StoreError
        The model is damaged.

    Notes
    -----
    Which file a document is in, and where, depends on its name and the number of documents alone.
    """
    begin, staging = time.perf_counter(), target.open_staging()
    with translated_errors():
        with progress.stage("prepare"):
            given = source.open(spark)
            named = "id" in given.columns
            documents, files = _by_file(with_names(given), named)
            served = ServedModel.write(staging.child(_SERVED), opened, config)
        with progress.stage("infer"):
            parts = staging.child(_PARTS).create()
            task = InferDocuments(served, parts.uri, opened.description.labels(), named)
            gathered = gather_by(documents, "file", files).sortWithinPartitions("file", "hash", "id", "document")
            rows = gathered.mapInArrow(task, _SQL).toArrow().to_pylist()
    with progress.stage("publish"):
        check_found(FoundDocuments.add_up([row["tally"] for row in rows]), named)
        table = staging.child(DOCUMENTS).create()
        for number, row in enumerate(sorted(rows, key=lambda row: row["file"])):
            parts.move(row["name"], table, f"part-{number:05d}.parquet")
        parts.delete()
        staging.child(_SERVED).delete()
        total = {name: sum(row[name] for row in rows) for name in ("documents", "tokens", "without")}
        seconds = {**progress.seconds, "total": round(time.perf_counter() - begin, 3)}
        staging.write_json(MODEL_FILE, {
            "format_version": 1, "infer": config.to_dict()["infer"], "model": opened.description.run, **total,
            "input": source.fingerprint(given), "packages": describe_packages("pyspark", "numpy", "numba", "pyarrow"),
            "timings": seconds,
        })  # fmt: skip
        target.put_in_place(staging, [DOCUMENTS, MODEL_FILE])
    return Inferred(**total, seconds=seconds)


def _by_file(documents: DataFrame, named: bool) -> tuple[DataFrame, int]:
    """The documents with the number of the file that each goes to, and how many files there are.

    Without names, what is null is no document, since nothing tells which one it is.
    """
    documents = documents if named else documents.where(F.col("document").isNotNull())
    found = documents.agg(
        F.count("*").alias("all"), F.count_if(F.col("id").isNull()).alias("nulls")
    ).collect()[0]  # fmt: skip
    if not found["all"]:
        raise InputError("there is no document in the input; check it, and ", Name("where"), " if it is given")
    if found["nulls"] and named:
        raise InputError(
            Name("id"), f": {found['nulls']:,} documents have no name (null); give each its own, or leave them out "
            "with ", Name("where"),
        )  # fmt: skip
    files = math.ceil(found["all"] / _DOCUMENTS_A_FILE)
    numbered = documents.withColumn("file", F.pmod(F.xxhash64("hash"), F.lit(files)).cast("int"))
    return numbered.select("document", "id", "hash", "file"), files
