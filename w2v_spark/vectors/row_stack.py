"""A matrix in pieces of consecutive rows, which stay where they are: in memory or in mapped files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix

Ids = npt.NDArray[np.integer[Any]]
"""Rows by their numbers, which are the ids of the table: the ranks of their words, from 0."""

BATCH_BYTES = 1 << 22  # of a batch: small enough for a processor's cache, large enough for a matrix product


class Guard(Protocol):
    """Looks at rows of a piece when they are first touched."""

    def touch(self, start: int, stop: int) -> None:
        """The rows from ``start`` to ``stop`` are about to be used."""

    def touch_rows(self, rows: Ids) -> None:
        """These rows are."""


class RowStack:
    """Pieces of one read-only matrix, one below the other.

    Parameters
    ----------
    pieces : sequence of float32, (rows, D)
        At least one. None is copied; a piece need not be aligned in memory, as those in a mapped file are not.
    guards : sequence of Guard, optional
        One a piece: looks at rows before they are given out, and raises if they are damaged.

    Raises
    ------
    InputError
        There is no piece, or one is not two-dimensional or as wide as the first.
    """

    def __init__(self, pieces: Sequence[Matrix], guards: Sequence[Guard] | None = None) -> None:
        shapes = [piece.shape for piece in pieces]
        if not shapes or any(len(shape) != 2 or shape[1] != shapes[0][-1] for shape in shapes):
            raise InputError(f"pieces of shapes {shapes} make no matrix: expected (rows, D), the same D in each")
        self._pieces = [_read_only(piece) for piece in pieces]
        self._guards = guards
        self._starts: Ids = np.cumsum([0, *(len(piece) for piece in pieces)], dtype=np.intp)
        self.shape = int(self._starts[-1]), int(shapes[0][1])

    def __len__(self) -> int:
        return self.shape[0]

    def __reduce__(self) -> tuple[type[RowStack], tuple[list[Matrix]]]:
        """For pickle and copies: all rows in memory, wherever they lie now."""
        return RowStack, ([self.to_matrix()],)

    def row(self, row: int) -> Matrix:
        """One row, (D,) float32, read-only: a view, or a copy where the piece is not aligned."""
        piece = int(np.searchsorted(self._starts, row, side="right")) - 1
        place = row - int(self._starts[piece])
        if self._guards is not None:
            self._guards[piece].touch(place, place + 1)
        return _aligned(self._pieces[piece][place])

    def take(self, rows: npt.ArrayLike) -> Matrix:
        """Some rows, each from 0 to V - 1, as a copy: (n, D) float32. Touches those rows only."""
        wanted = np.asarray(rows, dtype=np.intp)
        taken: Matrix = np.empty((len(wanted), self.shape[1]), dtype=np.float32)
        places = np.searchsorted(self._starts, wanted, side="right") - 1
        for place in np.unique(places):
            here = places == place
            inside = wanted[here] - self._starts[place]
            if self._guards is not None:
                self._guards[place].touch_rows(inside)
            taken[here] = self._pieces[place][inside]
        return taken

    def batches(self, stop: int | None = None) -> Iterator[tuple[slice, Matrix]]:
        """The first ``stop`` rows, or all, in batches of about 4 MiB.

        Yields
        ------
        slice
            Which rows.
        float32, (rows, D), aligned and C-contiguous
            A view, or where the piece is not aligned a copy, which lasts until the next batch is asked for.
        """
        end = len(self) if stop is None else min(stop, len(self))
        step = max(1, BATCH_BYTES // (4 * max(1, self.shape[1])))
        copy: Matrix | None = None  # one for all batches: fresh memory for each would take longer than copying into it
        for number, (first, piece) in enumerate(zip(self._starts.tolist(), self._pieces, strict=False)):
            for start in range(first, min(first + len(piece), end), step):
                place = slice(start, min(start + step, first + len(piece), end))
                if self._guards is not None:
                    self._guards[number].touch(place.start - first, place.stop - first)
                batch = piece[place.start - first : place.stop - first]
                if not batch.flags.aligned:
                    copy = np.empty((step, self.shape[1]), dtype=np.float32) if copy is None else copy
                    copy[: len(batch)] = batch
                    batch = copy[: len(batch)]
                yield place, batch

    def lengths(self) -> npt.NDArray[np.float32]:
        """Length of every row, (V,) float32, and 1 for a zero row."""
        norms: npt.NDArray[np.float32] = np.empty(len(self), dtype=np.float32)
        for place, batch in self.batches():
            norms[place] = lengths(batch)
        return norms

    def to_matrix(self) -> Matrix:
        """The whole, (V, D), read-only: the one piece there is if it is aligned, else a copy of all."""
        for guard, piece in zip(self._guards or [], self._pieces, strict=False):
            guard.touch(0, len(piece))
        if len(self._pieces) == 1:
            return _aligned(self._pieces[0])
        return _read_only(np.concatenate(self._pieces))


def _read_only(matrix: Matrix) -> Matrix:
    view = matrix.view()
    view.flags.writeable = False
    return view


def _aligned(matrix: Matrix) -> Matrix:
    """The matrix where it is, or a read-only copy if a processor or a library might not read it there."""
    return matrix if matrix.flags.aligned else _read_only(matrix.copy())


def lengths(matrix: Matrix) -> npt.NDArray[np.float32]:
    """Length of every row, (n,) float32, and 1 for a zero row."""
    norms: npt.NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    norms[norms == 0] = 1
    return norms
