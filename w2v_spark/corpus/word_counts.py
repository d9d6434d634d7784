"""The counts of all words of a corpus, whether they have a vector or not: Parquet files, and what they add up to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.storage import Directory, damage_naming

COUNTS_FILE: Final = "counts.json"
COUNT_SCHEMA: Final = pa.schema([pa.field("word", pa.string(), False), pa.field("count", pa.int64(), False)])
"""Columns of the files: rows come in any order, each word once in all files together."""

FORMAT_VERSION: Final = 1
_ROWS_PER_GROUP: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class WordCounts:
    """What ``counts.json`` says.

    Attributes
    ----------
    words, tokens : int
        Distinct words, and the sum of their counts.
    digest : str
        The sum of the 64-bit hashes (xxHash64, as Spark computes it) of all rows, hexadecimal: the same in any order.
    files : tuple of str
        Beside ``counts.json``; what else lies there does not count. Empty where a version lists its files itself.
    """

    words: int
    tokens: int
    digest: str
    files: tuple[str, ...] = ()

    @classmethod
    def of_files(cls, files: Sequence[CountFile]) -> WordCounts:
        """The sums over some files."""
        digest = sum(file.digest for file in files) % 2**64
        words, tokens = sum(file.words for file in files), sum(file.tokens for file in files)
        return cls(words, tokens, f"{digest:016x}", tuple(file.name for file in files))

    def write(self, directory: Directory) -> None:
        """Save as ``counts.json``."""
        directory.write_json(COUNTS_FILE, {"format_version": FORMAT_VERSION, **asdict(self)})

    @classmethod
    def read(cls, directory: Directory) -> WordCounts:
        """Load ``counts.json``. Raises `StoreError` if it is missing or damaged."""
        value = directory.read_json(COUNTS_FILE)
        with damage_naming(f"{directory.uri}/{COUNTS_FILE}"):
            files = tuple(str(file) for file in value["files"])
            return cls(int(value["words"]), int(value["tokens"]), str(value["digest"]), files)


@dataclass(frozen=True, slots=True)
class CountFile:
    """One of the files, its words and tokens, and the sum of the hashes of its rows."""

    name: str
    words: int
    tokens: int
    digest: int


class CountWriter:
    """Writes rows of counts to a file of its own, made when the first row comes.

    Parameters
    ----------
    directory : Directory
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._name = f"{uuid.uuid4().hex}.parquet"
        self._writer: Any = None
        self._words = self._tokens = self._digest = 0

    def write(self, words: pa.Array, counts: pa.Array, hashes: pa.Array) -> None:
        """Append rows: strings, int64 and int64."""
        if not len(words):
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._directory.file(self._name), COUNT_SCHEMA, filesystem=self._directory.filesystem,
                compression="zstd", store_schema=False,
            )  # fmt: skip
        table = pa.Table.from_arrays([words.cast(pa.string()), counts.cast(pa.int64())], schema=COUNT_SCHEMA)
        self._writer.write_table(table, _ROWS_PER_GROUP)
        self._words += len(words)
        self._tokens += int(np.sum(counts.to_numpy(zero_copy_only=False), dtype=np.int64))
        hashed = hashes.to_numpy(zero_copy_only=False).view(np.uint64)
        self._digest = (self._digest + int(np.sum(hashed, dtype=np.uint64))) % 2**64

    def finish(self) -> Iterator[CountFile]:
        """Close the file; one entry, or none if there was no row."""
        if self._writer is not None:
            self._writer.close()
            yield CountFile(self._name, self._words, self._tokens, self._digest)
