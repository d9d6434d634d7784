"""Sums of pairs in files, each part of which is read alone: so they get from tasks that count to those that add."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.corpus import parted_files
from w2v_spark.corpus.chunk_files import ChunkFile
from w2v_spark.phrases.pair_sums import Sums
from w2v_spark.phrases.pair_table import NO_NUMBERS, Pairs
from w2v_spark.storage import Directory

_EMPTY: Final = Pairs(NO_NUMBERS, NO_NUMBERS, NO_NUMBERS)


def write_sums(directory: Directory, sums: Sums) -> ChunkFile:
    """Write pairs to a new file that nobody else writes to. No count may reach 2^32: a file has fewer words."""
    return parted_files.write_parts(
        directory, [_to_bytes(sums.part(number)) for number in range(len(sums.ends))], "pairs"
    )


def read_part(directory: Directory, files: tuple[ChunkFile, ...], part: int, parts: int, runs: bool) -> Pairs:
    """The pairs of a part in all files, one file behind the other.

    Parameters
    ----------
    part, parts : int
        Which of how many.
    runs : bool
        Whether there are connector words.

    Raises
    ------
    StoreError
        A file is missing, or not what was written.
    """
    read = (_from_bytes(parted_files.read_part(directory, file, part, parts), runs) for file in files)
    return Pairs(*(np.concatenate(column) for column in zip(_EMPTY, *read, strict=True)))


def _to_bytes(pairs: Pairs) -> bytes:
    return pairs.ids.tobytes() + pairs.runs.tobytes() + pairs.counts.astype(np.uint32).tobytes()


def _from_bytes(data: bytes, runs: bool) -> Pairs:
    n = len(data) // (20 if runs else 12)
    numbers = np.frombuffer(data, np.int64, n * (2 if runs else 1))
    counts = np.frombuffer(data, np.uint32, n, numbers.nbytes).astype(np.int64)
    return Pairs(numbers[:n], numbers[n:], counts)
