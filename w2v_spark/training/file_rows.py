"""Rows of a matrix that lies in one file or in several: read by ranges, gone through once, let go of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixFile, MatrixReader

ROWS_AT_A_TIME: Final = 1 << 15  # read or written at once


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

    def let_go(self) -> None:
        """See `MatrixFile.let_go`."""
        for part in self.parts:
            let_go(part)


def let_go(matrix: MatrixReader) -> None:
    """Let go of the pages of a matrix that has been read, where it is mapped.

    Whoever goes through a matrix once calls it on the way: the driver would otherwise seem to hold all that it has
    looked at, and on a machine with a limit of memory it is counted like that.
    """
    if isinstance(matrix, MatrixFile | FileRows):
        matrix.let_go()


def batches(matrix: MatrixReader) -> Iterator[Matrix]:
    """All rows, `ROWS_AT_A_TIME` at a time; no more of a mapped file is held."""
    for start in range(0, len(matrix), ROWS_AT_A_TIME):
        yield matrix[start : start + ROWS_AT_A_TIME]
        let_go(matrix)


def rows_at_a_time(matrix: MatrixReader) -> int:
    """How many rows to read at once: a block where they are mapped, many where each read is one of a file system.

    A block lies in a core's own cache after its checksum, for whoever reads it next.
    """
    parts = matrix.parts if isinstance(matrix, FileRows) else (matrix,)
    is_read = any(isinstance(part, MatrixFile) and part.mapped is None for part in parts)
    return ROWS_AT_A_TIME if is_read else BLOCK_ROWS


def all_finite(matrix: MatrixReader) -> bool:
    """Whether no weight is NaN or infinite; reads all rows."""
    return all(np.isfinite(batch.sum(dtype=np.float64)) for batch in batches(matrix))


def read_all(matrix: MatrixReader) -> None:
    """Read a matrix once, so that all of it is verified. Raises `StoreError` where it is damaged."""
    for _ in batches(matrix):
        pass
