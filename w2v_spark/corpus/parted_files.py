"""Files of several parts, each of which is read alone: so what tasks have found gets to those that add up a part.

A file begins with an index: where each part ends, int64, and the checksum of each, uint64. The index's own is the
file's digest.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

import numpy as np

from w2v_spark.corpus.chunk_files import ChunkFile
from w2v_spark.errors import StoreError
from w2v_spark.kernels.checksum import checksum, hexadecimal
from w2v_spark.storage import Directory, damage_naming, errors_naming

_ENTRY: Final = 16  # bytes of a part in the index


def write_parts(directory: Directory, parts: Sequence[bytes], kind: str) -> ChunkFile:
    """Write parts to a new file that nobody else writes to, whose name ends with its kind."""
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64) + _ENTRY * len(parts)
    index = ends.tobytes() + np.array([checksum(part) for part in parts], np.uint64).tobytes()
    name = f"{uuid.uuid4().hex}.{kind}"
    directory.write_bytes(name, b"".join([index, *parts]))
    return ChunkFile(name, hexadecimal(checksum(index)))


def read_part(directory: Directory, file: ChunkFile, part: int, parts: int) -> bytes:
    """One of so many parts of a file.

    Raises
    ------
    StoreError
        The file is missing, or not what was written.
    """
    shown, size = f"{directory.uri}/{file.name}", _ENTRY * parts
    with damage_naming(shown), errors_naming(shown):
        index = directory.read_range(file.name, 0, size)
        if len(index) != size or hexadecimal(checksum(index)) != file.digest:
            raise StoreError(f"{shown} is damaged: its index is not what was written")
        start, end = [size, *np.frombuffer(index, np.int64, parts).tolist()][part : part + 2]
        data = directory.read_range(file.name, start, end - start)
        if checksum(data) != int(np.frombuffer(index, np.uint64)[parts + part]):
            raise StoreError(f"{shown} is damaged: its content is not what was written")
        return data
