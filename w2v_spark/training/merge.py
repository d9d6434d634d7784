"""From the weights of P shards to one: the mean, and its curvature correction.

Shards in turn would each start from where the one before stopped: ``E d_1 + d_2`` for two shards, with d the
displacements and E what a shard's updates leave of an earlier displacement ("The noise" in
docs/design/distributed-training.md). The mean of the displacements, which is what the merge has, falls short of that in
two ways, and the correction makes up for both: the way is too short, so the mean is stretched, and there is less noise
in it, so some is added from the rows of one shard each.

The weights are merged in ranges of rows, each from the rows before the round and the same rows of all shards, so
nothing of size P x V x D is ever in memory, and ranges can be worked on by any number of machines. Between the ranges
passes only what the correction needs of the other matrix: its second moment, D x D.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import DivergedError, StoreError
from w2v_spark.kernels.merge import add_changes, add_displacement
from w2v_spark.kernels.simd import LANES
from w2v_spark.storage import Directory
from w2v_spark.training.changed_rows import ChangedFile, ChangedRows, ShardFiles, open_changed
from w2v_spark.training.correction import Correction, second_moment
from w2v_spark.training.matrix_files import Matrix, MatrixReader, open_matrix, write_matrix
from w2v_spark.training.row_ranges import RowRange
from w2v_spark.training.shard_memory import RowsInMemory
from w2v_spark.training.update_statistics import BothStatistics
from w2v_spark.training.weights import WeightShape

_CHUNKS_AT_A_TIME: Final = 2  # whose steps are added up together: of many shards, each has few rows in a chunk

ShardRows = MatrixReader | ChangedRows
"""A matrix as a shard has left it: all of its rows, in a file or in memory, or those that have changed."""


def open_shard(directory: Directory, shape: WeightShape, files: ShardFiles) -> tuple[ShardRows, ShardRows]:
    """The input and the output matrix as a shard has left them. Raises `StoreError` as `weights.open_matrices`."""
    opened: list[ShardRows] = []
    for name, rows in shape.rows.items():
        (file,) = files[name]
        if (file.whole if isinstance(file, ChangedFile) else file.rows) != rows:
            raise StoreError(f"{directory.uri}/{file.file} is no part of weights of {shape}")
        if isinstance(file, ChangedFile):
            opened.append(open_changed(directory, file, shape.dim))
        else:
            opened.append(open_matrix(directory, file.file, file.rows, shape.dim, file.checksum))
    return opened[0], opened[1]


def displacements(
    before: MatrixReader, shards: Sequence[ShardRows], rows: slice, round_number: int
) -> tuple[Matrix, Matrix]:
    """What the shards added to some rows: the mean step, and a sample, the step of one shard for each row.

    The sum is taken in shard order. Row r of the sample is that of shard ``(r + round_number) % P``, so over the rounds
    it comes from every shard. Both are (rows, D) float32.
    """
    start = before[rows]
    total, sample = np.zeros_like(start), np.zeros_like(start)
    for p, shard in enumerate(shards):
        first = (p - rows.start - round_number) % len(shards)
        if isinstance(shard, ChangedRows):
            add_changes(start, *shard.within(rows), total, sample, first, len(shards))
        else:
            add_displacement(start, np.ascontiguousarray(shard[rows]), total, sample, first, len(shards))
    total *= np.float32(1 / len(shards))
    return total, sample


def merge_row_range(
    row_range: RowRange,
    before: MatrixReader,
    shards: Sequence[ShardRows],
    statistics: BothStatistics,
    correction: Correction | None,
    round_number: int,
    directory: Directory,
    file: str,
    spare: Directory | None = None,
) -> tuple[Matrix, str]:
    """Merge a range of rows and write it.

    Parameters
    ----------
    before : the range's matrix, (rows, D) float32
        The weights that the round started from.
    shards : the same matrix of each shard that trained, in shard order, or the rows of it that have changed
        None leaves the weights as they were; those of a single shard are taken to the bit. What is in memory becomes
        the new rows.
    statistics : of the input and of the output matrix
    correction : of the range's matrix, or None for the plain mean
    round_number : see `displacements`
    directory, file, spare : see `write_matrix`

    Returns
    -------
    The `second_moment` of the new rows, for the next round, as float32; and the checksum of the file.

    Raises
    ------
    DivergedError
        A weight is NaN or infinite.
    StoreError
        Rows are not those that were written.

    Notes
    -----
    Memory: a dozen chunks of 2,048 rows. Time: up to ``4 D^2`` multiplications a row, most rows far less.
    """
    rows, dim = row_range.stop - row_range.start, before[row_range.start : row_range.start + 1].shape[1]
    moments = np.zeros((dim + 1, dim))
    partner_counts, updates = statistics[1 - row_range.matrix].partner_counts, statistics[row_range.matrix].updates

    def new_rows() -> Iterator[Matrix]:
        nonlocal moments
        merge, chunks = _Merge(before, shards, updates, correction, round_number), list(row_range.chunks)
        for chunk, new in zip(chunks, merge.new_rows(chunks), strict=True):
            moment = second_moment(new, partner_counts[chunk])
            if not np.isfinite(moment).all():
                raise DivergedError(f"weights became NaN or infinite in rows {chunk.start} to {chunk.stop - 1}")
            moments = moments + moment
            yield new

    with np.errstate(over="ignore", invalid="ignore"):
        found = write_matrix(directory, file, rows, dim, new_rows(), spare)
    return moments.astype(np.float32), found


@dataclass(frozen=True, slots=True, eq=False)
class _Merge:
    """How the rows of one matrix are merged; see `merge_row_range`. ``updates`` are those of all of its rows."""

    before: MatrixReader
    shards: Sequence[ShardRows]
    updates: npt.NDArray[np.float64]
    correction: Correction | None
    round_number: int

    def new_rows(self, chunks: Sequence[slice]) -> Iterator[Matrix]:
        """Those of consecutive chunks, one after another."""
        before, shards, correction = self.before, self.shards, self.correction
        whole = [shard for shard in shards if not isinstance(shard, ChangedRows)]
        if len(shards) < 2:  # nothing to average
            last = shards[0] if shards else before
            yield from (last.over(before[c], c) if isinstance(last, ChangedRows) else last[c] for c in chunks)
        elif correction is not None and len(whole) == len(shards) and correction.dim >= LANES:
            in_memory = isinstance(shards[0], RowsInMemory)
            for rows in chunks:
                parts, turn = [shard[rows] for shard in whole], rows.start + self.round_number
                yield correction.merge(before[rows], parts, turn, self.updates[rows], written=in_memory)
        else:
            for first in range(0, len(chunks), _CHUNKS_AT_A_TIME):
                yield from self._by_steps(chunks[first : first + _CHUNKS_AT_A_TIME])

    def _by_steps(self, chunks: Sequence[slice]) -> Iterator[Matrix]:
        """The same by steps that are added up for all of the chunks, shard by shard."""
        rows = slice(chunks[0].start, chunks[-1].stop)
        start = self.before[rows]
        mean_step, sample = displacements(self.before, self.shards, rows, self.round_number)
        for chunk in chunks:
            part = slice(chunk.start - rows.start, chunk.stop - rows.start)
            if self.correction is None:
                new = mean_step[part] + start[part]
            else:
                new = self.correction.apply(start[part], mean_step[part], sample[part], self.updates[chunk])
            for shard in self.shards:
                if isinstance(shard, RowsInMemory):
                    shard[chunk][:] = new
            yield new
