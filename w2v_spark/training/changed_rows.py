"""Some rows of a matrix: those that a shard needs for its slice of the text, and those that it has changed.

A slice of the text touches few rows where there are many shards and many words. A shard then reads no others and hands
on no others, in a file that has their numbers behind them; the merge takes what is not there for unchanged. That gives
the same bits as whole matrices, so whether it is done is decided by what it saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import StoreError
from w2v_spark.kernels.touched import gather_rows, scatter_rows
from w2v_spark.storage import Directory
from w2v_spark.training.file_rows import FileRows, rows_at_a_time
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixFile, MatrixReader, WeightFile, open_with_numbers

RowNumbers = npt.NDArray[np.int64]
FEW: Final = 0.75  # of the rows: with more of them, whole matrices cost as little


class ChangedFile(NamedTuple):
    """A file of changed rows, as lists of files have it.

    Attributes
    ----------
    file : str
    rows : int
        That have changed.
    checksum : str
    whole : int
        Rows of the matrix.
    """

    file: str
    rows: int
    checksum: str
    whole: int


# The one file of each matrix by its name that a shard has written.
ShardFiles = dict[str, list[WeightFile] | list[ChangedFile]]


def shard_files(value: Any) -> ShardFiles:
    """What `matrix_files.weight_files` does, for the files of a shard."""
    found: ShardFiles = {}
    for name, parts in value.items():
        ((file, rows, checksum, *whole),) = parts
        if "/" in str(file):
            raise ValueError(f"{file!r} is not the name of a file of weights")
        plain = str(file), int(rows), str(checksum)
        found[str(name)] = [ChangedFile(*plain, int(whole[0]))] if whole else [WeightFile(*plain)]
    return found


@dataclass(slots=True, eq=False)
class ChangedRows:
    """The rows of a matrix that a shard has changed.

    Attributes
    ----------
    numbers : (n,) int64
        Of these rows, rising.
    rows : MatrixFile
        (n, D) float32.
    whole : int
        Rows of the matrix.
    """

    numbers: RowNumbers
    rows: MatrixFile
    whole: int
    _held: tuple[int, Matrix] | None = field(default=None, init=False)

    def __len__(self) -> int:
        return self.whole

    def within(self, rows: slice) -> tuple[RowNumbers, Matrix]:
        """Those of a range, (m, D), and how far each is from the range's first row. Ranges are asked for in order."""
        first, last = self.numbers.searchsorted((rows.start, rows.stop)).tolist()
        return self.numbers[first:last] - rows.start, self._read(first, last)

    def over(self, before: Matrix, rows: slice) -> Matrix:
        """A range of the matrix, (rows, D), of which ``before`` is what it was."""
        places, changed = self.within(rows)
        new = before.copy()
        new[places] = changed
        return new

    def _read(self, first: int, last: int) -> Matrix:
        """Some of the rows. Where they are not mapped, a whole block is held for whoever asks for its next rows."""
        if self.rows.mapped is not None:
            return self.rows[first:last]
        start, held = self._held or (0, np.empty((0, self.rows.dim), np.float32))
        if not start <= first <= last <= start + len(held):
            start, end = first // BLOCK_ROWS * BLOCK_ROWS, -(-last // BLOCK_ROWS) * BLOCK_ROWS
            held = self.rows[start:end]
            self._held = start, held
        return held[first - start : last - start]


def open_changed(directory: Directory, file: ChangedFile, dim: int) -> ChangedRows:
    """What a shard has changed. Raises `StoreError` as `matrix_files.open_matrix`."""
    rows, numbers = open_with_numbers(directory, file.file, file.rows, dim, file.rows, file.checksum)
    if file.rows and not 0 <= numbers[0] <= numbers[-1] < file.whole:
        raise StoreError(f"{directory.uri}/{file.file} has rows beyond the {file.whole} of its matrix")
    return ChangedRows(numbers.astype(np.int64), rows, file.whole)


def few_of(marks: npt.NDArray[np.uint8]) -> RowNumbers | None:
    """The numbers of the marked rows; None where they are so many that all may as well be taken."""
    numbers = np.flatnonzero(marks)
    return numbers if len(numbers) <= FEW * len(marks) else None


def read_rows(source: MatrixReader, numbers: RowNumbers, matrix: Matrix) -> None:
    """Read some rows of a matrix to their places in memory, and nothing that lies in no block with any of them.

    Parameters
    ----------
    source : (rows, D) float32
    numbers : (n,) int64
        Rising.
    matrix : (rows, D padded) float32
        Other rows stay as they are.
    """
    if isinstance(source, FileRows):
        for part, first, end in zip(source.parts, source.starts, source.starts[1:], strict=False):
            begin, last = np.searchsorted(numbers, [first, end])
            read_rows(part, numbers[begin:last] - first, matrix[first:end])
        return
    if isinstance(source, MatrixFile) and (rows := source.verified(numbers)) is not None:
        scatter_rows(rows, numbers, matrix)
        return
    most = max(rows_at_a_time(source) // BLOCK_ROWS, 1)
    blocks = numbers // BLOCK_ROWS
    for first, end in _stretches(blocks[np.diff(blocks, prepend=-1) > 0], most):
        start, stop = first * BLOCK_ROWS, min(end * BLOCK_ROWS, len(source))
        begin, last = np.searchsorted(numbers, [start, stop])
        batch = np.ascontiguousarray(source[start:stop])
        batch.flags.writeable = False  # one signature to compile, mapped or not
        scatter_rows(batch, numbers[begin:last] - start, matrix[start:stop])


def _stretches(blocks: RowNumbers, most: int) -> Iterator[tuple[int, int]]:
    """Consecutive blocks, at most so many: the first and the end of each stretch."""
    first = end = -1
    for block in blocks.tolist():
        if block != end or end - first == most:
            if end > first:
                yield first, end
            first = block
        end = block + 1
    if end > first:
        yield first, end


def take_rows(matrix: Matrix, numbers: RowNumbers, dim: int) -> Matrix:
    """A copy of some rows of a matrix in memory, (n, D) float32."""
    taken = np.empty((len(numbers), dim), np.float32)
    gather_rows(matrix, numbers, taken)
    return taken


def batches_of_rows(matrix: Matrix, numbers: RowNumbers, dim: int) -> Iterator[Matrix]:
    """Batches of some rows of a padded matrix without their padding."""
    for start in range(0, len(numbers), BLOCK_ROWS):
        yield take_rows(matrix, numbers[start : start + BLOCK_ROWS], dim)
