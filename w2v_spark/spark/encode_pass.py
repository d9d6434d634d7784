"""The second pass over the text as a Spark job: encode the documents into shards of ids."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, IntegerType, LongType, StructType

from w2v_spark.config import Config
from w2v_spark.corpus.chunk_files import ChunkFile
from w2v_spark.corpus.id_counts import read_id_counts
from w2v_spark.corpus.shards import EncodedCorpus, Part, Shard
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.phrases.units import NO_UNITS, Units
from w2v_spark.run.directory import CORPUS
from w2v_spark.spark.bucket_files import PARTED_SCHEMA, PartChunks, WriteParted, fits, remove_parted
from w2v_spark.spark.document_chunks import WITHOUT_LABELS, FoundDocuments, Labels
from w2v_spark.spark.document_frame import check_found
from w2v_spark.spark.encode_checks import check_counted, check_trainable
from w2v_spark.spark.encode_tasks import NO_BUCKET, PART_SCHEMA, EncodeDocuments, WriteBuckets
from w2v_spark.spark.join_tasks import FILE_SCHEMA, JoinChunks, KeepChunks, WriteJoined
from w2v_spark.spark.kept_words import encode_pieces
from w2v_spark.spark.parquet_pieces import Pieces
from w2v_spark.storage import Directory

BUCKET_TOKENS: Final = 1 << 23
_MOST_PARTITIONS: Final = 10_000


class Encoded(NamedTuple):
    """Text that was trained on without being counted before, after it was encoded.

    Attributes
    ----------
    corpus : EncodedCorpus
    trained : (V,) int64
        How often each word of the vocabulary is in it.
    others : CorpusStatistics
        What was seen in all frames but the first; distinct words are not counted.
    """

    corpus: EncodedCorpus
    trained: npt.NDArray[np.int64]
    others: CorpusStatistics


class KeptChunks(NamedTuple):
    """Text as chunks of ids with gaps, before its phrases are known.

    Attributes
    ----------
    files : tuple of ChunkFile
        All but the ids.
    ids : tuple of ChunkFile
        Those of each file.
    numbers : tuple of int
        The bucket of each.
    buckets : int
        How many buckets there are, those without a chunk included.
    """

    files: tuple[ChunkFile, ...]
    ids: tuple[ChunkFile, ...]
    numbers: tuple[int, ...]
    buckets: int


@dataclass(frozen=True, slots=True)
class EncodePass:
    """Writes documents as shards of ids below ``run/corpus``.

    Attributes
    ----------
    config : Config
    run : Directory
    vocabulary_file, vocabulary_digest : str
        The vocabulary's file in ``run``, which every executor reads for itself, and its digest.
    vocabulary : Vocabulary
        The same.
    shards : int
    labels : Labels, optional
        Where documents have rows of their own.
    units : Units
        What words become as they are read.
    pieces : Pieces, optional
        The documents of the only frame, which have neither names nor rows, as files that tasks read themselves.
    """

    config: Config
    run: Directory
    vocabulary_file: str
    vocabulary_digest: str
    vocabulary: Vocabulary
    shards: int
    labels: Labels = WITHOUT_LABELS
    units: Units = NO_UNITS
    pieces: Pieces | None = None

    def encode(self, frames: Sequence[DataFrame]) -> EncodedCorpus:
        """Text that has been counted.

        Parameters
        ----------
        frames : sequence of DataFrame
            Each with a column ``document`` and, where documents have names, a column ``id`` of any type that can be
            sorted.

        Raises
        ------
        InputError
            The text is not the one that was counted, or no sentence has two words.
        """
        corpus, rows = self._write(frames, self.vocabulary.tokens, tally=False)
        check_counted(self.vocabulary, corpus.tokens, sum(row["id_sum"] for row in rows))
        check_trainable(corpus)
        return corpus

    def encode_whole(self, frames: Sequence[DataFrame], named: bool) -> EncodedCorpus:
        """Text that has been counted, of documents with rows of their own.

        Parameters
        ----------
        frames : sequence of DataFrame
            Of `document_frame.with_names`.
        named : bool
            Whether the names were given, so that each has to be that of one document.

        Raises
        ------
        InputError
            See `encode` and `check_found`.
        """
        corpus, rows = self._write(frames, self.vocabulary.tokens, tally=False)
        found = FoundDocuments.add_up([row["tally"] for row in rows])
        check_found(found, named)
        check_counted(self.vocabulary, corpus.tokens, sum(row["id_sum"] for row in rows))
        return replace(corpus, documents=found.documents)

    def encode_and_count(self, frames: Sequence[DataFrame], tokens: int) -> Encoded:
        """Text of which only the first frame has been counted, so that the others are read once.

        Parameters
        ----------
        frames : sequence of DataFrame
            See `encode`.
        tokens : int
            About how many words there are; says how many files there will be.

        Raises
        ------
        InputError
            The first frame is not what was counted, or no sentence has two words.
        """
        corpus, rows = self._write(frames, tokens, tally=True)
        first, others = Counter[str](), Counter[str]()
        for row in rows:
            if row["tally"]:
                (others if row["frame"] else first).update(json.loads(row["tally"]))
        check_counted(self.vocabulary, first["kept"], first["id_sum"])
        check_trainable(corpus)
        files = [(row["counts"], row["counts_digest"]) for row in rows if row["counts"]]
        trained = read_id_counts(self.run.child(CORPUS), files, len(self.vocabulary))
        seen = {name: others[name] for name in CorpusStatistics.__slots__}
        return Encoded(corpus, trained, CorpusStatistics(**seen))

    def keep(self, frames: Sequence[DataFrame], tokens: int) -> KeptChunks:
        """Text that has been counted, as chunks in which gaps stand for unknown words; `join` makes the corpus of them.

        Parameters
        ----------
        frames : sequence of DataFrame
            See `encode`, or `encode_whole`.
        tokens : int
            About how many words there will be.

        Raises
        ------
        InputError
            The text is not the one that was counted, or has words with the delimiter of phrases in them.
        """
        directory = self.run.child(CORPUS).create()
        chunks = self._chunks(frames, self._buckets(tokens), tally=False, gaps=True)
        task = KeepChunks(directory.uri, len(self.vocabulary))
        rows = chunks.mapInArrow(task, FILE_SCHEMA).toArrow().sort_by("bucket").to_pylist()
        check_counted(self.vocabulary, sum(row["tokens"] for row in rows), sum(row["id_sum"] for row in rows))
        return KeptChunks(
            tuple(ChunkFile(row["file"], row["digest"]) for row in rows),
            tuple(ChunkFile(row["ids"], row["ids_digest"]) for row in rows),
            tuple(row["bucket"] for row in rows), self._buckets(tokens),
        )  # fmt: skip

    def join(self, spark: SparkSession, kept: KeptChunks, joined: JoinChunks, named: bool) -> EncodedCorpus:
        """The corpus that kept chunks become.

        Parameters
        ----------
        kept : KeptChunks
            From `keep`.
        joined : JoinChunks
            Says what they become.
        named : bool
            See `encode_whole`.

        Raises
        ------
        InputError
            No sentence has two words, or see `check_found`.
        """
        task = WriteJoined(self.run.child(CORPUS).uri, kept.files, kept.numbers, joined, self.labels.whole)
        numbers = spark.range(0, len(kept.files), 1, max(len(kept.files), 1))
        rows = numbers.mapInArrow(task, PART_SCHEMA).toArrow().to_pylist()
        corpus = self._corpus(rows, kept.buckets)
        if self.labels.whole:
            found = FoundDocuments.add_up([row["tally"] for row in rows])
            check_found(found, named)
            return replace(corpus, documents=found.documents)
        check_trainable(corpus)
        return corpus

    def _write(
        self, frames: Sequence[DataFrame], tokens: int, tally: bool
    ) -> tuple[EncodedCorpus, list[dict[str, Any]]]:
        """The corpus, and what the tasks have handed back."""
        directory, buckets = self.run.child(CORPUS).create(), self._buckets(tokens)
        if self.pieces is not None and directory.is_local and fits(buckets, self.pieces.bytes, len(self.pieces.parts)):
            rows = self._write_parted(frames[0].sparkSession, self.pieces, directory, buckets)
            return self._corpus(rows, buckets), rows
        rows = (
            self._chunks(frames, buckets, tally)
            .mapInArrow(WriteBuckets(directory.uri, tally, self.labels.whole), PART_SCHEMA)
            .toArrow()
            .to_pylist()
        )
        return self._corpus([row for row in rows if row["bucket"] != NO_BUCKET], buckets), rows

    def _write_parted(
        self, spark: SparkSession, pieces: Pieces, directory: Directory, buckets: int
    ) -> list[dict[str, Any]]:
        """What tasks hand back that read the text by themselves, and pass its chunks on in files."""
        chunks = encode_pieces(
            spark, pieces, self._encode_task(buckets), PARTED_SCHEMA,
            lambda encode: PartChunks(encode, buckets, directory.uri),
        )  # fmt: skip
        found = chunks.toArrow().sort_by("file").to_pylist()
        task = WriteParted(directory.uri, tuple(ChunkFile(row["file"], row["digest"]) for row in found), buckets)
        written = spark.range(0, buckets, 1, buckets).mapInArrow(task, PART_SCHEMA)
        rows: list[dict[str, Any]] = written.toArrow().to_pylist()
        remove_parted(directory)
        return rows

    def _buckets(self, tokens: int) -> int:
        """How many files there may be, the same number a shard."""
        return self.shards * max(1, math.ceil(tokens / self.shards / BUCKET_TOKENS))

    def _chunks(self, frames: Sequence[DataFrame], buckets: int, tally: bool, gaps: bool = False) -> DataFrame:
        """Chunks of ids, those of each bucket together."""
        encode = self._encode_task(buckets, gaps)
        partitions = min(buckets, _MOST_PARTITIONS)
        if self.pieces is not None:
            (frame,) = frames
            schema = _chunk_schema(frame.select("document"))
            chunks = encode_pieces(frame.sparkSession, self.pieces, encode, schema)
            return gather_by(chunks, "bucket", partitions)
        selected = list(frames)
        if not self.labels.whole:
            has_names = all("id" in frame.columns for frame in frames)
            names = ["id"] if has_names and len({frame.schema["id"] for frame in frames}) == 1 else []
            selected = [frame.select("document", *names) for frame in frames]
        several = [
            frame.mapInArrow(replace(encode, frame=number if tally else None), _chunk_schema(frame))
            for number, frame in enumerate(selected)
        ]
        return gather_by(reduce(DataFrame.union, several), "bucket", partitions)

    def _encode_task(self, buckets: int, gaps: bool = False) -> EncodeDocuments:
        text = self.config.text
        return EncodeDocuments(
            self.units.analyzer(text), text.max_sentence_length, self.run.uri, self.vocabulary_file,
            self.vocabulary_digest, buckets, self.config.train.seed,
            labels=replace(self.labels, buckets=buckets, seed=self.config.train.seed), gaps=gaps,
            concepts=self.units.concepts(),
        )  # fmt: skip

    def _corpus(self, files: list[dict[str, Any]], buckets: int) -> EncodedCorpus:
        """Shards of the files that tasks have written."""
        parts = {row["bucket"]: Part(**{each.name: row[each.name] for each in fields(Part)}) for row in files}
        digest = sum(row["digest"] for row in files) % 2**64
        per_shard = buckets // self.shards
        shards = (range(shard * per_shard, (shard + 1) * per_shard) for shard in range(self.shards))
        found = tuple(Shard(tuple(parts[bucket] for bucket in some if bucket in parts)) for some in shards)
        return EncodedCorpus(found, f"{digest:016x}")


def _chunk_schema(documents: DataFrame) -> StructType:
    """What Spark is told of the chunks: `CHUNK_SCHEMA` but for the document, in whose place its name may be."""
    schema = StructType().add("bucket", IntegerType()).add("key", LongType()).add("tie", LongType())
    schema = schema.add("ids", BinaryType())
    if "id" in documents.columns:
        schema = schema.add("id", documents.schema["id"].dataType).add("piece", IntegerType())
    if "hash" in documents.columns:
        schema = schema.add("tags", ArrayType(IntegerType()))
    return schema


def gather_by(rows: DataFrame, column: str, partitions: int) -> DataFrame:
    """Bring the rows of each number in a column together, the numbers evenly over the partitions where Spark can."""
    if hasattr(rows, "repartitionById"):  # Spark 4.1 and later; a hash puts two of a few buckets into one partition
        return rows.repartitionById(partitions, F.pmod(column, F.lit(partitions)))
    return rows.repartition(partitions, column)
