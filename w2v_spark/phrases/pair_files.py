"""Sums of pairs in files, from which each part is read alone: so they get from the tasks that count to those that add.

A file begins with an index: where each part ends, int64, and the checksum of each, uint64. The index's own is the
file's digest.
"""

from __future__ import annotations

import uuid
from typing import Final

import numpy as np

from w2v_spark.corpus.chunk_files import ChunkFile
from w2v_spark.errors import StoreError
from w2v_spark.kernels.checksum import checksum, hexadecimal
from w2v_spark.phrases.pair_sums import Sums
from w2v_spark.phrases.pair_table import NO_NUMBERS, Pairs
from w2v_spark.storage import Directory, damage_naming, errors_naming

_ENTRY = 16  # bytes of a part in the index
_EMPTY: Final = Pairs(NO_NUMBERS, NO_NUMBERS, NO_NUMBERS)


def write_sums(directory: Directory, sums: Sums) -> ChunkFile:
    """Write pairs to a new file that nobody else writes to. No count may reach 2^32: a file has fewer words."""
    parts = [_to_bytes(sums.part(number)) for number in range(len(sums.ends))]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64) + _ENTRY * len(parts)
    index = ends.tobytes() + np.array([checksum(part) for part in parts], np.uint64).tobytes()
    name = f"{uuid.uuid4().hex}.pairs"
    directory.write_bytes(name, b"".join([index, *parts]))
    return ChunkFile(name, hexadecimal(checksum(index)))


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
    found = [_EMPTY, *(_read(directory, file, part, parts, runs) for file in files)]
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _read(directory: Directory, file: ChunkFile, part: int, parts: int, runs: bool) -> Pairs:
    shown, size = f"{directory.uri}/{file.name}", _ENTRY * parts
    with damage_naming(shown), errors_naming(shown):
        index = directory.read_range(file.name, 0, size)
        if len(index) != size or hexadecimal(checksum(index)) != file.digest:
            raise StoreError(f"{shown} is damaged: its index is not what was written")
        start, end = [size, *np.frombuffer(index, np.int64, parts).tolist()][part : part + 2]
        data = directory.read_range(file.name, start, end - start)
        if checksum(data) != int(np.frombuffer(index, np.uint64)[parts + part]):
            raise StoreError(f"{shown} is damaged: its content is not what was written")
        return _from_bytes(data, runs)


def _to_bytes(pairs: Pairs) -> bytes:
    return pairs.ids.tobytes() + pairs.runs.tobytes() + pairs.counts.astype(np.uint32).tobytes()


def _from_bytes(data: bytes, runs: bool) -> Pairs:
    n = len(data) // (20 if runs else 12)
    numbers = np.frombuffer(data, np.int64, n * (2 if runs else 1))
    counts = np.frombuffer(data, np.uint32, n, numbers.nbytes).astype(np.int64)
    return Pairs(numbers[:n], numbers[n:], counts)
