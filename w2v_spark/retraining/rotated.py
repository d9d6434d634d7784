"""A matrix after a rotation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from w2v_spark.training.matrix_files import Matrix, MatrixReader


class RotatedMatrix:
    """A matrix after a rotation, which is computed where rows are read; a `MatrixReader`."""

    def __init__(self, matrix: MatrixReader, rotation: npt.NDArray[np.float64]) -> None:
        self._matrix, self._rotation = matrix, rotation

    def __len__(self) -> int:
        return len(self._matrix)

    def __getitem__(self, rows: slice, /) -> Matrix:
        with threadpool_limits(limits=1, user_api="blas"):  # the same bits however many cores there are
            turned: Matrix = (self._matrix[rows].astype(np.float64) @ self._rotation).astype(np.float32)
        return turned
