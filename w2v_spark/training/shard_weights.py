"""The weights in a shard's memory for a round: what is read, how far they have moved, and what is handed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.storage import Directory
from w2v_spark.training.changed_rows import RowNumbers, batches_of_rows, few_of, read_rows, take_rows
from w2v_spark.training.correction import Moments, MomentSample
from w2v_spark.training.file_rows import rows_at_a_time
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixReader, write_matrix
from w2v_spark.training.update_statistics import UpdateStatistics
from w2v_spark.training.weights import batches_of

ALL_ROWS: Final = -1

Marks = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class ShardMatrix:
    """One of the two matrices.

    Attributes
    ----------
    name : str
    rows : (rows, D padded) float32
        Trained in place. Only those in ``touched`` have been read, where it is not None.
    dim : int
        D.
    read : int
        Rows that have been read.
    touched : (n,) int64, optional
        The rows that training may change; None for all.
    sample : MomentSample, optional
        Those of them that tell how the matrix has moved, where the merge wants to know.
    before : (rows of the sample, D) float32, optional
        What they were.
    """

    name: str
    rows: Matrix
    dim: int
    read: int
    touched: RowNumbers | None
    sample: MomentSample | None
    before: Matrix | None

    @classmethod
    def load(
        cls,
        name: str,
        source: MatrixReader | None,
        rows: Matrix,
        dim: int,
        marks: Marks | None,
        whole: bool,
        met: UpdateStatistics | None,
    ) -> ShardMatrix:
        """Read what a slice needs.

        Parameters
        ----------
        source : MatrixReader, optional
            None where it is in memory already.
        rows : (rows, D padded) float32
            The memory; what is behind D is zero.
        marks : (rows,) uint8, optional
            The rows that it touches, if that is known.
        whole : bool
            Whether all are to be read, whatever is touched.
        met : UpdateStatistics, optional
            Of the other matrix, where the merge wants to know how this one has moved.
        """
        touched = None if marks is None else few_of(marks)
        some = None if whole else touched
        if source is None:
            some = np.zeros(0, np.int64)
        elif some is None:
            _read_all(source, rows, dim)
        else:
            read_rows(source, some, rows)
        sample = before = None
        if met is not None:
            sample = sample_of(met)
            if touched is not None and marks is not None:
                sample = sample.among(marks)
            before = take_rows(rows, sample.rows, dim)
        return cls(name, rows, dim, len(rows) if some is None else len(some), touched, sample, before)

    @property
    def changed(self) -> int:
        """How many rows are written: a number, or `ALL_ROWS`."""
        return ALL_ROWS if self.touched is None else len(self.touched)

    @property
    def bytes_written(self) -> int:
        """Bytes of weights that are written."""
        return 4 * self.dim * (len(self.rows) if self.touched is None else len(self.touched))

    def moment_change(self) -> Moments:
        """How much its second moment has changed, (D + 1, D)."""
        assert self.sample is not None and self.before is not None  # noqa: PT018
        return self.sample.change(self.before, self.rows)

    def write(self, directory: Directory, file: str, spare: Directory | None) -> str:
        """Write all rows or those touched; see `matrix_files.write_matrix`."""
        if self.touched is None:
            return write_matrix(directory, file, len(self.rows), self.dim, batches_of(self.rows, self.dim), spare)
        batches: Iterator[Matrix] = batches_of_rows(self.rows, self.touched, self.dim)
        numbers = self.touched.astype(np.int32)
        return write_matrix(directory, file, len(numbers), self.dim, batches, spare, numbers)


@lru_cache(maxsize=4)
def sample_of(met: UpdateStatistics) -> MomentSample:
    """The rows by which the moment of the matrix is taken that an update of the other one meets."""
    return MomentSample.build(met.partner_counts)


def _read_all(source: MatrixReader, matrix: Matrix, dim: int) -> None:
    step = rows_at_a_time(source)
    for start in range(0, len(source), step):
        batch = source[start : start + step]
        for first in range(0, len(batch), BLOCK_ROWS):
            rows = matrix[start + first : start + min(first + BLOCK_ROWS, len(batch))]
            rows[:, :dim] = batch[first : first + BLOCK_ROWS]
