"""Chunks of one bucket in a file, as they came: text that becomes sentences only once its phrases are known."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, damage_naming, digest, errors_naming


class ChunkFile(NamedTuple):
    """A file with its digest."""

    name: str
    digest: str


def write_chunks(directory: Directory, chunks: pa.Table) -> ChunkFile:
    """Write chunks, with whatever columns they have, to a new file that nobody else writes to."""
    sink = pa.BufferOutputStream()
    whole = chunks.set_column(chunks.column_names.index("ids"), "ids", chunks["ids"].cast(pa.large_binary()))
    with pa.ipc.new_file(sink, whole.schema) as writer:
        writer.write_table(whole.combine_chunks())
    data, name = bytes(sink.getvalue().to_pybytes()), f"{uuid.uuid4().hex}.chunks.arrow"
    directory.write_bytes(name, data)
    return ChunkFile(name, digest(data))


def read_chunks(directory: Directory, file: ChunkFile) -> pa.Table:
    """What `write_chunks` has written. Raises `StoreError` where that is missing or damaged."""
    shown = f"{directory.uri}/{file.name}"
    with damage_naming(shown), errors_naming(shown):
        data = directory.read_bytes(file.name, file.digest)
        return pa.ipc.open_file(pa.BufferReader(data)).read_all().combine_chunks()


def write_arrays(directory: Directory, kind: str, arrays: Mapping[str, Any]) -> ChunkFile:
    """Write named arrays to a file that is named by what is in it, and by their kind."""
    data = arrays_to_bytes(arrays)
    file = ChunkFile(f"{digest(data)}.{kind}.npz", digest(data))
    directory.write_bytes(file.name, data)
    return file


def read_arrays(directory: Directory, file: ChunkFile) -> dict[str, npt.NDArray[Any]]:
    """What `write_arrays` has written. Raises `StoreError` where that is missing or damaged."""
    return arrays_from_bytes(directory.read_bytes(file.name, file.digest), f"{directory.uri}/{file.name}")


def ids_of(chunks: pa.Table) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The ids of all chunks, one behind the other, the last of each sentence complemented; and where chunks end."""
    column = chunks["ids"].cast(pa.large_binary()).combine_chunks()
    ends = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1] // 4
    signed = np.frombuffer(column.buffers()[2], np.int32)[ends[0] : ends[-1]]
    return signed, (ends[1:] - ends[0]).astype(np.int32)


def with_ids(chunks: pa.Table, signed: npt.NDArray[np.int32], ends: npt.NDArray[np.int32]) -> pa.Table:
    """The chunks with other ids in the place of their own; without those that have none left."""
    starts = np.concatenate([np.zeros(1, np.int32), ends])
    offsets = pa.py_buffer(np.ascontiguousarray(starts.astype(np.int64) * 4))
    ids = pa.Array.from_buffers(
        pa.large_binary(), len(ends), [None, offsets, pa.py_buffer(np.ascontiguousarray(signed))]
    )
    others = chunks.set_column(chunks.column_names.index("ids"), "ids", ids)
    return others.filter(pa.array(np.diff(starts) > 0))
