"""What the tasks of a search for phrases do: chunks of ids to counts of pairs, counts to scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from w2v_spark.config.choices import PhraseScorer
from w2v_spark.corpus.chunk_files import ChunkFile, ids_of, read_chunks
from w2v_spark.corpus.id_counts import write_id_counts
from w2v_spark.phrases.joining import chain
from w2v_spark.phrases.pair_table import COUNT, PAIR, RUN, PairTable
from w2v_spark.phrases.scores import Bounds, Corpus, score_pairs
from w2v_spark.spark.join_tasks import JoinedWords, one_row
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, digest

PAIR_SCHEMA: Final = "part int, pairs binary, file string, digest string"
TOTAL_SCHEMA: Final = "part int, file string, digest string, distinct bigint"
SCORE_SCHEMA: Final = "pair bigint, run bigint, count bigint, first bigint, second bigint, score double, best double"
NO_PART: Final = -1
"""The part of rows that name the counts of ids."""


@dataclass(frozen=True, slots=True)
class CountPairs:
    """Files of chunks to partial counts of pairs: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    uri : str
        Where the files are, and where counts of ids go.
    files : tuple of ChunkFile
        By number.
    words : JoinedWords
    parts : int
        Pairs are spread over so many.
    bounds_file : ChunkFile
        The arrays of `Bounds`.
    factor : float
    min_count : int
        See `Bounds`.
    pairs : bool
        False: ids are counted alone.
    """

    uri: str
    files: tuple[ChunkFile, ...]
    words: JoinedWords
    parts: int
    bounds_file: ChunkFile
    factor: float
    min_count: int
    pairs: bool = True

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of `PAIR_SCHEMA`: pairs by part, and for each file one that names the counts of its ids."""
        kinds, passes = self.words.load()
        directory = Directory.open(self.uri)
        data = directory.read_bytes(self.bounds_file.name, self.bounds_file.digest)
        bounds = Bounds(**arrays_from_bytes(data, self.bounds_file.name), factor=self.factor, min_count=self.min_count)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            file = self.files[number]
            signed, ends = ids_of(read_chunks(directory, file))
            signed, _ = chain(signed, ends, passes, kinds)
            name, found = write_id_counts(directory, f"{file.name}.{len(passes)}", signed ^ (signed >> 31))
            yield one_row({"part": pa.scalar(NO_PART, pa.int32()), "pairs": b"", "file": name, "digest": found})
            if not self.pairs:
                continue
            table, runs = PairTable(len(signed) // 4), bool(len(kinds.connectors))  # without connectors no pair has one
            table.count(signed, kinds, bounds)
            for n, pairs in enumerate(table.parted(self.parts, runs)):
                if len(pairs):
                    yield one_row(
                        {"part": pa.scalar(n, pa.int32()), "pairs": pairs.tobytes(), "file": "", "digest": ""}
                    )


@dataclass(frozen=True, slots=True)
class AddPairs:
    """Partial counts to counts, a file a part: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    uri : str
    min_count : int
        Rarer pairs are counted as distinct ones and left out.
    runs : bool
        Whether pairs have runs of connector words.
    """

    uri: str
    min_count: int
    runs: bool

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of `TOTAL_SCHEMA`: one a part, and those that name counts of ids as they came."""
        held: dict[int, list[bytes]] = {}
        for batch in batches:
            for row in batch.to_pylist():
                if row["part"] == NO_PART:
                    named = {name: row[name] for name in ("file", "digest")}
                    yield one_row({"part": pa.scalar(NO_PART, pa.int32()), **named, "distinct": 0})
                else:
                    held.setdefault(row["part"], []).append(row["pairs"])
        directory = Directory.open(self.uri)
        for part in sorted(held):
            table = self._add(held.pop(part))
            data = arrays_to_bytes({"pairs": table.pairs(self.min_count)})
            file = f"{digest(data)}-{part:05d}.pairs.npz"
            directory.write_bytes(file, data)
            yield one_row({
                "part": pa.scalar(part, pa.int32()), "file": file, "digest": digest(data), "distinct": len(table),
            })  # fmt: skip

    def _add(self, blobs: list[bytes]) -> PairTable:
        width = 3 if self.runs else 2
        table = PairTable(sum(map(len, blobs)) // (8 * width) // 2)
        for blob in blobs:
            some = np.frombuffer(blob, np.int64).reshape(-1, width)
            pairs = np.zeros((len(some), 3), np.int64)
            pairs[:, [PAIR, RUN, COUNT] if self.runs else [PAIR, COUNT]] = some
            table.add(pairs)
        return table


@dataclass(frozen=True, slots=True)
class ScorePairs:
    """Counts to phrases: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    uri : str
    files : tuple of ChunkFile
        Of pairs, by number.
    counts_file : ChunkFile
        How often each id occurs.
    scorer, corpus, min_count, threshold
        See `score_pairs`; phrases score above the threshold.
    """

    uri: str
    files: tuple[ChunkFile, ...]
    counts_file: ChunkFile
    scorer: PhraseScorer
    corpus: Corpus
    min_count: int
    threshold: float

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of `SCORE_SCHEMA`, and one a file with the best score of those that are no phrases."""
        directory = Directory.open(self.uri)
        data = directory.read_bytes(self.counts_file.name, self.counts_file.digest)
        counts = arrays_from_bytes(data, self.counts_file.name)["counts"]
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            data = directory.read_bytes(self.files[number].name, self.files[number].digest)
            pairs = arrays_from_bytes(data, self.files[number].name)["pairs"]
            first, second = counts[pairs[:, PAIR] >> 32], counts[pairs[:, PAIR] & 0xFFFFFFFF]
            scores = score_pairs(self.scorer, pairs[:, COUNT], first, second, self.corpus, self.min_count)
            kept = scores > self.threshold
            best = float(np.max(scores[~kept], initial=-np.inf))
            columns = [pairs[kept, PAIR], pairs[kept, RUN], pairs[kept, COUNT], first[kept], second[kept], scores[kept]]
            nothing = pa.nulls(int(np.count_nonzero(kept)), pa.float64())
            names = ["pair", "run", "count", "first", "second", "score", "best"]
            found = pa.record_batch([*map(pa.array, columns), nothing], names=names)
            yield found
            rest = {name: pa.nulls(1, found.schema.field(name).type) for name in names[:-1]}
            yield pa.record_batch([*rest.values(), pa.array([best])], names=names)
