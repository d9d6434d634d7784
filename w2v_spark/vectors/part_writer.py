"""Writes a file of a vector table together with the digests of all that is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.checksums import (
    CHECKSUMS_KEY,
    FOOTER_KEY,
    OWN_DIGEST,
    PREVIOUS_KEY,
    ZEROS,
    block_rows,
    digest_of,
)


class PartWriter:
    """Writes one file of the table with its digests.

    Parameters
    ----------
    filesystem, path
        Where to write.
    schema : pa.Schema
        The vectors come last.
    previous : str, optional
        Digest of the footer of the file before.
    **options
        Of `pq.ParquetWriter`; the vectors are to be plain, in one page.

    Notes
    -----
    Memory: a copy of the row group. Cost: about 0.6 s a GB.
    """

    def __init__(
        self, filesystem: fs.FileSystem, path: str, schema: pa.Schema, previous: str | None, **options: Any
    ) -> None:
        self._previous = previous
        self._groups: list[dict[str, Any]] = []
        self._stream = filesystem.open_output_stream(path)
        self._sink = _Sink(self._stream)
        self._writer = pq.ParquetWriter(self._sink, schema, store_schema=False, write_page_checksum=True, **options)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:  # half a file is left, without a footer
            self._sink.forget()
        self._writer.close()
        self._stream.close()

    def write_group(self, batch: pa.RecordBatch, matrix: Matrix, nulls: Sequence[int] = ()) -> None:
        """Write a row group, whose vectors are ``matrix``, (rows, D) float32, without those rows that are null."""
        start = self._sink.written if self._groups else 0
        self._writer.write_batch(batch)
        content = self._sink.take()
        head = len(content) - 4 * matrix.size
        rows = block_rows(matrix.shape[1])
        numbers = memoryview(content)[head:]
        step = 4 * rows * matrix.shape[1]
        self._groups.append(
            {
                "start": start,
                "numbers": start + head,
                "stop": start + len(content),
                "head": digest_of(memoryview(content)[:head]),
                "rows": rows,
                "blocks": [digest_of(numbers[at : at + step]) for at in range(0, len(numbers), step)],
                **({"nulls": list(nulls)} if nulls else {}),
            }
        )

    def finish(self, metadata: Mapping[str, str]) -> str:
        """Write the footer, with this metadata and the digests. Returns its digest, for the next file."""
        previous = {} if self._previous is None else {PREVIOUS_KEY: self._previous}
        groups = json.dumps(self._groups, separators=(",", ":"))
        self._writer.add_key_value_metadata({**metadata, CHECKSUMS_KEY: groups, **previous, FOOTER_KEY: ZEROS.decode()})
        self._sink.take()  # the magic, of a file without row groups
        self._sink.hold = True
        self._writer.close()
        footer, digest = _seal(bytes(self._sink.take()))
        self._stream.write(footer)
        return digest


def _seal(tail: bytes) -> tuple[bytes, str]:
    """A footer with its own digest in it, and the digest."""
    place = list(OWN_DIGEST.finditer(tail))[-1]  # the last key: what is before it may hold anything
    digest = hashlib.sha256(tail).hexdigest()
    return tail[: place.start(1)] + digest.encode() + tail[place.end(1) :], digest


class _Sink:
    """Where pyarrow writes to: passes everything on, and keeps a copy of what came since the last `take`."""

    closed = False

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._kept = bytearray()
        self._forgets = False
        self.hold = False
        """Whether nothing is passed on for now."""
        self.written = 0

    def write(self, data: Any) -> int:
        content = memoryview(data)
        if not self._forgets:
            self._kept += content
            if not self.hold:
                self._stream.write(content)
        self.written += content.nbytes
        return content.nbytes

    def take(self) -> bytearray:
        taken, self._kept = self._kept, bytearray()
        return taken

    def forget(self) -> None:
        self._forgets = True

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """The stream is closed by who has opened it."""
