"""One range of rows of a step: sparse rows times the block of directions, times a small transformation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.counting.rows import Rows
from w2v_spark.kernels.memory import aligned_zeros
from w2v_spark.kernels.product import add_product
from w2v_spark.kernels.sparse import add_moments, multiply_rows
from w2v_spark.storage import Directory
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, WeightFile, open_matrix


@dataclass(frozen=True, slots=True)
class Block:
    """A dense matrix in files, whose rows are found by their addresses.

    Attributes
    ----------
    parts : list of (rows, K) float32
        Mapped where the file system is local, else in memory.
    addresses : (rows,) int64
        Where each row begins, for as long as the block is there.
    """

    parts: Sequence[Matrix]
    addresses: npt.NDArray[np.int64]

    @classmethod
    def open(cls, directory: Directory, files: Sequence[WeightFile], width: int) -> Block:
        """All rows of some files. Raises `StoreError` if one is missing or damaged: all of them are read."""
        parts = [
            np.ascontiguousarray(open_matrix(directory, file.file, file.rows, width, file.checksum)[0 : file.rows])
            for file in files
        ]
        places = [part.ctypes.data + 4 * width * np.arange(len(part), dtype=np.int64) for part in parts]
        return cls(parts, np.concatenate([np.zeros(0, np.int64), *places]))


@dataclass(slots=True)
class Product:
    """The rows that a step makes, `BLOCK_ROWS` at a time, and what has to be known of them.

    Attributes
    ----------
    transform : (K, J) float32
        J fills whole registers.
    moments : (J, J) float64
        The sum of ``x x^T`` over all rows so far; its upper triangle.
    peaks : (J,) float32
        The largest entry of each column by its size, with its sign; the first of equal ones.
    """

    transform: npt.NDArray[np.float32]
    moments: npt.NDArray[np.float64] = field(init=False)
    peaks: npt.NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        width = self.transform.shape[1]
        self.moments, self.peaks = np.zeros((width, width)), np.zeros(width, np.float32)

    def of_sparse(self, rows: Rows, block: Block) -> Iterator[Matrix]:
        """Of sparse rows times a block, times the transformation."""
        count, four = len(rows.starts) - 1, np.empty((4, self.transform.shape[1]))
        for first in range(0, count, BLOCK_ROWS):
            stop = min(first + BLOCK_ROWS, count)
            product = aligned_zeros(stop - first, self.transform.shape[0])
            multiply_rows(rows.starts[first : stop + 1], rows.columns, rows.values, block.addresses, product)
            out = self._turned(product)
            add_moments(out, four, self.moments)
            yield out

    def of_dense(self, rows: Any) -> Iterator[Matrix]:
        """Of a dense matrix, a `MatrixReader`, times the transformation."""
        for first in range(0, len(rows), BLOCK_ROWS):
            out = self._turned(rows[first : min(first + BLOCK_ROWS, len(rows))])
            largest = out[np.argmax(np.abs(out), axis=0), np.arange(out.shape[1])]
            self.peaks = stronger(self.peaks, largest)
            yield out

    def _turned(self, rows: Matrix) -> Matrix:
        out = aligned_zeros(len(rows), self.transform.shape[1])
        add_product(rows, self.transform, out)
        return out


def stronger(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of two peaks of each column the larger one by its size; the first where they are as large."""
    return np.where(np.abs(second) > np.abs(first), second, first)
