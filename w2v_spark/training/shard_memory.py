"""The memory that a process has for weights, which it keeps from round to round: fresh pages cost as much as filling.

Where one process trains all shards of a run, each in a thread, the memory of a shard also keeps what is in it: the
merge takes the rows from there, and leaves the merged ones there for the next round. Nothing depends on that. Whoever
finds another content than it needs, as a process that takes the place of one that was killed, reads the weights from
their files, and trains a shard once more if it has to, which gives the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.training.matrix_files import Matrix, WeightFiles
from w2v_spark.training.weights import WeightShape

IN_MEMORY: Final = "in memory"
"""In the place of a checksum: there is no such file."""

Content = frozenset[tuple[str, str]]
"""Which weights: the names and the checksums of their files."""


def content_of(files: WeightFiles) -> Content:
    """What some files hold."""
    return frozenset((part.file, part.checksum) for parts in files.values() for part in parts)


@dataclass(frozen=True, slots=True, eq=False)
class RowsInMemory:
    """A matrix of a shard's memory without its padding, to be read like one in a file."""

    matrix: Matrix
    dim: int

    def __len__(self) -> int:
        return len(self.matrix)

    def __getitem__(self, rows: slice, /) -> Matrix:
        """A view of consecutive rows, (rows, D), which do not lie one behind the other."""
        return self.matrix[rows, : self.dim]


@dataclass(slots=True, eq=False)
class ShardMemory:
    """The weights of a shard, for one who works on them at a time.

    Attributes
    ----------
    matrices : tuple of (rows, D padded) float32
        The input and the output matrix.
    holds : Content, optional
        The weights that they are, all rows; None if that is not known.
    trained : str
        What has made them what they are, if that is training: the run and the round.
    """

    matrices: tuple[Matrix, Matrix]
    holds: Content | None = None
    trained: str = ""

    def let_go(self) -> None:
        """Know nothing of what is there, which is about to be changed."""
        self.holds, self.trained = None, ""

    def rows(self, dim: int) -> tuple[RowsInMemory, RowsInMemory]:
        """Both matrices for the merge."""
        inputs, outputs = self.matrices
        return RowsInMemory(inputs, dim), RowsInMemory(outputs, dim)


@lru_cache(maxsize=1)
def memory_for_each(shards: int, sizes: tuple[tuple[str, int], ...], dim: int) -> tuple[ShardMemory, ...]:
    """The memory of so many shards, that of the last call if it had the same arguments.

    Parameters
    ----------
    sizes : tuple of (str, int)
        See `WeightShape.rows`.
    """
    return tuple(
        ShardMemory((aligned_zeros(sizes[0][1], padded(dim)), aligned_zeros(sizes[1][1], padded(dim))))
        for _ in range(shards)
    )


def memory_of(shape: WeightShape, shards: int = 1) -> tuple[ShardMemory, ...]:
    """The process's memory for weights of a shape, for each of so many shards."""
    return memory_for_each(shards, tuple(shape.rows.items()), shape.dim)


def forget_memory() -> None:
    """Let the process have no memory for weights any more, and whoever asks for some a new one."""
    memory_for_each.cache_clear()
