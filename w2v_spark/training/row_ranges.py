"""Which rows are merged together, and by whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from w2v_spark.training.weights import WeightShape

CHUNK_ROWS: Final = 2048  # merged at a time; part of the result, since what has barely moved is left out by the chunk
RANGE_BYTES: Final = 32 << 20  # of a range, at most
_FEWEST_RANGES: Final = 8  # of a matrix that has as many chunks, so that tasks can share them evenly


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows ``start <= row < stop`` of matrix 0, the input, or 1, the output matrix."""

    matrix: int
    start: int
    stop: int

    @property
    def chunks(self) -> Iterator[slice]:
        """The rows that are merged at a time."""
        for start in range(self.start, self.stop, CHUNK_ROWS):
            yield slice(start, min(start + CHUNK_ROWS, self.stop))


def plan_row_ranges(shape: WeightShape) -> list[RowRange]:
    """The ranges of both matrices, of about equal size, in order; they depend on nothing but the shape."""
    return [
        row_range
        for matrix, rows in enumerate(shape.rows.values())
        for row_range in cut_matrix(matrix, rows, shape.dim)
    ]


def cut_matrix(matrix: int, rows: int, dim: int) -> list[RowRange]:
    """The ranges of one matrix: whole chunks, but for the last rows; none where it has no rows."""
    if not rows:
        return []
    number = max(-(-4 * dim * rows // RANGE_BYTES), _FEWEST_RANGES)
    step = -(-rows // (number * CHUNK_ROWS)) * CHUNK_ROWS
    return [RowRange(matrix, start, min(start + step, rows)) for start in range(0, rows, step)]


def deal_row_ranges(row_ranges: Sequence[RowRange], tasks: int) -> list[list[int]]:
    """The numbers of the row ranges that each of some tasks merges.

    Frequent words, whose ranges take longest, come first in both matrices, so the second is dealt from its end.
    """
    numbers = [n for n, row_range in enumerate(row_ranges) if row_range.matrix == 0]
    numbers += [n for n, row_range in reversed(list(enumerate(row_ranges))) if row_range.matrix == 1]
    return [numbers[task::tasks] for task in range(tasks)]
