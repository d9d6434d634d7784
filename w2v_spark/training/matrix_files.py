"""Matrices of float32 in files of their own, every 2,048 rows with a checksum that is verified when they are read.

A file is a ``.npy`` file of (rows, D) float32 with something behind it that numpy does not look at: the checksum of
each block of rows, uint64, and where the rows are some of a larger matrix, their numbers in it, int32. Whoever lists
the file lists the checksum of its header and of these, in hexadecimal. So a file is what was written if that one number
agrees, and each block is if its own does: what a memory map is not asked for is not read.
"""

from __future__ import annotations

import contextlib
import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.kernels.checksum import checksum, find_damage, hexadecimal
from w2v_spark.storage import Directory

Matrix = npt.NDArray[np.float32]
BLOCK_ROWS: Final = 1 << 11  # with one checksum: they lie in a core's own cache while it is worked out
_NO_NUMBERS: Final = np.empty(0, "<i4")


class WeightFile(NamedTuple):
    """A file of consecutive rows of a matrix, as lists of files have it.

    Attributes
    ----------
    file : str
    rows : int
    checksum : str
        What `write_matrix` has returned; empty where nobody has kept it, as of a published version, which lists the
        digests of its files: then only the size is verified.
    """

    file: str
    rows: int
    checksum: str = ""


# The files of each matrix by its name, in the order of its rows.
WeightFiles = dict[str, list[WeightFile]]


def weight_files(value: Any) -> WeightFiles:
    """A list of files as JSON has it. Raises `TypeError` or `ValueError` where it is something else."""
    files = {
        str(name): [WeightFile(str(file), int(rows), str(found)) for file, rows, found in parts]
        for name, parts in value.items()
    }
    if elsewhere := [part.file for parts in files.values() for part in parts if "/" in part.file]:
        raise ValueError(f"{elsewhere[0]!r} is not the name of a file of weights")
    return files


def write_matrix(
    directory: Directory,
    name: str,
    rows: int,
    dim: int,
    batches: Iterator[Matrix],
    spare: Directory | None = None,
    numbers: npt.NDArray[np.int32] = _NO_NUMBERS,
) -> str:
    """Write consecutive batches of rows, (rows, D) together, holding two at a time; the checksum of the file.

    Parameters
    ----------
    spare : Directory, optional
        Old files there are written over, where the file system is local: fresh pages cost the operating system several
        times as much as old ones.
    numbers : (rows,) int32, optional
        Of which rows of a larger matrix these are, rising; see `changed_rows.open_changed`.
    """
    header, checksums = npy_header(rows, dim), np.empty(_blocks(rows), "<u8")
    with _open_output(directory, name, _size(rows, dim) + numbers.nbytes, spare) as sink:
        sink.write(header)
        for number, block in enumerate(_whole_blocks(batches)):
            checksums[number] = checksum(block)
            sink.write(pa.py_buffer(block))
        tail = checksums.tobytes() + numbers.astype("<i4").tobytes()
        sink.write(tail)
    return hexadecimal(checksum(header + tail))


def _whole_blocks(batches: Iterator[Matrix]) -> Iterator[Matrix]:
    """The same rows in blocks of `BLOCK_ROWS`, but for the last."""
    held: Matrix | None = None
    for batch in batches:
        rows = batch if held is None else np.concatenate([held, batch])
        end = len(rows) // BLOCK_ROWS * BLOCK_ROWS
        for start in range(0, end, BLOCK_ROWS):
            yield np.ascontiguousarray(rows[start : start + BLOCK_ROWS])
        held = rows[end:] if end < len(rows) else None
    if held is not None:
        yield np.ascontiguousarray(held)


def _open_output(directory: Directory, name: str, size: int, spare: Directory | None) -> Any:
    """A file to write so many bytes to: an old one of the nearest size, cut off where it was longer, or a new one."""
    if spare is not None and spare.is_local:
        for info in sorted(spare.list(), key=lambda info: abs(info.size - size)):
            # One rename wins, so no two writers have the same file.
            with contextlib.suppress(FileNotFoundError):
                Path(spare.file(info.base_name)).rename(directory.file(name))
                file = open(directory.file(name), "r+b")  # noqa: PTH123, SIM115
                file.truncate(min(info.size, size))
                return file
    return directory.filesystem.open_output_stream(directory.file(name))


class MatrixReader(Protocol):
    """A matrix that is read by ranges of rows: an array, or a file on an object store."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Matrix: ...


@dataclass(slots=True)
class MatrixFile:
    """A (rows, D) float32 matrix in a file, whose blocks are verified when they are read.

    On a local file system a range of rows is a view of a memory map, and a block is verified once; elsewhere every
    range is a read.

    Attributes
    ----------
    directory : Directory
    name : str
    rows, dim : int
    checksums : (blocks,) uint64, or None
        None verifies nothing.
    mapped : (rows, D) float32, optional
        A view of ``memory``, the mapped file; None where ranges are read.
    """

    directory: Directory
    name: str
    rows: int
    dim: int
    checksums: npt.NDArray[np.uint64] | None
    mapped: Matrix | None = None
    memory: mmap.mmap | None = None
    _verified: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._verified = np.zeros(_blocks(self.rows), np.bool_)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, rows: slice, /) -> Matrix:
        """Consecutive rows, read-only. Raises `StoreError` where they are not what was written."""
        first, last, _ = rows.indices(self.rows)
        if self.checksums is None or last <= first:
            return self._read(first, max(first, last))
        begin, stop = first // BLOCK_ROWS, _blocks(last)
        if self.mapped is not None:
            if not self._verified[begin:stop].all():
                self._verify(self.mapped, 0, self._verified, np.arange(begin, stop))
            return self.mapped[first:last]
        read = self._read(begin * BLOCK_ROWS, min(stop * BLOCK_ROWS, self.rows))
        self._verify(read, begin, np.zeros(stop - begin, np.bool_), np.arange(stop - begin))
        return read[first - begin * BLOCK_ROWS : last - begin * BLOCK_ROWS]

    def verified(self, numbers: npt.NDArray[np.int64]) -> Matrix | None:
        """All rows, of which those of some numbers are what was written; None where the file is not mapped.

        Raises `StoreError` where they are not. The others have to be left alone.
        """
        if self.mapped is not None and self.checksums is not None:
            self._verify(self.mapped, 0, self._verified, numbers // BLOCK_ROWS)
        return self.mapped

    def _verify(self, held: Matrix, begin: int, verified: npt.NDArray[np.bool_], blocks: npt.NDArray[np.int64]) -> None:
        """Look at some blocks, counted from block ``begin`` on, with which the rows that are held begin."""
        assert self.checksums is not None
        size, data = 4 * self.dim * BLOCK_ROWS, held.reshape(-1).view(np.uint8)
        damaged = find_damage(data, size, self.checksums[begin:], verified, blocks)
        if damaged >= 0:
            start = (begin + damaged) * BLOCK_ROWS
            last = min(start + BLOCK_ROWS, self.rows) - 1
            raise StoreError(
                f"{self.directory.uri}/{self.name} is damaged: its rows {start} to {last} are not what was written"
            )

    def let_go(self) -> None:
        """Count the mapped pages to this process no longer; they are mapped again where rows are read again."""
        if self.memory is not None:
            self.memory.madvise(mmap.MADV_DONTNEED)

    def _read(self, first: int, last: int) -> Matrix:
        if self.mapped is not None:
            return self.mapped[first:last]
        size, start = 4 * self.dim, len(npy_header(self.rows, self.dim))
        data = self.directory.read_range(self.name, start + size * first, size * (last - first))
        if len(data) != size * (last - first):
            raise StoreError(f"{self.directory.uri}/{self.name} is cut off")
        return np.frombuffer(data, np.float32).reshape(-1, self.dim)


def open_matrix(directory: Directory, name: str, rows: int, dim: int, expected: str = "") -> MatrixFile:
    """A (rows, D) float32 matrix: a read-only memory map where the file system is local, else ranges that are read.

    Parameters
    ----------
    expected : str, optional
        The checksum of the file; without it nothing is verified but the size, which may be that of a plain file.

    Raises
    ------
    StoreError
        The file is missing, truncated, of another shape, or not the one that was written.
    """
    return open_with_numbers(directory, name, rows, dim, 0, expected)[0]


def open_with_numbers(
    directory: Directory, name: str, rows: int, dim: int, numbers: int, expected: str
) -> tuple[MatrixFile, npt.NDArray[np.int32]]:
    """The same of a file behind whose rows so many numbers stand; and these."""
    path, header, size = directory.file(name), npy_header(rows, dim), _size(rows, dim) + 4 * numbers
    info = directory.filesystem.get_file_info(path)
    plain = size - 8 * _blocks(rows)  # as numpy writes it, without checksums
    if not info.is_file or info.size not in (size, size if expected else plain):
        found = f"has {info.size} bytes" if info.is_file else "is missing"
        raise StoreError(f"{directory.uri}/{name} {found}, expected {size} bytes of a {rows} x {dim} matrix")
    end = len(header) + 4 * rows * dim
    mapped = memory = None
    if directory.is_local:
        memory = _map(path)
        whole = np.frombuffer(memory, np.uint8)
        mapped = whole[len(header) : end].view(np.float32).reshape(rows, dim)
        head, tail = whole[: len(header)].tobytes(), whole[end:].tobytes()
    elif expected:
        head, tail = directory.read_range(name, 0, len(header)), directory.read_range(name, end, size - end)
    if not expected:
        return MatrixFile(directory, name, rows, dim, None, mapped, memory), _NO_NUMBERS
    if head != header or hexadecimal(checksum(header + tail)) != expected:
        raise StoreError(f"{directory.uri}/{name} is damaged, or another file: its checksums are not what was written")
    checksums = np.frombuffer(tail, "<u8", _blocks(rows))
    return (
        MatrixFile(directory, name, rows, dim, checksums, mapped, memory),
        np.frombuffer(tail, "<i4", numbers, 8 * _blocks(rows)),
    )


def _map(path: str) -> mmap.mmap:
    with open(path, "rb") as file:  # noqa: PTH123
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _blocks(rows: int) -> int:
    return -(-rows // BLOCK_ROWS)


def _size(rows: int, dim: int) -> int:
    return len(npy_header(rows, dim)) + 4 * rows * dim + 8 * _blocks(rows)


def npy_header(rows: int, dim: int) -> bytes:
    """What stands before the numbers of a (rows, D) float32 matrix in a ``.npy`` file."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": (rows, dim)})
    return buffer.getvalue()
