"""Weight matrices on disk: ``.npy`` files of (V, D) float32, read by memory map or by ranges of rows."""

from __future__ import annotations

import contextlib
import io
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config import ModelConfig, Objective, PublishedRows
from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory

Matrix = npt.NDArray[np.float32]
ROWS_AT_A_TIME: Final = 1 << 15  # read or written at once
CACHED_ROWS: Final = 1 << 11  # copied at once: they lie in a core's own cache in between


@dataclass(frozen=True, slots=True)
class WeightShape:
    """The two matrices of a model.

    Attributes
    ----------
    rows : dict
        Rows by name: ``w_in``, one a word, then ``w_out``, one a word, or ``w_node``, one an inner node of the tree.
    dim : int
        D.
    """

    rows: dict[str, int]
    dim: int

    @classmethod
    def build(cls, model: ModelConfig, vocabulary: int) -> WeightShape:
        """The shape for a vocabulary of so many words."""
        if model.objective is Objective.HIERARCHICAL_SOFTMAX:
            return cls({"w_in": vocabulary, "w_node": vocabulary - 1}, model.dim)
        return cls({"w_in": vocabulary, "w_out": vocabulary}, model.dim)

    def __str__(self) -> str:
        return f"rows {self.rows} and dim {self.dim}"

    @property
    def input_rows(self) -> int:
        """MatrixReader of the input matrix."""
        return next(iter(self.rows.values()))

    @property
    def output_rows(self) -> int:
        """MatrixReader of the output matrix."""
        return list(self.rows.values())[1]


def initial_rows(rows: int, dim: int, seed: int) -> Iterator[Matrix]:
    """Batches of the first input matrix: uniform in [-1 / D, 1 / D), as in gensim.

    The original C program takes half of that; CBOW then ends about a point of analogies lower.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, rows, CACHED_ROWS):
        batch = random.random((min(CACHED_ROWS, rows - start), dim), dtype=np.float32)
        yield (batch - np.float32(0.5)) * np.float32(2 / dim)


def zero_rows(rows: int, dim: int) -> Iterator[Matrix]:
    """Batches of the first output matrix."""
    for start in range(0, rows, CACHED_ROWS):
        yield np.zeros((min(CACHED_ROWS, rows - start), dim), np.float32)


def batches_of(matrix: Matrix, dim: int) -> Iterator[Matrix]:
    """Batches of rows of a padded matrix without their padding."""
    for start in range(0, len(matrix), CACHED_ROWS):
        yield np.ascontiguousarray(matrix[start : start + CACHED_ROWS, :dim])


def write_matrix(
    directory: Directory, name: str, rows: int, dim: int, batches: Iterator[Matrix], spare: Directory | None = None
) -> None:
    """Write consecutive batches of rows, (rows, D) together, holding one at a time.

    Parameters
    ----------
    spare : Directory, optional
        Old files of the same size there are written over, where the file system is local: fresh pages cost the
        operating system several times as much as old ones.
    """
    header = _header(rows, dim)
    with _open_output(directory, name, len(header) + 4 * rows * dim, spare) as sink:
        sink.write(header)
        for batch in batches:
            sink.write(pa.py_buffer(np.ascontiguousarray(batch)))


def _open_output(directory: Directory, name: str, size: int, spare: Directory | None) -> Any:
    if spare is not None and spare.is_local:
        for info in spare.list():
            if info.size == size:
                # One rename wins, so no two writers have the same file.
                with contextlib.suppress(FileNotFoundError):
                    Path(spare.file(info.base_name)).rename(directory.file(name))
                    return open(directory.file(name), "r+b")  # noqa: PTH123
    return directory.filesystem.open_output_stream(directory.file(name))


class MatrixReader(Protocol):
    """A matrix that is read by ranges of rows: an array, or a file on an object store."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Matrix: ...


@dataclass(frozen=True, slots=True)
class RemoteMatrix:
    """A (rows, D) float32 matrix on a file system that knows no memory maps; every range of rows is a read.

    Attributes
    ----------
    directory : Directory
    name : str
    start : int
        Bytes of the file before the first row.
    rows, dim : int
    """

    directory: Directory
    name: str
    start: int
    rows: int
    dim: int

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, rows: slice, /) -> Matrix:
        """A copy of consecutive rows."""
        first, last, _ = rows.indices(self.rows)
        size = 4 * self.dim
        with self.directory.filesystem.open_input_file(self.directory.file(self.name)) as source:
            source.seek(self.start + size * first)
            data = source.read_buffer(size * max(last - first, 0))
        return np.frombuffer(data, np.float32).reshape(-1, self.dim)


def open_matrix(directory: Directory, name: str, rows: int, dim: int) -> MatrixReader:
    """A (rows, D) float32 matrix: a read-only memory map where the file system is local, else a `RemoteMatrix`.

    Raises
    ------
    StoreError
        The file is missing, truncated or of another shape.
    """
    path, header = directory.file(name), _header(rows, dim)
    expected = len(header) + 4 * rows * dim
    info = directory.filesystem.get_file_info(path)
    if not info.is_file or info.size != expected:
        found = f"has {info.size} bytes" if info.is_file else "is missing"
        raise StoreError(f"{directory.uri}/{name} {found}, expected {expected} bytes of a {rows} x {dim} matrix")
    if directory.is_local:
        matrix: Matrix = np.memmap(path, np.float32, "r", len(header), (rows, dim)).view(np.ndarray)
        return matrix
    return RemoteMatrix(directory, name, len(header), rows, dim)


@dataclass(frozen=True, slots=True)
class FileRows:
    """A matrix in several files, one below the other, read as one.

    Attributes
    ----------
    parts : tuple of MatrixReader
    starts : tuple of int
        The first row of each part, and behind them the number of all rows.
    """

    parts: tuple[MatrixReader, ...]
    starts: tuple[int, ...]

    def __len__(self) -> int:
        return self.starts[-1]

    def __getitem__(self, rows: slice, /) -> Matrix:
        """Consecutive rows; a copy only where they lie in more than one file."""
        first, last, _ = rows.indices(len(self))
        part = bisect_right(self.starts, first, hi=len(self.parts)) - 1
        if last <= self.starts[part + 1]:
            return self.parts[part][first - self.starts[part] : max(first, last) - self.starts[part]]
        pieces = []
        while first < last:
            end = min(last, self.starts[part + 1])
            pieces.append(self.parts[part][first - self.starts[part] : end - self.starts[part]])
            first, part = end, part + 1
        return np.concatenate(pieces)


def all_finite(matrix: MatrixReader) -> bool:
    """Whether no weight is NaN or infinite; reads all rows."""
    rows = (slice(start, start + ROWS_AT_A_TIME) for start in range(0, len(matrix), ROWS_AT_A_TIME))
    return all(np.isfinite(matrix[some].sum(dtype=np.float64)) for some in rows)


# The files of each matrix by its name, in the order of its rows: (file, rows).
WeightFiles = dict[str, list[tuple[str, int]]]


def open_matrices(directory: Directory, shape: WeightShape, files: WeightFiles) -> tuple[MatrixReader, MatrixReader]:
    """The input and the output matrix.

    Raises
    ------
    StoreError
        A file is missing, truncated or of another shape, or the files do not make up the matrices.
    """
    if {name: sum(rows for _, rows in parts) for name, parts in files.items()} != shape.rows:
        raise StoreError(f"{directory.uri} lists weights in files that do not make up {shape}")
    first, second = (
        FileRows(
            tuple(open_matrix(directory, file, rows, shape.dim) for file, rows in files[name]),
            tuple(accumulate((rows for _, rows in files[name]), initial=0)),
        )
        for name in shape.rows
    )
    return first, second


def whole_files(shape: WeightShape, stem: str = "") -> WeightFiles:
    """The files of weights that lie in one file a matrix; their names may start with a stem."""
    return {name: [(f"{stem}{name}.npy", rows)] for name, rows in shape.rows.items()}


def rows_to_publish(published: PublishedRows, inputs: MatrixReader, outputs: MatrixReader) -> Iterator[Matrix]:
    """Batches of rows of one matrix, or of the sum of both."""
    for start in range(0, len(inputs), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        if published is PublishedRows.SUM:
            yield inputs[rows] + outputs[rows]
        else:
            yield inputs[rows] if published is PublishedRows.INPUT else outputs[rows]


def _header(rows: int, dim: int) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": (rows, dim)})
    return buffer.getvalue()
