"""Digests that the files of a vector table carry, so that a changed byte is noticed before it is made use of.

A file of the table is cut into spans, of which each has a digest::

    PAR1 | ids, words, counts, levels | numbers of some rows | numbers of some rows | ... | footer | length | PAR1
           `------- head of a row group ------'  `------------ blocks ------------'

The digests of heads and blocks stand in the key-value metadata of the footer. The footer has a digest of itself, taken
with zeros in the place of that digest, and that of the file before, so that files of two tables are not taken for one.
A program that writes the table anew and keeps the metadata, as pyarrow does, leaves a mark; its files carry none.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.storage import damage_naming, errors_naming, retried
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.thrift import decode_struct

CHECKSUMS_KEY: Final = "w2v.checksums"
PREVIOUS_KEY: Final = "w2v.previous_sha256"
FOOTER_KEY: Final = "w2v.footer_sha256"
ZEROS: Final = b"0" * 64
"""What stands in the place of a footer's own digest when it is taken."""
OWN_DIGEST: Final = re.compile(re.escape(FOOTER_KEY).encode() + rb"\x18@([0-9a-f]{64})")
"""The key and its value of 64 bytes, as they lie in a footer; of several, the last."""
KEYS: Final = frozenset((CHECKSUMS_KEY, PREVIOUS_KEY, FOOTER_KEY))

BLOCK_BYTES = 1 << 20  # of numbers that are looked at together: a look-up costs half a millisecond once
_SHORT: Final = 16  # hexadecimal digits of the digest of a span: 64 bits, against accidents
_MAGIC: Final = b"PAR1"
_TAIL: Final = 8  # bytes after the footer: its length, and the magic
_ROW_GROUPS: Final = 4  # the field of a footer
_GUESS: Final = 1 << 16  # bytes of a footer as a rule
_REWRITTEN: Final = b"\x18\x0cARROW:schema\x18"  # a key of whoever reads with Arrow and writes again


def digest_of(content: Any) -> str:
    """The digest of a span: the first 64 bits of its SHA-256, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:_SHORT]


def block_rows(dim: int) -> int:
    """How many rows make a block."""
    return max(1, BLOCK_BYTES // (4 * dim))


@dataclass(frozen=True, slots=True)
class GroupChecksums:
    """Where the spans of a row group lie, and their digests.

    Attributes
    ----------
    start, numbers, stop : int
        First byte of the head, of the numbers, and the byte after them.
    head : str
    rows : int
        Of a block; the last one may have fewer.
    blocks : list of str
    nulls : list of int
        Rows without a vector, ascending, from 0. The numbers are those of the other rows.
    """

    start: int
    numbers: int
    stop: int
    head: str
    rows: int
    blocks: list[str]
    nulls: list[int] = field(default_factory=list)

    def check_layout(self, rows: int) -> None:
        """Raise `ValueError` if a row group of so many rows cannot have such spans."""
        places = self.start, self.numbers, self.stop, self.rows
        is_whole = all(type(place) is int for place in (*places, *self.nulls)) and isinstance(self.blocks, list)
        if not (is_whole and 0 <= self.start < self.numbers <= self.stop and self.rows > 0 and rows > 0):
            raise ValueError(f"checksums of a row group of {rows} rows at {places}")
        if self.nulls != sorted({row for row in self.nulls if 0 <= row < rows}):
            raise ValueError(f"rows without a vector that are none of {rows}, or not in order")
        vectors, size = rows - len(self.nulls), self.stop - self.numbers
        fits = size > 0 and not size % (4 * vectors) if vectors else not size
        if not fits or len(self.blocks) != -(-vectors // self.rows):
            raise ValueError(f"{len(self.blocks)} checksums of {vectors} vectors, {self.rows} each, at {places}")

    def check_head(self, content: bytes, path: str) -> None:
        """Raise `StoreError` if the bytes from ``start`` to ``numbers`` are not those that were written."""
        if digest_of(content) != self.head:
            raise damaged(path, f"ids, words or counts at byte {self.start} to {self.numbers}")


def damaged(path: str, what: str) -> StoreError:
    """The error about bytes that are not those that were written."""
    return StoreError(
        f"{path} is damaged: {what} are not what was written there; take the file from a copy, or make the table again"
    )


class Blocks:
    """Looks at the numbers of a row group, a block of rows at a time, when they are first touched.

    Parameters
    ----------
    matrix : float32, (rows, D)
        The whole row group; C-contiguous, not necessarily aligned.
    path : str
        For the error.
    first : int
        Id of the first row, for the error.
    checksums : GroupChecksums, optional
        Without them, numbers are looked at for being finite and no more.
    places : str
        What the error calls the numbers of rows.
    """

    def __init__(
        self, matrix: Matrix, path: str, first: int, checksums: GroupChecksums | None = None, places: str = "ids"
    ) -> None:
        self._matrix = matrix
        self._path = path
        self._first = first
        self._places = places
        self._digests = None if checksums is None else checksums.blocks
        self._rows = block_rows(matrix.shape[1]) if checksums is None else checksums.rows
        self._pending: npt.NDArray[np.bool_] = np.ones(-(-len(matrix) // self._rows), dtype=np.bool_)
        self._left = len(self._pending)

    def touch(self, start: int, stop: int) -> None:
        """Raise `StoreError` if one of the rows is in a block that is not as it was written, or not finite."""
        if self._left:
            self._check(range(start // self._rows, -(-stop // self._rows)))

    def touch_rows(self, rows: npt.NDArray[np.integer[Any]]) -> None:
        """The same for rows in any order."""
        if self._left:
            self._check(np.unique(rows // self._rows).tolist())

    def _check(self, blocks: range | list[int]) -> None:
        for block in blocks:
            if self._pending[block]:
                part = self._matrix[block * self._rows : (block + 1) * self._rows]
                self._check_block(block, part)
                self._pending[block] = False
                self._left = int(self._pending.sum())

    def _check_block(self, block: int, part: Matrix) -> None:
        first = self._first + block * self._rows
        shown = f"the vectors of {self._places} {first} to {first + len(part) - 1}"
        if self._digests is not None and digest_of(part.view(np.uint8)) != self._digests[block]:
            raise damaged(self._path, shown)
        if not np.isfinite(part).all():
            raise StoreError(f"{self._path}: {shown} are not all finite; leave such rows out and write the table again")


@dataclass(frozen=True)
class Footer:
    """What the footer of a Parquet file says, looked at before pyarrow has seen it.

    Attributes
    ----------
    metadata : pq.FileMetaData
        To be handed to pyarrow. In a file without checksums, its columns must not be looked at: where the footer is
        damaged, that ends the process.
    pairs : dict of bytes to bytes
        Key-value metadata.
    checksums : list of GroupChecksums, optional
        None if this package has not written the file, or an earlier version has.
    digest, previous : str
        Of this footer, and of that of the file before; empty if there is none.
    is_rewritten : bool
        Another program has written the file, and may have kept metadata of ours.
    content : bytes
        The footer itself, if nothing vouches for it.
    """

    metadata: pq.FileMetaData
    pairs: dict[bytes, bytes]
    checksums: list[GroupChecksums] | None = None
    digest: str = ""
    previous: str = ""
    is_rewritten: bool = False
    content: bytes = b""

    @cached_property
    def groups(self) -> list[dict[int, Any]]:
        """What the footer says of each row group, by the numbers of fields in the Parquet format.

        Raises `ValueError` and `LookupError` if it is damaged.
        """
        groups: list[dict[int, Any]] = decode_struct(self.content)[_ROW_GROUPS]
        return groups


def read_footer(filesystem: fs.FileSystem, path: str) -> Footer:
    """Read the footer of a Parquet file, and compare it with its digest if it has one.

    Raises
    ------
    StoreError
        It is not the end of a Parquet file, or damaged.
    """
    with damage_naming(path), errors_naming(path):
        tail = retried(filesystem, lambda: _read_tail(filesystem, path))
        is_rewritten = _REWRITTEN in tail
        own = None if is_rewritten else next(reversed(list(OWN_DIGEST.finditer(tail))), None)
        digest = ""
        if own is not None:
            digest = own[1].decode()
            if hashlib.sha256(tail[: own.start(1)] + ZEROS + tail[own.end(1) :]).hexdigest() != digest:
                raise damaged(path, "the bytes of its footer")
        metadata = pq.read_metadata(pa.BufferReader(_MAGIC + tail))
        pairs: dict[bytes, bytes] = metadata.metadata or {}
        if own is None:
            return Footer(metadata, pairs, is_rewritten=is_rewritten, content=tail)
        groups = [GroupChecksums(**group) for group in json.loads(pairs[CHECKSUMS_KEY.encode()])]
        return Footer(metadata, pairs, groups, digest, pairs.get(PREVIOUS_KEY.encode(), b"").decode())


def _read_tail(filesystem: fs.FileSystem, path: str) -> bytes:
    """A file's footer, the length of it, and the magic."""
    with filesystem.open_input_file(path) as file:
        size = file.size()
        tail = file.read_at(min(size, _GUESS), size - min(size, _GUESS))
        if size < _TAIL + len(_MAGIC) or tail[-4:] != _MAGIC:
            raise StoreError(
                f"{path} cannot be read: it is no Parquet file, or cut off; the last bytes are {tail[-4:]!r}"
            )
        length = struct.unpack("<I", tail[-_TAIL:-4])[0] + _TAIL
        if length + len(_MAGIC) > size:
            raise StoreError(f"{path} is damaged: a footer of {length - _TAIL} bytes in a file of {size}")
        return bytes(tail[-length:] if length <= len(tail) else file.read_at(length, size - length))


def check_complete(paths: Sequence[str], footers: Sequence[Footer]) -> None:
    """Raise `StoreError` if one of the files of a table has lost its digests."""
    for path, footer in zip(paths, footers, strict=True):
        if footer.checksums is None and any(other.checksums is not None for other in footers):
            raise StoreError(
                f"{path} has no checksums, other files of the table have: it is damaged, or of another table"
            )


def check_sequence(paths: Sequence[str], footers: Sequence[Footer]) -> None:
    """Raise `StoreError` if files do not follow each other."""
    for before, path, previous, footer in zip(paths, paths[1:], footers, footers[1:], strict=False):
        if footer.previous != previous.digest:
            raise StoreError(
                f"{path} was not written after {before}: a file is missing, or files of two tables are mixed"
            )


class HeldBytes:
    """A file for pyarrow that has the bytes of one span, which has been looked at, and nothing else."""

    closed = False

    def __init__(self, start: int, content: bytes) -> None:
        self._start = start
        self._content = content
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises `OSError` for those of another span."""
        start = self._at - self._start
        stop = start + size
        if size < 0 or start < 0 or stop > len(self._content):
            raise OSError(f"bytes {self._at} to {self._at + size} are not of a column that is read")
        self._at += size
        return self._content[start:stop]

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, as files do."""
        self._at = (0, self._at, self._start + len(self._content))[whence] + offset
        return self._at

    def tell(self) -> int:
        """Where the next bytes come from."""
        return self._at

    def close(self) -> None:
        """There is nothing to close."""
