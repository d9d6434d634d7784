"""Rows of matrices that lie in files: some of them by number, and what is computed where it is read."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from w2v_spark.config import PublishedRows
from w2v_spark.training.file_rows import FileRows
from w2v_spark.training.matrix_files import Matrix, MatrixReader

RowNumbers = npt.NDArray[np.int64]


class ComputedRows(ABC):
    """A matrix whose rows are computed where they are read, some of them as well as a range; a `MatrixReader`."""

    @abstractmethod
    def __len__(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def __getitem__(self, rows: slice, /) -> Matrix:
        """A range of rows."""

    @abstractmethod
    def take(self, rows: RowNumbers) -> Matrix:
        """Some rows in any order, as a copy, (n, D) float32."""


def take(matrix: MatrixReader, rows: RowNumbers) -> Matrix:
    """Some rows of a matrix in any order, as a copy, (n, D) float32."""
    if not len(rows):
        return matrix[0:0]
    if isinstance(matrix, FileRows):
        taken = np.empty((len(rows), matrix[0:1].shape[1]), np.float32)
        for part, first, end in zip(matrix.parts, matrix.starts, matrix.starts[1:], strict=False):
            inside = np.flatnonzero((rows >= first) & (rows < end))
            if len(inside):
                taken[inside] = take(part, rows[inside] - first)
        return taken
    if isinstance(matrix, ComputedRows):
        return matrix.take(rows)
    first = int(rows.min())
    return np.ascontiguousarray(matrix[first : int(rows.max()) + 1][rows - first])


class PublishedMatrix(ComputedRows):
    """The rows that a version publishes, of its two matrices: one of them, or the sum."""

    def __init__(self, published: PublishedRows, inputs: MatrixReader, outputs: MatrixReader) -> None:
        self._parts = {PublishedRows.INPUT: (inputs,), PublishedRows.OUTPUT: (outputs,)}.get(
            published, (inputs, outputs)
        )

    def __len__(self) -> int:
        return len(self._parts[0])

    def __getitem__(self, rows: slice, /) -> Matrix:
        first, *others = (part[rows] for part in self._parts)
        return first + others[0] if others else first

    def take(self, rows: RowNumbers) -> Matrix:
        """See `take`."""
        first, *others = (take(part, rows) for part in self._parts)
        return first + others[0] if others else first
