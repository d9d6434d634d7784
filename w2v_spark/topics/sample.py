"""Which documents topics are looked for in: by hashes of their ids, each content once."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.topics.documents import DocumentBatch

Rows = npt.NDArray[np.int64]

KEY_SCHEMA: Final = pa.schema(
    [
        ("content_high", pa.int64()),
        ("content_low", pa.int64()),
        ("key", pa.int64()),
        ("file", pa.int32()),
        ("row", pa.int64()),
    ]
)
"""A row a document: two halves of the hash of its vector, the hash of its id, and where it is."""


def key_documents(batch: DocumentBatch, file: int, seed: int, min_tokens: int) -> pa.RecordBatch:
    """What documents are drawn by: a record batch of `KEY_SCHEMA`, without those that are too short.

    Parameters
    ----------
    seed : int
        Another one draws other documents.
    min_tokens : int

    Notes
    -----
    Whether a document is drawn depends on its id, the seed and, through their number, on the other documents, and not
    on files or their order. Documents with identical vectors share their content, and only the one with the lowest
    key is of use: copies would pull the layout together, and a layout with copies is not reproducible. Cost: two
    hashes a document, about 2 us.
    """
    numbers = np.flatnonzero(batch.known)
    rows = np.flatnonzero(batch.tokens[numbers] >= min_tokens)
    numbers = numbers[rows]
    contents = np.frombuffer(b"".join(_content(row) for row in batch.vectors[rows]), dtype="<i8").reshape(-1, 2)
    keys = np.frombuffer(b"".join(_keys(batch.ids.take(pa.array(numbers)), seed)), dtype="<i8")
    return pa.record_batch(
        [
            pa.array(contents[:, 0]),
            pa.array(contents[:, 1]),
            pa.array(keys),
            pa.array(np.full(len(rows), file, dtype=np.int32)),
            pa.array(batch.start + numbers, pa.int64()),
        ],
        schema=KEY_SCHEMA,
    )


def _content(vector: npt.NDArray[np.float32]) -> bytes:
    return blake2b(vector.tobytes(), digest_size=16).digest()


def _keys(ids: pa.Array, seed: int) -> Iterator[bytes]:
    salt = seed.to_bytes(8, "little")
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) or pa.types.is_binary(ids.type)):
        ids = ids.cast(pa.string())
    for value in ids.to_pylist():
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        yield blake2b(data, digest_size=8, salt=salt).digest()
