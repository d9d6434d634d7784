"""Chunks of one bucket as they came, in two files: text that becomes sentences only once its phrases are known.

One file has the ids, which change while phrases are joined, the other all else. Both are read often, so their digest is
the fast checksum.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.kernels.checksum import checksum, hexadecimal
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, damage_naming, digest, errors_naming

Ids = npt.NDArray[np.int32]


class ChunkFile(NamedTuple):
    """A file with its digest."""

    name: str
    digest: str


def write_chunks(directory: Directory, chunks: pa.Table) -> ChunkFile:
    """Write chunks, with whatever columns they have but their ids, to a new file that nobody else writes to."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, (others := chunks.drop("ids")).schema) as writer:
        writer.write_table(others.combine_chunks())
    return write_file(directory, "chunks.arrow", bytes(sink.getvalue().to_pybytes()))


def read_chunks(directory: Directory, file: ChunkFile) -> pa.Table:
    """What `write_chunks` has written. Raises `StoreError` where that is missing or damaged."""
    shown = f"{directory.uri}/{file.name}"
    with damage_naming(shown), errors_naming(shown):
        data = read_file(directory, file)
        return pa.ipc.open_file(pa.BufferReader(data)).read_all().combine_chunks()


def write_ids(directory: Directory, signed: Ids, ends: Ids) -> ChunkFile:
    """Write ids as `ids_of` gives them to a new file that nobody else writes to."""
    size = np.array([len(ends)], np.int64)
    return write_file(directory, "ids", b"".join([size.tobytes(), ends.tobytes(), signed.tobytes()]))


def read_ids(directory: Directory, file: ChunkFile) -> tuple[Ids, Ids]:
    """What `write_ids` has written. Raises `StoreError` where that is missing or damaged."""
    data = read_file(directory, file)
    n = int(np.frombuffer(data, np.int64, 1)[0])
    numbers = np.frombuffer(data, np.int32, offset=8)
    return numbers[n:], numbers[:n]


def write_file(directory: Directory, kind: str, data: bytes) -> ChunkFile:
    """Write a file of a name that no other has, and that ends with its kind."""
    name = f"{uuid.uuid4().hex}.{kind}"
    directory.write_bytes(name, data)
    return ChunkFile(name, hexadecimal(checksum(data)))


def read_file(directory: Directory, file: ChunkFile) -> bytes:
    """What `write_file` has written. Raises `StoreError` where that is missing or damaged."""
    data = directory.read_bytes(file.name)
    if hexadecimal(checksum(data)) != file.digest:
        raise StoreError(f"{directory.uri}/{file.name} is damaged: its content is not what was written")
    return data


def write_arrays(directory: Directory, kind: str, arrays: Mapping[str, Any]) -> ChunkFile:
    """Write named arrays to a file that is named by what is in it, and by their kind."""
    data = arrays_to_bytes(arrays)
    file = ChunkFile(f"{digest(data)}.{kind}.npz", digest(data))
    directory.write_bytes(file.name, data)
    return file


def read_arrays(directory: Directory, file: ChunkFile) -> dict[str, npt.NDArray[Any]]:
    """What `write_arrays` has written. Raises `StoreError` where that is missing or damaged."""
    return arrays_from_bytes(directory.read_bytes(file.name, file.digest), f"{directory.uri}/{file.name}")


def ids_of(chunks: pa.Table) -> tuple[Ids, Ids]:
    """The ids of all chunks, one behind the other, the last of each sentence complemented; and where chunks end."""
    column = chunks["ids"].cast(pa.large_binary()).combine_chunks()
    ends = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1] // 4
    signed = np.frombuffer(column.buffers()[2], np.int32)[ends[0] : ends[-1]]
    return signed, (ends[1:] - ends[0]).astype(np.int32)


def with_ids(chunks: pa.Table, signed: Ids, ends: Ids) -> pa.Table:
    """Chunks with their ids, as `ids_of` gives them; without those that have none left."""
    starts = np.concatenate([np.zeros(1, np.int32), ends])
    offsets = pa.py_buffer(np.ascontiguousarray(starts.astype(np.int64) * 4))
    ids = pa.Array.from_buffers(
        pa.large_binary(), len(ends), [None, offsets, pa.py_buffer(np.ascontiguousarray(signed))]
    )
    return chunks.append_column("ids", ids).filter(pa.array(np.diff(starts) > 0))
